//! Owns what research says: the tasks that a plan leads to, and the evidence that the tasks found together.
//! Never the passages themselves when there are many: those are an artifact.
//! Next: `analysis` consumes `ResearchCompleted`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ArrivalStatus, Arrived, EventData};
use crate::{ArtifactRef, Digest, EventType};

/// One sub-question of a goal, to be answered on any replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResearchTaskRequested {
    pub question: String,
    /// What the goal is about: what says nothing of it answers no question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
}

impl EventData for ResearchTaskRequested {
    const TYPE: EventType = EventType::new("research.task.requested");
    fn example() -> Self {
        ResearchTaskRequested {
            question: "What do competitors charge per million messages?".into(),
            topic: Some("competitive pricing for our new product".into()),
            collections: vec!["pricing".into()],
            sources: vec![],
        }
    }
}

/// What one task brings to the join "evidence".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    pub question: String,
    pub summary: String,
    /// Passages with their sources, places and exact quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passages: Option<ArtifactRef>,
}

/// What the plan already knows of the joined event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResearchHead {
    pub goal: String,
    pub questions: Vec<String>,
}

/// All tasks are done, or the time for them is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResearchCompleted {
    #[serde(flatten)]
    pub head: ResearchHead,
    /// An `Evidence` each.
    pub arrived: Vec<Arrived>,
    /// The tasks that never came, by the id of their event.
    pub missing: Vec<String>,
}

impl EventData for ResearchCompleted {
    const TYPE: EventType = EventType::new("research.completed");
    fn example() -> Self {
        let question = ResearchTaskRequested::example().question;
        let evidence = Evidence {
            question: question.clone(),
            summary: "Three competitors publish prices between $0.40 and $1.00.".into(),
            passages: Some(ArtifactRef {
                uri: "artifact://2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".into(),
                sha256: Digest::of(b"foo"),
                bytes: 3,
                mediatype: "application/json".into(),
            }),
        };
        ResearchCompleted {
            head: ResearchHead { goal: super::GoalRequested::example().goal, questions: vec![question] },
            arrived: vec![Arrived {
                member: "1b4e28ba-2fa1-51d2-883f-0016d3cca427".into(),
                status: ArrivalStatus::Ok,
                data: Some(json!(evidence)),
                reference: None,
            }],
            missing: vec![],
        }
    }
}
