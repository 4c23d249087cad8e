//! Owns the gold: questions, and the places in the manuals' files that answer them.
//! Never judges an answer by its words, only by where it stands.
//! Next: `main` asks them.

use std::fmt;
use std::path::Path;

use anyhow::Context as _;
use contract::documents::Place;
use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Half {
    Tune,
    Judge,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Question {
    pub(crate) id: String,
    pub(crate) question: String,
    pub(crate) half: Half,
    #[serde(flatten)]
    first: Gold,
    #[serde(default)]
    also: Vec<Gold>,
}

/// Bytes of one file.
#[derive(Debug, Deserialize)]
struct Gold {
    file: String,
    start: u64,
    end: u64,
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Half::Tune => "tune",
            Half::Judge => "judge",
        })
    }
}

impl Question {
    pub(crate) fn is_answered_by(&self, address: &str, origin: Place) -> bool {
        std::iter::once(&self.first)
            .chain(&self.also)
            .any(|gold| gold.file == address && origin.overlaps(Place { start: gold.start, end: gold.end }))
    }
}

pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Question>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).context("a question that is none")).collect()
}
