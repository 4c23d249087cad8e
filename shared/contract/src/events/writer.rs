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
    pub attachments: Vec<Attachment>,
}

/// A file beside the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    #[serde(flatten)]
    pub artifact: ArtifactRef,
    /// What the report calls it: what to save it as. Whoever saves it looks first whether it is a bare file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
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
            attachments: vec![Attachment {
                artifact: ArtifactRef {
                    uri: "artifact://baa5a0964d3320fbc0c6a922140453c8513ea24ab8fd0577034804a967248096".into(),
                    sha256: Digest::of(b"baz"),
                    bytes: 3,
                    mediatype: "text/html".into(),
                },
                name: Some("report.html".into()),
            }],
        }
    }
}
