//! Owns the form of what a bench leaves behind: one JSON document, its rows, and the bar that a row is held against.
//! Never loses a sample: whoever reads it later may ask another question of it.
//! Next: `run` writes one; `table` and `plot` read them.

use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{median, quantile, shown};

/// One run of one bench. A bench in another language writes the same form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    pub bench: String,
    /// When it began.
    #[serde(default)]
    pub at: Value,
    /// The machine's load average, before and after.
    #[serde(default)]
    pub load: Value,
    #[serde(default)]
    pub command: String,
    pub rows: Vec<Row>,
}

/// One thing that was measured, as often as it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub what: String,
    pub unit: String,
    pub samples: Vec<f64>,
    /// Rows of one group stand in one table and one plot.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bar: Option<Bar>,
    /// What a reader should know of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What a row must reach, by which of its figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    pub by: Figure,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    #[default]
    Median,
    P99,
    Most,
}

impl Figure {
    pub fn of(self, samples: &[f64]) -> f64 {
        match self {
            Figure::Median => median(samples),
            Figure::P99 => quantile(samples, 0.99),
            Figure::Most => quantile(samples, 1.0),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Figure::Median => "median",
            Figure::P99 => "p99",
            Figure::Most => "most",
        }
    }
}

impl Bar {
    /// No figure meets no bar.
    pub fn met_by(&self, samples: &[f64]) -> bool {
        let figure = self.by.of(samples);
        figure.is_finite()
            && self.at_most.is_none_or(|most| figure <= most)
            && self.at_least.is_none_or(|least| figure >= least)
    }

    pub fn told(&self, unit: &str) -> String {
        let by = if self.by == Figure::Median { String::new() } else { format!("{} ", self.by.name()) };
        let side = |word: &str, bar: Option<f64>| bar.map(|bar| format!("{by}{word} {} {unit}", shown(bar)));
        [side("≤", self.at_most), side("≥", self.at_least)].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl Row {
    pub fn new(group: &str, what: impl Into<String>, unit: &str, samples: Vec<f64>) -> Row {
        Row { what: what.into(), unit: unit.into(), samples, group: group.into(), ..Row::default() }
    }

    #[must_use]
    pub fn at_most(mut self, by: Figure, bar: f64) -> Row {
        self.bar = Some(Bar { by, at_most: Some(bar), at_least: None });
        self
    }

    #[must_use]
    pub fn at_least(mut self, by: Figure, bar: f64) -> Row {
        self.bar = Some(Bar { by, at_most: None, at_least: Some(bar) });
        self
    }

    #[must_use]
    pub fn noting(mut self, note: impl Into<String>) -> Row {
        self.note = note.into();
        self
    }

    pub fn median(&self) -> f64 {
        median(&self.samples)
    }

    /// Whether it has a bar and misses it.
    pub fn misses(&self) -> bool {
        self.bar.is_some_and(|bar| !bar.met_by(&self.samples))
    }
}

/// All documents of a folder, by name.
pub fn documents(folder: &Path) -> anyhow::Result<Vec<Document>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} has no documents yet", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path)?;
        serde_json::from_str(&text).with_context(|| format!("{} is no document of a bench", path.display()))
    };
    paths.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_that_another_language_writes_is_read() {
        let text = r#"{"bench":"peers","at":"2026-11-20","load":[0.1,0.2],"command":"make x",
            "rows":[{"what":"boto3","unit":"messages/s","samples":[1,2,3]}]}"#;
        let document: Document = serde_json::from_str(text).unwrap();
        assert_eq!(document.rows[0].median(), 2.0);
        assert!(!document.rows[0].misses());
    }

    #[test]
    fn a_bar_is_missed_by_its_own_figure_alone_and_by_no_figure_at_all() {
        let row = || Row::new("", "x", "ms", vec![1.0, 2.0, 90.0]);
        assert!(!row().at_most(Figure::Median, 2.0).misses());
        assert!(row().at_most(Figure::P99, 2.0).misses());
        assert!(row().at_least(Figure::Median, 2.1).misses());
        assert!(Row::new("", "x", "ms", vec![]).at_most(Figure::Median, 2.0).misses());
    }
}
