//! Owns the story of a run: what `murmur explain` tells of one goal, as a versioned document.
//! Never how it is found out (`runtime::story::tell`), and never how it looks: every form is rendered from this.
//! Next: `step` is one agent's part of it, `join` where several met; `schema` publishes it as `run-story.v1`.

mod example;
mod join;
mod step;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{Budget, EndCause, ForkedFrom, OnDeadLetter};
use crate::{Cause, DaemonName, EventId, EventType, GoalId, QueueName, RowName, Spend, Tenant, UnixMs};

pub use join::{JoinTold, MemberState, MemberTold};
pub use step::{Asked, AttemptEnd, AttemptTold, Emitted, Lapse, Origin, Parked, StepState, StepTold};

/// What happened to one goal, in order, across all agents: told from its records alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStory {
    /// Which document this is: `urn:murmuration:schema:run-story.v1`.
    pub dataschema: String,
    /// When it was told; what is still going on looks different later.
    pub told_at: UnixMs,
    pub goal: GoalTold,
    pub standing: Standing,
    /// Where the goal stands, in one sentence.
    pub summary: String,
    /// What went wrong, if it decides where the goal stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// Commands that lead on, the best one first.
    pub next: Vec<String>,
    /// From the request to the end, or until now.
    pub took_ms: u64,
    pub spent: Purse,
    /// In the order in which their events were made.
    pub steps: Vec<StepTold>,
    /// Events that nobody has taken up yet.
    pub waiting: Vec<Waiting>,
    pub joins: Vec<JoinTold>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<EndTold>,
    /// Everything above that has a time, in order.
    pub moments: Vec<Moment>,
    /// What could not be read, and is therefore missing here.
    pub gaps: Vec<String>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GoalTold {
    pub id: GoalId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub tenant: Tenant,
    /// In the user's own words.
    pub words: String,
    pub collections: Vec<String>,
    pub sources: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    pub on_dead_letter: OnDeadLetter,
    /// The model that its user wants to be asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// W3C trace id; all zeros where there is none.
    pub trace: String,
    pub requested_at: UnixMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<UnixMs>,
    /// The goal that this one goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<ForkedFrom>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Somebody is at work, or an event is on its way.
    Working,
    /// A step gave up, and the goal waits for a redrive or for its deadline.
    Stalled,
    /// Nobody is at work and nothing is on its way, as far as the records say.
    Quiet,
    Completed,
    Failed,
    Cancelled,
    /// The goal's own record is gone or damaged.
    Unknown,
}

/// Who is to blame, why, and where the message is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trouble {
    pub row: RowName,
    /// The process that hosts the row.
    pub agent: DaemonName,
    /// The event that the step consumed.
    pub event: EventId,
    /// How many attempts were made in the last round.
    pub attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts_max: Option<u32>,
    pub cause: Cause,
    pub at: UnixMs,
    pub dead_letter: DeadLetter,
    /// Whether the goal can end well without this step.
    pub optional: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    pub queue: QueueName,
    /// Which of the step's dead letters it is, from 1.
    pub n: u32,
    /// Whether it is known to be there; if not, the step died while it sent it, and will send it again.
    pub sent: bool,
}

/// What the goal may spend and has spent, over all attempts of all steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Purse {
    pub spent: Spend,
    /// Held back for calls that are not settled; of an ended goal it counts as spent.
    pub reserved: Spend,
    pub allowed: Spend,
}

/// An event that lies in a queue, as far as the records say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    pub row: RowName,
    pub agent: DaemonName,
    pub queue: QueueName,
    pub event: EventId,
    #[serde(rename = "type")]
    pub kind: EventType,
    pub since: UnixMs,
    pub waited_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndTold {
    #[serde(rename = "type")]
    pub kind: EventType,
    pub event: EventId,
    pub at: UnixMs,
    /// Whether it is known to be published.
    pub told: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EndCause>,
    /// Why it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Optional members that never came.
    pub missing: Vec<String>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Moment {
    pub at: UnixMs,
    pub what: What,
    /// Whose row it was; none of what the user or the choreography did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<RowName>,
    /// The event that it is about: that of a step is the one that it consumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// In words.
    pub words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    Requested,
    Sent,
    Redriven,
    Claimed,
    Failed,
    GivenBack,
    Died,
    Committed,
    GaveUp,
    Opened,
    Arrived,
    Closed,
    Ended,
}

impl RunStory {
    pub const NAME: &'static str = "run-story";
    pub const VERSION: u32 = 1;

    pub fn dataschema() -> String {
        crate::dataschema(&EventType::new(RunStory::NAME), RunStory::VERSION)
    }

    /// The step that consumed this event.
    pub fn step(&self, row: &RowName, event: EventId) -> Option<&StepTold> {
        self.steps.iter().find(|step| step.row == *row && step.event == event)
    }
}

impl Standing {
    pub const fn as_str(self) -> &'static str {
        match self {
            Standing::Working => "working",
            Standing::Stalled => "stalled",
            Standing::Quiet => "quiet",
            Standing::Completed => "completed",
            Standing::Failed => "failed",
            Standing::Cancelled => "cancelled",
            Standing::Unknown => "unknown",
        }
    }

    pub const fn ended(self) -> bool {
        matches!(self, Standing::Completed | Standing::Failed | Standing::Cancelled)
    }
}

impl What {
    pub const fn as_str(self) -> &'static str {
        match self {
            What::Requested => "requested",
            What::Sent => "sent",
            What::Redriven => "redriven",
            What::Claimed => "claimed",
            What::Failed => "failed",
            What::GivenBack => "given back",
            What::Died => "died",
            What::Committed => "committed",
            What::GaveUp => "gave up",
            What::Opened => "opened",
            What::Arrived => "arrived",
            What::Closed => "closed",
            What::Ended => "ended",
        }
    }
}
