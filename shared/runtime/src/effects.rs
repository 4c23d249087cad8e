//! Owns what follows a record, always in the same order, each repeatable: booking, joins, events, arrivals, dead letters.
//! Never acts on anything but what the ledger recorded: whoever repeats an effect repeats the same one.
//! Next: `join` arrives and closes, `settle` deletes the message when all of it is done.

use contract::events::{EndCause, GoalFailed, OnDeadLetter, StepFailed};
use contract::guard::{self, Guard};
use contract::{Cause, CauseKind, Event, EventData, EventId, ParkNote, PortError, Unit};

use crate::join::{self, Closer};
use crate::lane::Lane;
use crate::ledger::ItemKey;
use crate::ledger::goal::Goal;
use crate::ledger::join::JoinState;
use crate::ledger::step::{self, Step};
use crate::message::Delivery;
use crate::{budget, outcome, settle, trail};

/// book → open joins → emit → arrive → (close or end → emit → told); then the message may go.
pub(crate) async fn of_commit(lane: &Lane, delivery: &Delivery<'_>, goal: &Goal, step: &Step) -> Result<(), PortError> {
    let context = &lane.context;
    let closer = Closer::of(delivery);
    if !guard::stands(Guard::EffectsBeforeDelete) {
        lane.delete(&delivery.message.receipt).await?;
    }
    book(lane, step).await?;
    let outcome = outcome::recorded(lane, step).await?;
    if let Some(opening) = &outcome.opens {
        join::open(context, goal, opening, &closer).await?;
    }
    let emits = outcome.emits.len();
    emit(lane, delivery, outcome.emits).await?;
    if let Some(arrives) = &outcome.arrives {
        join::arrive(context, goal, &arrives.join, &arrives.arriving(), &closer).await?;
    }
    let repeated = step.owner != delivery.token;
    if repeated {
        context.telemetry.metrics().extra_emits(&lane.row.name, emits);
        if guard::stands(Guard::Emitted) {
            context.write(&step::emitted(&step.key)).await?;
        }
    }
    Ok(())
}

/// book → `step.failed` → dead letter → arrive as failed, or end the goal → `dlq`; then the message may go.
pub(crate) async fn of_park(lane: &Lane, delivery: &Delivery<'_>, goal: &Goal, step: &Step) -> Result<(), PortError> {
    let context = &lane.context;
    let cause = step.cause.clone().unwrap_or_else(|| Cause::new(CauseKind::Permanent, "no cause was recorded"));
    book(lane, step).await?;
    emit(lane, delivery, vec![failed_event(lane, delivery, goal, step, &cause)?]).await?;
    if !guard::stands(Guard::DeadLetterFirst) {
        give_up(lane, delivery, goal, &cause).await?;
    }
    let note = ParkNote {
        n: step.parks,
        cause: cause.clone(),
        attempts: step.attempts,
        goal: Some(delivery.event.goal),
        event: Some(delivery.event.id),
        trace: Some(delivery.event.trace.traceparent()),
        body: None,
    };
    settle::dead_letter(lane, delivery.message, Some(&delivery.event), note).await?;
    context.telemetry.metrics().parked(&lane.row.name, cause.kind);
    tracing::warn!(
        cause = cause.kind.as_str(),
        why = cause.detail,
        n = step.parks,
        "the step gave up: a dead letter says why"
    );
    if guard::stands(Guard::DeadLetterFirst) {
        give_up(lane, delivery, goal, &cause).await?;
    }
    context.write(&step::dead_lettered(step)).await?;
    Ok(())
}

async fn emit(lane: &Lane, delivery: &Delivery<'_>, events: Vec<Event>) -> Result<(), PortError> {
    let spans = trail::sending(lane, delivery, &events);
    let emitted = lane.context.emit(events).await;
    trail::sent(&lane.context, spans, &emitted);
    emitted
}

/// Skipped where the holder knew of every reservation that it was settled.
async fn book(lane: &Lane, step: &Step) -> Result<(), PortError> {
    if step.unbooked && guard::stands(Guard::BookInEffects) {
        budget::book(&lane.context, &step.key, step.epoch, true).await?;
    }
    Ok(())
}

/// What a step's failure means to its goal.
async fn give_up(lane: &Lane, delivery: &Delivery<'_>, goal: &Goal, cause: &Cause) -> Result<(), PortError> {
    let context = &lane.context;
    let optional = is_optional(lane, delivery, goal).await?;
    if goal.on_dead_letter == OnDeadLetter::Fail && !optional {
        let cause = EndCause::StepFailed { row: lane.row.name.clone(), event: delivery.event.id, cause: cause.clone() };
        let failed = GoalFailed { goal: goal.words(), cause };
        join::end(context, &goal.request, &failed, None, &Closer::of(delivery)).await?;
        return Ok(());
    }
    if !optional {
        context.telemetry.metrics().goal_stalled();
    }
    if let Some(at) = &lane.row.arrives {
        let failed = join::failed(lane.row.member(at.member, delivery.event.id), &delivery.trace);
        join::arrive(context, goal, &at.join, &failed, &Closer::of(delivery)).await?;
    }
    Ok(())
}

/// Whether this step is only a missing member of its join, where it is not required.
async fn is_optional(lane: &Lane, delivery: &Delivery<'_>, goal: &Goal) -> Result<bool, PortError> {
    let Some(at) = &lane.row.arrives else { return Ok(false) };
    let member = lane.row.member(at.member, delivery.event.id);
    let context = &lane.context;
    let terminal = context.choreography.terminal_join().is_some_and(|join| join.name == at.join);
    let required = if terminal {
        goal.join.required.clone()
    } else {
        let item = context.read(&ItemKey::join(goal.request.goal, &at.join)).await?;
        item.map(|item| JoinState::read(&item)).transpose()?.map(|join| join.required).unwrap_or_default()
    };
    Ok(!required.contains(&member))
}

/// The same however often it is told: everything in it is on record.
fn failed_event(
    lane: &Lane,
    delivery: &Delivery<'_>,
    goal: &Goal,
    step: &Step,
    cause: &Cause,
) -> Result<Event, PortError> {
    let event = &delivery.event;
    let data = StepFailed {
        row: lane.row.name.clone(),
        event: event.id,
        n: step.parks,
        cause: cause.clone(),
        attempts: step.attempts,
    };
    Ok(Event {
        id: EventId::derive(event.goal, &StepFailed::TYPE, &Unit::park(lane.row.name.as_str(), event.id, step.parks)),
        source: lane.row.source(),
        kind: StepFailed::TYPE,
        version: StepFailed::VERSION,
        time: step.finished_at,
        goal: event.goal,
        goal_key: goal.request.goal_key.clone(),
        causation: Some(event.id),
        hops: event.hops + 1,
        deadline: Some(goal.deadline),
        tenant: event.tenant.clone(),
        trace: delivery.trace.clone(),
        data: serde_json::to_value(&data).map_err(|why| PortError::permanent(why.to_string()))?,
    })
}
