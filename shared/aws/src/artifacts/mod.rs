//! Owns the artifact port over object stores: bytes under their own hash, in a folder or in a bucket.
//! Never reads a URI that was not made of a hash here: whoever sends one cannot make a daemon read something else.
//! A name's versions are objects that are only ever created: two who publish the same version cannot both succeed.
//! Next: `place` says where the store is, `credentials` lends S3 the SDK's; `contract::artifact` verifies what is read.

mod credentials;
mod place;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use contract::{ArtifactRef, Artifacts, Digest, PortError, artifact};
use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    PutPayload,
};
use tokio::time::timeout;

use crate::errors;

pub(crate) use place::s3;
pub use place::{ArtifactsError, Place};

/// Far above what an agent's step makes, far below what would hurt a daemon to hold.
pub const ARTIFACT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// One artifact, whole, either way.
const TRANSFER_MAX: Duration = Duration::from_secs(60);
/// Names whose newest version is remembered. More than these are read again.
const KNOWN_MAX: usize = 1024;
/// How often a newest version may be gone before it could be read.
const LOOKS_MAX: usize = 5;

#[derive(Debug)]
pub struct ArtifactStore {
    store: Arc<dyn ObjectStore>,
    place: Place,
    /// The newest version of each name that was asked for: it is not read again while the list shows the same object.
    known: Mutex<BTreeMap<String, (ObjectMeta, ArtifactRef)>>,
}

impl ArtifactStore {
    pub async fn open(place: Place, clients: &crate::clients::Clients) -> Result<ArtifactStore, ArtifactsError> {
        Ok(ArtifactStore { store: place.store(clients).await?, place, known: Mutex::default() })
    }

    /// Where the bytes of this hash are, within the store.
    fn path(&self, sha256: &Digest) -> Path {
        Path::from_iter(self.place.prefix().parts().chain(Path::from(sha256.as_str()).parts()))
    }

    fn uri(&self, sha256: &Digest) -> String {
        format!("{}/{sha256}", self.place.uri())
    }

    /// Where the versions of a name are.
    fn versions(&self, name: &str) -> Result<Path, PortError> {
        artifact::named(name)?;
        Ok(Path::from_iter(self.place.prefix().parts().chain(Path::from(format!("names/{name}")).parts())))
    }

    /// The versions of a name in their order: few, since old ones go.
    async fn listed(&self, name: &str) -> Result<Vec<(u64, ObjectMeta)>, PortError> {
        let folder = self.versions(name)?;
        let listed: Vec<_> = in_time(name, self.store.list(Some(&folder)).try_collect())
            .await?
            .map_err(|why| errors::of_store(name, &why))?;
        let numbered = |object: ObjectMeta| {
            let number = object.location.filename()?.strip_suffix(".json")?.parse::<u64>().ok()?;
            Some((number, object))
        };
        let mut all: Vec<(u64, ObjectMeta)> = listed.into_iter().filter_map(numbered).collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        Ok(all)
    }

    /// Old versions lose their names, and nothing else: their bytes stay for whoever reads them. False where the version
    /// that was just created is such an old one: its name was free because it had gone.
    async fn after_publishing(&self, name: &str, version: u64) -> Result<bool, PortError> {
        let all = self.listed(name).await?;
        let newest = all.last().map_or(version, |(newest, _)| *newest);
        for (old, object) in all.iter().filter(|(old, _)| artifact::is_outdated(*old, newest)) {
            match in_time(name, self.store.delete(&object.location)).await? {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(why) if *old == version => return Err(errors::of_store(name, &why)),
                // The next who publishes tries again.
                Err(why) => tracing::debug!(name, old, %why, "an old version keeps its name"),
            }
        }
        Ok(!artifact::is_outdated(version, newest))
    }

    /// What this object was when it was read; none where it was another one then, or was never read.
    fn known(&self, name: &str, object: &ObjectMeta) -> Option<ArtifactRef> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, artifact) = known.get(name)?;
        (before == object).then(|| artifact.clone())
    }

    fn remember(&self, name: &str, object: ObjectMeta, artifact: &ArtifactRef) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(name.to_owned(), (object, artifact.clone()));
    }

    /// What one version is, if it is still there.
    async fn found(&self, name: &str, path: &Path) -> Result<Option<ArtifactRef>, PortError> {
        let found = in_time(name, async {
            match self.store.get(path).await {
                Ok(found) => bytes_of(name, found).await.map(Some),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(why) => Err(errors::of_store(name, &why)),
            }
        });
        let read = |bytes: Vec<u8>| {
            serde_json::from_slice(&bytes).map_err(|why| PortError::permanent(format!("{path} is damaged: {why}")))
        };
        found.await??.map(read).transpose()
    }

    async fn bytes(&self, what: &str, path: &Path) -> Result<Vec<u8>, PortError> {
        in_time(what, async {
            let found = self.store.get(path).await.map_err(|why| errors::of_store(what, &why))?;
            bytes_of(what, found).await
        })
        .await?
    }

    async fn create(&self, path: &Path, bytes: &[u8], mediatype: &str) -> Result<(), Error> {
        let payload = || PutPayload::from(bytes.to_vec());
        let with = |mode| PutOptions { mode, attributes: self.attributes(mediatype), ..PutOptions::default() };
        match self.store.put_opts(path, payload(), with(PutMode::Create)).await {
            Err(Error::AlreadyExists { .. }) => {
                match self.store.head(path).await {
                    Ok(there) if there.size == bytes.len() as u64 => Ok(()),
                    // A machine that lost power may have kept the name and not the bytes; and S3 may say "conflict" of
                    // what somebody else is still writing.
                    Ok(_) | Err(Error::NotFound { .. }) => {
                        self.store.put_opts(path, payload(), with(PutMode::Overwrite)).await.map(drop)
                    }
                    Err(why) => Err(why),
                }
            }
            done => done.map(drop),
        }
    }

    /// Files have no room for a media type; the reference has it anyway.
    fn attributes(&self, mediatype: &str) -> Attributes {
        let mut all = Attributes::new();
        if self.place.is_bucket() {
            all.insert(Attribute::ContentType, mediatype.to_owned().into());
        }
        all
    }
}

#[async_trait]
impl Artifacts for ArtifactStore {
    async fn put(&self, bytes: &[u8], mediatype: &str) -> Result<ArtifactRef, PortError> {
        if bytes.len() > ARTIFACT_BYTES_MAX {
            return Err(too_large(bytes.len() as u64));
        }
        let sha256 = Digest::of(bytes);
        let (path, uri) = (self.path(&sha256), self.uri(&sha256));
        in_time(&uri, self.create(&path, bytes, mediatype)).await?.map_err(|why| errors::of_store(&uri, &why))?;
        Ok(ArtifactRef { uri, sha256, bytes: bytes.len() as u64, mediatype: mediatype.into() })
    }

    async fn get(&self, uri: &str) -> Result<Vec<u8>, PortError> {
        let path = self
            .place
            .hash_in(uri)
            .map(|sha256| self.path(&sha256))
            .ok_or_else(|| PortError::permanent(format!("{uri:?} is no artifact of {}", self.place.uri())))?;
        self.bytes(uri, &path).await
    }

    async fn publish(&self, name: &str, version: u64, artifact: &ArtifactRef) -> Result<bool, PortError> {
        let path = self.versions(name)?.join(format!("{version:020}.json"));
        let text = serde_json::to_vec(artifact).map_err(|why| PortError::permanent(why.to_string()))?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match in_time(name, self.store.put_opts(&path, PutPayload::from(text), options)).await? {
            Ok(_) => self.after_publishing(name, version).await,
            Err(Error::AlreadyExists { .. }) => {
                Ok(self.found(name, &path).await?.is_some_and(|there| there.sha256 == artifact.sha256))
            }
            Err(why) => Err(errors::of_store(name, &why)),
        }
    }

    async fn latest(&self, name: &str) -> Result<Option<(u64, ArtifactRef)>, PortError> {
        for _ in 0..LOOKS_MAX {
            let Some((newest, object)) = self.listed(name).await?.pop() else { return Ok(None) };
            if let Some(artifact) = self.known(name, &object) {
                return Ok(Some((newest, artifact)));
            }
            // None: so many newer ones came since the list was made that this one is gone.
            if let Some(artifact) = self.found(name, &object.location).await? {
                self.remember(name, object, &artifact);
                return Ok(Some((newest, artifact)));
            }
        }
        Err(PortError::transient(format!("{name}: its versions come faster than they can be read")))
    }
}

/// The size is what the store says first; the stream is counted all the same.
async fn bytes_of(uri: &str, found: GetResult) -> Result<Vec<u8>, PortError> {
    let size = found.meta.size;
    if size > ARTIFACT_BYTES_MAX as u64 {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    let mut stream = found.into_stream();
    while let Some(chunk) = stream.try_next().await.map_err(|why| errors::of_store(uri, &why))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ARTIFACT_BYTES_MAX {
            return Err(too_large(bytes.len() as u64));
        }
    }
    Ok(bytes)
}

fn too_large(bytes: u64) -> PortError {
    PortError::permanent(format!("an artifact of {bytes} bytes, {ARTIFACT_BYTES_MAX} at most"))
}

async fn in_time<T>(uri: &str, call: impl Future<Output = T>) -> Result<T, PortError> {
    let late = |_| PortError::transient(format!("{uri}: not transferred within {} s", TRANSFER_MAX.as_secs()));
    timeout(TRANSFER_MAX, call).await.map_err(late)
}

#[cfg(test)]
mod tests;
