//! Owns what was told: each event by somebody who may say it, from a record, and always in the words of that record.
//! Never counts: how often it may be told is `repeats`'.
//! Next: `ends`, for the events that end goals.

use std::collections::BTreeSet;

use contract::events::{EventData as _, GoalCancelRequested, GoalCancelled, GoalCompleted, GoalFailed, StepFailed};
use contract::{Digest, Event, EventId, Unit, bounded};

use super::case::{Case, Maker, Past, PastStep, Telling, content};
use super::verdict::{Found, Kind};
use super::wishes::is_cancelled;
use crate::history::{Act, Doing};

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    for (id, tellings) in &case.told {
        // Of a goal that nobody enqueued, `wishes` tells; of ends, `ends`.
        let is_known = |goal| case.wished.contains(goal) && !case.unreadable.contains(goal);
        let Some(first) = tellings.first().filter(|first| is_known(&first.event.goal)) else { continue };
        if !is_end(&first.event)
            && let Some((kind, how)) = defect(case, *id, tellings)
        {
            let event = &first.event;
            found.add(kind, event.goal, format!("{} {id} by {}: {how}", event.kind, first.seen.source));
        } else if let Some(stranger) = forged(case, tellings) {
            found.add(Kind::Unexpected, first.event.goal, stranger);
        }
    }
    for (goal, past) in &case.goals {
        for step in past.steps.iter().filter(|step| !step.is_copied) {
            if let Some((kind, how)) = wrong_input(case, past, step) {
                found.add(kind, *goal, format!("{step} {how}"));
            }
        }
    }
}

/// A step works on an event of its goal, in the words in which it is on record.
fn wrong_input(case: &Case<'_>, past: &Past, step: &PastStep) -> Option<(Kind, String)> {
    if let Some((event, _)) = past.events.get(&step.event) {
        let same = event.digest() == step.step.digest;
        return (!same).then(|| (Kind::Conflicting, format!("worked on other data than {} has", event.kind)));
    }
    let is_edit = |act: &Act| matches!(act.what, Doing::Edit { edited, .. } if edited == step.event);
    let edited = case.acts_on(past.goal.request.goal).any(is_edit);
    (!edited).then(|| (Kind::Unexpected, "worked on an event that no record has".into()))
}

pub(super) fn is_end(event: &Event) -> bool {
    [GoalCompleted::TYPE, GoalFailed::TYPE, GoalCancelled::TYPE].contains(&event.kind)
}

pub(super) fn contents<'t>(tellings: &'t [Telling<'_>]) -> BTreeSet<&'t Digest> {
    tellings.iter().map(|telling| &telling.content).collect()
}

/// Said by somebody who may not say it.
fn forged(case: &Case<'_>, tellings: &[Telling<'_>]) -> Option<String> {
    let is_forged = |telling: &&Telling<'_>| {
        let Event { source, kind, .. } = &telling.event;
        telling.seen.source != *source || !case.choreography.may_publish(source, kind)
    };
    let Telling { seen, event, .. } = tellings.iter().find(is_forged)?;
    let said = format!("{} {} came from {}, and says it is of {}", event.kind, event.id, seen.source, event.source);
    Some(format!("{said}: no row of the topology says that"))
}

fn defect(case: &Case<'_>, id: EventId, tellings: &[Telling<'_>]) -> Option<(Kind, String)> {
    let event = &tellings.first()?.event;
    if event.kind == GoalCancelRequested::TYPE {
        let known = is_cancelled(case, event.goal);
        return (!known).then(|| (Kind::Unexpected, "nobody cancelled this goal".to_owned()));
    }
    if case.choreography.entrances.contains(&event.kind) {
        // What users say twice, and how, is theirs: one of the two becomes a dead letter.
        return None;
    }
    let Some(past) = case.goals.get(&event.goal) else {
        return Some((Kind::Unexpected, "its goal has no records".into()));
    };
    if event.kind == StepFailed::TYPE {
        return failure(past, tellings);
    }
    let Some((recorded, maker)) = past.events.get(&id) else {
        return Some((Kind::Unexpected, format!("no record has it; its cause is {}", cause(past, event))));
    };
    let all = contents(tellings);
    match (all.len(), maker) {
        (1, _) if all.contains(&content(recorded)) => None,
        (1, _) => Some((Kind::ByNonHolder, "it was told in other words than those on record".into())),
        (_, Maker::Join) => {
            Some((Kind::Duplicated, format!("its join closed {} times, each in other words", all.len())))
        }
        _ => Some((Kind::Conflicting, format!("it was told in {} different words", all.len()))),
    }
}

/// Of whom an event says that it led to it.
fn cause(past: &Past, event: &Event) -> String {
    let Some(cause) = event.causation else { return "not named".into() };
    let steps = past.steps.iter().filter(|step| step.event == cause);
    let steps: Vec<String> = steps.map(|step| format!("{step} ({:?})", step.step.state)).collect();
    if steps.is_empty() { format!("{cause}, which no step took") } else { steps.join(", ") }
}

/// `step.failed`: of a park that is on record, with its cause.
fn failure(past: &Past, tellings: &[Telling<'_>]) -> Option<(Kind, String)> {
    let event = &tellings.first()?.event;
    let Ok(failed) = event.data_as::<StepFailed>() else {
        return Some((Kind::Unexpected, "it does not say which step failed".into()));
    };
    let Some(step) = past.step(&failed.row, failed.event) else {
        return Some((Kind::Unexpected, format!("there is no step#{}#{}", failed.row, failed.event)));
    };
    let unit = Unit::park(failed.row.as_str(), failed.event, failed.n);
    let park = step.over_as("parked").nth((failed.n as usize).wrapping_sub(1));
    let Some((_, over)) = park.filter(|_| event.id == EventId::derive(event.goal, &event.kind, &unit)) else {
        let how = format!("{step} was parked {} times, and this tells of time {}", step.step.parks, failed.n);
        return Some((Kind::Unexpected, how));
    };
    if contents(tellings).len() > 1 {
        return Some((Kind::Conflicting, format!("park {} of {step} was told in different words", failed.n)));
    }
    let same = over.why.as_deref() == Some(bounded(failed.cause.to_string()).as_str());
    (!same).then(|| {
        (Kind::ByNonHolder, format!("park {} of {step} was for {:?}, not for {}", failed.n, over.why, failed.cause))
    })
}
