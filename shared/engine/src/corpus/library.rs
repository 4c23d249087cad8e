//! Owns finding: which passages and tables of which collections answer a question, from the newest index of each.
//! Never an index that was not the newest a second before the question came, or at `look_again`; never a restart for it.
//! Next: research asks here, through an exchange.

mod answer;
pub mod rank;
mod score;
pub(crate) mod shelf;
mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contract::documents::{Passage, Source, SourceId, Table};
use contract::{ArtifactRef, Artifacts, Digest, PortError};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use self::answer::Answer;
pub use self::rank::{Ranked, Ranker};
pub use self::score::Weights;
use self::shelf::Shelf;
pub use self::shelf::{Shelves, Spot};
pub use self::words::ByWords;
use super::index::pack::{manifest, newest, published_name, unpack};
use super::index::{in_background, index_in_memory};
use super::{DEFAULT_COLLECTION, Reading};

/// How long an index is believed to be the newest.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// Texts that are known to be stored. More than these are stored again, which changes nothing.
const KEPT_MAX: usize = 4096;

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
    /// At most as many as were asked for; after them those that rows of the tables stand in and nothing else brought
    /// here, with a relevance of 0.
    pub passages: Vec<Passage>,
    pub tables: Vec<Table>,
    pub versions: Vec<(String, u64)>,
    /// Collections that do not exist.
    pub unknown: Vec<String>,
    /// Tables that answer, and are too large to be handed on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// The open indexes of one daemon.
#[derive(Debug)]
pub struct Library {
    rankers: Arc<[Arc<dyn Ranker>]>,
    places: Mutex<BTreeMap<String, Place>>,
    kept: Mutex<BTreeMap<(SourceId, Digest), ArtifactRef>>,
    /// What was the newest before this is not believed any more.
    doubted: Mutex<Option<Instant>>,
}

/// Where one collection is kept open. Whoever opens it holds the lock: the others wait for the same shelf.
type Place = Arc<tokio::sync::Mutex<Option<Open>>>;

#[derive(Debug)]
struct Open {
    version: u64,
    looked: Instant,
    shelf: Arc<Shelf>,
}

impl Default for Library {
    fn default() -> Library {
        Library::new()
    }
}

impl Library {
    pub fn new() -> Library {
        Library::ranking(vec![Arc::new(ByWords::default())])
    }

    /// With other rankers than words alone; what they say is fused by rank.
    pub fn ranking(rankers: Vec<Arc<dyn Ranker>>) -> Library {
        Library { rankers: rankers.into(), places: Mutex::default(), kept: Mutex::default(), doubted: Mutex::default() }
    }

    /// The next search finds whatever was published before this call.
    pub fn look_again(&self) {
        *self.doubted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn believes(&self, open: &Open) -> bool {
        let doubted = *self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        open.looked.elapsed() < BELIEVED_FOR && doubted.is_none_or(|doubted| doubted <= open.looked)
    }

    /// The texts of the sources that were found are stored as artifacts: `Source::text` of each is there.
    pub async fn search(&self, query: &Query, artifacts: &Arc<dyn Artifacts>) -> Result<Found, PortError> {
        let mut found = Found::default();
        let mut shelves = Vec::new();
        for collection in names(&query.collections) {
            // Nothing can have been ingested under it.
            if published_name(&collection).is_err() {
                found.unknown.push(collection);
                continue;
            }
            match self.newest(&collection, artifacts).await? {
                Some((version, shelf)) => {
                    found.versions.push((collection, version));
                    shelves.push(shelf);
                }
                None => found.unknown.push(collection),
            }
        }
        self.answer(query, Shelves(shelves), artifacts, &mut found).await?;
        Ok(found)
    }

    /// Likewise among a few readings that are in no collection; their texts are stored, too.
    pub async fn among(
        query: &Query,
        readings: Vec<Reading>,
        artifacts: &Arc<dyn Artifacts>,
    ) -> Result<Found, PortError> {
        let mut found = Found::default();
        let shelf = in_background(move || Shelf::over(&index_in_memory(&readings)?)).await?;
        Library::new().answer(query, Shelves(vec![Arc::new(shelf)]), artifacts, &mut found).await?;
        Ok(found)
    }

    /// Keeps the text of a source, so that a quote can be held against it.
    pub async fn keep(artifacts: &Arc<dyn Artifacts>, text: &str) -> Result<ArtifactRef, PortError> {
        artifacts.put(text.as_bytes(), "text/plain; charset=utf-8").await
    }

    async fn answer(
        &self,
        query: &Query,
        shelves: Shelves,
        artifacts: &Arc<dyn Artifacts>,
        found: &mut Found,
    ) -> Result<(), PortError> {
        let (rankers, query) = (Arc::clone(&self.rankers), query.clone());
        let (answer, shelves) = in_background(move || {
            let answer = Answer::of(&query, &rankers, &shelves)?;
            Ok((answer, shelves))
        })
        .await?;
        found.sources = self.with_texts(answer.sources, shelves, artifacts).await?;
        (found.passages, found.tables, found.left_out) = (answer.passages, answer.tables, answer.left_out);
        Ok(())
    }

    async fn newest(
        &self,
        collection: &str,
        artifacts: &Arc<dyn Artifacts>,
    ) -> Result<Option<(u64, Arc<Shelf>)>, PortError> {
        let place = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(collection.to_owned()).or_default())
        };
        let mut open = place.lock().await;
        if let Some(open) = open.as_ref().filter(|open| self.believes(open)) {
            return Ok(Some((open.version, Arc::clone(&open.shelf))));
        }
        let looked = Instant::now();
        let Some((version, published)) = newest(collection, &**artifacts).await? else {
            self.forget(collection, &place);
            return Ok(None);
        };
        if let Some(open) = open.as_mut().filter(|open| open.version == version) {
            open.looked = looked;
            return Ok(Some((version, Arc::clone(&open.shelf))));
        }
        let manifest = manifest(&**artifacts, &published).await?;
        if !manifest.is_readable() {
            return Err(PortError::permanent(format!(
                "version {version} of collection {collection} was made by another version of this program: \
                 ingest its sources again"
            )));
        }
        let folder = unpack(&manifest, artifacts).await?;
        let shelf = Arc::new(in_background(move || Shelf::open(folder)).await?);
        *open = Some(Open { version, looked, shelf: Arc::clone(&shelf) });
        Ok(Some((version, shelf)))
    }

    /// There is no such collection: names are anybody's, and a place for each of them would be kept for ever.
    fn forget(&self, collection: &str, place: &Place) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.get(collection).is_some_and(|kept| Arc::ptr_eq(kept, place)) {
            places.remove(collection);
        }
    }

    async fn with_texts(
        &self,
        sources: Vec<(Source, Spot)>,
        shelves: Shelves,
        artifacts: &Arc<dyn Artifacts>,
    ) -> Result<Vec<Source>, PortError> {
        let mut all = Vec::with_capacity(sources.len());
        for (mut source, spot) in sources {
            let key = (source.id.clone(), source.sha256.clone());
            let known = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
            source.text = Some(match known {
                Some(kept) => kept,
                None => {
                    let shelves = shelves.clone();
                    let text = in_background(move || shelves.text(spot)).await?;
                    let kept = Library::keep(artifacts, &text).await?;
                    self.remember(key, kept.clone());
                    kept
                }
            });
            all.push(source);
        }
        Ok(all)
    }

    fn remember(&self, key: (SourceId, Digest), text: ArtifactRef) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, text);
    }
}

/// Each once, in their order.
fn names(asked: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in asked {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if names.is_empty() {
        names.push(DEFAULT_COLLECTION.to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use testkit::memory::MemoryArtifacts;

    use super::*;

    #[tokio::test]
    async fn a_name_that_is_no_collection_leaves_nothing_behind() {
        let (library, store): (_, Arc<dyn Artifacts>) = (Library::new(), Arc::new(MemoryArtifacts::new()));
        for number in 0..50 {
            let collections = vec![format!("nowhere-{number}")];
            let query = Query { collections, question: "prices".into(), passages_max: 5, tables_max: 1 };
            assert_eq!(library.search(&query, &store).await.unwrap().unknown.len(), 1);
        }
        assert_eq!(library.places.lock().unwrap().len(), 0);
    }
}
