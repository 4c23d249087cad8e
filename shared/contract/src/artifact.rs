//! Owns what is too large to travel: a reference by content hash, and the port that stores and fetches the bytes.
//! Never trusts a store: `verified` compares length and hash of whatever came back.
//! Next: `shared/aws` (S3, local files) and `testkit` (memory) implement the port.

use std::fmt;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, PortError};

/// Where the bytes are, and which bytes they must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactRef {
    pub uri: String,
    pub sha256: Digest,
    pub bytes: u64,
    pub mediatype: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    #[error("{uri} holds {found} bytes where {expected} were promised: store it again, or restore it from a backup")]
    Length { uri: String, expected: u64, found: u64 },
    #[error("{uri} has hash {found} where {expected} was promised: its bytes were changed after they were stored")]
    Digest { uri: String, expected: Digest, found: Digest },
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Stores by content: the same bytes have the same name, so storing twice is storing once.
#[async_trait]
pub trait Artifacts: Send + Sync + fmt::Debug {
    async fn put(&self, bytes: &[u8], mediatype: &str) -> Result<ArtifactRef, PortError>;
    /// The bytes as the store has them. Callers want `fetch`, which verifies.
    async fn get(&self, uri: &str) -> Result<Vec<u8>, PortError>;
    /// Makes an artifact version `version` of a name. False where that version is another artifact already, or so old
    /// that it may have been one: whoever wants to go on from it reads the newest first. Of older versions than the last
    /// `VERSIONS_KEPT` the names go; their bytes stay for whoever reads them.
    async fn publish(&self, name: &str, version: u64, artifact: &ArtifactRef) -> Result<bool, PortError>;
    /// The newest version of a name. May be asked every second.
    async fn latest(&self, name: &str) -> Result<Option<(u64, ArtifactRef)>, PortError>;
}

/// How many versions of a name are kept. Who publishes the next one was never so far behind for a legitimate reason: it
/// would have to lose against so many others between reading the newest and writing its own.
pub const VERSIONS_KEPT: u64 = 16;

/// Whether, beside this newest version, another may have lost its name already.
pub fn is_outdated(version: u64, newest: u64) -> bool {
    version.saturating_add(VERSIONS_KEPT) <= newest
}

const NAME_BYTES_MAX: usize = 64;

/// Whether versions can be published under this name; if not, what can be done.
pub fn named(name: &str) -> Result<(), PortError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(plain) {
        return Ok(());
    }
    let name = crate::bounded(name);
    Err(PortError::permanent(format!(
        "{name:?} is no name for an artifact: use a to z, 0 to 9 and -, {NAME_BYTES_MAX} at most"
    )))
}

/// Reads an artifact and makes sure that it is the one that was referred to.
pub async fn fetch(store: &dyn Artifacts, wanted: &ArtifactRef) -> Result<Vec<u8>, ArtifactError> {
    wanted.verified(store.get(&wanted.uri).await?)
}

impl ArtifactRef {
    pub fn verified(&self, bytes: Vec<u8>) -> Result<Vec<u8>, ArtifactError> {
        let found = bytes.len() as u64;
        if found != self.bytes {
            return Err(ArtifactError::Length { uri: self.uri.clone(), expected: self.bytes, found });
        }
        let digest = Digest::of(&bytes);
        if crate::guard::holds(crate::Guard::ArtifactDigest, digest == self.sha256) {
            Ok(bytes)
        } else {
            Err(ArtifactError::Digest { uri: self.uri.clone(), expected: self.sha256.clone(), found: digest })
        }
    }
}
