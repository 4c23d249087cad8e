//! Owns the one sentence at the top of a story: where the goal stands, and why.
//! Never longer than it must be: what is behind it stands further down.
//! Next: `murmur explain`, which prints it first.

use contract::events::EndCause;
use contract::story::{AttemptEnd, Standing, StepState, StepTold, Trouble, Waiting};
use contract::{Cause, CauseKind, DaemonName, RowName};

use super::phrase::{counted, list, ms, span};
use super::verdict::{Evidence, is_open};

/// Longer than any healthy agent takes to receive a message.
const WAITED_MS_MAX: u64 = 10_000;

pub(super) fn is_long(waiting: &Waiting) -> bool {
    waiting.waited_ms > WAITED_MS_MAX
}

pub(super) fn of(evidence: &Evidence<'_>, standing: Standing, trouble: Option<&Trouble>) -> String {
    let material = evidence.material;
    let requested = material.goal.as_ref().map(|goal| goal.request.time).unwrap_or(material.now);
    let took = span(ms(requested, evidence.end.map_or(material.now, |end| end.at)));
    match standing {
        Standing::Completed => completed(evidence, trouble, &took),
        Standing::Failed => failed(evidence, trouble, &took),
        Standing::Cancelled => {
            let reason = evidence.end.and_then(|end| end.reason.as_deref());
            let why = reason.map(|reason| format!(": {}", full_stop(reason))).unwrap_or_else(|| ".".into());
            format!("Cancelled after {took}{why}")
        }
        Standing::Stalled => {
            let since = trouble.map_or_else(String::new, |trouble| span(ms(trouble.at, material.now)));
            format!("Stalled for {since}: {}", trouble.map(gave_up).unwrap_or_default())
        }
        Standing::Working => working(evidence, trouble, &took),
        Standing::Quiet => {
            let left = material.goal.as_ref().map(|goal| span(ms(material.now, goal.deadline))).unwrap_or_default();
            format!("Quiet: nobody is at work and nothing is on its way; its deadline, in {left}, will end it.")
        }
        Standing::Unknown => {
            "Unknown: the goal's own record is gone or damaged; what is left of it stands below.".into()
        }
    }
}

fn completed(evidence: &Evidence<'_>, trouble: Option<&Trouble>, took: &str) -> String {
    let missing = evidence.end.map(|end| end.missing.clone()).unwrap_or_default();
    match trouble {
        Some(trouble) => format!("Completed in {took}, although {}", gave_up(trouble)),
        None if missing.is_empty() => format!("Completed in {took}."),
        None => format!("Completed in {took} without {}.", list(&missing)),
    }
}

fn failed(evidence: &Evidence<'_>, trouble: Option<&Trouble>, took: &str) -> String {
    let also = trouble.map(|trouble| format!(" {}", capital(&gave_up(trouble)))).unwrap_or_default();
    match evidence.end.and_then(|end| end.cause.as_ref()) {
        Some(EndCause::StepFailed { .. }) if trouble.is_some() => {
            format!("Failed after {took}: {}", trouble.map(gave_up).unwrap_or_default())
        }
        Some(EndCause::StepFailed { row, cause, .. }) => {
            format!("Failed after {took}: {row} gave up: {}", full_stop(&words(cause)))
        }
        Some(EndCause::DeadlineExceeded { missing }) => {
            let without = if missing.is_empty() { String::new() } else { format!(" without {}", list(missing)) };
            let also = if also.is_empty() { left(evidence) } else { also };
            format!("Failed: its deadline passed after {took}{without}.{also}")
        }
        Some(EndCause::JoinIncomplete { join, missing }) => {
            let missing = counted(missing.len(), "member");
            format!("Failed after {took}: the join {join} was due, and {missing} had not come.{also}")
        }
        None => format!("Failed after {took}.{also}"),
    }
}

/// Who had not finished when the deadline came.
fn left(evidence: &Evidence<'_>) -> String {
    let left = evidence.steps.iter().filter(|step| step.state == StepState::Left);
    let names: Vec<String> = left.map(|step| who(&step.agent, &step.row)).collect();
    match names.len() {
        0 => String::new(),
        _ => format!(" {} had not finished.", capital(&list(&names))),
    }
}

/// `analysis gave up at attempt 3 of 3: the model answered nonsense.`
pub(super) fn gave_up(trouble: &Trouble) -> String {
    let who = who(&trouble.agent, &trouble.row);
    let at = match (trouble.cause.kind, trouble.attempts, trouble.attempts_max) {
        (CauseKind::AttemptsExhausted, made, Some(max)) => format!(" at attempt {made} of {}", max.max(made)),
        (_, 0, _) => String::new(),
        (_, made, _) => format!(" at attempt {made}"),
    };
    format!("{who} gave up{at}: {}", full_stop(&words(&trouble.cause)))
}

/// What went wrong, without what the numbers beside it say already.
fn words(cause: &Cause) -> String {
    match cause.kind {
        CauseKind::AttemptsExhausted => {
            cause.detail.split_once("; the last: ").map_or_else(|| cause.detail.clone(), |(_, last)| last.to_owned())
        }
        _ => cause.detail.clone(),
    }
}

/// A row is named where it is not its agent's only one.
fn who(agent: &DaemonName, row: &RowName) -> String {
    if agent.as_str() == row.as_str() { agent.to_string() } else { format!("{agent} ({row})") }
}

fn working(evidence: &Evidence<'_>, trouble: Option<&Trouble>, took: &str) -> String {
    let also = trouble.map(|trouble| format!(" {}", capital(&gave_up(trouble)))).unwrap_or_default();
    let open: Vec<&StepTold> = evidence.steps.iter().filter(|step| is_open(step)).collect();
    if let Some(silent) = open.iter().find(|step| step.state == StepState::Silent) {
        let heard = silent.lease_until.map(|lease| span(ms(lease, evidence.material.now))).unwrap_or_default();
        let holder = silent.attempts.last().map(|attempt| attempt.holder.as_str()).unwrap_or("its holder");
        let name = who(&silent.agent, &silent.row);
        return format!(
            "Working: {holder} let its hold on {name} lapse {heard} ago; the next to receive it takes over.{also}"
        );
    }
    if let Some(waiting) =
        evidence.waiting.iter().filter(|waiting| is_long(waiting)).min_by_key(|waiting| waiting.since)
    {
        let (name, waited) = (who(&waiting.agent, &waiting.row), span(waiting.waited_ms));
        return format!("Working: {name} has not taken up {} for {waited}; is it running?{also}", waiting.kind);
    }
    let doing = match open.as_slice() {
        [] => {
            let names: Vec<String> = evidence.waiting.iter().map(|waiting| who(&waiting.agent, &waiting.row)).collect();
            format!("{} for {}", counted(names.len(), "event"), list(&distinct(names)))
        }
        [only] => one(only, evidence),
        several => {
            let names = several.iter().map(|step| who(&step.agent, &step.row)).collect();
            format!("{} at {}", counted(several.len(), "step"), list(&distinct(names)))
        }
    };
    format!("Working for {took}: {doing}.{also}")
}

fn one(step: &StepTold, evidence: &Evidence<'_>) -> String {
    let name = who(&step.agent, &step.row);
    let number = step.attempts.last().and_then(|attempt| attempt.number).unwrap_or(1);
    let max = step.attempts_max.map(|max| format!(" of {max}")).unwrap_or_default();
    let failed = step.attempts.iter().rfind(|attempt| attempt.end == AttemptEnd::Failed);
    let why = failed.and_then(|attempt| attempt.why.as_deref());
    let why = why.map(|why| format!(" (the last one failed: {})", why.trim_end_matches('.'))).unwrap_or_default();
    match step.not_before.filter(|_| step.state == StepState::Waiting) {
        Some(at) if at > evidence.material.now => {
            format!("{name} tries again in {}{why}", span(ms(evidence.material.now, at)))
        }
        Some(_) => format!("{name} is about to try again{why}"),
        None => format!("{name} is at attempt {number}{max}{why}"),
    }
}

fn distinct(names: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = vec![];
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

fn full_stop(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?', '。', '…']) { text.to_owned() } else { format!("{text}.") }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
