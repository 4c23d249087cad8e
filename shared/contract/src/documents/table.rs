//! Owns a table as a source has it: columns with a kind, cells with the exact text and what it means.
//! Never a guess: a cell whose text does not fit its column's kind has no value, and says so by that.
//! Next: the analysis agent computes on `Typed` values; `rows` lead back to passages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PassageId, SourceId, text_id};

text_id!(
    /// Made of the source's content and the table's place.
    TableId
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    pub id: TableId,
    pub source: SourceId,
    pub title: String,
    pub columns: Vec<Column>,
    /// As many cells in each as there are columns: a row that was ragged is filled up with empty ones.
    pub rows: Vec<Vec<Cell>>,
    /// The passage that each row stands in, in the order of `rows`.
    pub passages: Vec<PassageId>,
    /// Rows that had too few or too many cells, by their number from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ragged: Vec<u32>,
    /// How well it answers its question: 0 to 1.
    pub relevance: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
}

/// What most cells of a column are. Less than nine in ten of the cells that are not empty: `Text`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum ColumnKind {
    Text,
    /// With its unit where the heading or the cells name one: `%`, `ms`, `GB`.
    Number {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
    },
    /// With its ISO code where it is known: `USD`.
    Money {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
    },
    Date,
    Truth,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    pub text: String,
    /// None where the text is empty or does not fit the column's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Typed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Typed {
    Number(f64),
    /// `2026-11-20`.
    Date(String),
    Truth(bool),
}

impl Typed {
    pub fn number(&self) -> Option<f64> {
        if let Typed::Number(number) = self { Some(*number) } else { None }
    }
}

impl Column {
    pub fn is_numeric(&self) -> bool {
        matches!(self.kind, ColumnKind::Number { .. } | ColumnKind::Money { .. })
    }
}
