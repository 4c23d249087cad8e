//! Owns a collection's index: built from readings, packed into artifacts, opened by any number of daemons.
//! Never changed once it is published: a new version is a new artifact.
//! Next: `ingest` builds one, `library` opens the newest.

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::{Artifacts, Digest, PortError};

use super::Reading;

/// How a file was when it was read: unchanged ones are not read again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    pub bytes: u64,
    pub modified_ms: i64,
    pub sha256: Digest,
}

/// The next version of a collection, while it is being made.
#[derive(Debug)]
pub struct Builder {
    stamps: BTreeMap<String, Stamp>,
}

impl Builder {
    /// From the newest version, or from nothing.
    pub async fn open(_collection: &str, _artifacts: &Arc<dyn Artifacts>) -> Result<Builder, PortError> {
        Ok(Builder { stamps: BTreeMap::new() })
    }

    /// What the collection holds, by address.
    pub fn stamps(&self) -> &BTreeMap<String, Stamp> {
        &self.stamps
    }

    /// Adds a source, or puts it in the place of the one at its address. May be called from several threads.
    pub fn add(&self, _reading: Reading, _stamp: Stamp) -> Result<(), PortError> {
        Ok(())
    }

    pub fn remove(&self, _address: &str) -> Result<(), PortError> {
        Ok(())
    }

    /// Stores and publishes it; the version that it became. Nothing changed: the version that there was.
    pub async fn publish(self, _artifacts: &Arc<dyn Artifacts>) -> Result<u64, PortError> {
        Ok(0)
    }
}
