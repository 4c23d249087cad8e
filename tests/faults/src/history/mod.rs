//! Owns what is known of one run at its end, as one JSON document: what was asked, what was told, what is on record.
//! Never judges: whoever reads the document again later gets the same verdict from `checker`.
//! Next: `recorder` hears every event of the bus, `gather` reads the rest; `record` is how items are kept.

mod gather;
mod record;
mod recorder;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use contract::{EventId, GoalId, QueueName, RowName, Source, Tenant, UnixMs};
use runtime::Settings;
use runtime::ports::Received;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use record::{Kept, Record};
pub use recorder::Recorder;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub gathered_at: UnixMs,
    pub allowed: Allowed,
    pub account: Account,
    /// In the order in which they came.
    pub seen: Vec<Seen>,
    /// Every item of every goal that anybody knows of.
    pub ledger: BTreeMap<GoalId, Vec<Record>>,
    pub letters: Vec<Letter>,
    pub left: Vec<Left>,
}

/// What is not yet a defect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// After a goal's deadline.
    pub due_ms: u64,
    /// After SIGTERM.
    pub drain_ms: u64,
    /// Receives after which SQS itself makes a message a dead letter.
    pub receives_max: u32,
}

/// What only the one who ran it knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub wishes: Vec<Wished>,
    pub acts: Vec<Act>,
    pub processes: Vec<Process>,
    /// What a model was asked, where somebody wrote it down.
    pub asked: Vec<Asked>,
    /// Each fault that may make somebody repeat what is done already. The ends of processes count by themselves.
    pub disturbances: Vec<Disturbance>,
}

/// One thing that was done to the run: a reply lost, a copy made, a process stopped for a while, the server away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disturbance {
    pub what: String,
    pub from: UnixMs,
    pub until: UnixMs,
}

/// What its sender knows of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    #[default]
    Acknowledged,
    /// It may have happened or not.
    Lost,
}

/// A goal that was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wished {
    pub at: UnixMs,
    pub by: String,
    pub tenant: Tenant,
    pub key: String,
    pub words: String,
    pub reply: Reply,
    /// The goal that it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<GoalId>,
}

impl Wished {
    pub fn goal(&self) -> GoalId {
        GoalId::derive(&self.tenant, &self.key)
    }
}

/// What an operator did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    pub at: UnixMs,
    pub by: String,
    pub goal: GoalId,
    pub what: Doing,
    pub reply: Reply,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    Cancel,
    Redrive {
        row: RowName,
        event: EventId,
    },
    /// The letter went, and this event came instead.
    Edit {
        row: RowName,
        event: EventId,
        edited: EventId,
    },
    Discard {
        row: RowName,
        event: EventId,
    },
}

/// A question to a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub at: UnixMs,
    pub goal: GoalId,
    pub row: RowName,
    pub event: EventId,
    /// Whose: nothing where whoever wrote it down could not know.
    pub epoch: Option<u32>,
}

/// A daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub name: String,
    pub id: u32,
    pub started_at: UnixMs,
    /// Nothing while it runs.
    pub end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// By SIGKILL, by us.
    Killed { at: UnixMs },
    /// After SIGTERM.
    Drained { at: UnixMs, took_ms: u64, code: Option<i32> },
    /// Nobody asked it to.
    ByItself { at: UnixMs, code: Option<i32> },
}

/// One event of the bus, as a subscriber got it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    pub at: UnixMs,
    /// SQS's: the same for each receive of one copy.
    pub message_id: String,
    /// EventBridge's: the same for each copy of one entry that was put.
    pub entry_id: String,
    /// As the wrapper says.
    pub source: Source,
    /// The event, as it was put; the whole body where that is no wrapper.
    pub detail: Value,
}

/// A dead letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The queue that it did not make it through; of what EventBridge could not deliver: that queue of dead letters.
    pub queue: String,
    pub message_id: String,
    pub sent_at: UnixMs,
    pub receive_count: u32,
    pub body: String,
    pub attributes: BTreeMap<String, String>,
}

/// What a working queue holds at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub queue: QueueName,
    pub visible: u64,
    pub in_flight: u64,
    /// Of those that are visible, as far as they were looked at.
    pub bodies: Vec<String>,
}

impl Allowed {
    pub fn of(settings: &Settings) -> Allowed {
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Allowed {
            // Whoever sweeps does so with jitter, and may have just died.
            due_ms: ms(settings.skew_margin + settings.sweep_every * 3 + settings.told_after),
            // A call that is under way at the end of the grace may take its time limit.
            drain_ms: ms(settings.drain_grace + settings.retry_elapsed_max),
            receives_max: settings.limits.values().map(|limits| limits.receives_max).min().unwrap_or(0),
        }
    }
}

impl History {
    /// Into a file, for whoever wants to judge it again.
    pub fn keep(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec(self)?;
        std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
    }
}

impl Seen {
    /// Out of EventBridge's wrapper.
    pub(crate) fn of(message: &Received, at: UnixMs) -> Seen {
        let mut body: Value =
            serde_json::from_str(&message.body).unwrap_or_else(|_| Value::String(message.body.clone()));
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (entry_id, source) = (text("id"), Source::from(text("source")));
        let detail = match body.get_mut("detail") {
            Some(detail) => detail.take(),
            None => body,
        };
        Seen { at, message_id: message.message_id.clone(), entry_id, source, detail }
    }
}
