//! Owns the proof of the checker: a history that ran well is clean, and with one defect planted in it, the verdict is
//! that defect's kind, and no other.
//! Never a planted defect without a test, and never a check without a planted defect.
//! Next: `run` makes the history, `plants` changes it; the other modules plant, kind by kind.

mod clean;
mod closed_short;
mod lost;
mod non_holders;
mod plants;
mod run;
mod stuck;
mod twice;
mod unexpected;
mod without_cause;

use super::{Kind, Verdict, judge};
use crate::history::History;

/// The verdict on the clean history with this in it.
fn planted(plant: impl FnOnce(&mut History)) -> Verdict {
    let mut history = run::clean();
    plant(&mut history);
    judge(&history)
}

/// Defects of that kind, each with these words, and no others.
#[track_caller]
fn finds(kind: Kind, words: &str, plant: impl FnOnce(&mut History)) {
    let verdict = planted(plant);
    assert!(!verdict.is_clean(), "{words:?} was not found");
    assert!(verdict.defects.iter().all(|defect| defect.kind == kind), "{words:?} was found as {verdict}");
    assert!(verdict.defects.iter().any(|defect| defect.how.contains(words)), "not {words:?} but {verdict}");
}

/// What may be so.
#[track_caller]
fn minds_not(plant: impl FnOnce(&mut History)) -> Verdict {
    let verdict = planted(plant);
    assert!(verdict.is_clean(), "{verdict}");
    verdict
}
