//! Owns what a topology must fulfil before anything runs by it.
//! Never stops at the first problem: all are listed, each with its numbers.
//! Next: `Topology::check` turns a topology without problems into a `Choreography`; each part has a file of its own.

mod events;
mod hops;
mod joins;
mod names;
mod numbers;

use super::{Problem, Topology};

pub(super) fn problems(topology: &Topology) -> Vec<Problem> {
    let mut found = names::problems(topology);
    found.extend(events::problems(topology));
    found.extend(hops::problems(topology));
    found.extend(joins::problems(topology));
    found.extend(topology.rows.iter().flat_map(numbers::problems));
    found
}
