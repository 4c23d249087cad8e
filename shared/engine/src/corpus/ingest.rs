//! Owns filling a collection: which files of a folder are new, changed or gone, read on all cores, and told as it goes.
//! Never stops at a file that cannot be read: its error is in the list at the end.
//! Next: `read` reads each, `index` takes the readings.

use std::path::Path;
use std::sync::Arc;

use contract::{Artifacts, PortError};

/// What became of the files of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    pub version: u64,
    pub read: usize,
    pub unchanged: usize,
    pub removed: usize,
    pub passages: usize,
    pub tables: usize,
    /// Address, and why it could not be read.
    pub failed: Vec<(String, String)>,
}

/// Whoever shows how far it is.
pub trait Progress: Send + Sync {
    fn found(&self, files: usize);
    fn done(&self, address: &str);
}

/// Brings a collection to what this folder holds.
pub async fn ingest(
    _folder: &Path,
    _collection: &str,
    _artifacts: &Arc<dyn Artifacts>,
    _progress: &dyn Progress,
) -> Result<Ingested, PortError> {
    Ok(Ingested::default())
}
