//! Owns what a person sees of a run: each step as it changes, the report and the advice at the end.
//! Never fails because nobody reads it.
//! Next: the terminal; the report alone goes to standard output, so that it can be piped.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use contract::events::Priority;
use engine::corpus::Ingested;

use crate::keep::Kept;
use crate::readable::readable;
use crate::screen::{Screen, harmless};
use crate::wish::{Changed, Spent, named};

pub(crate) fn step(changed: &Changed) -> String {
    let Changed { row, state, cause } = changed;
    match cause.as_ref().filter(|_| state != "committed" && state != "claimed") {
        Some(cause) => format!("{row}: {}: {cause}", named(state)),
        None => format!("{row}: {}", named(state)),
    }
}

/// Report and recommendations: as Markdown, but where somebody reads it on a terminal.
pub(crate) fn result(kept: &Kept, screen: Screen) -> String {
    let report = kept.report.trim_end();
    let mut text = if screen.is_terminal { readable(report) } else { report.to_owned() };
    text.push('\n');
    if !kept.recommendations.recommendations.is_empty() {
        text += "\n## Recommendations\n\n";
        for (number, advice) in kept.recommendations.recommendations.iter().enumerate() {
            let priority = match advice.priority {
                Priority::High => "high",
                Priority::Medium => "medium",
                Priority::Low => "low",
            };
            let (title, rationale) = (harmless(&advice.title), harmless(&advice.rationale));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}. **{title}** ({priority}): {rationale}", number + 1);
            if let Some(otherwise) = &advice.reconsider_if {
                let _ = writeln!(text, "   Reconsider if {}.", harmless(otherwise));
            }
        }
    }
    text
}

/// One line: the folder, what is in it by name, and how many tables and charts.
pub(crate) fn files(files: &[PathBuf]) -> String {
    let folder = files.first().and_then(|file| file.parent()).unwrap_or(Path::new("."));
    let (mut told, mut tables, mut charts) = (vec![], 0, 0);
    for name in files.iter().filter_map(|file| file.file_name()).map(|name| name.to_string_lossy()) {
        match (name.starts_with("table-"), name.starts_with("chart-")) {
            (true, _) => tables += 1,
            (_, true) => charts += 1,
            _ => told.push(name.into_owned()),
        }
    }
    let counted = [(tables, "table"), (charts, "chart")].into_iter().filter(|(count, _)| *count > 0);
    told.extend(counted.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" })));
    format!("in {}: {}", folder.display(), told.join(", "))
}

pub(crate) fn spent(spent: Spent) -> String {
    match spent {
        Spent { tokens: 0, micros: 0 } => "no model was paid".into(),
        Spent { tokens, micros } => format!("{tokens} tokens, ${:.4}", micros as f64 / 1e6),
    }
}

/// What became of a folder's files.
pub(crate) fn ingested(screen: Screen, folder: &str, told: &Ingested) {
    let Ingested { read, unchanged, removed, passages, tables, failed, .. } = told;
    screen.progress(&format!(
        "{folder}: {read} files read, {unchanged} unchanged, {removed} removed: {passages} passages, {tables} tables"
    ));
    for (address, why) in failed {
        screen.progress(&format!("{address} was not read: {why}"));
    }
}

#[cfg(test)]
mod tests {
    use contract::events::RecommendationsMade;

    use super::*;

    #[test]
    fn a_report_is_markdown_in_a_pipe_and_plain_on_a_terminal() {
        let recommendations = RecommendationsMade { recommendations: vec![], notes: vec![] };
        let kept = Kept { report: "5 \\* 3\n".into(), files: vec![], recommendations };
        let on = |is_terminal| result(&kept, Screen { json: false, is_terminal, colour: false, columns: 80 });
        assert_eq!(on(false), "5 \\* 3\n");
        assert_eq!(on(true), "5 * 3\n");
    }
}
