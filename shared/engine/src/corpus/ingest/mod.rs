//! Owns filling a collection: which files of a folder are new, changed or gone, read on all cores, and told as it goes.
//! Never stops at a file that cannot be read: its error is in the list at the end.
//! Next: `walk` finds the files, `read` reads each, `index` takes the readings.

mod progress;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use contract::{Artifacts, Digest, PortError};
use rayon::prelude::*;
use tokio::sync::mpsc;

use self::walk::{Found, Walked};
use super::index::{Builder, Stamp};
use super::read::{Raw, ReadError, read};

pub use progress::{Lines, Terminal, quiet, shown};

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

/// Brings a collection to what this folder holds. Of a single file, it brings that file and removes nothing.
pub async fn ingest(
    folder: &Path,
    collection: &str,
    artifacts: &Arc<dyn Artifacts>,
    progress: &dyn Progress,
) -> Result<Ingested, PortError> {
    let root = folder.to_owned();
    let walked = apart(move || walk::walk(&root)).await?.map_err(PortError::permanent)?;
    progress.found(walked.files.len());
    let builder = Arc::new(Builder::open(collection, artifacts).await?);
    let removed = remove_gone(&builder, &walked)?;
    let (told, mut news) = mpsc::unbounded_channel();
    let work =
        Work { builder: builder.clone(), stamps: builder.stamps().clone(), collection: collection.to_owned(), told };
    let reading = apart(move || work.all(walked));
    tokio::pin!(reading);
    let mut ingested = loop {
        tokio::select! {
            Some(address) = news.recv() => progress.done(&address),
            done = &mut reading => break done??,
        }
    };
    while let Ok(address) = news.try_recv() {
        progress.done(&address);
    }
    ingested.removed += removed;
    let builder = Arc::into_inner(builder).ok_or_else(|| PortError::permanent("a reader still holds the index"))?;
    ingested.version = builder.publish(artifacts).await?;
    Ok(ingested)
}

/// On a thread that may wait for a disk.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PortError> {
    tokio::task::spawn_blocking(work).await.map_err(|why| PortError::permanent(format!("reading broke off: {why}")))
}

/// Takes out what the folder no longer has. Pages that were fetched are not of any folder.
fn remove_gone(builder: &Builder, walked: &Walked) -> Result<usize, PortError> {
    if walked.is_one_file {
        return Ok(0);
    }
    let here: BTreeSet<&str> = walked.files.iter().map(|file| file.address.as_str()).collect();
    // What a folder that cannot be opened holds is not known to be gone.
    let is_in = |address: &str, folder: &str| folder.is_empty() || address.starts_with(&format!("{folder}/"));
    let unseen = |address: &str| walked.failed.iter().any(|(folder, _)| is_in(address, folder));
    let gone: Vec<String> = builder
        .stamps()
        .keys()
        .filter(|address| !address.contains("://") && !here.contains(address.as_str()) && !unseen(address))
        .cloned()
        .collect();
    for address in &gone {
        builder.remove(address)?;
    }
    Ok(gone.len())
}

/// What the reading threads share.
struct Work {
    builder: Arc<Builder>,
    stamps: BTreeMap<String, Stamp>,
    collection: String,
    told: mpsc::UnboundedSender<String>,
}

/// What became of one file.
enum Outcome {
    Unchanged,
    Read { passages: usize, tables: usize },
    Failed { address: String, why: String, removed: bool },
}

impl Work {
    /// Each thread holds one file at a time: what is in memory does not grow with the folder.
    fn all(self, walked: Walked) -> Result<Ingested, PortError> {
        let outcomes: Result<Vec<Outcome>, PortError> = walked
            .files
            .par_iter()
            .map(|file| {
                let outcome = self.one(file);
                let nobody = |_| PortError::permanent("nobody waits for it any more");
                self.told.send(file.address.clone()).map_err(nobody)?;
                outcome
            })
            .collect();
        let mut ingested = Ingested { failed: walked.failed, ..Ingested::default() };
        for outcome in outcomes? {
            match outcome {
                Outcome::Unchanged => ingested.unchanged += 1,
                Outcome::Read { passages, tables } => {
                    ingested.read += 1;
                    ingested.passages += passages;
                    ingested.tables += tables;
                }
                Outcome::Failed { address, why, removed } => {
                    ingested.removed += usize::from(removed);
                    ingested.failed.push((address, why));
                }
            }
        }
        ingested.failed.sort();
        Ok(ingested)
    }

    fn one(&self, file: &Found) -> Result<Outcome, PortError> {
        let before = self.stamps.get(&file.address);
        if before.is_some_and(|stamp| stamp.bytes == file.bytes && stamp.modified_ms == file.modified_ms) {
            return Ok(Outcome::Unchanged);
        }
        let bytes = match walk::load(file) {
            Ok(bytes) => bytes,
            Err(why) => return self.failed(file, why),
        };
        let sha256 = Digest::of(&bytes);
        if before.is_some_and(|stamp| stamp.sha256 == sha256) {
            return Ok(Outcome::Unchanged);
        }
        let raw = Raw { collection: &self.collection, address: &file.address, mediatype: None, bytes: &bytes };
        // A reader that panics has met something nobody thought of: that is this file's matter alone.
        let reading = std::panic::catch_unwind(|| read(raw))
            .unwrap_or_else(|_| Err(ReadError::Damaged("reading it broke off".to_owned())));
        match reading {
            Ok(reading) => {
                let outcome = Outcome::Read { passages: reading.passages.len(), tables: reading.tables.len() };
                drop(bytes);
                let stamp = Stamp { bytes: file.bytes, modified_ms: file.modified_ms, sha256 };
                self.builder.add(reading, stamp)?;
                Ok(outcome)
            }
            Err(why) => self.failed(file, why.to_string()),
        }
    }

    /// What it said before is not what it says now: it is no evidence any more.
    fn failed(&self, file: &Found, why: String) -> Result<Outcome, PortError> {
        let removed = self.stamps.contains_key(&file.address);
        if removed {
            self.builder.remove(&file.address)?;
        }
        Ok(Outcome::Failed { address: file.address.clone(), why, removed })
    }
}
