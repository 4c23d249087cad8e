//! Owns that what was told was heard: an event of which the ledger, or whoever acted on it, shows that it was put must
//! have come to a subscriber.
//! Never asks for what nobody can know to be out: a process may die between a record and its telling.
//! Next: `stuck`, for what should still have been done.

use contract::events::{ArrivalStatus, EventData as _, StepFailed};
use contract::{EventId, GoalId, Unit};

use super::case::{Case, Past, PastStep};
use super::verdict::{Found, Kind};

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    for (goal, past) in &case.goals {
        let mut missing = vec![];
        for step in past.steps.iter().filter(|step| !step.is_copied) {
            missing.extend(outputs(past, step));
            missing.extend(failures(*goal, step));
        }
        let joins = past.joins.iter().filter(|join| !join.is_copied).map(|join| &join.state);
        for state in joins.chain([&past.goal.join]) {
            let Some(event) = &state.closed else { continue };
            if state.told || past.is_consumed(event.id) {
                missing.push((event.id, format!("{} of {}", event.kind, state.key.sort())));
            }
        }
        for (id, what) in missing.into_iter().filter(|(id, _)| !case.told.contains_key(id)) {
            found.add(Kind::Lost, *goal, format!("{what}, {id}, was told, and no subscriber heard it"));
        }
    }
}

/// Outputs that were out, since somebody did what only follows.
fn outputs(past: &Past, step: &PastStep) -> Vec<(EventId, String)> {
    let Some(outcome) = &step.outcome else { return vec![] };
    let has_arrived = outcome.arrives.as_ref().is_some_and(|arrives| {
        let states = past.joins.iter().map(|join| &join.state).chain([&past.goal.join]);
        let ok = |(status, brought): &(ArrivalStatus, _)| *status == ArrivalStatus::Ok && *brought == arrives.brought;
        states.into_iter().any(|state| state.arrived.get(&arrives.member).is_some_and(ok))
    });
    let is_out = |event: &EventId| step.step.emitted || has_arrived || past.is_consumed(*event);
    let out = outcome.emits.iter().filter(|event| is_out(&event.id));
    out.map(|event| (event.id, format!("{} of {step}", event.kind))).collect()
}

/// A park's letter goes out after its event, and only from a letter can there be another round.
fn failures(goal: GoalId, step: &PastStep) -> Vec<(EventId, String)> {
    let last = step.step.dead_lettered.max(step.step.parks.saturating_sub(1)).min(step.step.parks);
    let id = |n| EventId::derive(goal, &StepFailed::TYPE, &Unit::park(step.row.as_str(), step.event, n));
    (1..=last).map(|n| (id(n), format!("{} of park {n} of {step}", StepFailed::TYPE))).collect()
}
