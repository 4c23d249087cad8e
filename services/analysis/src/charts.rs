//! Owns what is worth drawing: three or more comparable numbers, of groups or of single things, most first.
//! Never a bar without its metric.
//! Next: the writer draws them.

use std::collections::BTreeSet;

use contract::documents::{Chart, Metric};

use crate::metrics::Figures;

const CHARTS_MAX: usize = 4;
/// A bar this much longer than the middle one hides the others.
const DWARFS: f64 = 20.0;
const BARS: std::ops::RangeInclusive<usize> = 3..=12;

pub(crate) fn charts(figures: &[Figures<'_>], metrics: &[Metric]) -> Vec<Chart> {
    let known = |metric: &&Metric| metrics.iter().any(|other| other.id == metric.id);
    let chart = |figures: &Figures<'_>| {
        let sheet = figures.of.sheet;
        let grouping = figures.of.grouping.as_ref()?;
        let column = &sheet.table.columns[grouping.column].name;
        let bars: Vec<_> = figures
            .groups
            .iter()
            .filter(known)
            .filter_map(|metric| Some((metric.group.get(column)?.clone(), metric.id.clone())))
            .collect();
        let when = figures.of.on.as_ref().map(|(_, day)| format!(", {day}")).unwrap_or_default();
        let spoken = sheet.spoken(figures.of.column);
        let what = if grouping.one_each { crate::told::capital(&spoken) } else { format!("Median {spoken}") };
        let title = format!("{what} by {}{when} ({})", column.replace('_', " "), sheet.name);
        (BARS.contains(&bars.len()) && can_be_seen(&figures.groups)).then(|| Chart {
            title,
            unit: sheet.unit(figures.of.column),
            bars,
        })
    };
    let mut drawn: Vec<Chart> = vec![];
    for chart in figures.iter().filter_map(chart) {
        let measure =
            |title: &str| title.split(" by ").next().unwrap_or(title).trim_start_matches("Median ").to_lowercase();
        let labels =
            |chart: &Chart| -> BTreeSet<String> { chart.bars.iter().map(|(label, _)| label.clone()).collect() };
        // The same measure of the same things, out of another table: one picture is enough.
        let again = |other: &Chart| {
            measure(&other.title) == measure(&chart.title)
                && other.unit == chart.unit
                && labels(other) == labels(&chart)
        };
        if drawn.len() < CHARTS_MAX && !drawn.iter().any(again) {
            drawn.push(chart);
        }
    }
    drawn
}

/// Bars of one length show nothing, and beside one that is many times as long as the others nobody sees those.
fn can_be_seen(bars: &[Metric]) -> bool {
    let mut lengths: Vec<f64> = bars.iter().map(|metric| metric.value.abs()).collect();
    lengths.sort_by(f64::total_cmp);
    let (Some(last), Some(middle)) = (lengths.last(), lengths.get(lengths.len() / 2)) else { return false };
    let differ = bars.iter().any(|metric| metric.value != bars[0].value);
    differ && *last <= DWARFS * middle
}
