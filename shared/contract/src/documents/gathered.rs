//! Owns what one research task found: passages and tables with their sources, and what could not be had.
//! Never silent about a source that failed: `missed` names it.
//! Next: `Evidence.passages` of `research.completed` refers to it; the analysis agent reads all of a goal's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Document, Passage, Source, Table};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gathered {
    pub question: String,
    /// Every source that a passage or table below names, with its text.
    pub sources: Vec<Source>,
    /// The best first.
    pub passages: Vec<Passage>,
    pub tables: Vec<Table>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<Missed>,
    /// Words by which the topic is known and that no collection has, as the goal spells them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// Something that was looked for and could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missed {
    pub what: String,
    pub why: String,
}

impl Document for Gathered {
    const MEDIATYPE: &'static str = "application/vnd.murmuration.gathered.v1+json";
}
