//! Owns the files beside a report: each table of numbers and each table of a source as CSV, each chart as SVG.
//! Never a cell that a spreadsheet takes for a formula; numbers are exact and without separators.
//! Next: `handler` stores them, the report names them.

use std::collections::BTreeSet;

use contract::Digest;
use contract::documents::{Analysed, Metric, Table};

use crate::report::{Attached, Report};
use crate::{bounds, chart, escape, offline};

pub const CSV_MEDIATYPE: &str = "text/csv; charset=utf-8";

const STEM_CHARS_MAX: usize = 40;

/// A file's bytes, and what the report says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub about: Attached,
    pub bytes: Vec<u8>,
}

/// All of them, in the order in which the report names them.
pub fn of(report: &Report, analysed: &Analysed) -> Result<Vec<Made>, String> {
    let mut made = vec![];
    for drawn in &report.charts {
        let about = format!("the chart “{}”", drawn.title);
        made.push(file(drawn.file.clone(), about, chart::MEDIATYPE, chart::file(drawn)?.into_bytes()));
    }
    let mut known = BTreeSet::new();
    for (at, (id, metrics)) in offline::by_table(analysed).into_iter().take(bounds::TABLES_MAX).enumerate() {
        let table = analysed.tables.iter().find(|table| table.id == *id);
        let stem = stem(table, analysed, at + 1, &mut known);
        let title = table.map_or_else(|| id.to_string(), |table| escape::plain(&table.title));
        let bytes = computed(&metrics).map_err(|why| why.to_string())?;
        made.push(file(
            format!("numbers-{stem}.csv"),
            format!("what was computed from “{title}”"),
            CSV_MEDIATYPE,
            bytes,
        ));
        if let Some(table) = table {
            let bytes = rows(table).map_err(|why| why.to_string())?;
            let rest = table.rows.len().saturating_sub(bounds::CSV_ROWS_MAX);
            let cut = if rest > 0 { format!(", without its last {rest} rows") } else { String::new() };
            made.push(file(format!("table-{stem}.csv"), format!("the table “{title}”{cut}"), CSV_MEDIATYPE, bytes));
        }
    }
    Ok(made)
}

/// What a table's files are called by: its source's own name where that makes a file name everywhere, or its number.
fn stem(table: Option<&Table>, analysed: &Analysed, number: usize, known: &mut BTreeSet<String>) -> String {
    let source = table.and_then(|table| analysed.sources.iter().find(|source| source.id == table.source));
    let address = source.map(|source| source.address.as_str()).unwrap_or_default();
    let last = address.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').rsplit(['/', '\\']).next();
    let bare = last.unwrap_or_default().rsplit_once('.').map_or(last.unwrap_or_default(), |(bare, _)| bare);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: String = bare.chars().map(plain).take(STEM_CHARS_MAX).collect();
    let words = words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let stem = if words.is_empty() { number.to_string() } else { words };
    let stem = if known.contains(&stem) { format!("{stem}-{number}") } else { stem };
    known.insert(stem.clone());
    stem
}

fn file(name: String, about: String, mediatype: &str, bytes: Vec<u8>) -> Made {
    let (sha256, length) = (Digest::of(&bytes), bytes.len() as u64);
    Made { about: Attached { name, about, mediatype: mediatype.into(), bytes: length, sha256 }, bytes }
}

fn computed(metrics: &[&Metric]) -> csv::Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(vec![]);
    out.write_record(["id", "label", "statistic", "column", "group", "value", "unit", "computed_from", "evidence"])?;
    for metric in metrics.iter().take(bounds::CSV_ROWS_MAX) {
        let statistic = serde_json::to_value(metric.statistic).unwrap_or_default();
        let evidence: Vec<&str> = metric.evidence.iter().map(|id| id.0.as_str()).collect();
        let cells = [
            metric.id.0.as_str(),
            &metric.label,
            statistic.as_str().unwrap_or_default(),
            &metric.column,
            &offline::group(metric),
            &metric.value.to_string(),
            metric.unit.as_deref().unwrap_or_default(),
            &metric.of.to_string(),
            &evidence.join(" "),
        ];
        out.write_record(cells.map(harmless))?;
    }
    out.into_inner().map_err(|why| why.into_error().into())
}

/// The table as its source has it, cell by cell.
fn rows(table: &Table) -> csv::Result<Vec<u8>> {
    let mut out = csv::WriterBuilder::new().flexible(true).from_writer(vec![]);
    out.write_record(table.columns.iter().map(|column| harmless(&column.name)))?;
    for row in table.rows.iter().take(bounds::CSV_ROWS_MAX) {
        out.write_record(row.iter().map(|cell| harmless(&cell.text)))?;
    }
    out.into_inner().map_err(|why| why.into_error().into())
}

/// A spreadsheet runs what begins with one of these signs, after white space too: an apostrophe makes text of it.
fn harmless(cell: &str) -> String {
    let shown = escape::visible(cell);
    let start = shown.trim_start().chars().next();
    let signs = start.is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r'));
    let is_number = shown.parse::<f64>().is_ok_and(f64::is_finite);
    if signs && !is_number { format!("'{shown}") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for formula in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", " =HYPERLINK(\"x\")", "\t=1", "-inf"] {
            assert!(harmless(formula).starts_with('\''), "{formula}");
        }
        for number in ["-12.5", "+3", "1e6", "49", "$49", "−3 %", "plain"] {
            assert_eq!(harmless(number), number);
        }
    }
}
