//! Owns the verdict: which defects there are, by kind, with the words that lead a person to each.
//! Never a threshold: one defect is one too many.
//! Next: whoever ran it keeps the history of what is not clean.

use std::collections::BTreeMap;
use std::fmt;

use contract::GoalId;
use serde::{Deserialize, Serialize};

/// In which way it is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It was asked for, or done, and nothing of it is left.
    Lost,
    /// It was told, or is there, and nobody did it.
    Unexpected,
    /// It was done more than once.
    Duplicated,
    /// One id has two contents.
    Conflicting,
    /// It was done by somebody who held nothing.
    ByNonHolder,
    /// A goal ended twice.
    TwoEnds,
    /// It waits, and nobody comes.
    Stuck,
    /// A dead letter of which nobody can tell why it is one.
    WithoutCause,
    /// A join closed without what had arrived.
    ClosedShort,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::Lost,
        Kind::Unexpected,
        Kind::Duplicated,
        Kind::Conflicting,
        Kind::ByNonHolder,
        Kind::TwoEnds,
        Kind::Stuck,
        Kind::WithoutCause,
        Kind::ClosedShort,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Lost => "lost",
            Kind::Unexpected => "unexpected",
            Kind::Duplicated => "duplicated effects",
            Kind::Conflicting => "conflicting contents",
            Kind::ByNonHolder => "commits by non-holders",
            Kind::TwoEnds => "two ends",
            Kind::Stuck => "stuck",
            Kind::WithoutCause => "dead letters without a cause",
            Kind::ClosedShort => "joins closed short",
        }
    }
}

/// One thing that must not be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Defect {
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<GoalId>,
    /// What, and where to look for it.
    pub how: String,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub defects: Vec<Defect>,
    pub goals: usize,
    pub events: usize,
    /// Events that were put again with the same id and content, as they may be.
    pub retold: usize,
    /// Copies that the bus or the queue made by themselves.
    pub copied: usize,
}

/// Those that were found so far.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<Defect>);

impl Found {
    pub(super) fn add(&mut self, kind: Kind, goal: GoalId, how: impl Into<String>) {
        self.0.push(Defect { kind, goal: Some(goal), how: how.into() });
    }

    /// Of no goal, or of none that is known.
    pub(super) fn add_beside(&mut self, kind: Kind, how: impl Into<String>) {
        self.0.push(Defect { kind, goal: None, how: how.into() });
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn defects(mut self) -> Vec<Defect> {
        self.0.sort();
        self.0
    }
}

impl Verdict {
    pub fn is_clean(&self) -> bool {
        self.defects.is_empty()
    }

    /// Of each kind, zero included.
    pub fn counts(&self) -> BTreeMap<Kind, usize> {
        let mut counts: BTreeMap<Kind, usize> = Kind::ALL.into_iter().map(|kind| (kind, 0)).collect();
        for defect in &self.defects {
            *counts.entry(defect.kind).or_default() += 1;
        }
        counts
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { goals, events, retold, copied, .. } = self;
        writeln!(f, "{goals} goals, {events} events, {retold} told again, {copied} copied on their way")?;
        for (kind, count) in self.counts() {
            writeln!(f, "  {:<28} {count:>6}", kind.as_str())?;
        }
        for Defect { kind, goal, how } in &self.defects {
            write!(f, "{}: {how}", kind.as_str())?;
            match goal {
                Some(goal) => writeln!(f, " (goal {goal})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
