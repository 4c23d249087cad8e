//! Owns the analysis, whole: findings with both sides, computed numbers, conflicts, gaps, and all that they rest on.
//! Never a number without the rows that it was computed from.
//! Next: `AnalysisCompleted.details` refers to it; the writer and the recommendation agent read it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Document, Missed, Passage, PassageId, Source, Table, TableId, text_id};
use crate::events::Confidence;

text_id!(
    /// What rules and findings call a number by.
    MetricId
);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Analysed {
    pub goal: String,
    pub summary: String,
    pub questions: Vec<String>,
    pub findings: Vec<DetailedFinding>,
    pub metrics: Vec<Metric>,
    pub charts: Vec<Chart>,
    pub conflicts: Vec<Conflict>,
    pub gaps: Vec<Gap>,
    pub sources: Vec<Source>,
    /// Those that something here cites, and the best of the others.
    pub passages: Vec<Passage>,
    pub tables: Vec<Table>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<Missed>,
    /// What a reader should know of how this came about: a model that was not to be had, output that was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One statement with its evidence, and the numbers that stand in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetailedFinding {
    /// `f-1`, `f-2`, … in the order of importance.
    pub id: String,
    /// The question that it answers, where it answers one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    pub statement: String,
    pub confidence: Confidence,
    pub reason: String,
    pub supporting: Vec<Support>,
    pub contradicting: Vec<Support>,
    pub metrics: Vec<MetricId>,
}

/// Words of a passage that speak for or against a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Support {
    pub passage: PassageId,
    /// A part of the passage's quote, byte for byte; the whole of it where the statement needs all.
    pub quote: String,
}

/// One number, and how it was computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    pub id: MetricId,
    /// In words: `median of monthly price (USD)`.
    pub label: String,
    pub statistic: Statistic,
    pub table: TableId,
    pub column: String,
    /// What the rows have in common: column name to value. Empty: all rows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub group: BTreeMap<String, String>,
    pub value: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How many cells it was computed from.
    pub of: u32,
    /// Where those rows stand.
    pub evidence: Vec<PassageId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    Count,
    Min,
    Median,
    Mean,
    Max,
    /// Of a group beside all others, as a part of theirs: 0.25 is a quarter more.
    Difference,
    Outlier,
    /// From the first to the last date, as a part of the first: -0.1 is a tenth less.
    Trend,
}

impl Statistic {
    /// A part of something: 0.08 is eight percent.
    pub fn is_part(self) -> bool {
        matches!(self, Statistic::Difference | Statistic::Trend)
    }
}

/// Numbers to be drawn beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Chart {
    pub title: String,
    pub unit: Option<String>,
    /// Label and metric, in the order of drawing.
    pub bars: Vec<(String, MetricId)>,
}

/// Two sources that do not say the same of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Conflict {
    pub about: String,
    pub sides: Vec<Side>,
    /// Which one is rather to be believed and why, where something speaks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaning: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    pub says: String,
    pub support: Support,
}

/// What was asked and no source answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    pub question: String,
    pub why: String,
}

impl Document for Analysed {
    const MEDIATYPE: &'static str = "application/vnd.murmuration.analysed.v1+json";
}

impl Analysed {
    pub fn metric(&self, id: &MetricId) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.id == *id)
    }

    pub fn passage(&self, id: &PassageId) -> Option<&Passage> {
        self.passages.iter().find(|passage| passage.id == *id)
    }

    pub fn source_of(&self, passage: &Passage) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == passage.source)
    }
}

/// What a question asks, without the topic that every question of a goal begins with: "prices of X: what is free?" asks
/// what is free.
pub fn asked<'a>(goal: &str, question: &'a str) -> &'a str {
    parted(goal, question).map_or(question, |(_, asked)| asked)
}

/// What a goal is about, where its questions begin with that.
pub fn topic<'a>(goal: &str, questions: &'a [String]) -> Option<&'a str> {
    let mut topics = questions.iter().map(|question| parted(goal, question).map(|(topic, _)| topic));
    let first = topics.next().flatten()?;
    topics.all(|topic| topic == Some(first)).then_some(first)
}

fn parted<'a>(goal: &str, question: &'a str) -> Option<(&'a str, &'a str)> {
    let goal = goal.to_lowercase();
    let topics = question.match_indices(": ").filter(|(at, _)| goal.contains(&question[..*at].to_lowercase()));
    let (at, colon) = topics.last()?;
    let (topic, asked) = (question[..at].trim(), question[at + colon.len()..].trim());
    (!topic.is_empty() && !asked.is_empty()).then_some((topic, asked))
}

#[cfg(test)]
mod tests {
    use super::{asked, topic};

    #[test]
    fn a_question_asks_what_stands_behind_its_topic() {
        let goal = "Research pricing: queues and create a report";
        assert_eq!(asked(goal, "pricing: queues: what is free, and until when?"), "what is free, and until when?");
        assert_eq!(asked(goal, "Note: what is free?"), "Note: what is free?");
        assert_eq!(asked(goal, "What is free?"), "What is free?");
        assert_eq!(asked(goal, "pricing: "), "pricing: ");
        let both = ["pricing: queues: what is free?".to_owned(), "pricing: queues: what is not?".to_owned()];
        assert_eq!(topic(goal, &both), Some("pricing: queues"));
        assert_eq!(topic(goal, &["What is free?".to_owned()]), None);
    }
}
