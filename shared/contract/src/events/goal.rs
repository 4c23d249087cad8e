//! Owns the goal's own events: its request, its cancellation, and its three ends.
//! Never the bare form that a person may send: `decode::bare` turns that into a `GoalRequested`.
//! Next: `research` plans a `GoalRequested`; subscribers wait for one of the ends.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ArrivalStatus, Arrived, EventData};
use crate::{Cause, CauseKind, EventId, EventType, GoalId, RowName, UnixMs};

/// A user's wish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GoalRequested {
    /// In the user's own words.
    pub goal: String,
    /// Collections of ingested sources that may be used; `default` where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<String>,
    /// Addresses to ingest for this goal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// What else the agents should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// When the goal ends as failed if nothing else ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<UnixMs>,
    #[serde(default)]
    pub on_dead_letter: OnDeadLetter,
    /// The model that agents ask first, by the name that their configuration gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub model: Option<String>,
    /// Where this goal was forked from another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forkedfrom: Option<ForkedFrom>,
}

/// The step of another goal from which this one goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForkedFrom {
    pub goal: GoalId,
    pub row: RowName,
    pub event: EventId,
}

/// What may be spent on one goal, by all agents together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Budget {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub usd: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnDeadLetter {
    /// A step that gives up leaves the goal open, for a redrive before its deadline.
    #[default]
    Hold,
    /// A step that gives up ends the goal, unless it is an optional member of a join.
    Fail,
}

impl EventData for GoalRequested {
    const TYPE: EventType = EventType::new("goal.requested");
    fn example() -> Self {
        GoalRequested {
            goal: "Research competitive pricing for our new product and create a summary report".into(),
            collections: vec!["pricing".into()],
            sources: vec!["https://example.com/pricing".into()],
            context: Some("The product is a hosted message broker for small teams.".into()),
            budget: Some(Budget { tokens: Some(200_000), usd: Some(0.5) }),
            deadline: Some(UnixMs(1_795_000_000_000)),
            on_dead_letter: OnDeadLetter::Hold,
            model: None,
            forkedfrom: None,
        }
    }
}

/// A user does not want it any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GoalCancelRequested {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl EventData for GoalCancelRequested {
    const TYPE: EventType = EventType::new("goal.cancel.requested");
    fn example() -> Self {
        GoalCancelRequested { reason: Some("The launch was called off.".into()) }
    }
}

/// The end that everybody hopes for: what each member of the join "result" brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GoalCompleted {
    pub goal: String,
    /// `writer`: summary and report; `recommendation`: the recommendations.
    pub arrived: Vec<Arrived>,
    /// Optional members that never came.
    pub missing: Vec<String>,
}

impl EventData for GoalCompleted {
    const TYPE: EventType = EventType::new("goal.completed");
    fn example() -> Self {
        let arrived = |member: &str, data| Arrived {
            member: member.into(),
            status: ArrivalStatus::Ok,
            data: Some(data),
            reference: None,
        };
        GoalCompleted {
            goal: GoalRequested::example().goal,
            arrived: vec![
                arrived("recommendation", json!(super::RecommendationsMade::example())),
                arrived("writer", json!(super::ReportWritten::example())),
            ],
            missing: vec![],
        }
    }
}

/// Nothing more will come of it; a fork may go on from any of its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GoalFailed {
    pub goal: String,
    pub cause: EndCause,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum EndCause {
    /// Its deadline passed.
    DeadlineExceeded { missing: Vec<String> },
    /// A step gave up, and the goal was to fail then.
    StepFailed { row: RowName, event: EventId, cause: Cause },
    /// A join's deadline passed without what it requires, and the goal was to fail then.
    JoinIncomplete { join: String, missing: Vec<String> },
}

impl EventData for GoalFailed {
    const TYPE: EventType = EventType::new("goal.failed");
    fn example() -> Self {
        GoalFailed {
            goal: GoalRequested::example().goal,
            cause: EndCause::StepFailed {
                row: RowName::new("analysis"),
                event: EventId(uuid::Uuid::from_u128(7)),
                cause: Cause::new(CauseKind::AttemptsExhausted, "the model answered nonsense three times"),
            },
        }
    }
}

/// Ended because a user asked for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GoalCancelled {
    pub goal: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl EventData for GoalCancelled {
    const TYPE: EventType = EventType::new("goal.cancelled");
    fn example() -> Self {
        GoalCancelled { goal: GoalRequested::example().goal, reason: GoalCancelRequested::example().reason }
    }
}
