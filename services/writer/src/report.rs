//! Owns what a report consists of, before it has any form: paragraphs, statements, numbers, conflicts, limits, references.
//! Never a form: `markdown`, `html` and `files` render it, and `parse` reads one back from its Markdown.
//! Next: `offline` makes one of an analysis, `check` proves it.

use contract::Digest;
use contract::documents::{Document, MetricId, PassageId, Place, SourceId};
use contract::events::Confidence;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub title: String,
    /// In the user's own words, whole.
    pub goal: String,
    /// The day, in UTC: `2026-11-20`.
    pub written: String,
    pub summary: Vec<Paragraph>,
    pub sections: Vec<Section>,
    pub numbers: Vec<Numbers>,
    pub charts: Vec<Drawn>,
    pub conflicts: Vec<Disagreement>,
    pub limits: Vec<Limit>,
    /// What was looked at in vain. Empty where something was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looked_at: Vec<String>,
    /// What to do where nothing was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<String>,
    pub files: Vec<Attached>,
    /// Numbered from 1, in the order in which they are first cited.
    pub references: Vec<Reference>,
}

/// Running text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Paragraph {
    pub text: String,
    /// Ids of the findings that it rests on.
    pub findings: Vec<String>,
    pub citations: Vec<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Section {
    /// The question that its findings answer.
    pub heading: String,
    /// A model's words over the findings below; nothing without a model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lead: Vec<Paragraph>,
    pub statements: Vec<Statement>,
}

/// A finding, word for word as the analysis has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// In this report, from 1.
    pub number: u32,
    pub finding: String,
    pub text: String,
    pub confidence: Confidence,
    pub reason: String,
    pub citations: Vec<u32>,
    /// How many passages support it beside those that are cited.
    pub more: u32,
    pub against: Vec<u32>,
    /// How many passages contradict it beside those that are cited.
    pub more_against: u32,
    pub quotes: Vec<Quotation>,
    pub metrics: Vec<MetricId>,
}

/// Exact words of a reference, cut at the end of a sentence where they are long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quotation {
    pub text: String,
    pub cut: bool,
    pub citation: u32,
}

/// What was computed from one table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Numbers {
    pub caption: String,
    pub citations: Vec<u32>,
    pub rows: Vec<NumberRow>,
    /// Rows that stand in the CSV file only.
    pub left_out: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NumberRow {
    pub metric: MetricId,
    pub label: String,
    /// `segment: agency`, or nothing for all rows.
    pub group: String,
    pub value: f64,
    /// As a person writes it.
    pub printed: String,
    pub of: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drawn {
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What the bars have in common: the name of their group's column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axis: Option<String>,
    pub file: String,
    pub bars: Vec<Bar>,
    pub citations: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bar {
    pub label: String,
    pub metric: MetricId,
    pub value: f64,
    pub printed: String,
}

/// Sources that do not say the same of one thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Disagreement {
    pub about: String,
    pub positions: Vec<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaning: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    pub says: String,
    pub quote: Quotation,
}

/// Something that a reader should know before relying on the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limit {
    pub kind: LimitKind,
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKind {
    /// What was asked and no source answers.
    Gap,
    /// A source that could not be had.
    Missed,
    /// A cited source that is old.
    Stale,
    /// Cited sources that name no day: nobody knows how old they are.
    Undated,
    /// How the analysis or this report came about.
    Note,
    /// What this report has no room for.
    LeftOut,
}

/// A file beside the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attached {
    /// What to call it when it is saved.
    pub name: String,
    pub about: String,
    pub mediatype: String,
    pub bytes: u64,
    /// By this it is found among the attachments of `report.written`.
    pub sha256: Digest,
}

/// Where something stands, word for word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reference {
    pub number: u32,
    pub source: SourceId,
    /// Several where neighbouring rows of a table are quoted together.
    pub passages: Vec<PassageId>,
    pub title: String,
    pub address: String,
    pub collection: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    pub headings: Vec<String>,
    /// In the source's text.
    pub place: Place,
    /// Exactly the text's bytes at `place`.
    pub quote: String,
}

impl Document for Report {
    const MEDIATYPE: &'static str = "application/vnd.murmuration.report.v1+json";
}

impl Report {
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.sections.iter().flat_map(|section| &section.statements)
    }

    pub fn reference(&self, number: u32) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.number == number)
    }

    /// Summary and leads of sections.
    pub fn paragraphs(&self) -> impl Iterator<Item = &Paragraph> {
        self.summary.iter().chain(self.sections.iter().flat_map(|section| &section.lead))
    }
}

impl LimitKind {
    pub const ALL: [LimitKind; 6] =
        [LimitKind::Gap, LimitKind::Missed, LimitKind::Stale, LimitKind::Undated, LimitKind::Note, LimitKind::LeftOut];

    /// What its line begins with.
    pub fn label(self) -> &'static str {
        match self {
            LimitKind::Gap => "Not answered",
            LimitKind::Missed => "Not read",
            LimitKind::Stale => "Old",
            LimitKind::Undated => "Undated",
            LimitKind::Note => "Note",
            LimitKind::LeftOut => "Left out",
        }
    }
}

/// As a report spells it.
pub(crate) fn confidence_word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}
