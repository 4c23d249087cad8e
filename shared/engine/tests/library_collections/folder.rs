//! Owns a store of files in a folder: bytes by hash, a file for each version of a name.
//! Never overwrites a version: `create_new` lets the first one win.
//! Next: `versions` runs over it what it runs over memory.

use std::fs;
use std::path::PathBuf;

use async_trait::async_trait;
use contract::{ArtifactRef, Artifacts, Digest, PortError};

#[derive(Debug)]
pub(crate) struct FolderArtifacts(pub(crate) PathBuf);

fn failed(why: impl std::fmt::Display) -> PortError {
    PortError::permanent(why.to_string())
}

#[async_trait]
impl Artifacts for FolderArtifacts {
    async fn put(&self, bytes: &[u8], mediatype: &str) -> Result<ArtifactRef, PortError> {
        let sha256 = Digest::of(bytes);
        let path = self.0.join(sha256.as_str());
        fs::write(&path, bytes).map_err(failed)?;
        Ok(ArtifactRef {
            uri: path.to_string_lossy().into_owned(),
            sha256,
            bytes: bytes.len() as u64,
            mediatype: mediatype.into(),
        })
    }

    async fn get(&self, uri: &str) -> Result<Vec<u8>, PortError> {
        fs::read(uri).map_err(failed)
    }

    async fn publish(&self, name: &str, version: u64, artifact: &ArtifactRef) -> Result<bool, PortError> {
        let path = self.0.join(format!("{name}.{version:020}"));
        let text = serde_json::to_vec(artifact).map_err(failed)?;
        match fs::File::create_new(&path) {
            Ok(_) => fs::write(&path, text).map(|()| true).map_err(failed),
            Err(_) => fs::read(&path).map(|there| there == text).map_err(failed),
        }
    }

    async fn latest(&self, name: &str) -> Result<Option<(u64, ArtifactRef)>, PortError> {
        let mut newest = None;
        for entry in fs::read_dir(&self.0).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let version = path.extension().and_then(|version| version.to_str()?.parse::<u64>().ok());
            if path.file_stem().is_some_and(|stem| stem == name)
                && version > newest.as_ref().map(|(version, _)| *version)
            {
                let bytes = fs::read(&path).map_err(failed)?;
                newest = version.zip(serde_json::from_slice(&bytes).ok());
            }
        }
        Ok(newest)
    }
}
