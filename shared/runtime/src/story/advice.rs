//! Owns the commands that lead on from where a goal stands, exactly as they are typed.
//! Never a command that would be refused: an ended goal is forked, an open one redriven.
//! Next: the reader.

use contract::story::{Standing, StepState, Trouble};
use contract::{EventId, GoalId, RowName};

use super::verdict::Evidence;

/// As few characters of an id as a person wants to see.
const PREFIX_CHARS: usize = 6;

pub(super) fn of(evidence: &Evidence<'_>, standing: Standing, trouble: Option<&Trouble>) -> Vec<String> {
    let goal = evidence.material.id;
    match standing {
        Standing::Stalled => vec![redrive(goal), format!("murmur goal cancel {goal}")],
        Standing::Failed | Standing::Cancelled => {
            let from =
                trouble.map(|trouble| name(evidence, &trouble.row, trouble.event)).or_else(|| unfinished(evidence));
            from.map(|from| fork(goal, &from)).into_iter().collect()
        }
        Standing::Completed => match trouble {
            Some(trouble) => vec![fork(goal, &name(evidence, &trouble.row, trouble.event))],
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
    format!("murmur dlq redrive --all --goal {goal}")
}

fn fork(goal: GoalId, from: &str) -> String {
    format!("murmur goal fork {goal} --from {from}")
}

/// Where the work was when the goal ended: the latest step that is not over, or else the latest of all.
fn unfinished(evidence: &Evidence<'_>) -> Option<String> {
    let left = evidence.steps.iter().rfind(|step| step.state == StepState::Left);
    left.or(evidence.steps.last()).map(|step| name(evidence, &step.row, step.event))
}

/// A row, and the beginning of the event's id where the row has several steps.
fn name(evidence: &Evidence<'_>, row: &RowName, event: EventId) -> String {
    let id = event.to_string();
    let of_row = evidence.steps.iter().filter(|step| step.row == *row && step.event != event);
    let others: Vec<String> = of_row.map(|step| step.event.to_string()).collect();
    if others.is_empty() {
        return row.to_string();
    }
    let alike = |chars: usize| others.iter().any(|other| other[..chars] == id[..chars]);
    let chars = (PREFIX_CHARS..id.len()).find(|chars| !alike(*chars)).unwrap_or(id.len());
    format!("{row}#{}", &id[..chars])
}
