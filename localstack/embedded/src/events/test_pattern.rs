//! Owns TestEventPattern: whether a pattern would match an event, without any bus.
//! Never changes anything.
//! Next: `pattern`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::names::{self, PATTERN_MAX, validation};
use super::pattern::{Fields, Looked, Pattern};
use super::{Reply, body};
use crate::ApiError;

/// What every event must have.
const MEMBERS: [&str; 6] = ["id", "account", "source", "time", "region", "detail-type"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TestEventPattern {
    event_pattern: String,
    event: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    result: bool,
}

impl TestEventPattern {
    pub(super) fn checked(self) -> Result<TestEventPattern, ApiError> {
        names::length(&self.event_pattern, "eventPattern", 0, PATTERN_MAX)?;
        Ok(self)
    }
}

pub(super) fn test(asked: &TestEventPattern) -> Reply {
    let invalid = || validation("Parameter Event is not valid.");
    let event: Value = serde_json::from_str(&asked.event).map_err(|_| invalid())?;
    if !event.is_object() || MEMBERS.iter().any(|member| event.get(member).is_none()) {
        return Err(invalid());
    }
    let pattern = Pattern::parse(&asked.event_pattern)?;
    let mut looked = Looked::default();
    pattern.look(&mut looked);
    let fields = Fields::of(&asked.event, &looked).map_err(|_| invalid())?;
    body(Answer { result: pattern.matches(&fields) })
}
