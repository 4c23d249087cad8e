//! Owns the end of a seed: waiting until all is at rest, and saying what only then can be said.
//! Never forgives: a goal without an end, a message without a place, an index with something due is a violation.
//! Next: `world` the binary prints reports; a failing seed replays by one command.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use contract::{Digest, EventId, EventType, GoalId, QueueName, RowName};
use runtime::ledger::join::JoinState;
use runtime::ledger::{Attr, Item, ItemKey, ItemKind};

use super::odds::HORIZON_S;
use super::operator::Wish;
use super::{Report, Shared};

/// Until nothing is due, under way or waiting; false if that never came.
pub(super) async fn until_at_rest(shared: &Shared) -> bool {
    while shared.elapsed_s() < HORIZON_S {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let waiting = queues(shared).any(|queue| shared.cloud.queue.count(&queue) > 0);
        if !shared.faults_on() && !waiting && shared.nothing_pending() && !anything_due(shared) {
            return true;
        }
    }
    false
}

fn queues(shared: &Shared) -> impl Iterator<Item = QueueName> {
    shared.choreography.rows.iter().map(|row| row.queue.clone())
}

fn anything_due(shared: &Shared) -> bool {
    let mut due = false;
    shared.cloud.ledger.inspect(|item| due |= item.has(&Attr::DueAt));
    due
}

pub(super) fn report(shared: &Shared, wishes: &[Wish], at_rest: bool) -> Report {
    let mut found: BTreeMap<&'static str, String> = BTreeMap::new();
    let mut bad = |invariant: &'static str, how: String| {
        found.entry(invariant).or_insert(how);
    };
    if !at_rest {
        let waiting: Vec<String> =
            queues(shared).map(|queue| format!("{queue} {}", shared.cloud.queue.count(&queue))).collect();
        bad("never-at-rest", format!("{waiting:?}, something due: {}", anything_due(shared)));
    }
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    let known: BTreeSet<_> = wishes.iter().map(Wish::goal).collect();
    let witness = shared.witness();
    for item in shared.cloud.ledger.items() {
        match &item.key.kind {
            ItemKind::Goal => {
                if !known.contains(&item.key.goal)
                    && !witness.forked.contains(&item.key.goal)
                    && witness.accepted.contains(&item.key.goal)
                {
                    bad("a-goal-that-nobody-sent", item.key.goal.to_string());
                }
                let kind = goal(&item, &witness.events, &mut bad);
                *ends.entry(kind).or_default() += 1;
                left_open(&witness.finished, &item, &mut bad);
            }
            // A fork has it as a record: it was emitted for another goal.
            ItemKind::Join(_) if item.has(&Attr::CopiedFrom) => {}
            ItemKind::Join(_) => {
                let Ok(JoinState { closed: Some(event), .. }) = JoinState::read(&item) else { continue };
                let closed = witness.closed_at.get(&item.key).map_or(0, |at| at.0);
                let soon_over = witness.ended_at.get(&item.key.goal).is_some_and(|at| at.0 < closed + 300_000);
                if !witness.events.contains_key(&event.id) && !soon_over {
                    bad("joined-event-never-emitted", event.id.to_string());
                }
            }
            ItemKind::Step { .. } => {}
        }
    }
    // A fork may die before it has a goal.
    let is_there = |goal| !witness.forked.contains(goal) || shared.cloud.ledger.item(&ItemKey::goal(*goal)).is_some();
    for goal in witness.accepted.iter().filter(|goal| is_there(*goal)) {
        if !witness.ended_at.contains_key(goal) {
            bad("goal-never-ended", goal.to_string());
        }
    }
    for (goal, events) in witness.terminal.iter().filter(|(_, events)| events.len() > 1) {
        bad("two-ends", format!("{goal} {events:?}"));
    }
    dead_letters(shared, &mut bad);
    let violations = witness.violations.iter().map(|(name, how)| (*name, how.clone()));
    found.extend(violations);
    Report {
        seed: shared.seed,
        violations: found,
        hits: shared.hits().clone(),
        ends,
        published: published(shared),
        deliveries: witness.deliveries,
        virtual_s: shared.elapsed_s(),
        fingerprint: Digest::of(format!("{:?}", witness.published).as_bytes()),
    }
}

fn goal(
    item: &Item,
    published: &BTreeMap<EventId, (Digest, u32)>,
    bad: &mut impl FnMut(&'static str, String),
) -> String {
    let Ok(state) = JoinState::read(item) else {
        bad("goal-unreadable", item.key.goal.to_string());
        return "unreadable".into();
    };
    let Some(event) = &state.closed else { return "open".into() };
    match published.get(&event.id) {
        None => bad("terminal-event-never-emitted", format!("{} {}", event.kind, item.key.goal)),
        Some((digest, _)) if *digest != event.digest() => {
            bad("terminal-event-is-not-what-was-stored", item.key.goal.to_string());
        }
        Some(_) => {}
    }
    event.kind.to_string()
}

/// A step whose effects are done has settled or booked all that it reserved.
fn left_open(finished: &BTreeMap<ItemKey, u32>, goal: &Item, bad: &mut impl FnMut(&'static str, String)) {
    for attr in goal.attrs.keys() {
        let Attr::Open(call) = attr else { continue };
        let Some((step, epoch)) = step_of_call(goal.key.goal, call) else { continue };
        if finished.get(&step).is_some_and(|last| epoch <= *last) {
            bad("reservation-left-open", call.clone());
        }
    }
}

/// The step and the epoch that a reservation is called by.
pub(crate) fn step_of_call(goal: GoalId, call: &str) -> Option<(ItemKey, u32)> {
    let mut parts = call.split(':');
    let row = RowName::from(parts.next()?.to_owned());
    let event = parts.next()?.parse().ok()?;
    let epoch = parts.next()?.parse().ok()?;
    Some((ItemKey::step(goal, &row, event), epoch))
}

/// By type, repetitions counted once.
fn published(shared: &Shared) -> BTreeMap<EventType, u64> {
    let (mut seen, mut by_type) = (BTreeSet::new(), BTreeMap::new());
    for event in shared.cloud.bus.published_since(0).iter().filter(|event| seen.insert(event.id)) {
        *by_type.entry(event.kind.clone()).or_default() += 1;
    }
    by_type
}

/// Every dead letter says why, unless SQS moved it because its process died.
fn dead_letters(shared: &Shared, bad: &mut impl FnMut(&'static str, String)) {
    for queue in queues(shared) {
        for letter in shared.cloud.queue.messages(&queue.dead_letters()) {
            if letter.moved_from.is_none() && letter.attributes.park().is_none() {
                bad("dead-letter-without-its-cause", queue.to_string());
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: {} deliveries in {} virtual s, ends {:?}",
            self.seed, self.deliveries, self.virtual_s, self.ends
        )?;
        for (invariant, how) in &self.violations {
            write!(f, "\n  VIOLATED {invariant}: {how}")?;
        }
        if !self.violations.is_empty() {
            write!(f, "\n  replay: cargo run -p testkit --bin world -- --seed {}", self.seed)?;
        }
        Ok(())
    }
}
