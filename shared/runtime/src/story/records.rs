//! Owns what a story needs beside the items: records of attempts, and outcomes that are too large for an item.
//! Never a reason to fail: an artifact that is not there is missing from the story, and said to be.
//! Next: `tell` takes them; without any it tells no model time, and no cost of what failed.

use std::collections::BTreeMap;

use contract::story::{AttemptTold, StepTold};
use contract::{ArtifactRef, Artifacts, AttemptRecord, artifact};
use futures_util::{StreamExt as _, stream};

use crate::ledger::step::Over;
use crate::ledger::{Attr, Item, ItemKind};
use crate::outcome::{Outcome, Recorded};

const AT_ONCE: usize = 16;

/// Artifacts of one goal, read.
#[derive(Debug, Default)]
pub struct Records {
    attempts: BTreeMap<String, AttemptRecord>,
    outcomes: BTreeMap<String, Outcome>,
}

enum Wanted {
    Attempt(ArtifactRef),
    Outcome(ArtifactRef),
}

impl Records {
    /// Everything that the items refer to and that can be read.
    pub async fn fetch(items: &[Item], artifacts: &dyn Artifacts) -> Records {
        let mut found = Records::default();
        let wanted: Vec<Wanted> = items.iter().flat_map(wanted).collect();
        let mut all = stream::iter(wanted).map(|one| async move {
            let at = match &one {
                Wanted::Attempt(at) | Wanted::Outcome(at) => at,
            };
            let bytes = artifact::fetch(artifacts, at).await.ok();
            (one, bytes)
        });
        let mut all = all.by_ref().buffer_unordered(AT_ONCE);
        while let Some((one, bytes)) = all.next().await {
            let Some(bytes) = bytes else { continue };
            match one {
                Wanted::Attempt(at) => {
                    found.attempts.extend(serde_json::from_slice(&bytes).ok().map(|record| (at.uri, record)));
                }
                Wanted::Outcome(at) => {
                    if let Ok(Recorded::Here(outcome)) = serde_json::from_slice(&bytes) {
                        found.outcomes.insert(at.uri, *outcome);
                    }
                }
            }
        }
        found
    }

    pub(super) fn attempt(&self, at: &ArtifactRef) -> Option<&AttemptRecord> {
        self.attempts.get(&at.uri)
    }

    /// By the step.
    pub(super) fn outcomes(&self, items: &[&Item], gaps: &mut Vec<String>) -> BTreeMap<ItemKind, Outcome> {
        let mut all = BTreeMap::new();
        for item in items {
            let (ItemKind::Step { row, .. }, Some(text)) = (&item.key.kind, item.text(&Attr::Outcome)) else {
                continue;
            };
            let outcome = match serde_json::from_str(text) {
                Ok(Recorded::Here(outcome)) => Ok(*outcome),
                Ok(Recorded::At(at)) => self
                    .outcomes
                    .get(&at.uri)
                    .cloned()
                    .ok_or_else(|| format!("it is in {}, which was not read", at.uri)),
                Err(why) => Err(why.to_string()),
            };
            match outcome {
                Ok(outcome) => drop(all.insert(item.key.kind.clone(), outcome)),
                Err(why) => gaps.push(format!("what {row} returned is not told: {why}")),
            }
        }
        all
    }

    /// How many attempts have a record that was not read.
    pub(super) fn gaps(&self, steps: &[StepTold], gaps: &mut Vec<String>) {
        let unread = |attempt: &&AttemptTold| attempt.record.as_ref().is_some_and(|at| !self.attempts.contains_key(at));
        let count = steps.iter().flat_map(|step| &step.attempts).filter(unread).count();
        if count > 0 {
            gaps.push(format!(
                "the records of {count} attempts were not read: no model time of theirs is told, and no cost of those that \
                 failed"
            ));
        }
    }
}

fn wanted(item: &Item) -> Vec<Wanted> {
    let mut all = vec![];
    if let Some(Recorded::At(at)) = item.text(&Attr::Outcome).and_then(|text| serde_json::from_str(text).ok()) {
        all.push(Wanted::Outcome(at));
    }
    for attr in item.attrs.keys() {
        if let Attr::Held(epoch) = attr {
            all.extend(record_of(item, epoch).map(Wanted::Attempt));
        }
    }
    all
}

/// What the holder of an epoch asked and read, where anything of it was kept.
pub(super) fn record_of(item: &Item, epoch: &str) -> Option<ArtifactRef> {
    let over = item.text(&Attr::Over(epoch.to_owned()));
    let over = over.and_then(|text| serde_json::from_str::<Over>(text).ok());
    over.and_then(|over| over.record).or_else(|| {
        // Of one that is not over: what its heartbeats kept.
        let so_far = item.attrs.keys().find(|attr| attr.name() == format!("so_far#{epoch}"))?;
        serde_json::from_str(item.text(so_far)?).ok()
    })
}
