//! Owns why a message could not be finished, and the `murmur-park` attribute that carries the answer into the DLQ.
//! Never free text alone: a cause has a kind that operators group by, and words for the one who reads it.
//! Next: `runtime::settle` writes it, `decode` reads it back from a redrive, `murmur dlq` shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::{CAUSE_TEXT_BYTES_MAX, PARK_BYTES_MAX};
use crate::{EventId, GoalId};

/// What operators group dead letters by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// The body is no event that this row understands.
    Undecodable,
    /// The same key or event id as before, with other data.
    PayloadMismatch,
    /// Its source may not publish this type.
    ForgedSource,
    /// No such goal was ever accepted, or it has expired.
    NoSuchGoal,
    /// Too many hops from the goal: agents feed each other in a loop.
    HopsExhausted,
    /// Redriven and failed too many times.
    RedrivenTooOften,
    /// The handler failed in every attempt that it had.
    AttemptsExhausted,
    /// The process died in every attempt that it had for itself.
    CrashesExhausted,
    /// The handler said that trying again cannot help.
    Permanent,
    /// The goal's allowance is spent.
    BudgetExhausted,
}

impl CauseKind {
    pub const ALL: &[CauseKind] = &[
        CauseKind::Undecodable,
        CauseKind::PayloadMismatch,
        CauseKind::ForgedSource,
        CauseKind::NoSuchGoal,
        CauseKind::HopsExhausted,
        CauseKind::RedrivenTooOften,
        CauseKind::AttemptsExhausted,
        CauseKind::CrashesExhausted,
        CauseKind::Permanent,
        CauseKind::BudgetExhausted,
    ];

    /// As it is spelled in JSON, in metrics and in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            CauseKind::Undecodable => "undecodable",
            CauseKind::PayloadMismatch => "payload-mismatch",
            CauseKind::ForgedSource => "forged-source",
            CauseKind::NoSuchGoal => "no-such-goal",
            CauseKind::HopsExhausted => "hops-exhausted",
            CauseKind::RedrivenTooOften => "redriven-too-often",
            CauseKind::AttemptsExhausted => "attempts-exhausted",
            CauseKind::CrashesExhausted => "crashes-exhausted",
            CauseKind::Permanent => "permanent",
            CauseKind::BudgetExhausted => "budget-exhausted",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    pub kind: CauseKind,
    pub detail: String,
}

impl Cause {
    pub fn new(kind: CauseKind, detail: impl Into<String>) -> Cause {
        Cause { kind, detail: bounded(detail) }
    }
}

/// Words of unknown origin, cut and cleaned: a model's whole answer may stand in an error, and must not stand in a
/// record. SQS refuses control characters in attributes, and a terminal should not have to fear them.
pub fn bounded(text: impl Into<String>) -> String {
    let mut text: String = text.into();
    if text.len() > CAUSE_TEXT_BYTES_MAX {
        let end = (0..=CAUSE_TEXT_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    text.replace(|c: char| c.is_control() || NOT_FOR_SQS.contains(&c), " ")
}

/// What SQS refuses in a message though Unicode and JSON allow it.
pub(crate) const NOT_FOR_SQS: [char; 2] = ['\u{fffe}', '\u{ffff}'];

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.detail)
    }
}

/// The `murmur-park` attribute of a dead letter, and of its redrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkNote {
    /// How many times this step had been parked when the message was sent: a copy of an older park is recognised by it.
    pub n: u32,
    pub cause: Cause,
    #[serde(default)]
    pub attempts: u32,
    /// Believed only when the ledger has this goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<GoalId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Where the body went if it did not fit the dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<crate::ArtifactRef>,
}

impl ParkNote {
    /// Hostile until decoded, like everything on a queue; what cannot be read counts as not there.
    pub fn parse(text: &str) -> Option<ParkNote> {
        if text.len() > PARK_BYTES_MAX {
            return None;
        }
        let note: ParkNote = serde_json::from_str(text).ok()?;
        Some(ParkNote { cause: Cause::new(note.cause.kind, note.cause.detail), ..note })
    }

    pub fn render(&self) -> String {
        // A struct of strings and numbers always serializes.
        serde_json::to_string(self).unwrap_or_default()
    }
}
