//! Owns what the recommendation agent says: advice with its reasons.
//! Never advice without evidence.
//! Next: the join "result" takes it into `goal.completed`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EventData;
use crate::EventType;

/// What to do, given the analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecommendationsMade {
    pub recommendations: Vec<Recommendation>,
    /// What a reader should know of how they came about: a rule that failed, a model that was not to be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One piece of advice, with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    pub title: String,
    pub priority: Priority,
    pub rationale: String,
    /// Ids of passages.
    pub evidence: Vec<String>,
    /// What would change the advice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconsider_if: Option<String>,
    /// Whose advice it is.
    #[serde(default)]
    pub origin: Origin,
}

/// Where advice comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A rule gave it.
    #[default]
    Rules,
    /// A model suggested it by itself.
    Model,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    Low,
    Medium,
    High,
}

impl EventData for RecommendationsMade {
    const TYPE: EventType = EventType::new("recommendations.made");
    fn example() -> Self {
        RecommendationsMade {
            recommendations: vec![Recommendation {
                title: "Price the first million messages at $0.50".into(),
                priority: Priority::High,
                rationale: "Below the median of $0.60, above the lowest offer.".into(),
                evidence: vec!["p-17".into()],
                reconsider_if: Some("a competitor with volume discounts lowers its list price".into()),
                origin: Origin::Rules,
            }],
            notes: vec![],
        }
    }
}
