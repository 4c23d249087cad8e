//! Owns the conduct of joins: arriving, closing, ending a goal, and telling of it. The goal's end is the close of the
//! terminal join, so all of it stands here once.
//! Never waits for anybody: whoever finds a join complete closes it, and only the closer emits.
//! Next: `effects` arrives for a step, `sweep` closes what is due and tells what nobody told.

use contract::events::{ArrivalStatus, GoalCompleted};
use contract::guard::{self, Guard};
use contract::{Event, EventData, EventId, EventType, JoinName, PortError, Source, TraceContext, Unit};

use crate::chance::Token;
use crate::context::Context;
use crate::ledger::goal::{self, Goal};
use crate::ledger::join::{self, Arriving, JoinState, Opening};
use crate::ledger::{Item, ItemKey, ItemKind, Write, unexpired};
use crate::message::Delivery;
use crate::ports::Written;
use crate::trail::{self, Causes};

/// Who closes: a delivery or a sweep.
#[derive(Clone, Debug)]
pub(crate) struct Closer {
    pub(crate) token: Token,
    /// What led to the close, where a single event did.
    pub(crate) causation: Option<EventId>,
    pub(crate) hops: u32,
    /// Where in the goal's trace the closing stands.
    pub(crate) trace: Option<TraceContext>,
}

impl Closer {
    pub(crate) fn of(delivery: &Delivery<'_>) -> Closer {
        Closer {
            token: delivery.token.clone(),
            causation: Some(delivery.event.id),
            hops: delivery.event.hops + 1,
            trace: Some(delivery.trace.clone()),
        }
    }

    /// What led to what this closer tells of a goal: its own span, where that is of the goal's trace, and the arrived.
    pub(crate) fn causes(&self, about: &Event, arrived: &JoinState) -> Causes {
        let mut links = arrived.causes();
        match &self.trace {
            Some(own) if own.trace == about.trace.trace => Causes { parent: own.span, links },
            other => {
                links.extend(other.clone());
                Causes { parent: about.trace.span, links }
            }
        }
    }

    pub(crate) fn sweeping(context: &Context) -> Closer {
        Closer { token: context.token(), causation: None, hops: 0, trace: None }
    }
}

/// Opens a join, or finds it open; an arrival may have been there first.
pub(crate) async fn open(context: &Context, goal: &Goal, opening: &Opening, closer: &Closer) -> Result<(), PortError> {
    let key = ItemKey::join(goal.request.goal, &opening.join);
    let write = || join::open(key.clone(), opening, goal.expires_at, context.now());
    let (applied, item) = write_live(context, goal, &key, write).await?;
    if applied {
        context.telemetry.metrics().join_opened(&opening.join);
    }
    close_if_complete(context, goal, item, closer).await
}

/// Arrives, or finds that this member already did; and closes what that completes.
pub(crate) async fn arrive(
    context: &Context,
    goal: &Goal,
    name: &JoinName,
    arriving: &Arriving,
    closer: &Closer,
) -> Result<(), PortError> {
    let terminal = context.choreography.terminal_join().is_some_and(|join| join.name == *name);
    let key = if terminal { goal.key() } else { ItemKey::join(goal.request.goal, name) };
    let write = || join::arrive(key.clone(), arriving, goal.expires_at, context.now());
    let (applied, item) = write_live(context, goal, &key, write).await?;
    if !applied && item.has(&crate::ledger::Attr::Ended) {
        context.telemetry.metrics().late_arrival(name);
    }
    close_if_complete(context, goal, item, closer).await
}

/// One write of an item that may be there from a goal that expired under the same key: then it begins anew.
async fn write_live(
    context: &Context,
    goal: &Goal,
    key: &ItemKey,
    write: impl Fn() -> Write,
) -> Result<(bool, Item), PortError> {
    loop {
        match context.write(&write()).await? {
            Written::Applied(item) => return Ok((true, item)),
            Written::Refused(Some(item)) if unexpired(Some(item.clone()), context.now()).is_some() => {
                return Ok((false, item));
            }
            Written::Refused(Some(_)) if key.kind == ItemKind::Goal || goal.expires_at <= context.now() => {
                return Err(PortError::permanent("the goal expired while a step was at work for it"));
            }
            Written::Refused(Some(_)) => {
                context.write(&join::renew(key.clone(), goal.expires_at, context.now())).await?;
            }
            Written::Refused(None) => return Err(PortError::transient("a refused write found no item")),
        }
    }
}

async fn close_if_complete(context: &Context, goal: &Goal, item: Item, closer: &Closer) -> Result<(), PortError> {
    let state = JoinState::read(&item)?;
    if state.closed.is_some() || !state.complete() {
        return Ok(());
    }
    close(context, goal, state, closer, JoinState::complete).await
}

/// Closes a join as it was read. Refused because somebody arrived meanwhile: read again, and tell the newer state if
/// it still is worth closing.
pub(crate) async fn close(
    context: &Context,
    goal: &Goal,
    mut state: JoinState,
    closer: &Closer,
    worth_closing: fn(&JoinState) -> bool,
) -> Result<(), PortError> {
    loop {
        let event = joined_event(context, goal, &state, closer)?;
        let told_by = context.now() + context.settings.told_after;
        let write = match state.key.kind {
            ItemKind::Goal => goal::end(&event, Some(state.version), &closer.token, told_by),
            _ => join::close(&state, &event, &closer.token, told_by),
        };
        match context.write(&write).await? {
            Written::Applied(_) => {
                return publish(context, &state.key, &event, closer.causes(&goal.request, &state)).await;
            }
            Written::Refused(Some(item)) => {
                let now = JoinState::read(&item)?;
                match &now.closed {
                    Some(event) if now.closed_by.as_ref() == Some(&closer.token) => {
                        let causes = closer.causes(&goal.request, &now);
                        return publish(context, &state.key, event, causes).await;
                    }
                    None if worth_closing(&now) && now.version != state.version => state = now,
                    _ => return Ok(()),
                }
            }
            Written::Refused(None) => return Ok(()),
        }
    }
}

/// The goal ends, unless it already has. Only who ended it emits the event.
pub(crate) async fn end<T: EventData>(
    context: &Context,
    about: &Event,
    data: &T,
    if_version: Option<i64>,
    closer: &Closer,
) -> Result<Option<Item>, PortError> {
    let data = serde_json::to_value(data).map_err(|why| PortError::permanent(why.to_string()))?;
    let event = told_event(context, about, T::TYPE, &Unit::goal(), data, closer);
    context.choreography.validate(&event.kind, event.version, &event.data).map_err(PortError::permanent)?;
    let told_by = context.now() + context.settings.told_after;
    match context.write(&goal::end(&event, if_version, &closer.token, told_by)).await? {
        Written::Applied(item) => {
            let causes = closer.causes(about, &JoinState::read(&item)?);
            publish(context, &item.key, &event, causes).await?;
            Ok(Some(item))
        }
        Written::Refused(Some(item)) => {
            let state = JoinState::read(&item)?;
            if let (Some(event), Some(by)) = (&state.closed, &state.closed_by)
                && *by == closer.token
            {
                publish(context, &state.key, event, closer.causes(about, &state)).await?;
            }
            Ok(Some(item))
        }
        Written::Refused(None) => Ok(None),
    }
}

/// Emits what the item stores, and then writes that it was told.
pub(crate) async fn publish(context: &Context, key: &ItemKey, event: &Event, causes: Causes) -> Result<(), PortError> {
    if !guard::stands(Guard::ToldAfterEmit) {
        context.write(&join::told(key)).await?;
    }
    let span = trail::telling(context, event, causes);
    let emitted = context.emit(vec![event.clone()]).await;
    trail::sent(context, span, &emitted);
    emitted?;
    match &key.kind {
        ItemKind::Join(name) => context.telemetry.metrics().join_closed(name),
        _ => context.telemetry.metrics().goal_ended(&event.kind),
    }
    context.write(&join::told(key)).await?;
    Ok(())
}

fn joined_event(context: &Context, goal: &Goal, state: &JoinState, closer: &Closer) -> Result<Event, PortError> {
    let (kind, unit) = match &state.key.kind {
        ItemKind::Join(name) => {
            let join = context.choreography.join(name);
            let join = join.ok_or_else(|| PortError::permanent(format!("no join {name} in this topology")))?;
            (join.emits.clone(), Unit::join(name.as_str()))
        }
        _ => (GoalCompleted::TYPE, Unit::goal()),
    };
    let mut closer = closer.clone();
    if state.key.kind != ItemKind::Goal {
        // An event of a join stands where its opener said, whoever closes it.
        (closer.causation, closer.hops) = (state.head.causation, state.head.hops);
    }
    let event = told_event(context, &goal.request, kind, &unit, state.joined_data(), &closer);
    context.choreography.validate(&event.kind, event.version, &event.data).map_err(PortError::permanent)?;
    Ok(event)
}

/// An event that the choreography itself tells, whichever daemon happens to do it.
fn told_event(
    context: &Context,
    about: &Event,
    kind: EventType,
    unit: &Unit,
    data: serde_json::Value,
    closer: &Closer,
) -> Event {
    Event {
        id: EventId::derive(about.goal, &kind, unit),
        source: Source::CHOREOGRAPHY,
        version: context.choreography.version_of(&kind),
        kind,
        time: context.now(),
        goal: about.goal,
        goal_key: about.goal_key.clone(),
        causation: closer.causation,
        hops: closer.hops,
        deadline: about.deadline,
        tenant: about.tenant.clone(),
        trace: about.trace.at(context.chance.span()),
        data,
    }
}

/// A member's arrival with nothing to show for it.
pub(crate) fn failed(member: String, at: &TraceContext) -> Arriving {
    let brought = join::Brought { traceparent: Some(at.traceparent()), ..join::Brought::default() };
    Arriving { member, status: ArrivalStatus::Failed, brought }
}
