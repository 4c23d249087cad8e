//! Owns what the analysis says: findings, each with its evidence for and against.
//! Never a number without the evidence that it was computed from.
//! Next: `writer` and `recommendation` both consume it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EventData;
use crate::{ArtifactRef, EventType};

/// What the evidence amounts to, finding by finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnalysisCompleted {
    pub goal: String,
    pub summary: String,
    pub findings: Vec<Finding>,
    /// Tables, metrics and all the evidence, where there is more than fits here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<ArtifactRef>,
}

/// One statement, with what speaks for and against it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    pub statement: String,
    pub confidence: Confidence,
    /// Why it is no higher and no lower.
    pub reason: String,
    /// Ids of passages.
    pub supporting: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contradicting: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl EventData for AnalysisCompleted {
    const TYPE: EventType = EventType::new("analysis.completed");
    fn example() -> Self {
        AnalysisCompleted {
            goal: super::GoalRequested::example().goal,
            summary: "Competitors charge between $0.40 and $1.00 per million messages.".into(),
            findings: vec![Finding {
                statement: "The median price is $0.60 per million messages.".into(),
                confidence: Confidence::High,
                reason: "Computed from three published price lists.".into(),
                supporting: vec!["p-17".into(), "p-23".into()],
                contradicting: vec![],
            }],
            details: None,
        }
    }
}
