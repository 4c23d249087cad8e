//! Owns the summary: how far the questions are answered, the best answer to each, and what is disputed or open.
//! Never a statement that is not a finding, word for word: the writer cites it by that.
//! Next: `offline` ends with it, and `prompted` again where a model's findings came in.

use contract::documents::{Analysed, DetailedFinding, Gap, asked};
use contract::events::Confidence;

use crate::told::capital;
use crate::{gaps, words};

const POINTS_MAX: usize = 5;
const POINTS_MIN: usize = 3;
/// A longer statement is no summary.
const POINT_BYTES_MAX: usize = 420;
const NAMED_MAX: usize = 3;
const NAME_BYTES_MAX: usize = 120;

pub(crate) fn of(analysed: &Analysed) -> String {
    let points = points(&analysed.findings);
    if points.is_empty() {
        let found = counted(analysed.passages.len(), "passage was", "passages were");
        return format!("{found} found, and none answers {:?}.", words::shortened(&analysed.goal, 400));
    }
    let mut text = lead(analysed);
    for point in &points {
        text.push(' ');
        text.push_str(&point.statement);
    }
    let disputed = named(analysed.conflicts.iter().map(|conflict| conflict.about.clone()));
    if !disputed.is_empty() {
        text.push_str(&format!(" Sources disagree about {disputed}."));
    }
    // What a point above says nobody tells is not told once more.
    let is_told = |gap: &&Gap| points.iter().any(|point| gaps::says(point, gap));
    let open = named(analysed.gaps.iter().filter(|gap| !is_told(gap)).map(|gap| {
        let bare = asked(&analysed.goal, &gap.question);
        words::shortened(bare.trim_end_matches('?'), NAME_BYTES_MAX)
    }));
    if !open.is_empty() {
        text.push_str(&format!(" Left open: {open}."));
    }
    text
}

/// How much of what was asked is answered, from how much.
fn lead(analysed: &Analysed) -> String {
    let sources = counted(analysed.sources.len(), "source", "sources");
    let all = analysed.questions.len();
    let answers =
        |question: &&String| analysed.findings.iter().any(|finding| finding.question.as_ref() == Some(*question));
    match analysed.questions.iter().filter(answers).count() {
        0 => format!("From {sources}:"),
        _ if all == 1 => format!("{} answer the question:", capital(&sources)),
        count if count == all => format!("{sources} answer all {all} questions:"),
        count => format!("{sources} answer {count} of {all} questions:"),
    }
}

/// The best finding of each question, in their order; others where those are few.
fn points(findings: &[DetailedFinding]) -> Vec<&DetailedFinding> {
    let fits = |finding: &&DetailedFinding| finding.statement.len() <= POINT_BYTES_MAX;
    let mut points: Vec<&DetailedFinding> = vec![];
    for finding in findings.iter().filter(fits).filter(|finding| finding.question.is_some()) {
        match points.iter_mut().find(|other| other.question == finding.question) {
            // The first of equals: they stand in the order of importance.
            Some(best) if finding.confidence > best.confidence => *best = finding,
            Some(_) => {}
            None => points.push(finding),
        }
    }
    let sure: Vec<&DetailedFinding> =
        points.iter().copied().filter(|finding| finding.confidence > Confidence::Low).collect();
    let mut chosen = if sure.is_empty() { points } else { sure };
    chosen.truncate(POINTS_MAX);
    let least = if chosen.is_empty() { Confidence::Low } else { Confidence::Medium };
    for finding in findings.iter().filter(fits) {
        let is_new = chosen.iter().all(|other| other.id != finding.id);
        if chosen.len() < POINTS_MIN && is_new && finding.confidence >= least {
            chosen.push(finding);
        }
    }
    chosen
}

/// `this; that; and 2 more`
fn named(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    let mut told: Vec<String> = all.iter().take(NAMED_MAX).cloned().collect();
    if all.len() > NAMED_MAX {
        told.push(format!("and {} more", all.len() - NAMED_MAX));
    }
    told.join("; ")
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
