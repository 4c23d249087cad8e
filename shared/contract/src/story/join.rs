//! Owns one join of a story: who was expected, who came, and when that was enough.
//! Never the members' results: those are in the joined event.
//! Next: `runtime::story` fills it in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EventId, EventType, JoinName, RowName, UnixMs};

/// Where several results became one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JoinTold {
    pub join: JoinName,
    /// What it makes, where the topology knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub makes: Option<EventType>,
    /// Whether its close is the goal's own end.
    pub ends_goal: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<RowName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<UnixMs>,
    pub members: Vec<MemberTold>,
    /// How many must have come well; the required ones besides.
    pub quorum: u32,
    /// When it closes with what has come, or asks again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<UnixMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<UnixMs>,
    /// The joined event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_with: Option<EventId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberTold {
    /// A row, or the id of an event.
    pub member: String,
    /// The row whose step it is, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<RowName>,
    pub required: bool,
    pub state: MemberState,
    /// When its step was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<UnixMs>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemberState {
    Arrived,
    /// It gave up; before the close a redrive can still mend that.
    Failed,
    /// The join is open, and it may still come.
    Awaited,
    /// The join closed, or the goal ended, without it.
    Missing,
}

impl JoinTold {
    pub fn counted(&self, state: MemberState) -> usize {
        self.members.iter().filter(|member| member.state == state).count()
    }
}
