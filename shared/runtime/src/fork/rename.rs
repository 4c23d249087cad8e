//! Owns the new names of a fork: each event's id as the new goal derives it, and every mention of an old one.
//! Never a name by chance: the same fork gives the same names.
//! Next: `plan` copies records under these.

use std::collections::BTreeMap;

use contract::{Event, EventId, UnixMs};
use serde_json::Value;

use crate::history::{Arrives, Outcome};
use crate::ledger::join::{Brought, Head, Opening};

/// From the forked goal's ids to the fork's.
#[derive(Debug)]
pub(super) struct Names {
    request: Event,
    deadline: UnixMs,
    ids: BTreeMap<EventId, EventId>,
    texts: BTreeMap<String, String>,
}

impl Names {
    pub(super) fn new(request: &Event, deadline: UnixMs) -> Names {
        Names { request: request.clone(), deadline, ids: BTreeMap::new(), texts: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, old: EventId, new: EventId) {
        self.ids.insert(old, new);
        self.texts.insert(old.to_string(), new.to_string());
    }

    pub(super) fn id(&self, old: EventId) -> Option<EventId> {
        self.ids.get(&old).copied()
    }

    /// Of a join, which may be called by an event's id.
    pub(super) fn member(&self, old: &str) -> String {
        self.texts.get(old).cloned().unwrap_or_else(|| old.to_owned())
    }

    pub(super) fn members(&self, old: &[String]) -> Vec<String> {
        old.iter().map(|member| self.member(member)).collect()
    }

    /// What it says stays; whose it is changes. Its time stays, too: what was found out then is as old as it is.
    pub(super) fn event(&self, old: &Event) -> Option<Event> {
        Some(Event {
            id: self.id(old.id)?,
            goal: self.request.goal,
            goal_key: self.request.goal_key.clone(),
            causation: old.causation.map(|cause| self.id(cause).unwrap_or(cause)),
            deadline: Some(self.deadline),
            data: self.data(&old.data),
            ..old.clone()
        })
    }

    fn data(&self, old: &Value) -> Value {
        match old {
            Value::String(text) => Value::String(self.member(text)),
            Value::Array(all) => all.iter().map(|one| self.data(one)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.data(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    pub(super) fn head(&self, old: &Head) -> Head {
        let Value::Object(data) = self.data(&Value::Object(old.data.clone())) else { return old.clone() };
        Head { data, causation: old.causation.map(|cause| self.id(cause).unwrap_or(cause)), hops: old.hops }
    }

    pub(super) fn outcome(&self, old: &Outcome) -> Outcome {
        Outcome {
            opens: old.opens.as_ref().map(|opening| self.opening(opening)),
            emits: old.emits.iter().filter_map(|event| self.event(event)).collect(),
            arrives: old.arrives.as_ref().map(|arrives| Arrives {
                join: arrives.join.clone(),
                member: self.member(&arrives.member),
                brought: self.brought(&arrives.brought),
            }),
        }
    }

    /// What is in an artifact stays as it is.
    pub(super) fn brought(&self, old: &Brought) -> Brought {
        Brought { data: old.data.as_ref().map(|data| self.data(data)), ..old.clone() }
    }

    pub(super) fn opening(&self, old: &Opening) -> Opening {
        Opening {
            members: self.members(&old.members),
            required: self.members(&old.required),
            head: self.head(&old.head),
            ..old.clone()
        }
    }
}
