//! Owns what the writer says: the report's place and its summary.
//! Never the report: that is an artifact.
//! Next: the join "result" takes it into `goal.completed`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EventData;
use crate::{ArtifactRef, Digest, EventType};

/// The report is there; it is an artifact, and this says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportWritten {
    pub title: String,
    pub summary: String,
    /// Markdown.
    pub report: ArtifactRef,
    /// The same report in other forms, its tables and charts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<ArtifactRef>,
}

impl EventData for ReportWritten {
    const TYPE: EventType = EventType::new("report.written");
    fn example() -> Self {
        ReportWritten {
            title: "Competitive pricing of hosted message brokers".into(),
            summary: super::AnalysisCompleted::example().summary,
            report: ArtifactRef {
                uri: "artifact://fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9".into(),
                sha256: Digest::of(b"bar"),
                bytes: 3,
                mediatype: "text/markdown".into(),
            },
            attachments: vec![],
        }
    }
}
