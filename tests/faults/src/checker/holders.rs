//! Owns who did it: every commit, park and arrival by the one who held the step, in the epoch that counts.
//! Never minds how often a step changed hands.
//! Next: `ends` and `joins`, which nobody holds.

use contract::GoalId;
use contract::events::ArrivalStatus;
use runtime::ledger::step::State;

use super::case::{Case, Past, PastStep};
use super::verdict::{Found, Kind};

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    for (goal, past) in &case.goals {
        for step in past.steps.iter().filter(|step| !step.is_copied) {
            for how in of_step(step) {
                found.add(Kind::ByNonHolder, *goal, format!("{step}: {how}"));
            }
        }
        // What a fork copied has another goal's holders.
        if !past.is_fork() {
            arrivals(case, *goal, past, found);
        }
    }
}

fn of_step(past: &PastStep) -> Vec<String> {
    let (step, mut all) = (&past.step, vec![]);
    let last = past.over.get(&step.epoch).map(|over| over.how.as_str());
    let commits: Vec<u32> = past.over_as("committed").map(|(epoch, _)| epoch).collect();
    match (step.state, &commits[..]) {
        // Of two commits, `repeats` tells.
        (_, [_, _, ..]) => {}
        (State::Committed, [epoch]) if *epoch == step.epoch => {}
        (State::Committed, [epoch]) => {
            all.push(format!("it was committed in epoch {epoch}, and epoch {} held it", step.epoch));
        }
        (State::Committed, []) => {
            all.push(format!("it is committed, and no holder did it: epoch {} {last:?}", step.epoch));
        }
        (state, [epoch]) => all.push(format!("it is {state:?} in epoch {}, after the commit of {epoch}", step.epoch)),
        (State::Parked, []) if last != Some("parked") => {
            all.push(format!("it is parked, and no holder did it: epoch {} {last:?}", step.epoch));
        }
        _ => {}
    }
    let parked = past.over_as("parked").count();
    if parked != step.parks as usize {
        all.push(format!("it says {} parks, and its holders parked it {parked} times", step.parks));
    }
    let unclaimed: Vec<u32> = past.over.keys().copied().filter(|epoch| !past.held.contains_key(epoch)).collect();
    if !unclaimed.is_empty() {
        all.push(format!("epochs {unclaimed:?} did something, and nobody had claimed them"));
    }
    all
}

/// What stands in a join is what a committed step brought there.
fn arrivals(case: &Case<'_>, goal: GoalId, past: &Past, found: &mut Found) {
    let terminal = case.choreography.terminal_join().map(|join| &join.name);
    let own = past.joins.iter().filter(|join| !join.is_copied).map(|join| (Some(&join.name), &join.state));
    for (name, state) in own.chain([(terminal, &past.goal.join)]) {
        for (member, (status, brought)) in &state.arrived {
            let brings = |step: &&PastStep| {
                let arrives = step.outcome.as_ref().and_then(|outcome| outcome.arrives.as_ref());
                arrives.is_some_and(|arrives| Some(&arrives.join) == name && arrives.member == *member)
            };
            if *status != ArrivalStatus::Ok {
                continue;
            }
            let item = state.key.sort();
            let Some(step) = past.steps.iter().find(brings) else {
                found.add(Kind::ByNonHolder, goal, format!("{member} arrived at {item}, and no step committed that"));
                continue;
            };
            let arrives = step.outcome.as_ref().and_then(|outcome| outcome.arrives.as_ref());
            if arrives.is_some_and(|arrives| arrives.brought != *brought) {
                found.add(Kind::ByNonHolder, goal, format!("{member} brought to {item} what {step} never committed"));
            }
        }
    }
}
