//! Owns the figures of runs: rounds that struck and those that did not, by what struck, and what the checker said.
//! Never a verdict of its own, and never a round that did not strike among those that count.
//! Next: `main` prints one line of them and keeps them as JSON; `docs/reliability.md` shows them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::checker::{Kind as Defective, Verdict};

/// Of one kind of run, over all its batches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub kind: String,
    pub seed: u64,
    pub batches: usize,
    /// Whose fault struck.
    pub rounds: usize,
    /// Whose fault did not: they prove nothing, and are not counted above.
    pub missed: usize,
    pub goals: usize,
    pub events: usize,
    pub retold: usize,
    pub copied: usize,
    /// By what struck.
    pub struck: BTreeMap<String, usize>,
    pub missed_by: BTreeMap<String, usize>,
    pub defects: BTreeMap<Defective, usize>,
    /// What went wrong besides: a goal that did not end, a process that did not.
    pub broken: Vec<String>,
    pub took_s: u64,
}

impl Figures {
    pub fn struck(&mut self, what: &str) {
        self.rounds += 1;
        *self.struck.entry(what.to_owned()).or_default() += 1;
    }

    pub fn missed(&mut self, what: &str) {
        self.missed += 1;
        *self.missed_by.entry(what.to_owned()).or_default() += 1;
    }

    pub fn judged(&mut self, verdict: &Verdict) {
        self.batches += 1;
        self.goals += verdict.goals;
        self.events += verdict.events;
        self.retold += verdict.retold;
        self.copied += verdict.copied;
        for (kind, count) in verdict.counts() {
            *self.defects.entry(kind).or_default() += count;
        }
    }

    /// A long run shows that it lives.
    #[expect(clippy::print_stderr, reason = "a person, or CI's log, reads this")]
    pub(crate) fn tell(&self) {
        eprintln!("{self}");
    }

    pub fn is_clean(&self) -> bool {
        self.broken.is_empty() && self.defects.values().all(|count| *count == 0)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { kind, seed, rounds, missed, goals, events, took_s, .. } = self;
        let defects: usize = self.defects.values().sum();
        let places = self.struck.len();
        write!(f, "faults {kind}: {rounds} rounds at {places} places ({missed} did not strike), ")?;
        write!(f, "{goals} goals, {events} events, {defects} defects, {} broken", self.broken.len())?;
        write!(f, "; seed {seed}, {took_s} s")
    }
}
