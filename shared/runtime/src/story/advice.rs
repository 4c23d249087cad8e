//! Owns the commands that lead on from where a goal stands, exactly as they are typed.
//! Never a command that would be refused: an ended goal is forked, an open one redriven.
//! Next: the reader.

use contract::GoalId;
use contract::story::{Standing, StepState, Trouble};

use super::verdict::Evidence;

pub(super) fn of(evidence: &Evidence<'_>, standing: Standing, trouble: Option<&Trouble>) -> Vec<String> {
    let goal = evidence.material.id;
    match standing {
        Standing::Stalled => vec![redrive(goal), format!("murmur goal cancel {goal}")],
        Standing::Failed | Standing::Cancelled => {
            let from = trouble.map(|trouble| trouble.row.to_string()).or_else(|| unfinished(evidence));
            from.map(|from| fork(goal, &from)).into_iter().collect()
        }
        Standing::Completed => match trouble {
            Some(trouble) => vec![fork(goal, trouble.row.as_str())],
            None => vec![format!("murmur replay {goal}")],
        },
        Standing::Working if evidence.steps.iter().any(|step| step.state == StepState::Silent) => {
            vec!["murmur status".into(), format!("murmur goal watch {goal}")]
        }
        Standing::Working if evidence.waiting.iter().any(super::sentence::is_long) => {
            vec!["murmur status".into(), format!("murmur goal watch {goal}")]
        }
        Standing::Working => vec![format!("murmur goal watch {goal}")],
        Standing::Quiet | Standing::Unknown => vec!["murmur status".into(), "murmur dlq list".into()],
    }
}

fn redrive(goal: GoalId) -> String {
    format!("murmur dlq redrive --goal {goal}")
}

fn fork(goal: GoalId, from: &str) -> String {
    format!("murmur goal fork {goal} --from {from}")
}

/// Where the work was when the goal ended: the latest step that is not over, or else the latest of all.
fn unfinished(evidence: &Evidence<'_>) -> Option<String> {
    let left = evidence.steps.iter().rfind(|step| step.state == StepState::Left);
    left.or(evidence.steps.last()).map(|step| step.row.to_string())
}
