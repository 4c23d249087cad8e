//! Owns the events of the choreography: one type each, whose schema is public (`schemas/*.v1.json`).
//! Never behaviour: what an event leads to is in `topology`, and what is done about it in the agents.
//! Next: `schema` makes JSON Schemas and examples of these types; other crates add theirs by `EventData`.

mod analysis;
mod goal;
mod recommendation;
mod research;
mod step;
mod writer;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use analysis::{AnalysisCompleted, Confidence, Finding};
pub use goal::{
    Budget, EndCause, ForkedFrom, GoalCancelRequested, GoalCancelled, GoalCompleted, GoalFailed, GoalRequested,
    OnDeadLetter,
};
pub use recommendation::{Origin, Priority, Recommendation, RecommendationsMade};
pub use research::{Evidence, ResearchCompleted, ResearchHead, ResearchTaskRequested};
pub use step::StepFailed;
pub use writer::{Attachment, ReportWritten};

use crate::{ArtifactRef, EventType};

/// What an event of one type says. One event, three spellings: `TYPE` on the wire, this type, its schema file.
pub trait EventData: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    const TYPE: EventType;
    const VERSION: u32 = 1;

    /// One that a reader of the schema can learn from.
    fn example() -> Self;
}

/// What one member brought to a join.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Arrived {
    pub member: String,
    pub status: ArrivalStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// Instead of `data`, where that is too large to travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ArtifactRef>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalStatus {
    Ok,
    Failed,
}
