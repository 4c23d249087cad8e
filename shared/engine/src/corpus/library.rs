//! Owns finding: which passages and tables of which collections answer a question, from the newest index of each.
//! Never an index older than the newest that was published when the question came; never a restart for it.
//! Next: research asks here, through an exchange.

use std::sync::Arc;

use contract::documents::{Passage, Source, Table};
use contract::{ArtifactRef, Artifacts, PortError};
use serde::{Deserialize, Serialize};

/// One question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    pub collections: Vec<String>,
    pub question: String,
    pub passages_max: usize,
    pub tables_max: usize,
}

/// What was found, the best first, and in which version of each collection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub sources: Vec<Source>,
    pub passages: Vec<Passage>,
    pub tables: Vec<Table>,
    pub versions: Vec<(String, u64)>,
    /// Collections that do not exist.
    pub unknown: Vec<String>,
}

/// The open indexes of one daemon.
#[derive(Debug, Default)]
pub struct Library {}

impl Library {
    pub fn new() -> Library {
        Library::default()
    }

    /// The texts of the sources that were found are stored as artifacts: `Source::text` of each is there.
    pub async fn search(&self, _query: &Query, _artifacts: &Arc<dyn Artifacts>) -> Result<Found, PortError> {
        Ok(Found::default())
    }

    /// Likewise among a few readings that are in no collection; their texts are stored, too.
    pub async fn among(
        _query: &Query,
        _readings: Vec<super::Reading>,
        _artifacts: &Arc<dyn Artifacts>,
    ) -> Result<Found, PortError> {
        Ok(Found::default())
    }

    /// Keeps the text of a source, so that a quote can be held against it.
    pub async fn keep(artifacts: &Arc<dyn Artifacts>, text: &str) -> Result<ArtifactRef, PortError> {
        artifacts.put(text.as_bytes(), "text/plain; charset=utf-8").await
    }
}
