//! Owns what a step brought, in one form for both sides: as the ledger recorded it, and as its agent returns it today.
//! Never what the runtime added: ids, times and deadlines are no handler's doing.
//! Next: `diff::difference` compares the two.

use contract::artifact::{self, ArtifactError};
use contract::{Artifacts, PortError};
use runtime::history::{Outcome, PastStep};
use runtime::replay::Replayed;
use serde_json::{Value, json};

/// From the ledger; or why there is none.
pub(super) async fn then(step: &PastStep, store: &dyn Artifacts) -> Result<Result<Value, String>, PortError> {
    match &step.outcome {
        Some(outcome) => of(outcome, store).await,
        None => Ok(Err(step.damaged.clone().unwrap_or_else(|| "it has no outcome".into()))),
    }
}

pub(crate) async fn of(outcome: &Outcome, store: &dyn Artifacts) -> Result<Result<Value, String>, PortError> {
    let emits: Vec<Value> =
        outcome.emits.iter().map(|event| json!({ "type": event.kind, "data": event.data })).collect();
    let opens = outcome.opens.as_ref().map(|opening| {
        let all_required = !opening.required.is_empty();
        json!({
            "join": opening.join,
            "head": opening.head.data,
            "quorum": opening.quorum,
            "all_required": all_required && opening.required.len() == opening.members.len(),
        })
    });
    let mut arrives = Value::Null;
    if let Some(brought) = outcome.arrives.as_ref().map(|arrives| &arrives.brought) {
        arrives = brought.data.clone().unwrap_or_default();
        if let Some(at) = &brought.reference {
            let damaged = |why: &dyn std::fmt::Display| Ok(Err(format!("what it brought: {why}")));
            arrives = match artifact::fetch(store, at).await.map(|bytes| serde_json::from_slice(&bytes)) {
                Ok(Ok(value)) => value,
                Ok(Err(why)) => return damaged(&why),
                Err(ArtifactError::Port(error @ PortError::Transient { .. })) => return Err(error),
                Err(why) => return damaged(&why),
            };
        }
    }
    Ok(Ok(json!({ "emits": emits, "opens": opens, "arrives": arrives })))
}

/// From the agent. A step that arrives with nothing of its own brings the one event that it emits.
pub(super) fn now(replayed: &Replayed, has_join: bool) -> Value {
    let only = match &replayed.emits[..] {
        [only] if has_join => Some(only.data.clone()),
        _ => None,
    };
    let mut opens = json!(replayed.opens);
    if replayed.emits.is_empty() && !opens.is_null() {
        // A join without members requires all of them, and none.
        opens["all_required"] = false.into();
    }
    json!({
        "emits": replayed.emits,
        "opens": opens,
        "arrives": replayed.arrives.clone().or(only),
    })
}
