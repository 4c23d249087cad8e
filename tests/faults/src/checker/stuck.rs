//! Owns that nothing is left at the end: no message, no step in somebody's hands, no end untold, no goal that neither
//! ended nor waits for a person, no process that did not go as it was told.
//! Never minds a step of a goal that has ended: nobody is owed anything there.
//! Next: `verdict`.

use contract::GoalId;
use runtime::ledger::step::State;

use super::case::{Case, Past, PastStep};
use super::verdict::{Found, Kind};
use crate::history::{Doing, End};

/// Of a message's body, as much as tells which one it is.
const SHOWN_CHARS: usize = 200;

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    for left in case.history.left.iter().filter(|left| left.visible + left.in_flight > 0) {
        let first: String =
            left.bodies.first().map(|body| body.chars().take(SHOWN_CHARS).collect()).unwrap_or_default();
        let how = format!("{} holds {} visible, {} in flight: {first}", left.queue, left.visible, left.in_flight);
        found.add_beside(Kind::Stuck, how);
    }
    for (goal, past) in &case.goals {
        match &past.goal.join.closed {
            Some(end) if !past.goal.join.told => {
                found.add(Kind::Stuck, *goal, format!("it ended as {} {}, and nobody told it", end.kind, end.id));
            }
            Some(_) => {}
            None => open(case, *goal, past, found),
        }
    }
    processes(case, found);
}

fn open(case: &Case<'_>, goal: GoalId, past: &Past, found: &mut Found) {
    let due = past.goal.deadline;
    let allowed = std::time::Duration::from_millis(case.history.allowed.due_ms);
    if due + allowed < case.history.gathered_at {
        return found.add(Kind::Stuck, goal, format!("its deadline was {due}, and it has not ended"));
    }
    let before = found.len();
    for step in &past.steps {
        if let Some((kind, how)) = unfinished(case, goal, step) {
            found.add(kind, goal, format!("{step} {how}"));
        }
    }
    for join in past.joins.iter().filter(|join| join.state.closed.is_some() && !join.state.told) {
        found.add(Kind::Stuck, goal, format!("join#{} closed, and nobody told it", join.name));
    }
    let letter = case.letters.iter().any(|post| post.goal() == Some(goal) && post.holds_up());
    let discarded = case.acts_on(goal).any(|act| matches!(act.what, Doing::Discard { .. }));
    if found.len() == before && !letter && !discarded && !case.goal_may_wait(goal) {
        found.add(Kind::Lost, goal, format!("it has not ended, and no letter says why: {}", standing(past)));
    }
}

fn unfinished(case: &Case<'_>, goal: GoalId, step: &PastStep) -> Option<(Kind, String)> {
    let now = case.history.gathered_at;
    let by = step.held.get(&step.step.epoch).map_or("nobody", |held| held.by.as_str());
    match step.step.state {
        State::Claimed => {
            let (epoch, lease) = (step.step.epoch, step.step.lease);
            Some((Kind::Stuck, format!("is held by {by}, epoch {epoch}, lease until {lease}, and it is {now}")))
        }
        State::Released => {
            let since = step.step.not_before;
            Some((Kind::Stuck, format!("was given back by {by}, was to be taken from {since}, and nobody did")))
        }
        State::Parked if !step.is_copied => {
            let letter = case.letters.iter().any(|post| post.is_of(&step.row, step.event));
            let gone = case.acts_on(goal).any(|act| match &act.what {
                Doing::Discard { row, event } | Doing::Edit { row, event, .. } => {
                    *row == step.row && *event == step.event
                }
                Doing::Cancel | Doing::Redrive { .. } => false,
            });
            let lost = !letter && !gone && !case.goal_may_wait(goal);
            lost.then(|| (Kind::Lost, format!("was parked {} times, and its dead letter is nowhere", step.step.parks)))
        }
        State::Parked | State::Committed => None,
    }
}

/// Where it came to.
fn standing(past: &Past) -> String {
    let steps = past.steps.iter().map(|step| format!("{step} {:?}", step.step.state));
    let joins = past.joins.iter().map(|join| format!("join#{} misses {:?}", join.name, join.state.missing()));
    let all: Vec<String> = steps.chain(joins).collect();
    if all.is_empty() { "nothing was ever done for it".into() } else { all.join(", ") }
}

fn processes(case: &Case<'_>, found: &mut Found) {
    for process in &case.history.account.processes {
        let who = format!("{} (process {}, since {})", process.name, process.id, process.started_at);
        match process.end {
            Some(End::ByItself { at, code }) => {
                found.add_beside(Kind::Unexpected, format!("{who} ended by itself at {at} with {code:?}"));
            }
            Some(End::Drained { at, code, .. }) if code != Some(0) => {
                found
                    .add_beside(Kind::Unexpected, format!("{who} was asked to end and did at {at}, but with {code:?}"));
            }
            Some(End::Drained { took_ms, .. }) if took_ms > case.history.allowed.drain_ms => {
                let grace = case.history.allowed.drain_ms;
                found.add_beside(Kind::Stuck, format!("{who} took {took_ms} ms to end where {grace} are allowed"));
            }
            _ => {}
        }
    }
}
