//! Owns how often something may be done: an event is told again only by whom a second message, or a fault, gave reason
//! to; a step is committed once, and no model is asked after that.
//! Never minds a copy that the bus or the queue made: those are no effects of ours.
//! Next: `holders`, for who may do it.

use std::collections::{BTreeMap, BTreeSet};

use contract::events::{EventData as _, StepFailed};
use contract::{Digest, EventId, GoalId, UnixMs};
use runtime::ledger::step::State;

use super::case::{Case, Maker, Past, PastStep, Telling};
use super::verdict::{Found, Kind};
use crate::history::{Doing, End};

/// Clocks of one machine, read in two processes.
const SKEW_MS: i64 = 1_000;

/// How many events were told again, and how many were copied on their way.
pub(super) fn check(case: &Case<'_>, found: &mut Found) -> (usize, usize) {
    let (mut retold, mut copied) = (0, 0);
    let (upsets, daemons) = (upsets(case), daemons(case));
    for (id, tellings) in &case.told {
        let puts = puts(tellings);
        // Of each content by itself: that there are several is another defect.
        let times = puts.values().map(BTreeSet::len).max().unwrap_or(0);
        let all: usize = puts.values().map(BTreeSet::len).sum();
        retold += all - puts.len();
        copied += tellings.len() - all;
        let Some(first) = tellings.first() else { continue };
        let Some(past) = case.goals.get(&first.event.goal) else { continue };
        let Some((reasons, since)) = reasons(case, past, *id, first) else { continue };
        let until = tellings.iter().map(|telling| telling.seen.at).max().unwrap_or_default();
        let upset = upsets.iter().filter(|(from, to)| *to >= since.0 - SKEW_MS && *from <= until.0).count();
        // After a fault each daemon that sweeps may be the one that tells.
        let most = reasons + upset + if upset > 0 { daemons } else { 0 };
        if times > most {
            let how = format!("{} {id} was told {times} times, and only {most} had a reason", first.event.kind);
            found.add(Kind::Duplicated, first.event.goal, how);
        }
    }
    for (goal, past) in &case.goals {
        commits(past, *goal, found);
    }
    asked(case, found);
    (retold, copied)
}

/// The puts of each content, and not the copies of one.
fn puts<'t>(tellings: &'t [Telling<'_>]) -> BTreeMap<&'t Digest, BTreeSet<&'t str>> {
    let mut puts: BTreeMap<&Digest, BTreeSet<&str>> = BTreeMap::new();
    for telling in tellings {
        puts.entry(&telling.content).or_default().insert(&telling.seen.entry_id);
    }
    puts
}

/// From when to when each fault lasted.
fn upsets(case: &Case<'_>) -> Vec<(i64, i64)> {
    let account = &case.history.account;
    let done = account.disturbances.iter().map(|fault| (fault.from.0, fault.until.0));
    let ends = account.processes.iter().filter_map(|process| match process.end? {
        End::Killed { at } | End::Drained { at, .. } | End::ByItself { at, .. } => Some((at.0, at.0)),
    });
    done.chain(ends).collect()
}

fn daemons(case: &Case<'_>) -> usize {
    case.history.account.processes.iter().map(|process| &process.name).collect::<BTreeSet<_>>().len()
}

/// How often an event may be told where nothing went wrong, and since when it may be.
fn reasons(case: &Case<'_>, past: &Past, id: EventId, first: &Telling<'_>) -> Option<(usize, UnixMs)> {
    let goal = past.goal.request.goal;
    if first.event.kind == StepFailed::TYPE {
        let failed: StepFailed = first.event.data_as().ok()?;
        return Some((of_step(case, goal, past.step(&failed.row, failed.event)?), first.event.time));
    }
    match past.events.get(&id)?.1 {
        Maker::Request => None,
        Maker::Step(index) => past.steps.get(index).map(|step| (of_step(case, goal, step), first.event.time)),
        Maker::Join | Maker::End => Some((1, first.event.time)),
    }
}

/// Each message that carries its input may find it done, and repeat it; so may a message that came back too late.
fn of_step(case: &Case<'_>, goal: GoalId, step: &PastStep) -> usize {
    let by_bus = case.told.get(&step.event).map_or(0, |tellings| tellings.len());
    let by_queue = case.history.account.wishes.iter().filter(|wish| wish.goal() == goal).count();
    let again = case.acts_on(goal).filter(|act| act.what != Doing::Cancel).count();
    let takeovers = step.step.epoch.saturating_sub(1) as usize;
    by_bus.max(by_queue) + again + takeovers + 1
}

fn commits(past: &Past, goal: GoalId, found: &mut Found) {
    for step in &past.steps {
        let epochs: Vec<u32> = step.over_as("committed").map(|(epoch, _)| epoch).collect();
        if epochs.len() > 1 {
            found.add(Kind::Duplicated, goal, format!("{step} was committed by the holders of epochs {epochs:?}"));
        }
    }
}

fn asked(case: &Case<'_>, found: &mut Found) {
    let mut late: BTreeMap<(GoalId, String), usize> = BTreeMap::new();
    for asked in &case.history.account.asked {
        let step = case.goals.get(&asked.goal).and_then(|past| past.step(&asked.row, asked.event));
        let Some(step) = step.filter(|step| step.step.state == State::Committed) else { continue };
        // Whoever was deposed may ask once more before its next heartbeat tells it so.
        let by_holder = asked.epoch.unwrap_or(1) >= step.step.epoch;
        if by_holder && asked.at > step.step.finished_at {
            *late.entry((asked.goal, step.to_string())).or_default() += 1;
        }
    }
    for ((goal, step), times) in late {
        found.add(Kind::Duplicated, goal, format!("a model was asked {times} times for {step} after its commit"));
    }
}
