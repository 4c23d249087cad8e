//! Owns who makes and who takes each event type, and where goals come in.
//! Never looks at joins beyond what they emit: `joins` does.
//! Next: `hops` follows the same arrows to their ends.

use std::collections::BTreeSet;

use super::super::{Problem, Topology};
use crate::events::{GoalCancelled, GoalCompleted, GoalFailed, GoalRequested, StepFailed};
use crate::{EventData, EventType};

/// What the runtime says on its own behalf.
pub(super) static RUNTIME_SAYS: [EventType; 4] =
    [GoalCompleted::TYPE, GoalFailed::TYPE, GoalCancelled::TYPE, StepFailed::TYPE];

pub(super) fn problems(topology: &Topology) -> Vec<Problem> {
    let mut found = unknown(topology);
    let consumed: BTreeSet<_> = topology.rows.iter().flat_map(|row| &row.consumes).collect();
    let made: BTreeSet<_> = topology.rows.iter().flat_map(|row| &row.emits).collect();
    let joined: BTreeSet<_> = topology.joins.iter().map(|join| &join.emits).collect();
    let declared: BTreeSet<_> = topology.events.iter().map(|spec| &spec.kind).collect();
    for kind in declared {
        if !consumed.contains(kind) && !topology.results.contains(kind) {
            found.push(Problem::Orphan { kind: kind.clone() });
        }
        let from_inside = made.contains(kind) || joined.contains(kind) || RUNTIME_SAYS[1..].contains(kind);
        if !from_inside && !topology.entrances.contains(kind) {
            found.push(Problem::Unhandled { kind: kind.clone() });
        }
    }
    for row in &topology.rows {
        let reserved = |kind: &&EventType| RUNTIME_SAYS.contains(kind) || joined.contains(*kind);
        for kind in row.emits.iter().filter(reserved) {
            found.push(Problem::ReservedType { row: row.name.clone(), kind: kind.clone() });
        }
        if row.consumes.is_empty() {
            found.push(Problem::Idle { row: row.name.clone() });
        }
    }
    found.extend(entrance(topology));
    found
}

fn unknown(topology: &Topology) -> Vec<Problem> {
    let known = |kind: &EventType| topology.events.iter().any(|spec| spec.kind == *kind);
    let rows = topology.rows.iter().flat_map(|row| {
        let consumes = row.consumes.iter().map(|kind| (format!("what {} consumes", row.name), kind));
        consumes.chain(row.emits.iter().map(|kind| (format!("what {} emits", row.name), kind)))
    });
    let joins = topology.joins.iter().map(|join| (format!("join {}", join.name), &join.emits));
    let entrances = topology.entrances.iter().map(|kind| ("the list of entrances".into(), kind));
    let results = topology.results.iter().map(|kind| ("the list of results".into(), kind));
    let ends = RUNTIME_SAYS.iter().map(|kind| ("every choreography".into(), kind));
    rows.chain(joins)
        .chain(entrances)
        .chain(results)
        .chain(ends)
        .filter(|(_, kind)| !known(kind))
        .map(|(place, kind)| Problem::UnknownType { place, kind: kind.clone() })
        .collect()
}

fn entrance(topology: &Topology) -> Vec<Problem> {
    let accepting: Vec<_> = topology.rows.iter().filter(|row| row.accepts_goals).collect();
    let mut found = match accepting.len() {
        0 => vec![Problem::NobodyAccepts],
        1 => vec![],
        _ => vec![Problem::ManyAccept { rows: accepting.iter().map(|row| row.name.clone()).collect() }],
    };
    let is_entrance = topology.entrances.contains(&GoalRequested::TYPE);
    for row in &topology.rows {
        let consumes = row.consumes.contains(&GoalRequested::TYPE);
        if row.accepts_goals && !(consumes && is_entrance) {
            found.push(Problem::AcceptsBlindly { row: row.name.clone(), kind: GoalRequested::TYPE });
        }
        if !row.accepts_goals && consumes {
            found.push(Problem::ConsumesUnaccepted { row: row.name.clone(), kind: GoalRequested::TYPE });
        }
    }
    found
}
