//! Owns small sources for tests: Markdown as a person would write it, read by the real reader, and how one asks.
//! Never hand-made passages: what the reader makes is what is found.
//! Next: `versions` and `finding` publish and ask.

use std::sync::Arc;

use contract::{Artifacts, Digest};
use engine::corpus::index::{Builder, Stamp};
use engine::corpus::{Found, Library, Query, Raw, Reading, read};

pub(crate) fn reading(collection: &str, address: &str, text: &str) -> anyhow::Result<Reading> {
    Ok(read(Raw { collection, address, mediatype: None, bytes: text.as_bytes() })?)
}

pub(crate) fn stamp(text: &str) -> Stamp {
    Stamp { bytes: text.len() as u64, modified_ms: 1, sha256: Digest::of(text.as_bytes()) }
}

pub(crate) fn add(builder: &Builder, collection: &str, address: &str, text: &str) -> anyhow::Result<()> {
    Ok(builder.add(reading(collection, address, text)?, stamp(text))?)
}

/// Publishes these sources beside what the collection holds.
pub(crate) async fn publish(store: &Arc<dyn Artifacts>, collection: &str, all: &[(&str, &str)]) -> anyhow::Result<u64> {
    let builder = Builder::open(collection, store).await?;
    for (address, text) in all {
        add(&builder, collection, address, text)?;
    }
    Ok(builder.publish(store).await?)
}

pub(crate) fn query(collection: &str, question: &str) -> Query {
    Query { collections: vec![collection.to_owned()], question: question.to_owned(), passages_max: 5, tables_max: 2 }
}

pub(crate) async fn ask(
    library: &Library,
    store: &Arc<dyn Artifacts>,
    collection: &str,
    question: &str,
) -> anyhow::Result<Found> {
    Ok(library.search(&query(collection, question), store).await?)
}

/// The addresses of what was found, the best first, each once.
pub(crate) fn addresses(found: &Found) -> Vec<&str> {
    let mut addresses = Vec::new();
    for passage in &found.passages {
        let source = found.sources.iter().find(|source| source.id == passage.source);
        let address = source.map_or("a passage without its source", |source| source.address.as_str());
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}
