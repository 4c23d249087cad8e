//! Owns what one attempt of a step asked and read, from its start until its record is an artifact.
//! Never a secret: whoever notes an exchange has removed them. Never asked for by the protocol: a step is judged without.
//! Next: `delivery` keeps it with the attempt's end in the ledger, `replay` runs a step from it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use contract::{Answered, ArtifactRef, Artifacts, AttemptRecord, Digest, Exchange, PortError, UnixMs, documents};

/// Shared by everything that works on the attempt.
#[derive(Clone, Debug)]
pub struct Journal {
    record: Arc<Mutex<AttemptRecord>>,
    replaying: Option<Arc<[Exchange]>>,
    recalled: Arc<Mutex<BTreeSet<Digest>>>,
}

impl Journal {
    pub(crate) fn new(attempt: u32, began: UnixMs) -> Journal {
        let record = AttemptRecord { attempt, began, ..AttemptRecord::default() };
        Journal { record: Arc::new(Mutex::new(record)), replaying: None, recalled: Arc::default() }
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
        recorded.find(|exchange| !recalled.contains(&exchange.digest)).map_or(Ok(()), |left| {
            Err(format!("{} was asked when this step was recorded, and not now: set the agent up as it was", left.name))
        })
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
    pub(crate) async fn keep(&self, artifacts: &dyn Artifacts) -> Result<Option<ArtifactRef>, PortError> {
        let record = self.so_far();
        if record.exchanges.is_empty() && record.reads.is_empty() {
            return Ok(None);
        }
        documents::put(artifacts, &record).await.map(Some)
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
    use contract::{Partner, Spend};
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
