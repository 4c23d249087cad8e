//! Owns one step of a story: the hop that its event made, its attempts, and what came of it.
//! Never a judgement on the goal: that is the story's.
//! Next: `join`, at which steps arrive.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cause, DaemonName, EventId, EventType, JoinName, QueueName, RowName, Spend, UnixMs};

/// What one row did about one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepTold {
    pub row: RowName,
    /// The process that hosts the row.
    pub agent: DaemonName,
    pub queue: QueueName,
    /// The event that it consumed.
    pub event: EventId,
    /// That event's type, where it is known.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EventType>,
    /// Who made that event.
    pub from: Origin,
    /// Which of several like it, in a few words: the question of a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    pub state: StepState,
    /// When its emitter committed the event.
    pub event_at: UnixMs,
    /// From the emitter's commit until the queue had the message.
    pub bus: Lapse,
    pub attempts: Vec<AttemptTold>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts_max: Option<u32>,
    /// How many times it was redriven after it had given up.
    pub redriven: u32,
    /// How many of its holders died.
    pub crashes: u32,
    /// When the next attempt may begin, of a step that is released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<UnixMs>,
    /// Until when its holder holds it, of a step that is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<UnixMs>,
    /// When it was committed or gave up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<UnixMs>,
    /// Over all attempts, as far as their records tell.
    pub cost: Spend,
    pub models: Asked,
    pub tools: Asked,
    /// Each time it gave up, with its dead letter.
    pub parked: Vec<Parked>,
    pub emitted: Vec<Emitted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<JoinName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrives: Option<JoinName>,
    /// Done for the goal that this one is a fork of, and taken over from there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub copied: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Origin {
    User,
    Step { row: RowName, event: EventId },
    Join { join: JoinName },
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Somebody works on it.
    AtWork,
    /// Somebody had it, and has not been heard of for longer than its lease.
    Silent,
    /// It waits for its next attempt.
    Waiting,
    Committed,
    /// It gave up, and nobody has redriven it.
    Parked,
    /// It was not over when the goal ended.
    Left,
}

/// A time between two clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lapse {
    pub ms: u64,
    /// How far the clocks disagree, where the later one said less than the earlier: the time is then told as 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skew_ms: u64,
}

fn is_zero(ms: &u64) -> bool {
    *ms == 0
}

impl Lapse {
    pub fn between(from: UnixMs, to: UnixMs) -> Lapse {
        let span = to.0.saturating_sub(from.0);
        let ms = u64::try_from(span).unwrap_or(0);
        Lapse { ms, skew_ms: if span < 0 { span.unsigned_abs() } else { 0 } }
    }
}

/// One time that somebody held the step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptTold {
    pub epoch: u32,
    /// 1 at first; each redrive begins another.
    pub round: u32,
    /// Which attempt of its round; whoever takes over from the dead makes the same one again. None where nobody tried,
    /// since all tries were over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Daemon, host and process.
    pub holder: String,
    pub sent_at: UnixMs,
    pub received_at: UnixMs,
    pub claimed_at: UnixMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UnixMs>,
    /// The first of its round: in the queue until it was received. A later one: since the attempt before it was over.
    pub wait: Lapse,
    /// From the receive to the claim.
    pub claim: Lapse,
    /// From the claim to its end, or until now.
    pub work: Lapse,
    pub end: AttemptEnd,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Where its `AttemptRecord` is: every question to a model or a tool, and the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    pub cost: Spend,
    pub models: Asked,
    pub tools: Asked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptEnd {
    /// Not yet.
    AtWork,
    Committed,
    /// It failed, and another one may follow.
    Failed,
    /// Its process was told to stop.
    GivenBack,
    /// Its process was not heard of any more.
    Died,
    /// The step gave up with it.
    GaveUp,
    /// The goal ended meanwhile.
    Left,
}

impl AttemptEnd {
    pub const fn as_str(self) -> &'static str {
        match self {
            AttemptEnd::AtWork => "at work",
            AttemptEnd::Committed => "done",
            AttemptEnd::Failed => "failed",
            AttemptEnd::GivenBack => "given back",
            AttemptEnd::Died => "died",
            AttemptEnd::GaveUp => "gave up",
            AttemptEnd::Left => "left",
        }
    }
}

/// Calls of models, or of tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    pub calls: u32,
    pub failed: u32,
    /// How long one or more of them were under way.
    pub ms: u64,
}

impl std::ops::Add for Asked {
    type Output = Asked;
    fn add(self, other: Asked) -> Asked {
        Asked { calls: self.calls + other.calls, failed: self.failed + other.failed, ms: self.ms + other.ms }
    }
}

/// One time that the step gave up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Parked {
    /// From 1.
    pub n: u32,
    pub at: UnixMs,
    pub cause: Cause,
    /// Where the dead letter went.
    pub queue: QueueName,
    /// Whether a redrive took it up again.
    pub redriven: bool,
}

/// An event that the step made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Emitted {
    pub event: EventId,
    #[serde(rename = "type")]
    pub kind: EventType,
}
