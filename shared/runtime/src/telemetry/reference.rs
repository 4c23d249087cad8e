//! Owns the tables of `docs/telemetry.md`: what is measured, traced and logged, made from the lists that the code uses.
//! Never prose: the page has that, around the tables.
//! Next: `instruments`, `span` and `logs`, whose lists these are.

use std::fmt::Write as _;

use super::instruments::{INSTRUMENTS, Instrument, InstrumentKind};
use super::logs::{LOG_FIELDS_ALWAYS, LOG_FIELDS_OF_A_DELIVERY};
use super::span::SPAN_ATTRIBUTES;

impl Instrument {
    /// As `/metrics` spells it.
    pub fn prometheus_name(&self) -> String {
        let unit = if self.unit == "s" { "_seconds" } else { "" };
        let total = if self.kind == InstrumentKind::Counter { "_total" } else { "" };
        format!("{}{unit}{total}", prometheus(self.name))
    }
}

fn prometheus(name: &str) -> String {
    name.replace('.', "_")
}

/// Every metric: by OTLP's name, by Prometheus's, its type, unit, labels and meaning.
pub fn metrics_reference() -> String {
    let mut table = String::from("| OTLP | Prometheus | type | unit | labels | meaning |\n|---|---|---|---|---|---|\n");
    for metric in INSTRUMENTS {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let Instrument { name, kind, unit, meaning, .. } = metric;
        let (kind, labels, prometheus) = (kind.as_str(), labels.join(", "), metric.prometheus_name());
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{name}` | `{prometheus}` | {kind} | `{unit}` | {labels} | {meaning} |");
    }
    table
}

/// Every attribute that a span may have.
pub fn spans_reference() -> String {
    two_columns("attribute", SPAN_ATTRIBUTES.iter())
}

/// Every field that a log line has, or has where it is about a delivery.
pub fn logs_reference() -> String {
    two_columns("field", LOG_FIELDS_ALWAYS.iter().chain(LOG_FIELDS_OF_A_DELIVERY))
}

fn two_columns<'a>(what: &str, rows: impl Iterator<Item = &'a (&'a str, &'a str)>) -> String {
    let head = format!("| {what} | meaning |\n|---|---|\n");
    rows.fold(head, |table, (name, meaning)| table + &format!("| `{name}` | {meaning} |\n"))
}
