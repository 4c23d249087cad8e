//! Owns what became of what was asked for: each goal is there in its own words, each cancel ended something, and
//! nothing is there that nobody asked for.
//! Never looks into a goal: whether it went on is `stuck`'s.
//! Next: `told`.

use std::collections::BTreeSet;

use contract::GoalId;
use contract::events::{EventData as _, GoalCancelRequested, GoalCancelled, GoalRequested};

use super::case::Case;
use super::verdict::{Found, Kind};
use crate::history::{Doing, Reply, Wished};

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    for wish in case.history.account.wishes.iter().filter(|wish| wish.reply == Reply::Acknowledged) {
        if let Some(how) = lost(case, wish) {
            found.add(
                Kind::Lost,
                wish.goal(),
                format!("goal {:?}, sent by {} at {}, {how}", wish.key, wish.by, wish.at),
            );
        }
    }
    for act in &case.history.account.acts {
        if act.what == Doing::Cancel && act.reply == Reply::Acknowledged && is_unheeded(case, act.goal) {
            let how = format!("{} cancelled it at {}, and it did not end, and no dead letter says why", act.by, act.at);
            found.add(Kind::Lost, act.goal, how);
        }
    }
    strangers(case, found);
    for (goal, past) in &case.goals {
        let cancelled = past.goal.join.closed.as_ref().is_some_and(|end| end.kind == GoalCancelled::TYPE);
        if cancelled && !is_cancelled(case, *goal) {
            found.add(Kind::Unexpected, *goal, "it ended as cancelled, and nobody cancelled it");
        }
    }
}

pub(super) fn is_cancelled(case: &Case<'_>, goal: GoalId) -> bool {
    case.acts_on(goal).any(|act| act.what == Doing::Cancel)
}

fn lost(case: &Case<'_>, wish: &Wished) -> Option<&'static str> {
    let known = case.goals.get(&wish.goal());
    if case.unreadable.contains(&wish.goal()) || known.is_some_and(|past| past.goal.words() == wish.words) {
        return None;
    }
    // The same words in a letter, or, where nobody can read it, the same key.
    let is_it = |post: &super::case::Post<'_>| match &post.event {
        Some(event) if event.kind == GoalRequested::TYPE && event.goal == wish.goal() => {
            event.data_as::<GoalRequested>().is_ok_and(|request| request.goal == wish.words)
        }
        Some(_) => false,
        None => post.letter.body.contains(&wish.key) && post.letter.body.contains(&wish.words),
    };
    let waits = || case.may_wait([wish.key.clone(), wish.goal().to_string()].into_iter());
    if case.letters.iter().any(is_it) || waits() {
        return None;
    }
    Some(match known {
        Some(_) => "is there in other words, and no dead letter has these",
        None => "has no record and no dead letter",
    })
}

fn is_unheeded(case: &Case<'_>, goal: GoalId) -> bool {
    let rejected = |post: &super::case::Post<'_>| {
        post.event.as_ref().is_some_and(|event| event.kind == GoalCancelRequested::TYPE && event.goal == goal)
    };
    let has_ended = case.goals.get(&goal).is_some_and(|past| past.goal.ended()) || case.unreadable.contains(&goal);
    !has_ended && !case.letters.iter().any(rejected) && !case.goal_may_wait(goal)
}

/// Goals that nobody enqueued, each once.
fn strangers(case: &Case<'_>, found: &mut Found) {
    let told = case.told.values().flatten().map(|telling| telling.event.goal);
    let all: BTreeSet<GoalId> = case.goals.keys().copied().chain(told).collect();
    for goal in all.difference(&case.wished) {
        // A cancel of what is not there is an operator's mistake, and is answered by a dead letter.
        let only_cancelled = !case.goals.contains_key(goal) && is_cancelled(case, *goal);
        if !only_cancelled {
            let events = case.told.values().flatten().filter(|telling| telling.event.goal == *goal).count();
            let there = if case.goals.contains_key(goal) { "it is in the ledger" } else { "it is not in the ledger" };
            found.add(
                Kind::Unexpected,
                *goal,
                format!("nobody enqueued this goal; {there}, {events} events tell of it"),
            );
        }
    }
}
