//! Owns a collection's index: built from readings, packed into artifacts, opened by any number of daemons.
//! Never changed once it is published: a new version is a new artifact. Never somebody else's version overwritten:
//! who comes second does its changes again on top of the first.
//! Next: `ingest` builds one, `library` opens the newest.

pub(crate) mod fields;
mod making;
pub(crate) mod pack;
pub(crate) mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::documents::{self, SourceId};
use contract::{Artifacts, Digest, PortError};
use schemars::JsonSchema;

use self::making::Making;
pub(crate) use self::making::{index_in_memory, open_index};
pub use self::pack::{Manifest, Packed};
use self::pack::{Stamps, manifest, newest, published_name, unpack};
use super::Reading;

/// How often a publisher that finds itself second does its changes again before it says that it could not.
const PUBLISHES_MAX: usize = 5;

/// How a file was when it was read: unchanged ones are not read again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, JsonSchema)]
pub struct Stamp {
    pub bytes: u64,
    pub modified_ms: i64,
    pub sha256: Digest,
}

/// The next version of a collection, while it is being made.
pub struct Builder {
    collection: String,
    /// None: there is none yet, or none that this program can read.
    version: Option<u64>,
    /// The newest published, readable or not.
    newest: u64,
    stamps: BTreeMap<String, Stamp>,
    making: Making,
    /// What is different from `stamps`; None: gone.
    changes: Mutex<BTreeMap<String, Option<Stamp>>>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = self.changes().len();
        f.debug_struct("Builder").field("collection", &self.collection).field("changes", &changes).finish()
    }
}

impl Builder {
    /// From the newest version, or from nothing.
    pub async fn open(collection: &str, artifacts: &Arc<dyn Artifacts>) -> Result<Builder, PortError> {
        let mut builder = Builder {
            collection: collection.to_owned(),
            version: None,
            newest: 0,
            stamps: BTreeMap::new(),
            making: Making::nothing(),
            changes: Mutex::default(),
        };
        if let Some((version, published)) = newest(collection, &**artifacts).await? {
            builder.newest = version;
            let manifest = manifest(&**artifacts, &published).await?;
            if manifest.is_readable() {
                builder.version = Some(version);
                builder.stamps = documents::get::<Stamps>(&**artifacts, &manifest.stamps).await?.0;
                builder.making = Making::upon(unpack(&manifest, artifacts).await?);
            }
        }
        Ok(builder)
    }

    /// What the collection held when this was opened, by address.
    pub fn stamps(&self) -> &BTreeMap<String, Stamp> {
        &self.stamps
    }

    /// Adds a source, or puts it in the place of the one at its address. May be called from several threads.
    pub fn add(&self, reading: Reading, stamp: Stamp) -> Result<(), PortError> {
        let address = reading.source.address.clone();
        self.making.add(&reading)?;
        // Its text is dropped here, not at the end of whoever waits for the lock.
        drop(reading);
        self.changes().insert(address, Some(stamp));
        Ok(())
    }

    pub fn remove(&self, address: &str) -> Result<(), PortError> {
        self.making.remove(&SourceId::derive(&self.collection, address))?;
        self.changes().insert(address.to_owned(), None);
        Ok(())
    }

    /// Stores and publishes it; the version that it became. Nothing changed: the version that there was. Where
    /// somebody else published meanwhile, the changes are done again on top of theirs.
    pub async fn publish(self, artifacts: &Arc<dyn Artifacts>) -> Result<u64, PortError> {
        let mut builder = self;
        for _ in 0..PUBLISHES_MAX {
            let (stamps, changed) = builder.outcome();
            if let (Some(version), false) = (builder.version, changed) {
                return Ok(version);
            }
            let made = builder.making.seal().await?;
            let (version, sources) = (builder.newest + 1, stamps.0.len());
            let manifest = Manifest {
                collection: builder.collection.clone(),
                version,
                format: fields::FORMAT,
                sources,
                files: made.pack(artifacts).await?,
                stamps: documents::put(&**artifacts, &stamps).await?,
            };
            let stored = documents::put(&**artifacts, &manifest).await?;
            if artifacts.publish(&published_name(&builder.collection)?, version, &stored).await? {
                return Ok(version);
            }
            let changes = builder.changes.into_inner().unwrap_or_else(PoisonError::into_inner);
            builder = Builder::again(&builder.collection, &made, changes, artifacts).await?;
        }
        Err(PortError::transient(format!(
            "others published collection {} {PUBLISHES_MAX} times meanwhile: nothing of this run is in it yet",
            builder.collection
        )))
    }

    /// The same changes upon what is newest by now.
    async fn again(
        collection: &str,
        made: &making::Made,
        changes: BTreeMap<String, Option<Stamp>>,
        artifacts: &Arc<dyn Artifacts>,
    ) -> Result<Builder, PortError> {
        let builder = Builder::open(collection, artifacts).await?;
        let shelf = made.shelf()?;
        for (address, stamp) in changes {
            let theirs = builder.stamps.get(&address).map(|stamp| &stamp.sha256);
            match stamp {
                Some(stamp) if theirs != Some(&stamp.sha256) => {
                    if let Some(reading) = shelf.reading(&SourceId::derive(collection, &address))? {
                        builder.add(reading, stamp)?;
                    }
                }
                None if theirs.is_some() => builder.remove(&address)?,
                Some(_) | None => {}
            }
        }
        Ok(builder)
    }

    /// What the collection will hold, and whether that is anything else than it held.
    fn outcome(&self) -> (Stamps, bool) {
        let mut stamps = self.stamps.clone();
        let mut changed = false;
        for (address, stamp) in &*self.changes() {
            let was = match stamp {
                Some(stamp) => stamps.insert(address.clone(), stamp.clone()),
                None => stamps.remove(address),
            };
            changed |= was.map(|stamp| stamp.sha256) != stamp.as_ref().map(|stamp| stamp.sha256.clone());
        }
        (Stamps(stamps), changed)
    }

    fn changes(&self) -> MutexGuard<'_, BTreeMap<String, Option<Stamp>>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The index, or the disk that it lies on, does not do what it should: the same call will fail again.
pub(crate) fn broken(why: impl fmt::Display) -> PortError {
    PortError::permanent(format!("the index of a collection: {why}"))
}

/// Away from the threads that answer others.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PortError> + Send + 'static,
) -> Result<T, PortError> {
    tokio::task::spawn_blocking(work).await.map_err(|why| PortError::transient(format!("stopped: {why}")))?
}
