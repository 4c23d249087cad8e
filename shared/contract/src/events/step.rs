//! Owns the event of a step that gave up.
//! Never the end of the goal: that is `goal.failed`, and a redrive may still prevent it.
//! Next: subscribers, `murmur` and alarms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EventData;
use crate::{Cause, CauseKind, EventId, EventType, RowName};

/// A step gave up: its message is a dead letter now, and says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepFailed {
    pub row: RowName,
    /// The event that the step consumed.
    pub event: EventId,
    /// How many times it has given up, this one included.
    pub n: u32,
    pub cause: Cause,
    pub attempts: u32,
}

impl EventData for StepFailed {
    const TYPE: EventType = EventType::new("step.failed");
    fn example() -> Self {
        StepFailed {
            row: RowName::new("analysis"),
            event: EventId(uuid::Uuid::from_u128(0x1b4e28ba2fa151d2883f0016d3cca427)),
            n: 1,
            cause: Cause::new(CauseKind::AttemptsExhausted, "the model answered nonsense three times"),
            attempts: 3,
        }
    }
}
