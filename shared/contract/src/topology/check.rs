//! Owns what a topology must fulfil before anything runs by it.
//! Never stops at the first problem: all are listed, each with its numbers.
//! Next: `Topology::check` turns a topology without problems into a `Choreography`.

use super::Topology;
use crate::EventType;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("the schema of {kind} is none: {why}")]
    BadSchema { kind: EventType, why: String },
}

pub(super) fn problems(_topology: &Topology) -> Vec<Problem> {
    vec![]
}
