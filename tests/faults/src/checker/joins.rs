//! Owns that a join closes with what had arrived, and only where that is enough; and that no goal fails that could
//! have completed.
//! Never minds what came too late: an arrival after the close is not in the record.
//! Next: `letters`.

use contract::events::{ArrivalStatus, Arrived, EndCause, EventData as _, GoalCompleted, GoalFailed};
use runtime::ledger::join::JoinState;
use serde::Deserialize as _;

use super::case::Case;
use super::verdict::{Found, Kind};

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    for (goal, past) in &case.goals {
        let joins = past.joins.iter().filter(|join| !join.is_copied).map(|join| &join.state);
        for state in joins.chain([&past.goal.join]) {
            if let Some(how) = defect(state) {
                found.add(Kind::ClosedShort, *goal, format!("{} closed {how}", state.key.sort()));
            }
        }
    }
}

fn defect(state: &JoinState) -> Option<String> {
    let event = state.closed.as_ref()?;
    let is_goal = state.key.sort() == "goal";
    if is_goal && event.kind == GoalFailed::TYPE {
        let failed: GoalFailed = event.data_as().ok()?;
        let in_time = matches!(failed.cause, EndCause::DeadlineExceeded { .. }) && state.closable();
        return in_time.then(|| "as failed, though all that it needs had arrived".into());
    }
    if is_goal && event.kind != GoalCompleted::TYPE {
        return None;
    }
    let told = Vec::<Arrived>::deserialize(&event.data["arrived"]).unwrap_or_default();
    let is_told = |member: &str| told.iter().any(|arrived| arrived.member == member);
    let has_come = |member: &&String| matches!(state.arrived.get(*member), Some((ArrivalStatus::Ok, _)));
    let came = state.members.iter().flatten().filter(has_come).map(String::as_str);
    let short: Vec<&str> = came.filter(|member| !is_told(member)).collect();
    if !short.is_empty() {
        return Some(format!("as {} {} without {}, which had arrived", event.kind, event.id, short.join(", ")));
    }
    if !state.closable() {
        return Some(format!(
            "without what it requires: of {:?} there came {:?}",
            state.required,
            state.arrived.keys()
        ));
    }
    (event.data != state.joined_data()).then(|| format!("with {} {} of other data than arrived", event.kind, event.id))
}
