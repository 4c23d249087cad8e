//! Owns what is worth drawing: three or more comparable numbers, of groups or of single things, most first.
//! Never a bar without its metric.
//! Next: the writer draws them.

use contract::documents::{Chart, Metric};

use crate::metrics::Figures;

const CHARTS_MAX: usize = 4;
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
        // Bars of one length show nothing.
        let differ = figures.groups.iter().any(|metric| metric.value != figures.groups[0].value);
        (BARS.contains(&bars.len()) && differ).then(|| Chart { title, unit: sheet.unit(figures.of.column), bars })
    };
    figures.iter().filter_map(chart).take(CHARTS_MAX).collect()
}
