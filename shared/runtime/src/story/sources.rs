//! Owns the events of a goal, and who made each: the request, what steps emitted, what joins closed with, the end.
//! Never an event that no record holds: a cancellation that came too late is not told.
//! Next: `steps` says of each step where its event came from.

use std::collections::BTreeMap;

use contract::story::Origin;
use contract::{Event, EventId};

use crate::ledger::goal::Goal;
use crate::ledger::join::JoinState;
use crate::ledger::{Item, ItemKind};
use crate::outcome::Outcome;

/// An event, and who made it.
pub(super) struct Source {
    pub(super) event: Event,
    pub(super) from: Origin,
}

pub(super) fn all(
    goal: Option<&Goal>,
    items: &[&Item],
    outcomes: &BTreeMap<ItemKind, Outcome>,
) -> BTreeMap<EventId, Source> {
    let mut all = BTreeMap::new();
    let mut add = |event: &Event, from: Origin| drop(all.insert(event.id, Source { event: event.clone(), from }));
    if let Some(goal) = goal {
        add(&goal.request, Origin::User);
    }
    for item in items {
        match &item.key.kind {
            // The end is nobody's input.
            ItemKind::Goal => {}
            ItemKind::Step { row, event } => {
                for emitted in outcomes.get(&item.key.kind).iter().flat_map(|outcome| &outcome.emits) {
                    add(emitted, Origin::Step { row: row.clone(), event: *event });
                }
            }
            ItemKind::Join(name) => {
                if let Some(closed) = JoinState::read(item).ok().and_then(|join| join.closed) {
                    add(&closed, Origin::Join { join: name.clone() });
                }
            }
        }
    }
    all
}
