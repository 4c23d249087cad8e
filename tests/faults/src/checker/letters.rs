//! Owns that every dead letter says why it is one, and that the ledger agrees.
//! Never minds how many there are: whoever gave up may say so.
//! Next: `unheard`.

use contract::{CauseKind, bounded};

use super::case::{Case, Post};
use super::verdict::{Found, Kind};

/// What EventBridge writes on what it could not deliver.
const ERROR_CODE: &str = "ERROR_CODE";

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    for post in &case.letters {
        if let Some(how) = defect(case, post) {
            let how = format!("message {} beside {} {how}", post.letter.message_id, post.letter.queue);
            match post.goal() {
                Some(goal) => found.add(Kind::WithoutCause, goal, how),
                None => found.add_beside(Kind::WithoutCause, how),
            }
        }
    }
}

fn defect(case: &Case<'_>, post: &Post<'_>) -> Option<String> {
    let letter = post.letter;
    let Some(note) = &post.note else {
        let undelivered = letter.attributes.contains_key(ERROR_CODE);
        let by_sqs = letter.receive_count > case.history.allowed.receives_max;
        let times = letter.receive_count;
        return (!undelivered && !by_sqs).then(|| format!("has no cause, and was received only {times} times"));
    };
    use CauseKind::{AttemptsExhausted, BudgetExhausted, CrashesExhausted, Permanent};
    if !matches!(note.cause.kind, AttemptsExhausted | BudgetExhausted | CrashesExhausted | Permanent) {
        return None;
    }
    // Only a step that was parked has such a cause.
    let past = note.goal.and_then(|goal| case.goals.get(&goal));
    let step = past.zip(post.row).zip(note.event).and_then(|((past, row), event)| past.step(&row.name, event));
    let Some(step) = step else {
        return Some(format!("is of park {} of {:?}, a step that nobody knows", note.n, note.event));
    };
    let park = step.over_as("parked").nth((note.n as usize).wrapping_sub(1));
    let Some((_, over)) = park else {
        return Some(format!("is of park {} of {step}, which was parked {} times", note.n, step.step.parks));
    };
    let same = over.why.as_deref() == Some(bounded(note.cause.to_string()).as_str());
    (!same).then(|| format!("says {}, and park {} of {step} was for {:?}", note.cause, note.n, over.why))
}
