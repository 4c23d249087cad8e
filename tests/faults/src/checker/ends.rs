//! Owns that a goal ends once: one end on record, and that one told, always in the same words.
//! Never minds which end it is.
//! Next: `joins`, for whether it ended as it might.

use std::collections::{BTreeMap, BTreeSet};

use contract::GoalId;

use super::case::{Case, content};
use super::told::is_end;
use super::verdict::{Found, Kind};

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    let mut ends: BTreeMap<GoalId, BTreeSet<String>> = BTreeMap::new();
    let mut told = BTreeSet::new();
    for telling in case.told.values().flatten().filter(|telling| is_end(&telling.event)) {
        let event = &telling.event;
        told.insert(event.goal);
        ends.entry(event.goal).or_default().insert(format!("{} {} {}", event.kind, event.id, telling.content));
    }
    let mut unrecorded = vec![];
    for (goal, past) in &case.goals {
        match &past.goal.join.closed {
            Some(end) => {
                let end = format!("{} {} {}", end.kind, end.id, content(end));
                ends.entry(*goal).or_default().insert(end);
            }
            None if told.contains(goal) => unrecorded.push(*goal),
            None => {}
        }
    }
    for (goal, ends) in ends.iter().filter(|(goal, ends)| ends.len() > 1 && case.wished.contains(goal)) {
        let all: Vec<&str> = ends.iter().map(String::as_str).collect();
        found.add(Kind::TwoEnds, *goal, format!("it ended as {}", all.join(" and as ")));
    }
    for goal in unrecorded {
        let one = ends.get(&goal).filter(|ends| ends.len() == 1).and_then(BTreeSet::first);
        if let Some(end) = one {
            found.add(Kind::Unexpected, goal, format!("{end} was told, and no record has an end"));
        }
    }
}
