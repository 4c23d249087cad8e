//! Owns how much a report holds at most, units last, and what of an analysis that leaves.
//! Never silent about the rest: `limits` says how much was left out.
//! Next: `offline` and `files` keep to it.

use contract::documents::{Analysed, Chart, Conflict, DetailedFinding};

pub(crate) const TITLE_BYTES_MAX: usize = 160;
/// Of `report.written`: it travels on in `goal.completed`.
pub(crate) const SUMMARY_BYTES_MAX: usize = 2 * 1024;
pub(crate) const FINDINGS_MAX: usize = 50;
/// Of one statement, on each side.
pub(crate) const CITATIONS_MAX: usize = 6;
pub(crate) const CONFLICTS_MAX: usize = 20;
pub(crate) const SIDES_MAX: usize = 6;
pub(crate) const CHARTS_MAX: usize = 4;
pub(crate) const BARS_MAX: usize = 24;
pub(crate) const TABLES_MAX: usize = 10;
/// Of one table of numbers; its CSV file has them all.
pub(crate) const NUMBER_ROWS_MAX: usize = 40;
pub(crate) const CSV_ROWS_MAX: usize = 10_000;
/// Of each kind of limit.
pub(crate) const LIMITS_MAX: usize = 30;
pub(crate) const LOOKED_AT_MAX: usize = 50;
/// A quote that is shown within the text; its reference has it whole.
pub(crate) const SHOWN_QUOTE_BYTES_MAX: usize = 280;
pub(crate) const SHOWN_QUOTES_MAX: usize = 2;
/// Neighbouring rows that are quoted together.
pub(crate) const ROWS_QUOTE_BYTES_MAX: usize = 4 * 1024;
/// Places of one table that are quoted.
pub(crate) const ROWS_QUOTES_MAX: usize = 3;

pub(crate) fn first<T>(all: &[T], most: usize) -> &[T] {
    &all[..all.len().min(most)]
}

pub(crate) fn findings(analysed: &Analysed) -> &[DetailedFinding] {
    first(&analysed.findings, FINDINGS_MAX)
}

pub(crate) fn conflicts(analysed: &Analysed) -> &[Conflict] {
    first(&analysed.conflicts, CONFLICTS_MAX)
}

pub(crate) fn charts(analysed: &Analysed) -> &[Chart] {
    first(&analysed.charts, CHARTS_MAX)
}
