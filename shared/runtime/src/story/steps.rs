//! Owns the steps of a story: each item's state, hop, attempts, dead letters and outputs.
//! Never believes an item blindly: one that cannot be read is a gap.
//! Next: `attempts` has the times, `verdict` the meaning.

use contract::story::{Asked, Emitted, Lapse, Origin, Parked, StepState, StepTold};
use contract::topology::Row;
use contract::{Cause, CauseKind, DaemonName, EventId, EventType, QueueName, RowName, Spend, bounded};

use super::{Material, attempts, phrase};
use crate::ledger::step::{State, Step};
use crate::ledger::{Attr, Item, ItemKind};
use contract::story::{AttemptEnd, AttemptTold};

pub(super) fn told(material: &Material<'_>, gaps: &mut Vec<String>) -> Vec<StepTold> {
    let mut steps = vec![];
    for item in &material.items {
        let ItemKind::Step { row, event } = &item.key.kind else { continue };
        match Step::read(item) {
            Ok(step) => steps.push(one(material, item, &step, row, *event)),
            Err(why) => gaps.push(format!("a step of {row} cannot be read: {why}")),
        }
    }
    // Of what was made in the same instant, the cause before what it led to.
    let hops = |event: EventId| material.sources.get(&event).map(|source| source.event.hops);
    steps.sort_by_key(|step| (step.event_at, hops(step.event), step.attempts.first().map(|first| first.claimed_at)));
    steps
}

fn one(material: &Material<'_>, item: &Item, step: &Step, name: &RowName, event: EventId) -> StepTold {
    let row = material.choreography.row(name);
    let source = material.sources.get(&event);
    let attempts = attempts::told(material, item, step);
    let outcome = material.outcomes.get(&item.key.kind);
    let event_at = item.time(&Attr::EventAt).or(source.map(|source| source.event.time)).unwrap_or_default();
    let copied = item.has(&Attr::CopiedFrom);
    let came = if copied { event_at } else { material.here_since(event_at) };
    let queue = row.map_or_else(|| QueueName::from(format!("murmur-{name}")), |row| row.queue.clone());
    let over = matches!(step.state, State::Committed | State::Parked);
    let sum = |of: fn(&AttemptTold) -> Asked| attempts.iter().map(of).fold(Asked::default(), |sum, one| sum + one);
    StepTold {
        row: name.clone(),
        agent: row.map_or_else(|| DaemonName::from(name.to_string()), |row| row.daemon.clone()),
        event,
        kind: source.map(|source| source.event.kind.clone()).or_else(|| only_input(row)),
        from: source.map_or(Origin::Unknown, |source| source.from.clone()),
        about: source.and_then(|source| source.event.data["question"].as_str()).map(bounded),
        state: state(material, step),
        event_at,
        bus: attempts.first().map(|first| Lapse::between(came, first.sent_at)).unwrap_or_default(),
        attempts_max: row.map(|row| row.limits.attempts_max),
        redriven: step.rounds,
        crashes: phrase::count(attempts.iter().filter(|attempt| attempt.end == AttemptEnd::Died).count()),
        not_before: (step.state == State::Released).then_some(step.not_before),
        lease_until: (step.state == State::Claimed).then_some(step.lease),
        finished_at: over.then_some(step.finished_at),
        cost: attempts.iter().fold(Spend::default(), |sum, attempt| sum + attempt.cost),
        models: sum(|attempt| attempt.models),
        tools: sum(|attempt| attempt.tools),
        parked: parked(step, &attempts, &queue),
        emitted: outcome.iter().flat_map(|outcome| &outcome.emits).map(emitted).collect(),
        opens: outcome.and_then(|outcome| outcome.opens.as_ref()).map(|opening| opening.join.clone()),
        arrives: row.and_then(|row| row.arrives.as_ref()).map(|at| at.join.clone()),
        copied,
        queue,
        attempts,
    }
}

/// An event that no record holds must still be of a type that its row consumes.
fn only_input(row: Option<&Row>) -> Option<EventType> {
    match row?.consumes.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

fn emitted(event: &contract::Event) -> Emitted {
    Emitted { event: event.id, kind: event.kind.clone() }
}

fn state(material: &Material<'_>, step: &Step) -> StepState {
    let open = material.ended().is_none();
    match step.state {
        State::Committed => StepState::Committed,
        State::Parked => StepState::Parked,
        State::Claimed | State::Released if !open => StepState::Left,
        State::Claimed if step.lease < material.now => StepState::Silent,
        State::Claimed => StepState::AtWork,
        State::Released => StepState::Waiting,
    }
}

fn parked(step: &Step, attempts: &[AttemptTold], queue: &QueueName) -> Vec<Parked> {
    let gave_up = attempts.iter().filter(|attempt| attempt.end == AttemptEnd::GaveUp);
    let last = |epoch: u32| step.state == State::Parked && epoch == step.epoch;
    let told = gave_up.zip(1..).map(|(attempt, n)| Parked {
        n,
        at: attempt.ended_at.unwrap_or(attempt.claimed_at),
        cause: step.cause.clone().filter(|_| last(attempt.epoch)).unwrap_or_else(|| cause(attempt.why.as_deref())),
        queue: queue.dead_letters(),
        redriven: !last(attempt.epoch),
    });
    told.collect()
}

/// As it was written beside the attempt: `kind: detail`.
fn cause(why: Option<&str>) -> Cause {
    let why = why.unwrap_or("no cause was recorded");
    let (word, detail) = why.split_once(": ").unwrap_or(("", why));
    match CauseKind::ALL.iter().find(|kind| kind.as_str() == word) {
        Some(kind) => Cause::new(*kind, detail),
        None => Cause::new(CauseKind::Permanent, why),
    }
}
