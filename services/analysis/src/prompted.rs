//! Owns the analysis with a model: it reads the passages and states findings; what it states is held against them.
//! Never a number of the model's own, nor a quote that does not stand in its passage: that is a fault, and is not used.
//! Next: `handler` stores the computed analysis with these findings, or without them and with a note.

use std::collections::BTreeSet;

use contract::documents::numbers::{Known, numbers};
use contract::documents::{Analysed, DetailedFinding, Metric, MetricId, Passage, PassageId, Support, printed};
use contract::events::Confidence;
use engine::prompt::{Prompt, Untrusted};
use engine::{Ask, Sitting};
use runtime::StepError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{summary, words};

const PROMPT: Prompt = Prompt { version: "findings.v1", text: include_str!("prompts/findings.v1.md") };
const FINDINGS_MAX: usize = 12;
const ASKED_FOR_MAX: usize = 8;
const METRICS_SHOWN_MAX: usize = 48;
const PASSAGES_SHOWN_MAX: usize = 40;
const STATEMENT_BYTES_MAX: usize = 700;
const QUOTE_CHARACTERS_MIN: usize = 4;

/// What a model is asked for.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) findings: Vec<Stated>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stated {
    /// The question that it answers, word for word, where it answers one.
    #[serde(default)]
    pub(crate) question: Option<String>,
    pub(crate) statement: String,
    pub(crate) confidence: Confidence,
    pub(crate) reason: String,
    pub(crate) supporting: Vec<Cited>,
    #[serde(default)]
    pub(crate) contradicting: Vec<Cited>,
    /// Ids of computed numbers that stand in the statement.
    #[serde(default)]
    pub(crate) metrics: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cited {
    pub(crate) passage: String,
    /// Exact words of that passage.
    pub(crate) quote: String,
}

/// The computed analysis, with what a model found in the passages.
pub(crate) async fn refined(sitting: &Sitting<'_>, mut analysed: Analysed) -> Result<Analysed, StepError> {
    if analysed.passages.is_empty() {
        return Ok(analysed);
    }
    let asked = {
        let faults = |answer: &Answer| faults(answer, &analysed);
        sitting
            .ask(Ask { prompt: PROMPT, values: values(&analysed), sources: sources(&analysed), faults: &faults })
            .await
    };
    match asked {
        Ok(answer) => Ok(merged(analysed, answer)),
        Err(unanswered) => {
            analysed.notes.extend(unanswered.instead()?.note);
            Ok(analysed)
        }
    }
}

fn values(analysed: &Analysed) -> serde_json::Value {
    let metric = |metric: &Metric| {
        let said = printed::metric(metric);
        json!({ "id": metric.id, "label": metric.label, "said": said, "of": metric.of })
    };
    let metrics: Vec<_> = analysed.metrics.iter().take(METRICS_SHOWN_MAX).map(metric).collect();
    let conflicts: Vec<_> = analysed.conflicts.iter().map(|conflict| conflict.about.as_str()).collect();
    json!({ "goal": analysed.goal, "questions": analysed.questions, "metrics": metrics, "conflicts": conflicts })
}

/// The most relevant passages first: what does not fit is left out from the end.
fn sources(analysed: &Analysed) -> Vec<Untrusted> {
    let mut passages: Vec<&Passage> = analysed.passages.iter().collect();
    passages.sort_by(|one, other| other.relevance.total_cmp(&one.relevance));
    let shown = passages.into_iter().take(PASSAGES_SHOWN_MAX);
    shown.map(|passage| Untrusted { id: passage.id.to_string(), text: passage.quote.clone() }).collect()
}

/// Everything that keeps an answer from being used, in words that its author can act upon.
pub(crate) fn faults(answer: &Answer, analysed: &Analysed) -> Vec<String> {
    let mut faults = vec![];
    if answer.findings.len() > ASKED_FOR_MAX {
        faults.push(format!("{} findings: at most {ASKED_FOR_MAX}", answer.findings.len()));
    }
    for (at, stated) in answer.findings.iter().enumerate() {
        let place = format!("finding {}", at + 1);
        if stated.statement.trim().is_empty() || stated.statement.len() > STATEMENT_BYTES_MAX {
            faults.push(format!(
                "{place}: the statement has {} bytes: 1 to {STATEMENT_BYTES_MAX}",
                stated.statement.len()
            ));
        }
        if stated.supporting.is_empty() {
            faults.push(format!("{place}: nothing supports it: cite a passage"));
        }
        for cited in stated.supporting.iter().chain(&stated.contradicting) {
            faults.extend(fault_of(cited, analysed).map(|fault| format!("{place}: {fault}")));
        }
        let unknown = stated.metrics.iter().filter(|id| analysed.metric(&MetricId((*id).clone())).is_none());
        faults.extend(unknown.map(|id| format!("{place}: there is no metric {id:?}")));
        let loose = loose_numbers(stated, analysed);
        faults.extend(loose.into_iter().map(|number| {
            format!("{place}: {number} stands neither in its quotes nor in its metrics: cite where it is from, or leave it out")
        }));
    }
    faults
}

fn fault_of(cited: &Cited, analysed: &Analysed) -> Option<String> {
    let Some(passage) = analysed.passage(&PassageId(cited.passage.clone())) else {
        return Some(format!("there is no passage {:?}", cited.passage));
    };
    if cited.quote.trim().chars().count() < QUOTE_CHARACTERS_MIN {
        return Some(format!("the quote of {} is too short to prove anything", cited.passage));
    }
    let stands = passage.quote.contains(&cited.quote);
    (!stands).then(|| {
        format!(
            "{:?} does not stand in passage {}, character by character",
            words::shortened(&cited.quote, 80),
            cited.passage
        )
    })
}

/// Numbers of a statement or its reason that nothing of what it cites says. The writer's checker knows numbers by the same
/// rules: what passes here is not refused there.
fn loose_numbers(stated: &Stated, analysed: &Analysed) -> Vec<String> {
    let mut known = Known::default();
    stated.supporting.iter().chain(&stated.contradicting).for_each(|cited| known.says(&cited.quote));
    let metrics = stated.metrics.iter().filter_map(|id| analysed.metric(&MetricId(id.clone())));
    metrics.for_each(|metric| known.computed(metric));
    // How many quotes there are is counted, not measured.
    known.is(stated.supporting.len() as f64);
    known.is(stated.contradicting.len() as f64);
    let texts = [words::tidied(&stated.statement), words::tidied(&stated.reason)];
    let mut loose: Vec<String> =
        texts.iter().flat_map(|text| numbers(text)).filter(|number| !known.has(number)).collect();
    loose.dedup();
    loose
}

/// The model's findings first, then the computed ones; sentences that were only chosen give way to stated ones.
fn merged(mut analysed: Analysed, answer: Answer) -> Analysed {
    let questions = analysed.questions.clone();
    let stated = answer.findings.into_iter().map(|stated| finding(stated, &questions));
    // Said twice, nobody could tell which evidence is whose: the first one counts.
    let mut said = BTreeSet::new();
    let stated: Vec<DetailedFinding> = stated.filter(|found| said.insert(found.statement.clone())).collect();
    let answered = |found: &DetailedFinding| {
        found.question.is_some() && stated.iter().any(|other| other.question == found.question)
    };
    let old = std::mem::take(&mut analysed.findings);
    let kept = old.into_iter().filter(|found| !found.metrics.is_empty() || !answered(found));
    let kept = kept.filter(|found| !said.contains(&found.statement));
    // Numbers keep their place beside words.
    let (computed, rest): (Vec<_>, Vec<_>) = kept.partition(|found| !found.metrics.is_empty());
    let room = FINDINGS_MAX.saturating_sub(stated.len());
    let computed: Vec<_> = computed.into_iter().take(room.max(4)).collect();
    let mut findings: Vec<DetailedFinding> =
        stated.into_iter().chain(computed).chain(rest).take(FINDINGS_MAX).collect();
    for (at, found) in findings.iter_mut().enumerate() {
        found.id = format!("f-{}", at + 1);
    }
    analysed.findings = findings;
    // It tells of findings that may have given way.
    analysed.summary = summary::of(&analysed);
    analysed
}

fn finding(stated: Stated, questions: &[String]) -> DetailedFinding {
    let supports = |cited: Vec<Cited>| -> Vec<Support> {
        cited.into_iter().map(|cited| Support { passage: PassageId(cited.passage), quote: cited.quote }).collect()
    };
    DetailedFinding {
        id: String::new(),
        question: stated.question.filter(|question| questions.contains(question)),
        statement: words::tidied(&stated.statement),
        confidence: stated.confidence,
        reason: words::shortened(&words::tidied(&stated.reason), 400),
        supporting: supports(stated.supporting),
        contradicting: supports(stated.contradicting),
        metrics: stated.metrics.into_iter().map(MetricId).collect(),
    }
}

#[cfg(test)]
mod tests;
