//! Owns what one attempt of a step asked and read, from its start until its record is an artifact.
//! Never a secret: whoever notes an exchange has removed them. Never asked for by the protocol: a step is judged without.
//! Next: `delivery` keeps it with the attempt's end in the ledger, `replay` runs a step from it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use contract::{
    Answered, ArtifactRef, Artifacts, AttemptRecord, Digest, Exchange, Partner, PortError, Spend, UnixMs, documents,
};

use crate::context::Context;
use crate::ledger::step::Hold;

/// Shared by everything that works on the attempt.
#[derive(Clone, Debug)]
pub struct Journal {
    record: Arc<Mutex<AttemptRecord>>,
    replaying: Option<Arc<[Exchange]>>,
    recalled: Arc<Mutex<BTreeSet<Digest>>>,
    keeper: Option<Arc<Keeper>>,
}

/// Where the record of an attempt at work is kept.
#[derive(Debug)]
struct Keeper {
    context: Arc<Context>,
    hold: Hold,
    lease: Duration,
    /// One at a time stores it.
    storing: tokio::sync::Mutex<()>,
    /// Never held while anybody waits: whoever asks for it has it.
    kept: Mutex<Option<Kept>>,
}

/// The last one that was stored, and how much is in it.
#[derive(Clone, Debug)]
struct Kept {
    at: ArtifactRef,
    exchanges: usize,
    reads: usize,
}

/// Keeping a record must not hold up the work that it is of.
const KEEP_MAX: Duration = Duration::from_secs(5);

impl Journal {
    pub(crate) fn new(attempt: u32, began: UnixMs) -> Journal {
        let record = AttemptRecord { attempt, began, ..AttemptRecord::default() };
        Journal { record: Arc::new(Mutex::new(record)), replaying: None, recalled: Arc::default(), keeper: None }
    }

    /// For an attempt that holds its step.
    pub(crate) fn keeping(self, context: &Arc<Context>, hold: &Hold, lease: Duration) -> Journal {
        let (storing, kept) = (tokio::sync::Mutex::default(), Mutex::default());
        let keeper = Keeper { context: Arc::clone(context), hold: hold.clone(), lease, storing, kept };
        Journal { keeper: Some(Arc::new(keeper)), ..self }
    }

    pub(crate) fn replaying(attempt: u32, began: UnixMs, exchanges: Vec<Exchange>) -> Journal {
        Journal { replaying: Some(exchanges.into()), ..Journal::new(attempt, began) }
    }

    pub(crate) fn recorded(&self) -> Option<&[Exchange]> {
        self.replaying.as_deref()
    }

    pub(crate) fn note(&self, exchange: Exchange) {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).exchanges.push(exchange);
    }

    pub(crate) fn recalled(&self, digest: &Digest) {
        self.recalled.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone());
    }

    /// That a replay asked for all that was asked when it was recorded. One without the search that its agent had then
    /// asks for less, and would quietly end with less.
    pub(crate) fn exhausted(&self) -> Result<(), String> {
        let recalled = self.recalled.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recorded = self.recorded().unwrap_or_default().iter();
        let Some(left) = recorded.find(|exchange| !recalled.contains(&exchange.digest)) else { return Ok(()) };
        let how =
            if left.with == Partner::Model { "set MURMUR_MODELS as it was then" } else { "set the agent up as it was" };
        Err(format!("{} was asked when this step was recorded, and not now: {how}", left.name))
    }

    /// That a replay had an answer to everything. Whoever met a question without one has noted it as failed and
    /// `unrecorded`: its handler may have gone on, but what it returned is worth nothing.
    pub(crate) fn complete(&self) -> Result<(), String> {
        let unrecorded = |exchange: &Exchange| match &exchange.answer {
            Answered::Failed(failure) if failure["unrecorded"] == true => Some(failure["why"].as_str()?.to_owned()),
            _ => None,
        };
        match self.so_far().exchanges.iter().find_map(unrecorded) {
            Some(why) if self.replaying.is_some() => Err(why),
            _ => Ok(()),
        }
    }

    /// What was noted so far.
    pub fn so_far(&self) -> AttemptRecord {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An artifact port that notes what is read through it.
    pub(crate) fn noting(&self, artifacts: Arc<dyn Artifacts>) -> Arc<dyn Artifacts> {
        Arc::new(Noting { artifacts, journal: self.clone() })
    }

    /// Stores the record; nothing where nothing was asked and nothing read.
    pub(crate) async fn keep(&self) -> Result<Option<ArtifactRef>, PortError> {
        let Some(keeper) = &self.keeper else { return Ok(None) };
        let alone = keeper.storing.lock().await;
        Ok(self.stored(keeper, &alone).await?.map(|(at, _)| at))
    }

    /// Stores what was noted up to now and says so in the ledger: whoever takes over from a dead process finds it. What
    /// fails here is said and forgotten; the work goes on.
    pub(crate) async fn keep_so_far(&self) {
        let Some(keeper) = &self.keeper else { return };
        let keeping = async {
            // Until the ledger has it, too: an older one must not come after it.
            let alone = keeper.storing.lock().await;
            let Some((at, true)) = self.stored(keeper, &alone).await? else { return Ok(()) };
            let (context, hold) = (&keeper.context, &keeper.hold);
            let write = hold.heartbeat_keeping(context.now() + keeper.lease, &at);
            // Refused: somebody else holds it, as the heartbeat will find out.
            context.ports.ledger.write(&write).await.map(drop)
        };
        let kept = tokio::time::timeout(KEEP_MAX, keeping).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, "the record of a step at work was not kept");
        }
    }

    /// What is kept of an attempt that must end now. What was paid for and is not kept yet, since the work was stopped
    /// while it was stored, is stored first, if that takes no longer than this.
    pub(crate) async fn kept_in_haste(&self, within: Duration) -> Option<ArtifactRef> {
        let keeper = self.keeper.as_ref()?;
        if self.owes(keeper) {
            let storing = async { self.stored(keeper, &keeper.storing.lock().await).await };
            match tokio::time::timeout(within, storing).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::warn!(%error, "what a step given back has paid for was not kept"),
                Err(_) => tracing::warn!("what a step given back has paid for was not kept in time"),
            }
        }
        keeper.kept().map(|kept| kept.at)
    }

    /// Whether anything was paid for that is not kept.
    fn owes(&self, keeper: &Keeper) -> bool {
        let kept = keeper.kept().map_or(0, |kept| kept.exchanges);
        self.so_far().exchanges.iter().skip(kept).any(|exchange| exchange.cost != Spend::default())
    }

    /// The record as it is now, and whether that is news.
    async fn stored(
        &self,
        keeper: &Keeper,
        _alone: &tokio::sync::MutexGuard<'_, ()>,
    ) -> Result<Option<(ArtifactRef, bool)>, PortError> {
        let record = self.so_far();
        let (exchanges, reads) = (record.exchanges.len(), record.reads.len());
        match keeper.kept() {
            Some(kept) if (kept.exchanges, kept.reads) == (exchanges, reads) => Ok(Some((kept.at, false))),
            _ if exchanges + reads == 0 => Ok(None),
            _ => {
                let at = documents::put(&*keeper.context.ports.artifacts, &record).await?;
                *keeper.last() = Some(Kept { at: at.clone(), exchanges, reads });
                Ok(Some((at, true)))
            }
        }
    }
}

impl Keeper {
    fn last(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> Option<Kept> {
        self.last().clone()
    }
}

#[derive(Debug)]
struct Noting {
    artifacts: Arc<dyn Artifacts>,
    journal: Journal,
}

#[async_trait]
impl Artifacts for Noting {
    async fn put(&self, bytes: &[u8], mediatype: &str) -> Result<ArtifactRef, PortError> {
        self.artifacts.put(bytes, mediatype).await
    }

    async fn get(&self, uri: &str) -> Result<Vec<u8>, PortError> {
        let bytes = self.artifacts.get(uri).await?;
        let mut record = self.journal.record.lock().unwrap_or_else(PoisonError::into_inner);
        if !record.reads.iter().any(|read| read == uri) {
            record.reads.push(uri.to_owned());
        }
        Ok(bytes)
    }

    async fn publish(&self, name: &str, version: u64, artifact: &ArtifactRef) -> Result<bool, PortError> {
        self.artifacts.publish(name, version, artifact).await
    }

    async fn latest(&self, name: &str) -> Result<Option<(u64, ArtifactRef)>, PortError> {
        self.artifacts.latest(name).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failed(failure: serde_json::Value) -> Exchange {
        Exchange {
            with: Partner::Tool,
            name: "fetch".into(),
            digest: Digest::of(b"a question"),
            request: json!({}),
            answer: Answered::Failed(failure),
            began: UnixMs(0),
            took_ms: 0,
            cost: Spend::default(),
            prompt: None,
        }
    }

    #[test]
    fn a_replay_that_asks_for_less_than_was_recorded_says_what_is_left() {
        let replay = Journal::replaying(1, UnixMs(0), vec![failed(json!({"why": "no such page", "again": false}))]);
        assert!(replay.exhausted().unwrap_err().contains("fetch"));
        replay.recalled(&Digest::of(b"a question"));
        assert_eq!(replay.exhausted(), Ok(()));
        let of_a_model = Exchange {
            with: Partner::Model,
            name: "openai-compatible/large".into(),
            ..failed(json!({"why": "429", "again": false}))
        };
        let why = Journal::replaying(1, UnixMs(0), vec![of_a_model]).exhausted().unwrap_err();
        assert!(why.contains("openai-compatible/large") && why.contains("MURMUR_MODELS"), "{why}");
    }

    #[test]
    fn a_replay_in_which_a_question_had_no_answer_is_not_complete() {
        let replay = Journal::replaying(1, UnixMs(0), vec![]);
        replay.note(failed(json!({"why": "no such page", "again": false})));
        assert_eq!(replay.complete(), Ok(()));
        replay.note(failed(json!({"why": "not recorded", "again": false, "unrecorded": true})));
        assert_eq!(replay.complete(), Err("not recorded".into()));
    }
}
