//! Owns how an index travels: its files in parts as artifacts, and the manifest that names them.
//! Never a file that the manifest's hashes do not vouch for, and never one outside the folder that it is unpacked to.
//! Next: `index` packs, `library` unpacks.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use contract::artifact::{ArtifactError, fetch};
use contract::documents::{self, Document};
use contract::{ArtifactRef, Artifacts, PortError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::fields::FORMAT;
use super::{Stamp, broken, in_background};

const PART_BYTES_MAX: u64 = 16 << 20;
const PART_MEDIATYPE: &str = "application/octet-stream";

/// One version of a collection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    pub collection: String,
    pub version: u64,
    /// How the index lies in its files: a program that knows another format builds it anew.
    pub format: u32,
    pub sources: usize,
    pub files: Vec<Packed>,
    /// What was read, for whoever makes the next version.
    pub stamps: ArtifactRef,
}

/// One file of an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Packed {
    pub name: String,
    pub parts: Vec<ArtifactRef>,
}

/// By address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Stamps(pub(crate) BTreeMap<String, Stamp>);

impl Document for Manifest {
    const MEDIATYPE: &'static str = "application/vnd.murmuration.collection.v1+json";
}

impl Document for Stamps {
    const MEDIATYPE: &'static str = "application/vnd.murmuration.stamps.v1+json";
}

/// What a collection's versions are published under. Refuses what could be mistaken for another.
pub(crate) fn published_name(collection: &str) -> Result<String, PortError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if collection.is_empty() || collection.len() > 40 || !collection.bytes().all(is_plain) {
        let shown: String = collection.chars().take(60).collect();
        return Err(PortError::permanent(format!(
            "{shown:?} cannot be a collection: a name has 1 to 40 characters of a to z, 0 to 9 and -"
        )));
    }
    Ok(format!("collection-{collection}"))
}

/// The newest version, if there is one.
pub(crate) async fn newest(
    collection: &str,
    artifacts: &dyn Artifacts,
) -> Result<Option<(u64, ArtifactRef)>, PortError> {
    artifacts.latest(&published_name(collection)?).await
}

pub(crate) async fn manifest(artifacts: &dyn Artifacts, wanted: &ArtifactRef) -> Result<Manifest, PortError> {
    documents::get(artifacts, wanted).await
}

impl Manifest {
    pub(crate) fn is_readable(&self) -> bool {
        self.format == FORMAT
    }
}

/// Stores the files of a folder.
pub(crate) async fn pack(
    folder: &Path,
    names: &[String],
    artifacts: &Arc<dyn Artifacts>,
) -> Result<Vec<Packed>, PortError> {
    let mut packed = Vec::with_capacity(names.len());
    for name in names {
        let path = folder.join(name);
        let mut parts = Vec::new();
        loop {
            let (path, skip) = (path.clone(), parts.len() as u64 * PART_BYTES_MAX);
            let part = in_background(move || read_part(&path, skip)).await?;
            if part.is_empty() {
                break;
            }
            parts.push(artifacts.put(&part, PART_MEDIATYPE).await?);
        }
        packed.push(Packed { name: name.clone(), parts });
    }
    Ok(packed)
}

fn read_part(path: &Path, skip: u64) -> Result<Vec<u8>, PortError> {
    use std::io::{Seek, SeekFrom};
    let mut file = File::open(path).map_err(broken)?;
    file.seek(SeekFrom::Start(skip)).map_err(broken)?;
    let mut part = Vec::new();
    file.take(PART_BYTES_MAX).read_to_end(&mut part).map_err(broken)?;
    Ok(part)
}

/// Brings the files of a version into a folder of their own, each part verified by its hash.
pub(crate) async fn unpack(manifest: &Manifest, artifacts: &Arc<dyn Artifacts>) -> Result<TempDir, PortError> {
    let folder = new_folder()?;
    for file in &manifest.files {
        if !is_plain_name(&file.name) {
            return Err(PortError::permanent(format!("{:?} is no name of a file of an index", file.name)));
        }
        let path = folder.path().join(&file.name);
        File::create_new(&path).map_err(broken)?;
        for part in &file.parts {
            let bytes = fetch(&**artifacts, part).await.map_err(|error| match error {
                ArtifactError::Port(error) => error,
                changed => PortError::permanent(format!("collection {}: {changed}", manifest.collection)),
            })?;
            let path = path.clone();
            in_background(move || {
                let mut file = OpenOptions::new().append(true).open(&path).map_err(broken)?;
                file.write_all(&bytes).map_err(broken)
            })
            .await?;
        }
    }
    Ok(folder)
}

pub(crate) fn new_folder() -> Result<TempDir, PortError> {
    tempfile::Builder::new().prefix("collection-").tempdir().map_err(broken)
}

fn is_plain_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty() && name.bytes().all(is_plain) && name.bytes().any(|byte| byte != b'.')
}
