//! Owns the order of a story: everything that has a time, one after another, across all agents.
//! Never a time of its own: clocks that disagree put things in another order, and the steps say by how much.
//! Next: whoever renders a log, or a sequence diagram.

use contract::story::{AttemptEnd, AttemptTold, EndTold, GoalTold, JoinTold, MemberState, Moment, StepTold, What};
use contract::{EventId, RowName, UnixMs};

use super::phrase::counted;

pub(super) fn told(goal: &GoalTold, steps: &[StepTold], joins: &[JoinTold], end: Option<&EndTold>) -> Vec<Moment> {
    let mut all = vec![moment(goal.requested_at, What::Requested, None, None, "goal.requested")];
    for step in steps {
        of_step(step, &mut all);
    }
    for join in joins {
        of_join(join, &mut all);
    }
    all.extend(end.map(|end| moment(end.at, What::Ended, None, Some(end.event), end.kind.as_str())));
    all.sort_by_key(|moment| (moment.at, moment.what));
    all
}

fn moment(at: UnixMs, what: What, row: Option<&RowName>, event: Option<EventId>, words: &str) -> Moment {
    Moment { at, what, row: row.cloned(), event, words: words.to_owned() }
}

fn of_step(step: &StepTold, all: &mut Vec<Moment>) {
    let mut add = |at, what, words: &str| all.push(moment(at, what, Some(&step.row), Some(step.event), words));
    let kind = step.kind.as_ref().map_or("an event that no record holds", |kind| kind.as_str());
    let mut round = 0;
    for attempt in &step.attempts {
        if attempt.round > round {
            round = attempt.round;
            match round {
                1 => add(attempt.sent_at, What::Sent, kind),
                _ => add(attempt.sent_at, What::Redriven, &format!("dead letter {} of {kind}", round - 1)),
            }
        }
        let who = match attempt.number {
            Some(number) => format!("attempt {number} by {}", attempt.holder),
            None => format!("by {}, after the last attempt", attempt.holder),
        };
        add(attempt.claimed_at, What::Claimed, &who);
        if let (Some(at), Some(what)) = (attempt.ended_at, what(attempt.end)) {
            add(at, what, &over(step, attempt));
        }
    }
}

fn what(end: AttemptEnd) -> Option<What> {
    match end {
        AttemptEnd::Committed => Some(What::Committed),
        AttemptEnd::Failed => Some(What::Failed),
        AttemptEnd::GivenBack => Some(What::GivenBack),
        AttemptEnd::Died => Some(What::Died),
        AttemptEnd::GaveUp => Some(What::GaveUp),
        AttemptEnd::AtWork | AttemptEnd::Left => None,
    }
}

fn over(step: &StepTold, attempt: &AttemptTold) -> String {
    match attempt.end {
        AttemptEnd::Committed => outputs(step),
        AttemptEnd::Died => format!("{} was not heard of any more", attempt.holder),
        AttemptEnd::GivenBack => format!("{} was told to stop", attempt.holder),
        _ => attempt.why.clone().unwrap_or_else(|| "no cause was recorded".into()),
    }
}

/// `3 × research.task.requested`, `report.written`, or where it arrived.
fn outputs(step: &StepTold) -> String {
    let mut kinds: Vec<(&str, usize)> = vec![];
    for emitted in &step.emitted {
        match kinds.iter_mut().find(|(kind, _)| *kind == emitted.kind.as_str()) {
            Some((_, count)) => *count += 1,
            None => kinds.push((emitted.kind.as_str(), 1)),
        }
    }
    let told: Vec<String> = kinds
        .into_iter()
        .map(|(kind, count)| if count == 1 { kind.to_owned() } else { format!("{count} × {kind}") })
        .collect();
    match (told.is_empty(), &step.arrives) {
        (false, _) => told.join(", "),
        (true, Some(join)) => format!("its result, for {join}"),
        (true, None) => "no event".into(),
    }
}

fn of_join(join: &JoinTold, all: &mut Vec<Moment>) {
    let name = &join.join;
    if let (Some(at), false) = (join.opened_at, join.ends_goal) {
        let members = counted(join.members.len(), "member");
        all.push(moment(at, What::Opened, join.opened_by.as_ref(), None, &format!("{name}: {members} expected")));
    }
    for member in &join.members {
        let Some(at) = member.at else { continue };
        let words = match member.state {
            MemberState::Failed => format!("at {name}, with nothing: it gave up"),
            _ => format!("at {name}"),
        };
        all.push(moment(at, What::Arrived, member.row.as_ref(), None, &words));
    }
    if let Some(at) = join.closed_at {
        let (came, of) = (join.counted(MemberState::Arrived), join.members.len());
        let words = format!("{name}: {came} of {of} brought something");
        all.push(moment(at, What::Closed, None, join.closed_with, &words));
    }
}
