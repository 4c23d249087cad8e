//! Owns what a person sees: progress while it runs, the report and the advice at the end.
//! Never fails because nobody reads it.
//! Next: the terminal; the report alone goes to standard output, so that it can be piped.

use std::fmt;
use std::io::Write as _;
use std::time::Duration;

use contract::events::{GoalCompleted, Priority};
use engine::corpus::Ingested;
use serde_json::Value;

use crate::run::Kept;
use crate::screen::harmless;

/// One line of progress.
pub(crate) fn line(what: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "· {}", harmless(&what.to_string()));
}

pub(crate) fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

pub(crate) fn step(row: &str, state: &str, cause: Option<&str>) {
    let what = match state {
        "claimed" => "at work",
        "committed" => "done",
        "released" => "will be tried again",
        "parked" => "gave up",
        other => other,
    };
    match cause.filter(|_| state != "committed" && state != "claimed") {
        Some(cause) => line(format_args!("{row}: {what}: {cause}")),
        None => line(format_args!("{row}: {what}")),
    }
}

pub(crate) fn completed(done: &GoalCompleted, kept: &Kept, took: Duration) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", kept.report.trim_end());
    if !kept.recommendations.recommendations.is_empty() {
        let _ = writeln!(out, "\n## Recommendations\n");
        for (number, advice) in kept.recommendations.recommendations.iter().enumerate() {
            let priority = match advice.priority {
                Priority::High => "high",
                Priority::Medium => "medium",
                Priority::Low => "low",
            };
            let (title, rationale) = (harmless(&advice.title), harmless(&advice.rationale));
            let _ = writeln!(out, "{}. **{title}** ({priority}): {rationale}", number + 1);
            if let Some(otherwise) = &advice.reconsider_if {
                let _ = writeln!(out, "   Reconsider if {}.", harmless(otherwise));
            }
        }
    }
    drop(out);
    for missing in &done.missing {
        line(format_args!("missing: {missing}"));
    }
    line(format_args!("done in {}", seconds(took)));
    for file in &kept.files {
        line(format_args!("{}", file.display()));
    }
}

pub(crate) fn failed(kind: &str, data: &Value) {
    line(format_args!("{kind}: {}", data["cause"]));
}

/// What became of a folder's files.
pub(crate) fn ingested(folder: &str, told: &Ingested) {
    let Ingested { read, unchanged, removed, passages, tables, failed, .. } = told;
    line(format_args!(
        "{folder}: {read} files read, {unchanged} unchanged, {removed} removed: {passages} passages, {tables} tables"
    ));
    for (address, why) in failed {
        line(format_args!("{address} was not read: {why}"));
    }
}
