//! Owns who opens, arrives at and closes each join, and whether what they bring fits one event.
//! Never knows how many members a run will have: it counts with the most that are allowed.
//! Next: the runtime's joins, which rely on every member having somewhere to come from.

use super::super::{Join, Member, Members, Problem, Row, Topology};
use super::events::RUNTIME_SAYS;
use crate::events::GoalCompleted;
use crate::limits::{
    ARRIVAL_FRAME_BYTES_MAX, ENVELOPE_BYTES_MAX, EVENT_BYTES_MAX, JOIN_HEAD_BYTES_MAX, JOIN_MEMBERS_MAX,
};
use crate::{EventData, RowName};

pub(super) fn problems(topology: &Topology) -> Vec<Problem> {
    let mut found = unknown(topology);
    let terminal: Vec<_> =
        topology.joins.iter().filter(|join| matches!(join.members, Members::Terminal { .. })).collect();
    match terminal.len() {
        0 => found.push(Problem::NoTerminalJoin),
        1 => {}
        _ => found.push(Problem::ManyTerminalJoins { joins: terminal.iter().map(|join| join.name.clone()).collect() }),
    }
    for join in &topology.joins {
        let arrivers: Vec<_> = topology.rows.iter().filter(|row| arrives(row, join).is_some()).collect();
        let openers: Vec<_> = topology.rows.iter().filter(|row| row.opens.as_ref() == Some(&join.name)).collect();
        if arrivers.is_empty() {
            found.push(Problem::NoArriver { join: join.name.clone() });
        }
        match &join.members {
            Members::Opened => found.extend(opened(join, &openers, &arrivers)),
            Members::Terminal { required, optional } => {
                let members: Vec<_> = required.iter().chain(optional).collect();
                found.extend(ending(join, &openers, &arrivers, &members));
            }
        }
        found.extend(size(join));
    }
    found
}

fn unknown(topology: &Topology) -> Vec<Problem> {
    let named = topology.rows.iter().flat_map(|row| {
        let opens = row.opens.iter().map(move |join| (row, "opens", join));
        opens.chain(row.arrives.iter().map(move |arrival| (row, "arrives at", &arrival.join)))
    });
    named
        .filter(|(_, _, join)| !topology.joins.iter().any(|known| known.name == **join))
        .map(|(row, does, join)| Problem::UnknownJoin { row: row.name.clone(), does, join: join.clone() })
        .collect()
}

fn arrives(row: &Row, join: &Join) -> Option<Member> {
    row.arrives.as_ref().filter(|arrival| arrival.join == join.name).map(|arrival| arrival.member)
}

fn opened(join: &Join, openers: &[&Row], arrivers: &[&Row]) -> Vec<Problem> {
    let mut found = vec![];
    match openers {
        [] => found.push(Problem::NoOpener { join: join.name.clone() }),
        [opener] if opener.emits.is_empty() => {
            found.push(Problem::OpensNothing { row: opener.name.clone(), join: join.name.clone() });
        }
        [_] => {}
        many => {
            let rows = many.iter().map(|row| row.name.clone()).collect();
            found.push(Problem::ManyOpeners { join: join.name.clone(), rows });
        }
    }
    for row in arrivers {
        if arrives(row, join) == Some(Member::Row) {
            found.push(wrong_member(row, join, "its row's name", "the id of the event that was emitted for them"));
        }
        for other in arrivers.iter().take_while(|other| other.name != row.name) {
            if let Some(kind) = row.consumes.iter().find(|kind| other.consumes.contains(kind)) {
                let rows = vec![other.name.clone(), row.name.clone()];
                found.push(Problem::SameMember { join: join.name.clone(), kind: kind.clone(), rows });
            }
        }
        let fed = openers.iter().flat_map(|opener| &opener.emits).any(|kind| row.consumes.contains(kind));
        if !openers.is_empty() && !fed {
            found.push(Problem::ArrivesUnfed { row: row.name.clone(), join: join.name.clone() });
        }
    }
    if RUNTIME_SAYS.contains(&join.emits) {
        let expected = "a join that does not end the goal needs a type of its own";
        found.push(Problem::WrongJoinedType { join: join.name.clone(), found: join.emits.clone(), expected });
    }
    found
}

fn ending(join: &Join, openers: &[&Row], arrivers: &[&Row], members: &[&RowName]) -> Vec<Problem> {
    let mut found = vec![];
    for row in openers {
        found.push(Problem::OpensTerminal { row: row.name.clone(), join: join.name.clone() });
    }
    if members.is_empty() {
        found.push(Problem::NoMembers { join: join.name.clone() });
    }
    for (index, member) in members.iter().enumerate() {
        if members[..index].contains(member) {
            found.push(Problem::Duplicate { what: "member", name: format!("{member} of {}", join.name), times: 2 });
        }
        if !arrivers.iter().any(|row| row.name == **member) {
            found.push(Problem::MemberNeverArrives { row: (*member).clone(), join: join.name.clone() });
        }
    }
    for row in arrivers {
        if arrives(row, join) == Some(Member::Event) {
            found.push(wrong_member(row, join, "the id of its event", "their row's name"));
        }
        if !members.contains(&&row.name) {
            found.push(Problem::ArrivesUninvited { row: row.name.clone(), join: join.name.clone() });
        }
    }
    if join.emits != GoalCompleted::TYPE {
        let expected = "the join that ends the goal emits goal.completed";
        found.push(Problem::WrongJoinedType { join: join.name.clone(), found: join.emits.clone(), expected });
    }
    found
}

fn wrong_member(row: &Row, join: &Join, found: &'static str, expected: &'static str) -> Problem {
    Problem::WrongMember { row: row.name.clone(), join: join.name.clone(), found, expected }
}

/// Whether all members' results, each as large as may be, fit the joined event together with head and envelope.
fn size(join: &Join) -> Option<Problem> {
    let members = match &join.members {
        Members::Opened => JOIN_MEMBERS_MAX,
        Members::Terminal { required, optional } => required.len() + optional.len(),
    };
    let frame = ENVELOPE_BYTES_MAX + JOIN_HEAD_BYTES_MAX;
    let bytes =
        frame.saturating_add(members.saturating_mul(join.inline_bytes_max.saturating_add(ARRIVAL_FRAME_BYTES_MAX)));
    (bytes > EVENT_BYTES_MAX).then(|| Problem::JoinTooLarge {
        join: join.name.clone(),
        members,
        inline_bytes_max: join.inline_bytes_max,
        bytes,
        bytes_max: EVENT_BYTES_MAX,
        inline_bytes_fit: ((EVENT_BYTES_MAX - frame) / members.max(1)).saturating_sub(ARRIVAL_FRAME_BYTES_MAX),
    })
}
