//! Owns how a report shows a number: a metric with its unit, a tick of an axis, a count with its noun.
//! Never the exact value: that stands in the JSON and in the CSV files.
//! Next: `offline` prints metrics with it, `check` takes nothing else for them.

use contract::documents::{Metric, printed as as_printed};

use crate::escape;

/// As a person writes it: `$1,234.50`, `−27 %`, `19`.
pub(crate) fn printed(metric: &Metric) -> String {
    escape::plain(&as_printed::metric(metric))
}

/// Whether this is how the metric is printed: sign, digits and unit, and nothing else.
pub(crate) fn is_printed(text: &str, metric: &Metric) -> bool {
    text == printed(metric)
}

/// A number without a unit, as axes have it.
pub(crate) fn plainly(value: f64) -> String {
    as_printed::decimal(value, as_printed::places(value))
}

/// A count with its noun: `1 row`, `1,204 rows`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", as_printed::decimal(count as f64, 0), if count == 1 { one } else { many })
}
