//! Owns where a goal stands, who is to blame, and what to do next: the first thing that a reader wants to know.
//! Never a guess: it says what the records say, and how long they have said nothing.
//! Next: `advice` names the commands, `sentence` says it in words.

use contract::events::EndCause;
use contract::story::{DeadLetter, EndTold, JoinTold, MemberState, Standing, StepState, StepTold, Trouble, Waiting};
use contract::{CauseKind, EventType};

use super::{Material, advice, sentence};

pub(super) struct Verdict {
    pub(super) standing: Standing,
    pub(super) summary: String,
    pub(super) trouble: Option<Trouble>,
    pub(super) next: Vec<String>,
}

/// What a verdict is made of.
pub(super) struct Evidence<'a> {
    pub(super) material: &'a Material<'a>,
    pub(super) steps: &'a [StepTold],
    pub(super) joins: &'a [JoinTold],
    pub(super) waiting: &'a [Waiting],
    pub(super) end: Option<&'a EndTold>,
}

pub(super) fn of(
    material: &Material<'_>,
    steps: &[StepTold],
    joins: &[JoinTold],
    waiting: &[Waiting],
    end: Option<&EndTold>,
) -> Verdict {
    let evidence = Evidence { material, steps, joins, waiting, end };
    let trouble = trouble(&evidence);
    let standing = standing(&evidence, trouble.as_ref());
    let summary = sentence::of(&evidence, standing, trouble.as_ref());
    let next = advice::of(&evidence, standing, trouble.as_ref());
    Verdict { standing, summary, trouble, next }
}

fn standing(evidence: &Evidence<'_>, trouble: Option<&Trouble>) -> Standing {
    if evidence.material.goal.is_none() {
        return Standing::Unknown;
    }
    if let Some(end) = evidence.end {
        return ended(&end.kind);
    }
    if trouble.is_some_and(|trouble| !trouble.optional) {
        return Standing::Stalled;
    }
    let busy = evidence.steps.iter().any(is_open);
    if busy || !evidence.waiting.is_empty() { Standing::Working } else { Standing::Quiet }
}

fn ended(kind: &EventType) -> Standing {
    match kind.as_str() {
        "goal.completed" => Standing::Completed,
        "goal.cancelled" => Standing::Cancelled,
        _ => Standing::Failed,
    }
}

pub(super) fn is_open(step: &StepTold) -> bool {
    matches!(step.state, StepState::AtWork | StepState::Silent | StepState::Waiting)
}

/// The step that decides: the one that the end names, otherwise the first that the goal cannot do without, otherwise
/// the first that gave up.
fn trouble(evidence: &Evidence<'_>) -> Option<Trouble> {
    let mut parked: Vec<&StepTold> = evidence.steps.iter().filter(|step| step.state == StepState::Parked).collect();
    parked.sort_by_key(|step| step.finished_at);
    let named = match evidence.end.and_then(|end| end.cause.as_ref()) {
        Some(EndCause::StepFailed { row, event, .. }) => {
            parked.iter().find(|step| step.row == *row && step.event == *event)
        }
        _ => None,
    };
    let needed = || parked.iter().find(|step| is_needed(evidence, step));
    let step = named.or_else(needed).or(parked.first())?;
    let last = step.parked.last()?;
    let in_vain = |n: &&contract::story::AttemptTold| n.round == last.n && n.number.is_some();
    let sent = evidence.material.items.iter().any(|item| {
        item.key.sort() == format!("step#{}#{}", step.row, step.event)
            && item.number(&crate::ledger::Attr::DeadLettered).unwrap_or(0) >= i64::from(last.n)
    });
    let attempts = step.attempts.iter().filter(in_vain).filter_map(|attempt| attempt.number).max().unwrap_or(0);
    Some(Trouble {
        row: step.row.clone(),
        agent: step.agent.clone(),
        event: step.event,
        attempts,
        // All that it had: what this configuration allows may be another number than its agent's.
        attempts_max: (last.cause.kind == CauseKind::AttemptsExhausted).then_some(attempts),
        cause: last.cause.clone(),
        at: last.at,
        dead_letter: DeadLetter { queue: last.queue.clone(), n: last.n, sent },
        optional: named.is_none() && !is_needed(evidence, step),
    })
}

/// Whether the goal cannot end well without this step.
fn is_needed(evidence: &Evidence<'_>, step: &StepTold) -> bool {
    let Some(name) = &step.arrives else { return true };
    let Some(join) = evidence.joins.iter().find(|join| join.join == *name) else { return true };
    if join.closed_at.is_some() {
        return false;
    }
    let row = evidence.material.choreography.row(&step.row);
    let called = row.and_then(|row| row.arrives.as_ref().map(|at| row.member(at.member, step.event)));
    let required = join.members.iter().any(|member| member.required && called.as_ref() == Some(&member.member));
    // How many may still have come well, when all who have not given up do.
    let possible = join.members.len() - join.counted(MemberState::Failed);
    required || u32::try_from(possible).is_ok_and(|possible| possible < join.quorum)
}
