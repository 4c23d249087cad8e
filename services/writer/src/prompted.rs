//! Owns the report that a model words: its summary, and a lead for sections, over findings that stay as they are.
//! Never a finding, a number or a quote of the model's own: those are faults, and the offline words stand.
//! Next: `handler` has the checker look at the result as at any other.

use std::collections::BTreeSet;

use contract::Workplace;
use contract::documents::{Analysed, DetailedFinding};
use engine::prompt::{Prompt, Untrusted};
use engine::{Ask, Mind, Unanswered};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::report::{LimitKind, Paragraph, Reference, Report};
use crate::{escape, proof};

pub const PROMPT: Prompt = Prompt { version: "report.v1", text: include_str!("prompts/report.v1.md") };

const PARAGRAPHS_MAX: usize = 6;
const PARAGRAPH_BYTES_MAX: usize = 1500;

/// What a model answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Worded {
    /// One to four paragraphs; the first answers the goal.
    pub summary: Vec<WordedParagraph>,
    #[serde(default)]
    pub sections: Vec<WordedSection>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WordedSection {
    /// Of a section of the report, unchanged.
    pub heading: String,
    pub paragraphs: Vec<WordedParagraph>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WordedParagraph {
    pub text: String,
    /// Ids of the findings that it rests on.
    pub findings: Vec<String>,
    /// Numbers of references that those findings cite.
    pub citations: Vec<u32>,
}

/// The report with a model's words in it.
pub async fn report(
    mind: &Mind,
    place: &dyn Workplace,
    plain: &Report,
    analysed: &Analysed,
) -> Result<Report, Unanswered> {
    let sources = plain.references.iter();
    let faults = |worded: &Worded| faults(worded, plain, analysed);
    let ask = Ask {
        prompt: PROMPT,
        values: values(plain),
        sources: sources.map(|one| Untrusted { id: one.number.to_string(), text: one.quote.clone() }).collect(),
        faults: &faults,
    };
    let worded: Worded = mind.at(place).ask(ask).await?;
    Ok(with(worded, plain))
}

fn values(plain: &Report) -> serde_json::Value {
    let sections = plain.sections.iter().map(|section| {
        let findings = section.statements.iter().map(|said| {
            json!({
                "id": said.finding, "text": said.text, "confidence": said.confidence, "reason": said.reason,
                "citations": said.citations, "against": said.against,
            })
        });
        json!({ "heading": section.heading, "findings": findings.collect::<Vec<_>>() })
    });
    let gaps = plain.limits.iter().filter(|limit| limit.kind == LimitKind::Gap).map(|limit| &limit.text);
    json!({
        "goal": plain.goal,
        "sections": sections.collect::<Vec<_>>(),
        "gaps": gaps.collect::<Vec<_>>(),
    })
}

/// What a model is told to mend.
pub fn faults(worded: &Worded, plain: &Report, analysed: &Analysed) -> Vec<String> {
    let mut faults = vec![];
    if worded.summary.is_empty() || worded.summary.len() > PARAGRAPHS_MAX {
        faults.push(format!(
            "the summary has {} paragraphs, one to {PARAGRAPHS_MAX} are asked for",
            worded.summary.len()
        ));
    }
    let mut headings = BTreeSet::new();
    for section in &worded.sections {
        let known = plain.sections.iter().any(|known| known.heading == section.heading);
        if !known || !headings.insert(&section.heading) {
            faults.push(format!("no section, or no second one, has the heading {:?}", proof::begins(&section.heading)));
        }
        if section.paragraphs.len() > PARAGRAPHS_MAX {
            faults.push(format!("a section has {PARAGRAPHS_MAX} paragraphs at most"));
        }
    }
    let leads = worded.sections.iter().flat_map(|section| &section.paragraphs);
    for paragraph in worded.summary.iter().chain(leads) {
        of_paragraph(paragraph, plain, analysed, &mut faults);
    }
    faults
}

fn of_paragraph(paragraph: &WordedParagraph, plain: &Report, analysed: &Analysed, faults: &mut Vec<String>) {
    let text = proof::begins(&paragraph.text);
    if paragraph.text.trim().is_empty() || paragraph.text.len() > PARAGRAPH_BYTES_MAX {
        faults.push(format!("a paragraph has 1 to {PARAGRAPH_BYTES_MAX} bytes: {text:?}"));
    }
    let mut findings: Vec<&DetailedFinding> = vec![];
    let mut cited = BTreeSet::new();
    for id in &paragraph.findings {
        let said = plain.statements().find(|statement| statement.finding == *id);
        match (said, analysed.findings.iter().find(|finding| finding.id == *id)) {
            (Some(said), Some(finding)) => {
                findings.push(finding);
                cited.extend(said.citations.iter().chain(&said.against).copied());
            }
            _ => faults.push(format!("there is no finding {id:?}: {text:?}")),
        }
    }
    if paragraph.findings.is_empty() {
        faults.push(format!("a paragraph rests on findings: {text:?}"));
    }
    // Where findings have nothing to cite, neither has what is said of them; it cannot be proved.
    if paragraph.citations.is_empty() {
        faults.push(format!("a paragraph cites references: {text:?}"));
    }
    for citation in paragraph.citations.iter().filter(|citation| !cited.contains(citation)) {
        faults.push(format!("none of its findings cites {citation}: {text:?}"));
    }
    let references: Vec<&Reference> =
        paragraph.citations.iter().filter_map(|citation| plain.reference(*citation)).collect();
    let strange = proof::strange(&paragraph.text, &findings, &references, analysed);
    faults.extend(strange.iter().map(ToString::to_string));
}

/// The report with these words in place of its own; references that only its own words cited stay cited by findings.
pub fn with(worded: Worded, plain: &Report) -> Report {
    let mut report = plain.clone();
    report.summary = worded.summary.into_iter().map(paragraph).collect();
    for section in worded.sections {
        if let Some(known) = report.sections.iter_mut().find(|known| known.heading == section.heading) {
            known.lead = section.paragraphs.into_iter().map(paragraph).collect();
        }
    }
    report
}

fn paragraph(worded: WordedParagraph) -> Paragraph {
    let mut seen = BTreeSet::new();
    let mut citations = worded.citations;
    citations.retain(|citation| seen.insert(*citation));
    Paragraph { text: escape::plain(&worded.text), findings: worded.findings, citations }
}
