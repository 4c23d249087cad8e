//! Owns where a statement comes from: a source, and a passage of it, word for word, with its place.
//! Never a paraphrase: `quote` is the bytes of the source's text between `start` and `end`, and `stands_in` proves it.
//! Next: `gathered` carries passages, the writer's checker holds each quote against its source.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text_id;
use crate::{ArtifactRef, Digest};

text_id!(
    /// Made of collection and address: the same file read again is the same source.
    SourceId
);
text_id!(
    /// Made of the source's content and the place: it does not change unless the words do.
    PassageId
);

/// One file or page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    pub id: SourceId,
    /// A path within its collection, or a URL.
    pub address: String,
    pub collection: String,
    pub title: String,
    /// The day that the source itself names, as `2026-11-20`, or less of it: `2026-11`, `2026`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    pub mediatype: String,
    /// Of the file as it was read.
    pub sha256: Digest,
    /// The text that was made of it, UTF-8: the places of passages count in this. None until somebody cites it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<ArtifactRef>,
}

/// Bytes `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    pub start: u64,
    pub end: u64,
}

/// Words of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Passage {
    pub id: PassageId,
    pub source: SourceId,
    /// In the source's text.
    pub place: Place,
    /// In the file as it was read; the same as `place` where the text is the file.
    pub origin: Place,
    /// The headings that it stands under, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headings: Vec<String>,
    /// Exactly the text's bytes at `place`.
    pub quote: String,
    /// How well it answers its question, beside the others of that question: 0 to 1.
    pub relevance: f64,
}

impl Place {
    pub fn new(start: usize, end: usize) -> Place {
        Place { start: start as u64, end: end as u64 }
    }

    pub fn overlaps(self, other: Place) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The bytes there, if the place is in the text and cuts no character in two.
    pub fn of(self, text: &str) -> Option<&str> {
        text.get(usize::try_from(self.start).ok()?..usize::try_from(self.end).ok()?)
    }
}

impl Passage {
    /// Whether the quote is what the source's text says at that place, byte for byte.
    pub fn stands_in(&self, text: &str) -> bool {
        self.place.of(text) == Some(self.quote.as_str())
    }
}

impl PassageId {
    pub fn derive(source: &SourceId, content: &Digest, place: Place) -> PassageId {
        let digest = Digest::of(format!("{source}\n{content}\n{}..{}", place.start, place.end).as_bytes());
        PassageId(format!("p-{}", &digest.as_str()[..12]))
    }
}

impl SourceId {
    pub fn derive(collection: &str, address: &str) -> SourceId {
        let digest = Digest::of(format!("{}:{collection}\n{address}", collection.len()).as_bytes());
        SourceId(format!("s-{}", &digest.as_str()[..12]))
    }
}
