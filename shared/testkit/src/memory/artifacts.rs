//! Owns an artifact store in memory: bytes by content hash, `artifact://<sha256>`.
//! Never verifies on read: readers must, and tests change bytes behind their backs to see that they do.
//! Next: `contract::artifact::fetch` reads it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use contract::{ArtifactRef, Artifacts, Digest, PortError, artifact};

use super::locked;

#[derive(Debug, Default)]
pub struct MemoryArtifacts(Mutex<BTreeMap<String, Vec<u8>>>, Mutex<BTreeMap<(String, u64), ArtifactRef>>);

impl MemoryArtifacts {
    pub fn new() -> MemoryArtifacts {
        MemoryArtifacts::default()
    }

    pub fn uris(&self) -> Vec<String> {
        locked(&self.0).keys().cloned().collect()
    }

    /// Changes the stored bytes, keeping their number. False if there are none to change.
    pub fn corrupt(&self, uri: &str) -> bool {
        match locked(&self.0).get_mut(uri).and_then(|bytes| bytes.last_mut()) {
            Some(byte) => {
                *byte ^= 1;
                true
            }
            None => false,
        }
    }

    /// The versions of a name that are left.
    pub fn versions(&self, name: &str) -> Vec<u64> {
        locked(&self.1).keys().filter(|(other, _)| other == name).map(|(_, version)| *version).collect()
    }

    /// Loses the stored bytes. False if there were none.
    pub fn lose(&self, uri: &str) -> bool {
        locked(&self.0).remove(uri).is_some()
    }
}

#[async_trait]
impl Artifacts for MemoryArtifacts {
    async fn put(&self, bytes: &[u8], mediatype: &str) -> Result<ArtifactRef, PortError> {
        let sha256 = Digest::of(bytes);
        let uri = format!("artifact://{sha256}");
        locked(&self.0).insert(uri.clone(), bytes.to_vec());
        Ok(ArtifactRef { uri, sha256, bytes: bytes.len() as u64, mediatype: mediatype.into() })
    }

    async fn get(&self, uri: &str) -> Result<Vec<u8>, PortError> {
        let found = locked(&self.0).get(uri).cloned();
        found.ok_or_else(|| PortError::permanent(format!("NoSuchKey: {uri}")))
    }

    async fn publish(&self, name: &str, version: u64, artifact: &ArtifactRef) -> Result<bool, PortError> {
        artifact::named(name)?;
        let mut versions = locked(&self.1);
        let all = |version| (name.to_owned(), version);
        let newest = versions.range(all(0)..=all(u64::MAX)).next_back().map_or(0, |((_, newest), _)| *newest);
        if artifact::is_outdated(version, newest) {
            return Ok(false);
        }
        versions.retain(|(other, old), _| other != name || !artifact::is_outdated(*old, newest.max(version)));
        let there = versions.entry((name.to_owned(), version)).or_insert_with(|| artifact.clone());
        Ok(there.sha256 == artifact.sha256)
    }

    async fn latest(&self, name: &str) -> Result<Option<(u64, ArtifactRef)>, PortError> {
        artifact::named(name)?;
        let versions = locked(&self.1);
        let newest = versions.range((name.to_owned(), 0)..=(name.to_owned(), u64::MAX)).next_back();
        Ok(newest.map(|((_, version), artifact)| (*version, artifact.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn old_versions_lose_their_names_and_cannot_be_published_again() {
        let store = MemoryArtifacts::new();
        for version in 1..=40 {
            let next = store.put(&[version as u8], "text/plain").await.unwrap();
            assert!(store.publish("a", version, &next).await.unwrap());
        }
        let late = store.put(b"late", "text/plain").await.unwrap();
        assert!(!store.publish("a", 2, &late).await.unwrap() && !store.publish("a", 40, &late).await.unwrap());
        assert_eq!(store.versions("a"), (25..=40).collect::<Vec<_>>());
        assert_eq!(store.uris().len(), 41, "bytes stay");
    }
}
