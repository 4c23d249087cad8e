//! Owns the SQS message attributes that travel on every message that one of ours sends to a queue.
//! Never trusts one: names are fixed, values are capped and free of control characters, or they do not count.
//! Next: `decode` reads them (after the envelope, before a fresh trace); `runtime::settle` writes them.

use std::collections::BTreeMap;

use crate::cause::NOT_FOR_SQS;
use crate::limits::KEY_BYTES_MAX;
use crate::{Event, GoalId, ParkNote, Tenant, TraceContext};

pub const TRACEPARENT: &str = "traceparent";
pub const TRACESTATE: &str = "tracestate";
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
pub const GOAL_ID: &str = "goal-id";
pub const TENANT: &str = "tenant";
pub const PARK: &str = "murmur-park";

/// String attributes by name. A sender's own ones are kept: a dead letter and a redrive carry them on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub BTreeMap<String, String>);

impl Attributes {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    pub fn trace(&self) -> Option<TraceContext> {
        TraceContext::parse(self.get(TRACEPARENT)?, self.get(TRACESTATE))
    }

    pub fn idempotency_key(&self) -> Option<&str> {
        self.get(IDEMPOTENCY_KEY).filter(|key| is_key(key))
    }

    pub fn tenant(&self) -> Option<Tenant> {
        self.get(TENANT)?.parse().ok()
    }

    pub fn goal(&self) -> Option<GoalId> {
        self.get(GOAL_ID)?.parse().ok()
    }

    pub fn park(&self) -> Option<ParkNote> {
        ParkNote::parse(self.get(PARK)?)
    }

    /// Those of a message that carries this event.
    pub fn of_event(event: &Event) -> Attributes {
        let mut all = Attributes::default();
        all.set(TRACEPARENT, event.trace.traceparent());
        if let Some(state) = &event.trace.state {
            all.set(TRACESTATE, state);
        }
        all.set(IDEMPOTENCY_KEY, event.idempotency_key());
        all.set(GOAL_ID, event.goal.to_string());
        all.set(TENANT, event.tenant.as_str());
        all
    }
}

/// A user's idempotency key: not empty, not over-long, nothing that a terminal or a header could choke on.
pub fn is_key(key: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&key.len()) && !key.chars().any(|c| c.is_control() || NOT_FOR_SQS.contains(&c))
}
