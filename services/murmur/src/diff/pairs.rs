//! Owns which steps of two goals belong together, and what they were given and brought under names that both share.
//! Never by id: a step is found in the other goal by its place in the choreography.
//! Next: `difference` compares what is made here.

use std::collections::BTreeMap;

use contract::{Artifacts, PortError};
use runtime::history::{History, PastStep};
use serde_json::{Value, json};

use super::difference::{Contents, Difference, How, differences};
use crate::replay::outputs;

/// One goal, with a name for each of its ids that the other goal has, too.
pub(super) struct Side {
    names: BTreeMap<String, String>,
}

/// Each place in either goal, in causal order, with the steps that stand there.
pub(super) fn of<'a>(
    one: &'a History,
    other: &'a History,
) -> Vec<(String, Option<&'a PastStep>, Option<&'a PastStep>)> {
    let at = |history: &'a History, place: &str| history.steps.iter().find(|step| step.place == place);
    let mut all: Vec<_> = one.steps.iter().map(|step| (one.label(step), Some(step), at(other, &step.place))).collect();
    let alone = other.steps.iter().filter(|step| at(one, &step.place).is_none());
    all.extend(alone.map(|step| (other.label(step), None, Some(step))));
    all
}

impl Side {
    pub(super) fn of(history: &History) -> Side {
        let mut names: BTreeMap<String, String> =
            history.places().into_iter().map(|(id, place)| (id.to_string(), place)).collect();
        names.insert(history.goal.request.goal.to_string(), "the goal".into());
        Side { names }
    }

    pub(super) fn input(&self, step: &PastStep) -> Value {
        let Some(event) = &step.input else { return Value::Null };
        let mut data = event.data.clone();
        if let Some(fields) = data.as_object_mut() {
            // What only says whose goal it is, and how long it may take, is no input of the work.
            for own in ["forkedfrom", "deadline"] {
                fields.remove(own);
            }
        }
        self.named(&data)
    }

    pub(super) async fn output(
        &self,
        step: Option<&PastStep>,
        store: &dyn Artifacts,
    ) -> Result<Option<Value>, PortError> {
        let Some(step) = step else { return Ok(None) };
        let state = json!({ "state": step.item.text(&runtime::ledger::Attr::State) });
        let Some(outcome) = &step.outcome else { return Ok(Some(state)) };
        Ok(Some(match outputs::of(outcome, store).await? {
            Ok(brought) => self.named(&brought),
            Err(why) => json!({ "damaged": why }),
        }))
    }

    fn named(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.names.get(text).map_or_else(|| value.clone(), |name| name.clone().into()),
            Value::Array(all) => {
                let mut all: Vec<Value> = all.iter().map(|one| self.named(one)).collect();
                // What arrived at a join stands in the order of ids, which says nothing.
                if all.iter().all(|one| one["member"].is_string()) {
                    all.sort_by_key(|one| one["member"].to_string());
                }
                all.into()
            }
            Value::Object(fields) => {
                let named = fields.iter().map(|(name, value)| (name.clone(), self.named(value)));
                named.collect::<serde_json::Map<_, _>>().into()
            }
            other => other.clone(),
        }
    }
}

/// A side that has not got so far differs as a whole.
pub(super) async fn between(
    one: Option<Value>,
    other: Option<Value>,
    store: &dyn Artifacts,
) -> Result<Vec<Difference>, PortError> {
    let none = BTreeMap::new();
    match (one, other) {
        (Some(one), Some(other)) => differences(&one, &other, &Contents { store, beside: &none }).await,
        (None, None) => Ok(vec![]),
        (one, _) => {
            let there = |is: bool| Value::from(if is { "there" } else { "not there" });
            let how = How::Values { then: there(one.is_some()), now: there(one.is_none()) };
            Ok(vec![Difference { path: "the step".into(), how }])
        }
    }
}
