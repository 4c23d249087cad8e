//! Owns what one attempt of a step asked and read, from its start until its record is an artifact.
//! Never a secret: whoever notes an exchange has removed them. Never asked for by the protocol: a step is judged without.
//! Next: `delivery` keeps it with the attempt's end in the ledger, `replay` runs a step from it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use contract::{Answered, ArtifactRef, Artifacts, AttemptRecord, Exchange, PortError, UnixMs, documents};

/// Shared by everything that works on the attempt.
#[derive(Clone, Debug)]
pub struct Journal {
    record: Arc<Mutex<AttemptRecord>>,
    replaying: Option<Arc<[Exchange]>>,
}

impl Journal {
    pub(crate) fn new(attempt: u32, began: UnixMs) -> Journal {
        let record = AttemptRecord { attempt, began, ..AttemptRecord::default() };
        Journal { record: Arc::new(Mutex::new(record)), replaying: None }
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
    use contract::{Digest, Partner, Spend};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_replay_in_which_a_question_had_no_answer_is_not_complete() {
        let failed = |failure| Exchange {
            with: Partner::Tool,
            name: "fetch".into(),
            digest: Digest::of(b"a question"),
            request: json!({}),
            answer: Answered::Failed(failure),
            began: UnixMs(0),
            took_ms: 0,
            cost: Spend::default(),
            prompt: None,
        };
        let replay = Journal::replaying(1, UnixMs(0), vec![]);
        replay.note(failed(json!({"why": "no such page", "again": false})));
        assert_eq!(replay.complete(), Ok(()));
        replay.note(failed(json!({"why": "not recorded", "again": false, "unrecorded": true})));
        assert_eq!(replay.complete(), Err("not recorded".into()));
    }
}
