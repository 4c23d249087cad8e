//! Owns the joins of a story: who was expected, who came, what is missing, and when that was enough.
//! Never decides what is enough: the ledger's own view of a join does.
//! Next: `verdict` asks which steps a join cannot do without.

use contract::events::{ArrivalStatus, GoalCompleted};
use contract::story::{JoinTold, MemberState, MemberTold, StepTold};
use contract::topology::{Join, Member};
use contract::{EventData, JoinName, RowName};

use super::{Material, phrase};
use crate::ledger::ItemKind;
use crate::ledger::join::JoinState;

pub(super) fn told(material: &Material<'_>, steps: &[StepTold], gaps: &mut Vec<String>) -> Vec<JoinTold> {
    let mut joins = vec![];
    for item in &material.items {
        let ItemKind::Join(name) = &item.key.kind else { continue };
        match JoinState::read(item) {
            Ok(state) => joins.push(one(material, steps, name, &state)),
            Err(why) => gaps.push(format!("the join {name} cannot be read: {why}")),
        }
    }
    joins.sort_by_key(|join| (join.opened_at, join.closed_at));
    // The goal's own is the last of them, whenever it was opened.
    if let (Some(goal), Some(join)) = (&material.goal, material.choreography.terminal_join()) {
        joins.push(terminal(material, steps, join, &goal.join));
    }
    joins
}

fn one(material: &Material<'_>, steps: &[StepTold], name: &JoinName, state: &JoinState) -> JoinTold {
    let opener = steps.iter().find(|step| step.opens.as_ref() == Some(name));
    JoinTold {
        join: name.clone(),
        makes: material.choreography.join(name).map(|join| join.emits.clone()),
        ends_goal: false,
        opened_by: opener.map(|step| step.row.clone()),
        opened_at: opener.and_then(|step| step.finished_at),
        members: members(material, steps, name, state),
        quorum: phrase::count(state.quorum),
        due_at: state.due_at.filter(|_| state.closed.is_none()),
        closed_at: state.closed.as_ref().map(|event| event.time),
        closed_with: state.closed.as_ref().map(|event| event.id),
    }
}

fn terminal(material: &Material<'_>, steps: &[StepTold], join: &Join, state: &JoinState) -> JoinTold {
    let closed = state.closed.as_ref().filter(|event| event.kind == GoalCompleted::TYPE);
    JoinTold {
        join: join.name.clone(),
        makes: Some(join.emits.clone()),
        ends_goal: true,
        opened_by: None,
        opened_at: material.goal.as_ref().map(|goal| goal.request.time),
        members: members(material, steps, &join.name, state),
        quorum: phrase::count(state.quorum),
        due_at: state.due_at.filter(|_| state.closed.is_none()),
        closed_at: closed.map(|event| event.time),
        closed_with: closed.map(|event| event.id),
    }
}

fn members(material: &Material<'_>, steps: &[StepTold], name: &JoinName, state: &JoinState) -> Vec<MemberTold> {
    // An arrival may come before the opening: then nobody knows yet whom else to expect.
    let expected = state.members.clone().unwrap_or_else(|| state.arrived.keys().cloned().collect());
    let over = state.closed.is_some() || material.ended().is_some();
    let told = |member: String| {
        let step = steps.iter().find(|step| step.arrives.as_ref() == Some(name) && called(material, step, &member));
        let state_of = match state.arrived.get(&member) {
            Some((ArrivalStatus::Ok, _)) => MemberState::Arrived,
            Some((ArrivalStatus::Failed, _)) => MemberState::Failed,
            None if over => MemberState::Missing,
            None => MemberState::Awaited,
        };
        let arrived = matches!(state_of, MemberState::Arrived | MemberState::Failed);
        MemberTold {
            row: step.map(|step| step.row.clone()).or_else(|| row(material, &member)),
            required: state.required.contains(&member),
            state: state_of,
            at: step.and_then(|step| step.finished_at).filter(|_| arrived),
            member,
        }
    };
    expected.into_iter().map(told).collect()
}

fn called(material: &Material<'_>, step: &StepTold, member: &str) -> bool {
    let row = material.choreography.row(&step.row);
    row.is_some_and(|row| row.arrives.as_ref().is_some_and(|at| row.member(at.member, step.event) == member))
}

/// A member whose step has not begun.
fn row(material: &Material<'_>, member: &str) -> Option<RowName> {
    let named = |row: &&contract::topology::Row| {
        row.arrives.as_ref().is_some_and(|at| match at.member {
            Member::Row => row.name.as_str() == member,
            Member::Event => {
                let kind = member.parse().ok().and_then(|event| material.kind_of(event));
                kind.is_some_and(|kind| row.consumes.contains(&kind))
            }
        })
    };
    material.choreography.rows.iter().find(named).map(|row| row.name.clone())
}
