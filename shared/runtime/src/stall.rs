//! Owns the question whether an open goal goes on by itself, and what holds it up if it does not.
//! Never a guess about what is on its way: only steps that gave up, and what their joins still need, count.
//! Next: `murmur goal list` and `watch` say it; `murmur explain` has the whole story.

use contract::events::ArrivalStatus;
use contract::topology::{Choreography, Member, Row};
use contract::{EventId, GoalId, JoinName, PortError};
use serde::Serialize;

use crate::ledger::goal::Goal;
use crate::ledger::join::JoinState;
use crate::ledger::step::{State, Step};
use crate::ledger::{Item, ItemKey, ItemKind};
use crate::ports::Ledger;

/// A step without which its goal does not go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stall {
    pub row: String,
    pub event: EventId,
    pub cause: String,
}

/// What holds the goal up: nothing, while it goes on or once it has ended.
pub fn stalls(story: &[Item], choreography: &Choreography) -> Vec<Stall> {
    let goal = story.iter().find(|item| item.key.kind == ItemKind::Goal).and_then(|item| Goal::read(item).ok());
    let Some(goal) = goal.filter(|goal| !goal.ended()) else { return vec![] };
    let of = |item: &Item| {
        let ItemKind::Step { row, event } = &item.key.kind else { return None };
        let step = Step::read(item).ok().filter(|step| step.state == State::Parked)?;
        // A row of another topology: nobody here knows who can do without it.
        let needed = choreography.row(row).is_none_or(|row| is_needed(row, *event, &goal, story, choreography));
        let cause = step.cause.map_or_else(|| "no cause was recorded".to_owned(), |cause| cause.to_string());
        needed.then(|| Stall { row: row.to_string(), event: *event, cause })
    };
    story.iter().filter_map(of).collect()
}

/// The same, of the goal's story as the ledger has it now.
pub async fn stalls_of(
    ledger: &dyn Ledger,
    goal: GoalId,
    choreography: &Choreography,
) -> Result<Vec<Stall>, PortError> {
    Ok(stalls(&ledger.story(goal).await?, choreography))
}

/// Whether anything can come of the goal without this step's result.
fn is_needed(row: &Row, event: EventId, goal: &Goal, story: &[Item], choreography: &Choreography) -> bool {
    // What arrives nowhere is handed on to others, who wait for it.
    let Some(arrival) = &row.arrives else { return true };
    let member = match arrival.member {
        Member::Row => row.name.to_string(),
        Member::Event => event.to_string(),
    };
    let terminal = choreography.terminal_join().is_some_and(|join| join.name == arrival.join);
    let join = if terminal { Some(goal.join.clone()) } else { join_of(&arrival.join, goal, story) };
    join.is_some_and(|join| join.closed.is_none() && !closes_without(&join, &member))
}

fn join_of(name: &JoinName, goal: &Goal, story: &[Item]) -> Option<JoinState> {
    let key = ItemKey::join(goal.request.goal, name);
    story.iter().find(|item| item.key == key).and_then(|item| JoinState::read(item).ok())
}

/// Whether the others may still be enough.
fn closes_without(join: &JoinState, member: &String) -> bool {
    let Some(members) = &join.members else { return true };
    let lost = |one: &&String| *one == member || matches!(join.arrived.get(*one), Some((ArrivalStatus::Failed, _)));
    let left = members.len() - members.iter().filter(lost).count();
    !join.required.contains(member) && left >= join.quorum
}
