//! Owns the sources: reading them into passages and tables, and finding the passages that answer a question.
//! Never an opinion about what they say, and never a source that could not be read without a word about it.
//! Next: `read` makes a `Reading` of bytes, `ingest` fills a collection, `library` answers from it.

pub mod index;
pub mod ingest;
pub mod library;
pub mod read;

use contract::documents::{Passage, Source, Table};

pub use ingest::{Ingested, Progress, ingest};
pub use library::{Found, Library, Query};
pub use read::{Raw, ReadError, read};

/// Where sources are that name no collection.
pub const DEFAULT_COLLECTION: &str = "default";

/// Refuses, before anything is read, what no collection can be called.
pub fn named(collection: &str) -> Result<(), contract::PortError> {
    index::pack::published_name(collection).map(drop)
}

/// One source, read: its text, the passages that the text falls into, and its tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub source: Source,
    pub text: String,
    /// In the order of the text; every table row stands in one of them.
    pub passages: Vec<Passage>,
    pub tables: Vec<Table>,
}
