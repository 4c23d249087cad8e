//! Owns which columns are worth computing, and over which of their rows: money first, then what the goal speaks of.
//! Never mixes periods: where the same things stand again at every date, the level is that of the last one.
//! Next: `metrics` makes numbers with ids of each, in this order.

use std::collections::BTreeMap;

use contract::documents::ColumnKind;

use crate::sheet::{Periods, Sheet};
use crate::sums::{Summary, separation};
use crate::words::{self, Stems};

/// Columns that a reader can follow.
const COLUMNS_MAX: usize = 8;
const OF_ONE_TABLE_MAX: usize = 3;
/// What counts rows rather than saying something of them.
const COUNTERS: &[&str] =
    &["id", "no", "nr", "number", "row", "run", "index", "rank", "score", "year", "zip", "phone", "lat", "lon"];

#[derive(Debug)]
pub(crate) struct Measured<'a> {
    pub(crate) sheet: &'a Sheet<'a>,
    pub(crate) column: usize,
    pub(crate) worth: f64,
    /// Those with a number, of the last period where there are periods.
    pub(crate) rows: Vec<usize>,
    /// The same rows' numbers.
    pub(crate) values: Vec<f64>,
    pub(crate) summary: Summary,
    pub(crate) periods: Option<Periods>,
    /// Of the rows above, where they are those of one period only: date column and day.
    pub(crate) on: Option<(usize, String)>,
    pub(crate) grouping: Option<Grouping>,
}

/// The column that sorts the rows best.
#[derive(Debug)]
pub(crate) struct Grouping {
    pub(crate) column: usize,
    /// How far it explains the numbers: 0 to 1.
    pub(crate) apart: f64,
    /// Every group is a single row.
    pub(crate) one_each: bool,
}

/// The columns to compute, the most telling first.
pub(crate) fn columns<'a>(sheets: &'a [Sheet<'a>], asked: &Stems) -> Vec<Measured<'a>> {
    let all = sheets.iter().flat_map(|sheet| (0..sheet.table.columns.len()).map(move |column| (sheet, column)));
    let mut found: Vec<Measured<'_>> = all.filter_map(|(sheet, column)| measured(sheet, column, asked)).collect();
    found.sort_by(|one, other| other.worth.total_cmp(&one.worth).then_with(|| place(one).cmp(&place(other))));
    let copies: Vec<bool> = found.iter().map(|one| found.iter().any(|other| is_copy(one, other))).collect();
    let mut chosen: Vec<Measured<'_>> = vec![];
    for (one, _) in found.into_iter().zip(copies).filter(|(_, is_copy)| !is_copy) {
        let of_this_table = chosen.iter().filter(|other| other.sheet.table.id == one.sheet.table.id).count();
        if chosen.len() < COLUMNS_MAX && of_this_table < OF_ONE_TABLE_MAX {
            chosen.push(one);
        }
    }
    chosen
}

/// Whether most of its rows stand, by a label and the number, in a larger table: the same things are told once.
fn is_copy(one: &Measured<'_>, other: &Measured<'_>) -> bool {
    let (own, theirs) = (one.sheet, other.sheet);
    let is_like = own.table.id != theirs.table.id && own.unit(one.column) == theirs.unit(other.column);
    if !is_like || one.periods.is_some() || one.rows.len() < 2 || one.rows.len() >= other.rows.len() {
        return false;
    }
    let labels = |sheet: &Sheet<'_>, row: usize| -> Vec<String> {
        sheet.label_columns().into_iter().map(|at| sheet.text(row, at).to_lowercase()).collect()
    };
    let stands = |row: &usize, value: &f64| {
        let named = labels(own, *row);
        let mut there = other.rows.iter().zip(&other.values).filter(|(_, theirs)| *theirs == value);
        there.any(|(row, _)| labels(theirs, *row).iter().any(|label| !label.is_empty() && named.contains(label)))
    };
    let known = one.rows.iter().zip(&one.values).filter(|(row, value)| stands(row, value)).count();
    known * 5 >= one.rows.len() * 3
}

fn place<'a>(measured: &'a Measured<'_>) -> (&'a str, usize) {
    (&measured.sheet.name, measured.column)
}

fn measured<'a>(sheet: &'a Sheet<'a>, column: usize, asked: &Stems) -> Option<Measured<'a>> {
    // Row by row something else: a median of a price per seat and one per gigabyte is nobody's.
    let is_mixed = sheet.unit_column().is_some();
    if !sheet.table.columns[column].is_numeric() || is_mixed || counts_rows(sheet, column) {
        return None;
    }
    let numbers = sheet.numbers(column);
    let periods = sheet.periods();
    let on = match &periods {
        Some(Periods::Panel { date, .. }) => {
            let last = numbers.iter().filter_map(|(row, _)| sheet.day(*row, *date)).max()?;
            Some((*date, last))
        }
        _ => None,
    };
    let of_the_period = |row: usize| match &on {
        Some((date, day)) => sheet.day(row, *date).as_ref() == Some(day),
        None => true,
    };
    let (rows, values): (Vec<usize>, Vec<f64>) = numbers.iter().filter(|(row, _)| of_the_period(*row)).copied().unzip();
    let summary = Summary::of(&values)?;
    let grouping = grouping(sheet, &rows, &values, asked);
    let worth = worth(sheet, column, numbers.len(), asked);
    Some(Measured { sheet, column, worth, rows, values, summary, periods, on, grouping })
}

fn worth(sheet: &Sheet<'_>, column: usize, numbers: usize, asked: &Stems) -> f64 {
    let shared = |text: &str| words::stems(text).intersection(asked).count().min(2) as f64;
    let money = match sheet.table.columns[column].kind {
        ColumnKind::Money { .. } => 1.5,
        _ if sheet.unit(column).is_some() => 0.3,
        _ => 0.0,
    };
    let named = shared(&sheet.table.columns[column].name) + 0.3 * shared(&sheet.table.title);
    // Three rows say little beside a whole table.
    let few = if numbers < 4 { 1.5 } else { 0.0 };
    2.0 * sheet.table.relevance.clamp(0.0, 1.0) + money + named + (numbers as f64).ln().min(4.0) / 2.0 - few
}

/// Numbers that only tell rows apart.
fn counts_rows(sheet: &Sheet<'_>, column: usize) -> bool {
    let name = words::plain(&sheet.table.columns[column].name);
    if name.iter().any(|word| COUNTERS.contains(&word.as_str())) && sheet.unit(column).is_none() {
        return true;
    }
    let numbers = sheet.numbers(column);
    let consecutive = numbers.windows(2).all(|pair| pair[1].1 - pair[0].1 == 1.0);
    numbers.len() > 2 && consecutive && column == 0
}

fn grouping(sheet: &Sheet<'_>, rows: &[usize], values: &[f64], asked: &Stems) -> Option<Grouping> {
    let value: BTreeMap<usize, f64> = rows.iter().copied().zip(values.iter().copied()).collect();
    let candidate = |column: usize| {
        let groups = sheet.groups(column, rows);
        let one_each = groups.values().all(|rows| rows.len() == 1);
        let of =
            |members: &Vec<usize>| -> Vec<f64> { members.iter().filter_map(|row| value.get(row)).copied().collect() };
        let numbers: Vec<Vec<f64>> = groups.values().map(of).filter(|numbers| !numbers.is_empty()).collect();
        let n = numbers.iter().map(Vec::len).sum::<usize>();
        if numbers.len() < 2 {
            return None;
        }
        // By chance alone, many small groups lie apart as well.
        let by_chance = (numbers.len() - 1) as f64 / (n - 1).max(1) as f64;
        let apart =
            if one_each { 0.0 } else { ((separation(&numbers) - by_chance) / (1.0 - by_chance).max(1e-9)).max(0.0) };
        let named = words::stems(&sheet.table.columns[column].name).intersection(asked).count() as f64;
        Some((apart + 0.2 * named.min(1.0), Grouping { column, apart, one_each }))
    };
    let candidates = sheet.category_columns(rows).into_iter().filter_map(candidate);
    let best = candidates.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, grouping)| grouping)
}
