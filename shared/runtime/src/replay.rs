//! Owns running a recorded step again: its input and what it was answered in, what it returns out.
//! Never asks anybody: no server, no model, no file. What was not recorded fails, and says so.
//! Next: `service` offers it as `<agent> replay`; whoever compares puts the two outputs beside each other.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::{ArtifactRef, Artifacts, AttemptRecord, Clock, Digest, Event, EventData, PortError, RowName, UnixMs};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::budget::Budget;
use crate::daemon::Daemon;
use crate::handler::{Handled, Step};
use crate::journal::Journal;

/// One step as it was worked on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordedStep {
    pub row: RowName,
    /// What the step consumed.
    pub event: Event,
    pub goal_deadline: UnixMs,
    pub step_deadline: UnixMs,
    /// What the goal's user wanted to be asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    pub record: AttemptRecord,
    /// Where artifacts were kept: new ones are named as if they were there.
    pub artifacts_at: String,
    /// Every artifact that was read, by its address: base64.
    pub artifacts: BTreeMap<String, String>,
}

/// What a handler returned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Replayed {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emits: Vec<ReplayedEvent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<ReplayedOpening>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrives: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was stored meanwhile, by its address: base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayedEvent {
    #[serde(rename = "type")]
    pub kind: String,
    pub data: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayedOpening {
    pub join: String,
    pub head: Value,
    pub quorum: u32,
    pub all_required: bool,
}

/// Reads a recorded step, runs it, and returns its outputs as JSON.
pub(crate) async fn replay(daemon: &Daemon, mut recorded: impl Read) -> Result<String, String> {
    let mut text = String::new();
    recorded.read_to_string(&mut text).map_err(|why| format!("standard input: {why}"))?;
    let recorded: RecordedStep =
        serde_json::from_str(&text).map_err(|why| format!("standard input is no recorded step: {why}"))?;
    let handler = daemon.handler(&recorded.row).ok_or_else(|| format!("row {} is not of this agent", recorded.row))?;
    let (step, stored) = recorded.step()?;
    let journal = step.journal.clone();
    let handled = handler.handle(step).await;
    journal.complete()?;
    let mut replayed = match handled {
        Ok(handled) => {
            journal.exhausted()?;
            Replayed::of(handled)?
        }
        Err(error) => Replayed { error: Some(error.to_string()), ..Replayed::default() },
    };
    let stored = std::mem::take(&mut *stored.lock().unwrap_or_else(PoisonError::into_inner));
    replayed.artifacts = stored.into_iter().map(|(uri, bytes)| (uri, STANDARD.encode(bytes))).collect();
    serde_json::to_string_pretty(&replayed).map_err(|why| why.to_string())
}

/// By their addresses.
type Stored = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

impl RecordedStep {
    fn step(self) -> Result<(Step, Stored), String> {
        let mut held = BTreeMap::new();
        for (uri, text) in &self.artifacts {
            held.insert(uri.clone(), STANDARD.decode(text).map_err(|why| format!("artifact {uri}: {why}"))?);
        }
        let stored = Stored::default();
        let artifacts: Arc<dyn Artifacts> = Arc::new(Held { at: self.artifacts_at, held, stored: Arc::clone(&stored) });
        let AttemptRecord { attempt, began, exchanges, .. } = self.record;
        let step = Step {
            key: format!("{}/{}", self.row, self.event.id),
            event: Arc::new(self.event),
            attempt,
            goal_deadline: self.goal_deadline,
            deadline: self.step_deadline,
            budget: Budget::unbounded(),
            artifacts: Arc::clone(&artifacts),
            unlisted: artifacts,
            clock: Arc::new(Stopped(began)),
            model: self.model,
            journal: Journal::replaying(attempt, began, exchanges),
        };
        Ok((step, stored))
    }
}

impl Replayed {
    /// What a handler returned, for whoever compares it.
    pub fn of(handled: Handled) -> Result<Replayed, String> {
        let event = |(kind, data): (contract::EventType, Result<Value, String>)| {
            Ok::<_, String>(ReplayedEvent { kind: kind.to_string(), data: data? })
        };
        let opening = |open: crate::handler::Open| {
            let crate::handler::Open { join, head, quorum, all_required } = open;
            Ok::<_, String>(ReplayedOpening { join: join.to_string(), head: head?, quorum, all_required })
        };
        Ok(Replayed {
            emits: handled.emits.into_iter().map(event).collect::<Result<_, _>>()?,
            opens: handled.opens.map(opening).transpose()?,
            arrives: handled.arrives.transpose()?,
            error: None,
            artifacts: BTreeMap::new(),
        })
    }

    /// The data of the one event of this type, if the handler emitted one.
    pub fn emitted<T: EventData>(&self) -> Option<T> {
        let found = self.emits.iter().find(|event| event.kind == T::TYPE.to_string())?;
        serde_json::from_value(found.data.clone()).ok()
    }
}

impl Step {
    /// A step without a queue or a ledger, over these artifacts: to try a handler by itself.
    pub fn rehearsed(event: Event, artifacts: Arc<dyn Artifacts>, now: UnixMs) -> Step {
        let later = now + std::time::Duration::from_secs(600);
        let journal = Journal::new(1, now);
        Step {
            key: format!("rehearsal/{}", event.id),
            event: Arc::new(event),
            attempt: 1,
            goal_deadline: later,
            deadline: later,
            budget: Budget::unbounded(),
            artifacts: journal.noting(Arc::clone(&artifacts)),
            unlisted: artifacts,
            clock: Arc::new(Stopped(now)),
            model: None,
            journal,
        }
    }
}

/// Time does not pass in a replay.
#[derive(Debug)]
struct Stopped(UnixMs);

impl Clock for Stopped {
    fn now(&self) -> UnixMs {
        self.0
    }
}

/// What was read when it was recorded, and what is stored now.
struct Held {
    at: String,
    held: BTreeMap<String, Vec<u8>>,
    stored: Stored,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("at", &self.at).finish_non_exhaustive()
    }
}

#[async_trait]
impl Artifacts for Held {
    async fn put(&self, bytes: &[u8], mediatype: &str) -> Result<ArtifactRef, PortError> {
        let sha256 = Digest::of(bytes);
        let uri = format!("{}/{sha256}", self.at);
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).insert(uri.clone(), bytes.to_vec());
        Ok(ArtifactRef { uri, sha256, bytes: bytes.len() as u64, mediatype: mediatype.into() })
    }

    async fn get(&self, uri: &str) -> Result<Vec<u8>, PortError> {
        let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.held.get(uri).or_else(|| stored.get(uri));
        found.cloned().ok_or_else(|| PortError::permanent(format!("{uri} was not read when this step was recorded")))
    }

    async fn publish(&self, name: &str, _: u64, _: &ArtifactRef) -> Result<bool, PortError> {
        Err(PortError::permanent(format!("a replay gives no version of {name} to anything")))
    }

    async fn latest(&self, name: &str) -> Result<Option<(u64, ArtifactRef)>, PortError> {
        Err(PortError::permanent(format!("a replay does not look for the newest {name}: it was not recorded")))
    }
}
