//! Owns small tables that are read rather than computed: what each row says in a column that a question asks for.
//! Never more than a reader takes in at once, and never a cell that the row's own passage does not have.
//! Next: `offline` puts these findings among the computed ones.

use contract::documents::{ColumnKind, DetailedFinding, asked, printed};

use crate::confidence;
use crate::pool::Pool;
use crate::sheet::Sheet;
use crate::support;
use crate::told::capital;
use crate::words;

const ROWS: std::ops::RangeInclusive<usize> = 2..=12;
const CELL_BYTES_MAX: usize = 60;
const LISTS_MAX: usize = 4;
const STATEMENT_BYTES_MAX: usize = 600;

/// Rows read out, each list with the question that it answers.
pub(crate) fn findings(pool: &Pool, sheets: &[Sheet<'_>], goal: &str, questions: &[String]) -> Vec<DetailedFinding> {
    let mut found: Vec<DetailedFinding> = vec![];
    for sheet in sheets.iter().filter(|sheet| ROWS.contains(&sheet.table.rows.len())) {
        for column in 1..sheet.table.columns.len() {
            let name = words::stems(&sheet.table.columns[column].name);
            let is_of_units = sheet.unit_column().is_some_and(|units| units != column);
            let asks = |question: &&String| {
                let stems = words::stems(asked(goal, question));
                let context = words::stems(&sheet.table.title);
                !name.is_disjoint(&stems) || (is_of_units && !context.is_disjoint(&stems))
            };
            let kind = &sheet.table.columns[column].kind;
            let is_read = matches!(kind, ColumnKind::Text | ColumnKind::Date | ColumnKind::Truth) || is_of_units;
            let Some(question) = questions.iter().find(asks).filter(|_| is_read) else { continue };
            if found.len() < LISTS_MAX
                && let Some(finding) = listed(pool, sheet, column, question)
                && found.iter().all(|other| other.statement != finding.statement)
            {
                found.push(finding);
            }
        }
    }
    found
}

fn listed(pool: &Pool, sheet: &Sheet<'_>, column: usize, question: &str) -> Option<DetailedFinding> {
    let units = sheet.unit_column().filter(|units| *units != column);
    if Some(column) == sheet.unit_column() || column == 0 {
        return None;
    }
    let rows: Vec<usize> = (0..sheet.table.rows.len())
        .filter(|row| !sheet.text(*row, 0).is_empty() && !sheet.text(*row, column).is_empty())
        .collect();
    let short = rows.iter().all(|row| sheet.text(*row, column).len() <= CELL_BYTES_MAX);
    let mut names: Vec<&str> = rows.iter().map(|row| sheet.text(*row, 0)).collect();
    names.sort_unstable();
    names.dedup();
    if rows.len() < *ROWS.start() || !short || names.len() < rows.len() {
        return None;
    }
    let unit = sheet.unit(column);
    let told = rows.iter().map(|row| {
        let cell = &sheet.table.rows[*row][column];
        let number = cell.value.as_ref().and_then(|value| value.number());
        let said = number.map_or_else(|| cell.text.trim().to_owned(), |value| printed::amount(value, unit.as_deref()));
        let per = units.map(|units| format!(" per {}", sheet.text(*row, units))).unwrap_or_default();
        let name = sheet.text(*row, 0);
        let bare = name.split(" (").next().unwrap_or(name);
        format!("{bare} {said}{per}")
    });
    let told = told.collect::<Vec<_>>().join("; ");
    let statement = format!("{} ({}): {told}.", capital(&sheet.spoken(column)), sheet.name);
    let supporting: Vec<_> = rows.iter().filter_map(|row| support::of_row(pool, sheet, *row)).collect();
    if supporting.len() < rows.len() || statement.len() > STATEMENT_BYTES_MAX {
        return None;
    }
    let judged = confidence::read(rows.len(), sheet.table.rows.len(), &sheet.name, sheet.date, pool.newest());
    Some(DetailedFinding {
        id: String::new(),
        question: Some(question.to_owned()),
        statement: words::tidied(&statement),
        confidence: judged.confidence,
        reason: judged.reason,
        supporting,
        contradicting: vec![],
        metrics: vec![],
    })
}
