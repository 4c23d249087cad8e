//! Owns the words for a question that a replay has no answer to: what was asked, and what was recorded in its place.
//! Never an answer.
//! Next: whoever reads a failed replay, and wants to know what has changed since.

use std::collections::BTreeSet;

use contract::{Exchange, Partner, bounded};
use serde_json::Value;

use super::Question;

pub(super) fn why(recorded: &[Exchange], question: &Question) -> String {
    let is_known = recorded.iter().any(|exchange| exchange.with == question.with && exchange.name == question.name);
    if question.with == Partner::Model && !is_known {
        return other_models(recorded, &question.name);
    }
    let kind = if question.with == Partner::Model { "model" } else { "tool" };
    let prompt = question.prompt.as_deref().map(|prompt| format!(" with prompt {prompt}")).unwrap_or_default();
    let asked = format!(
        "a replay asks nobody, and this question to the {kind} {}{prompt} was not recorded: {}",
        question.name,
        bounded(question.request.to_string())
    );
    format!("{asked}; {}", bounded(instead(recorded, question)))
}

/// Of a record that was made with models, for an agent that has none: which ones they were, and what to set.
pub(super) fn no_models(recorded: &[Exchange]) -> Option<String> {
    let models = models(recorded)?;
    Some(format!("this step was recorded with {models}, and this agent has no model: set MURMUR_MODELS as it was then"))
}

/// Of an agent that asks a model which the record does not have.
fn other_models(recorded: &[Exchange], name: &str) -> String {
    match models(recorded) {
        Some(models) => {
            format!(
                "this step was recorded with {models}, and this agent asks {name} now: set MURMUR_MODELS as it was then"
            )
        }
        None => format!(
            "no model was asked when this step was recorded, and this agent asks {name} now: set MURMUR_MODELS as it was \
             then, or leave it unset if it was"
        ),
    }
}

/// All that were asked, as provider and model.
fn models(recorded: &[Exchange]) -> Option<String> {
    let asked = recorded.iter().filter(|exchange| exchange.with == Partner::Model);
    let names: BTreeSet<&str> = asked.map(|exchange| exchange.name.as_str()).collect();
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join(", "))
}

/// What is the nearest to it in the record.
fn instead(recorded: &[Exchange], question: &Question) -> String {
    let alike: Vec<_> = recorded.iter().filter(|exchange| exchange.with == question.with).collect();
    if alike.is_empty() {
        return "nothing of the kind was asked when it was recorded".into();
    }
    if alike.iter().any(|exchange| exchange.name == question.name && exchange.request == question.request) {
        return "it was asked, but fewer times, in another order or for something else".into();
    }
    if let Some(other) = alike.iter().find(|exchange| exchange.request == question.request) {
        return format!("it was put to {} then", other.name);
    }
    let same_prompt = |exchange: &&&Exchange| exchange.name == question.name && exchange.prompt == question.prompt;
    if let Some(near) = alike.iter().find(same_prompt) {
        let place = differs(&near.request, &question.request, "$");
        return format!("the nearest recorded one differs at {}", place.unwrap_or_else(|| "no place".into()));
    }
    let spell = |exchange: &&Exchange| match &exchange.prompt {
        Some(prompt) => format!("{} with prompt {prompt}", exchange.name),
        None => exchange.name.clone(),
    };
    let mut names: Vec<_> = alike.iter().map(spell).collect();
    names.dedup();
    format!("recorded were {}", names.join(", "))
}

/// The first place where two requests differ, and what stands there.
fn differs(then: &Value, now: &Value, at: &str) -> Option<String> {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            let keys = then.keys().chain(now.keys().filter(|key| !then.contains_key(*key)));
            keys.clone().find_map(|key| {
                let none = Value::Null;
                let (then, now) = (then.get(key).unwrap_or(&none), now.get(key).unwrap_or(&none));
                differs(then, now, &format!("{at}.{key}"))
            })
        }
        (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
            then.iter().zip(now).enumerate().find_map(|(i, (then, now))| differs(then, now, &format!("{at}[{i}]")))
        }
        (Value::String(then), Value::String(now)) if then != now => {
            let same = then.chars().zip(now.chars()).take_while(|(a, b)| a == b).count();
            let rest = |text: &str| text.chars().skip(same.saturating_sub(20)).take(60).collect::<String>();
            Some(format!("{at}: it was {:?}, it is {:?}", rest(then), rest(now)))
        }
        (then, now) if then != now => Some(format!("{at}: it was {then}, it is {now}")),
        _ => None,
    }
}
