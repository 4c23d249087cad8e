//! Owns advice with a model: it ranks and words what the rules gave, and may suggest more, marked as its own.
//! Never advice on evidence that does not exist, nor a number that nothing here says.
//! Next: `handler` emits what comes of it, or the rules' own words with a note.

use std::collections::BTreeSet;

use contract::documents::numbers::{Known, numbers};
use contract::documents::{Analysed, Passage, PassageId};
use contract::events::{Origin, Priority, Recommendation};
use engine::prompt::{Prompt, Untrusted};
use engine::{Ask, Sitting};
use runtime::StepError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::offline::{Advice, Judged};
use crate::text::shortened;

const PROMPT: Prompt = Prompt { version: "advice.v1", text: include_str!("prompts/advice.v1.md") };
const SUGGESTED_MAX: usize = 3;
const TEXT_BYTES: std::ops::RangeInclusive<usize> = 1..=900;
const METRICS_SHOWN_MAX: usize = 40;
const PASSAGES_SHOWN_MAX: usize = 24;

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// Every id of the given advice, the most useful first.
    pub(crate) ranked: Vec<Ranked>,
    #[serde(default)]
    pub(crate) suggested: Vec<Suggested>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ranked {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) rationale: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suggested {
    pub(crate) title: String,
    pub(crate) priority: Priority,
    pub(crate) rationale: String,
    /// Ids of passages.
    pub(crate) evidence: Vec<String>,
    pub(crate) reconsider_if: String,
}

pub(crate) async fn refined(sitting: &Sitting<'_>, judged: Judged, analysed: &Analysed) -> Result<Judged, StepError> {
    if analysed.passages.is_empty() {
        return Ok(judged);
    }
    let asked = {
        let faults = |answer: &Answer| faults(answer, &judged.advice, analysed);
        let (values, sources) = (values(&judged.advice, analysed), sources(&judged.advice, analysed));
        sitting.ask(Ask { prompt: PROMPT, values, sources, faults: &faults }).await
    };
    match asked {
        Ok(answer) => Ok(worded(judged, answer)),
        Err(unanswered) => {
            let mut judged = judged;
            judged.notes.extend(unanswered.instead()?.note);
            Ok(judged)
        }
    }
}

fn values(advice: &[Advice], analysed: &Analysed) -> serde_json::Value {
    let advice: Vec<_> = advice
        .iter()
        .map(|one| {
            let Recommendation { title, priority, rationale, .. } = &one.recommendation;
            json!({ "id": one.id, "title": title, "priority": priority, "rationale": rationale })
        })
        .collect();
    let finding = |one: &contract::documents::DetailedFinding| json!({ "id": one.id, "statement": one.statement, "confidence": one.confidence });
    let findings: Vec<_> = analysed.findings.iter().map(finding).collect();
    let shown = analysed.metrics.iter().take(METRICS_SHOWN_MAX);
    let metrics: Vec<_> =
        shown.map(|metric| json!({ "id": metric.id, "label": metric.label, "value": metric.value })).collect();
    json!({ "goal": analysed.goal, "findings": findings, "metrics": metrics, "advice": advice })
}

/// What the advice rests on first, then the most relevant others.
fn sources(advice: &[Advice], analysed: &Analysed) -> Vec<Untrusted> {
    let used: BTreeSet<&String> = advice.iter().flat_map(|one| &one.recommendation.evidence).collect();
    let mut passages: Vec<&Passage> = analysed.passages.iter().collect();
    passages.sort_by(|one, other| {
        used.contains(&other.id.0).cmp(&used.contains(&one.id.0)).then(other.relevance.total_cmp(&one.relevance))
    });
    let shown = passages.into_iter().take(PASSAGES_SHOWN_MAX);
    shown.map(|passage| Untrusted { id: passage.id.to_string(), text: passage.quote.clone() }).collect()
}

/// Everything that keeps an answer from being used.
pub(crate) fn faults(answer: &Answer, advice: &[Advice], analysed: &Analysed) -> Vec<String> {
    let mut faults = vec![];
    let given: BTreeSet<&str> = advice.iter().map(|one| one.id.as_str()).collect();
    let mut seen = BTreeSet::new();
    for ranked in &answer.ranked {
        if !given.contains(ranked.id.as_str()) {
            faults.push(format!("ranked: there is no advice {:?}", ranked.id));
        } else if !seen.insert(ranked.id.as_str()) {
            faults.push(format!("ranked: {} stands twice", ranked.id));
        }
    }
    faults.extend(given.difference(&seen).map(|id| format!("ranked: {id} is left out")));
    if answer.suggested.len() > SUGGESTED_MAX {
        faults.push(format!("suggested: {} pieces of advice, at most {SUGGESTED_MAX}", answer.suggested.len()));
    }
    let known = known_numbers(advice, analysed);
    let mut texts: Vec<(String, &String)> = vec![];
    for ranked in &answer.ranked {
        texts.extend(ranked.title.iter().chain(&ranked.rationale).map(|text| (ranked.id.clone(), text)));
    }
    for (at, own) in answer.suggested.iter().enumerate() {
        let place = format!("suggestion {}", at + 1);
        if own.evidence.is_empty() {
            faults.push(format!("{place}: it rests on nothing: name passages"));
        }
        let unknown = own.evidence.iter().filter(|id| analysed.passage(&PassageId((*id).clone())).is_none());
        faults.extend(unknown.map(|id| format!("{place}: there is no passage {id:?}")));
        texts.extend([&own.title, &own.rationale, &own.reconsider_if].map(|text| (place.clone(), text)));
    }
    for (place, text) in texts {
        if !TEXT_BYTES.contains(&text.trim().len()) {
            faults.push(format!(
                "{place}: a text has {} bytes, 1 to {} are wanted",
                text.trim().len(),
                TEXT_BYTES.end()
            ));
        }
        let loose = numbers(text).into_iter().filter(|number| !known.has(number));
        faults.extend(loose.map(|number| format!("{place}: {number} is said nowhere: leave it out")));
    }
    faults
}

fn known_numbers<'a>(advice: &[Advice], analysed: &'a Analysed) -> Known<'a> {
    let mut known = Known::default();
    for one in advice {
        let Recommendation { title, rationale, reconsider_if, .. } = &one.recommendation;
        [title, rationale].into_iter().chain(reconsider_if).for_each(|text| known.says(text));
    }
    analysed.findings.iter().for_each(|finding| known.says(&finding.statement));
    analysed.passages.iter().for_each(|passage| known.says(&passage.quote));
    known.values(&analysed.metrics);
    known
}

fn worded(judged: Judged, answer: Answer) -> Judged {
    let Judged { mut advice, notes } = judged;
    let mut found = vec![];
    for ranked in answer.ranked {
        let Some(at) = advice.iter().position(|one| one.id == ranked.id) else { continue };
        let mut one = advice.remove(at);
        // Evidence, priority and threshold stay the rule's.
        if let Some(title) = ranked.title {
            one.recommendation.title = shortened(title.trim(), 200);
        }
        if let Some(rationale) = ranked.rationale {
            one.recommendation.rationale = rationale.trim().to_owned();
        }
        found.push(one);
    }
    found.extend(advice);
    found.extend(answer.suggested.into_iter().enumerate().map(|(at, own)| Advice {
        id: format!("model-{}", at + 1),
        recommendation: Recommendation {
            title: shortened(own.title.trim(), 200),
            priority: own.priority,
            rationale: own.rationale.trim().to_owned(),
            evidence: own.evidence,
            reconsider_if: Some(own.reconsider_if.trim().to_owned()),
            origin: Origin::Model,
        },
    }));
    Judged { advice: found, notes }
}

#[cfg(test)]
mod tests {
    use contract::documents::{Place, SourceId};

    use super::*;

    fn given() -> (Vec<Advice>, Analysed) {
        let recommendation = Recommendation {
            title: "Price it at $49".into(),
            priority: Priority::High,
            rationale: "The median is $54.".into(),
            evidence: vec!["p-1".into()],
            reconsider_if: None,
            origin: Origin::Rules,
        };
        let passage = Passage {
            id: "p-1".into(),
            source: SourceId("s-1".into()),
            place: Place::new(0, 9),
            origin: Place::new(0, 9),
            headings: vec![],
            quote: "costs 212 USD".into(),
            relevance: 1.0,
        };
        (
            vec![Advice { id: "price".into(), recommendation }],
            Analysed { passages: vec![passage], ..Analysed::default() },
        )
    }

    fn answer(title: &str, evidence: &[&str]) -> Answer {
        let evidence = evidence.iter().map(|id| (*id).to_owned()).collect();
        let own = Suggested {
            title: "Cap it".into(),
            priority: Priority::Low,
            rationale: "One paid 212 USD.".into(),
            evidence,
            reconsider_if: "nobody asks".into(),
        };
        Answer {
            ranked: vec![Ranked { id: "price".into(), title: Some(title.into()), rationale: None }],
            suggested: vec![own],
        }
    }

    #[test]
    fn what_a_model_says_rests_on_what_is_there_or_is_refused() {
        let (advice, analysed) = given();
        let faults = |answer: &Answer| faults(answer, &advice, &analysed);
        assert_eq!(faults(&answer("Take $49, below $54", &["p-1"])), Vec::<String>::new());
        assert!(faults(&answer("Take $48", &["p-1"]))[0].contains("48 is said nowhere"));
        assert!(faults(&answer("Take $49", &["p-2"]))[0].contains("no passage"));
        assert!(faults(&answer("Take $49", &[]))[0].contains("rests on nothing"));
        let mut other = answer("Take $49", &["p-1"]);
        other.ranked[0].id = "prize".into();
        assert_eq!(faults(&other).len(), 2);
    }

    #[test]
    fn a_models_own_suggestion_is_marked_and_a_rules_evidence_stays() {
        let (advice, _) = given();
        let judged = worded(Judged { advice, notes: vec![] }, answer("Ask for $49", &["p-1"]));
        assert_eq!(judged.advice[0].recommendation.title, "Ask for $49");
        assert_eq!(judged.advice[0].recommendation.evidence, ["p-1"]);
        assert_eq!(judged.advice[0].recommendation.origin, Origin::Rules);
        assert_eq!(judged.advice[1].recommendation.origin, Origin::Model);
    }
}
