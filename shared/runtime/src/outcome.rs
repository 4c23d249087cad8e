//! Owns the outcome of a step: what a handler returned, made into events, an opening and an arrival that can be
//! committed, and read back whole when their effects are repeated.
//! Never publishes; never lets anything out that the consumers' schemas refuse.
//! Next: `ledger::step` commits it, `effects` carries it out.

use contract::events::ArrivalStatus;
use contract::limits::{EVENT_BYTES_MAX, JOIN_HEAD_BYTES_MAX, JOIN_MEMBERS_MAX, OUTPUTS_INLINE_BYTES_MAX};
use contract::topology::Join;
use contract::{
    ArtifactRef, Artifacts, Choreography, Event, EventId, EventType, JoinName, PortError, Unit, UnixMs, artifact,
};
use serde::{Deserialize, Serialize};

use crate::handler::{Handled, Open};
use crate::lane::Lane;
use crate::ledger::goal::Goal;
use crate::ledger::join::{Arriving, Brought, Head, Opening};
use crate::ledger::step::Step;
use crate::message::Delivery;

/// All effects of a committed step, in the order in which they happen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<Opening>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emits: Vec<Event>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrives: Option<Arrives>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrives {
    pub join: JoinName,
    pub member: String,
    pub brought: Brought,
}

/// As the ledger holds it: the outcome itself, or where it is because it is too large.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Recorded {
    Here(Box<Outcome>),
    At(ArtifactRef),
}

impl Arrives {
    pub(crate) fn arriving(&self) -> Arriving {
        Arriving { member: self.member.clone(), status: ArrivalStatus::Ok, brought: self.brought.clone() }
    }
}

/// What to commit. An error that is permanent says what the handler did wrong.
pub(crate) async fn of(
    lane: &Lane,
    delivery: &Delivery<'_>,
    goal: &Goal,
    mut handled: Handled,
) -> Result<String, PortError> {
    let emits = events(lane, delivery, goal, std::mem::take(&mut handled.emits))?;
    let outcome = Outcome {
        opens: handled.opens.map(|open| opening(lane, delivery, goal, open, &emits)).transpose()?,
        arrives: arrival(lane, delivery, handled.arrives, &emits).await?,
        emits,
    };
    lane.context.retried(|| written(&*lane.context.ports.artifacts, &outcome)).await.map_err(passing)
}

/// As the ledger holds it: what is too large becomes an artifact.
pub(crate) async fn written(artifacts: &dyn Artifacts, outcome: &Outcome) -> Result<String, PortError> {
    let here = json(&Recorded::Here(Box::new(outcome.clone())))?;
    if here.len() <= OUTPUTS_INLINE_BYTES_MAX {
        return Ok(here);
    }
    json(&Recorded::At(artifacts.put(here.as_bytes(), "application/json").await?))
}

/// What was committed, for its effects.
pub(crate) async fn recorded(lane: &Lane, step: &Step) -> Result<Outcome, PortError> {
    read(&*lane.context.ports.artifacts, step.outcome.as_deref()).await
}

/// What an item's text says, or the artifact that it leads to.
pub(crate) async fn read(artifacts: &dyn Artifacts, text: Option<&str>) -> Result<Outcome, PortError> {
    let damaged = |why: &dyn std::fmt::Display| PortError::permanent(format!("a recorded outcome is damaged: {why}"));
    match serde_json::from_str(text.unwrap_or("{\"here\":{}}")).map_err(|why| damaged(&why))? {
        Recorded::Here(outcome) => Ok(*outcome),
        Recorded::At(at) => {
            let bytes = artifact::fetch(artifacts, &at).await.map_err(|error| match error {
                artifact::ArtifactError::Port(error) => error,
                other => damaged(&other),
            })?;
            match serde_json::from_slice(&bytes).map_err(|why| damaged(&why))? {
                Recorded::Here(outcome) => Ok(*outcome),
                Recorded::At(_) => Err(damaged(&"a reference to a reference")),
            }
        }
    }
}

/// A store that refuses says nothing about the outcome: its step is given back, not parked.
pub(crate) fn passing(error: PortError) -> PortError {
    match error {
        PortError::Permanent { reason } => PortError::transient(reason),
        passing => passing,
    }
}

fn events(
    lane: &Lane,
    delivery: &Delivery<'_>,
    goal: &Goal,
    emits: Vec<(EventType, Result<serde_json::Value, String>)>,
) -> Result<Vec<Event>, PortError> {
    let context = &lane.context;
    let cause = &delivery.event;
    let mut events: Vec<Event> = Vec::with_capacity(emits.len());
    for (kind, data) in emits {
        let data = data.map_err(|why| PortError::permanent(format!("{kind} does not serialize: {why}")))?;
        if !lane.row.emits.contains(&kind) {
            return Err(PortError::permanent(format!("row {} does not emit {kind}", lane.row.name)));
        }
        let index = events.iter().filter(|event| event.kind == kind).count();
        let version = context.choreography.version_of(&kind);
        context.choreography.validate(&kind, version, &data).map_err(PortError::permanent)?;
        let event = Event {
            id: EventId::derive(cause.goal, &kind, &Unit::output(lane.row.name.as_str(), cause.id, index)),
            source: lane.row.source(),
            kind,
            version,
            time: context.now(),
            goal: cause.goal,
            goal_key: goal.request.goal_key.clone(),
            causation: Some(cause.id),
            hops: cause.hops + 1,
            deadline: Some(goal.deadline),
            tenant: cause.tenant.clone(),
            trace: delivery.trace.clone(),
            data,
        };
        let bytes = event.json_bytes();
        if bytes > EVENT_BYTES_MAX {
            let detail = format!(
                "{} has {bytes} bytes, {EVENT_BYTES_MAX} at most: store what is large as an artifact",
                event.kind
            );
            return Err(PortError::permanent(detail));
        }
        events.push(event);
    }
    Ok(events)
}

fn opening(
    lane: &Lane,
    delivery: &Delivery<'_>,
    goal: &Goal,
    open: Open,
    emits: &[Event],
) -> Result<Opening, PortError> {
    let context = &lane.context;
    let join = context.choreography.join(&open.join).filter(|join| lane.row.opens.as_ref() == Some(&join.name));
    let join =
        join.ok_or_else(|| PortError::permanent(format!("row {} does not open {}", lane.row.name, open.join)))?;
    let arrives_there = |event: &&Event| {
        context.choreography.rows.iter().any(|row| {
            row.consumes.contains(&event.kind) && row.arrives.as_ref().is_some_and(|at| at.join == join.name)
        })
    };
    let members: Vec<String> = emits.iter().filter(arrives_there).map(|event| event.id.to_string()).collect();
    if members.len() > JOIN_MEMBERS_MAX {
        let detail = format!("{} members of join {}, {JOIN_MEMBERS_MAX} at most", members.len(), join.name);
        return Err(PortError::permanent(detail));
    }
    if usize::try_from(open.quorum).is_ok_and(|quorum| quorum > members.len()) {
        let detail = format!("a quorum of {} among {} members can never be", open.quorum, members.len());
        return Err(PortError::permanent(detail));
    }
    let Ok(serde_json::Value::Object(data)) = open.head else {
        return Err(PortError::permanent("the head of a join must serialize to an object"));
    };
    let head_bytes = serde_json::to_string(&data).map_or(usize::MAX, |head| head.len());
    if head_bytes > JOIN_HEAD_BYTES_MAX {
        let detail = format!("the head of join {} has {head_bytes} bytes, {JOIN_HEAD_BYTES_MAX} at most", join.name);
        return Err(PortError::permanent(detail));
    }
    let mut unarrived = data.clone();
    unarrived.insert("arrived".into(), serde_json::json!([]));
    unarrived.insert("missing".into(), serde_json::json!(members));
    let version = context.choreography.version_of(&join.emits);
    let whole = context.choreography.validate(&join.emits, version, &unarrived.into());
    whole.map_err(|why| PortError::permanent(format!("the head of join {} will not do: {why}", join.name)))?;
    Ok(Opening {
        join: open.join,
        required: if open.all_required { members.clone() } else { vec![] },
        members,
        quorum: open.quorum,
        head: Head { data, causation: Some(delivery.event.id), hops: delivery.event.hops + 2 },
        due_at: due_at(&context.choreography, join, goal.deadline, context.now()),
    })
}

/// The steps behind the join need their time before the goal's own deadline; of a short goal they get half.
pub(crate) fn due_at(choreography: &Choreography, join: &Join, deadline: UnixMs, now: UnixMs) -> UnixMs {
    deadline - choreography.time_behind(join).min(now.until(deadline) / 2)
}

async fn arrival(
    lane: &Lane,
    delivery: &Delivery<'_>,
    result: Option<Result<serde_json::Value, String>>,
    emits: &[Event],
) -> Result<Option<Arrives>, PortError> {
    let Some(at) = &lane.row.arrives else {
        return match result {
            Some(_) => Err(PortError::permanent(format!("row {} arrives at no join", lane.row.name))),
            None => Ok(None),
        };
    };
    let context = &lane.context;
    let result = match (result, emits) {
        (Some(result), _) => {
            Some(result.map_err(|why| PortError::permanent(format!("a result does not serialize: {why}")))?)
        }
        (None, [only]) => Some(only.data.clone()),
        (None, []) => None,
        (None, _) => {
            let detail =
                format!("row {} arrives at {} with several events: say which result it brings", lane.row.name, at.join);
            return Err(PortError::permanent(detail));
        }
    };
    let mut brought = Brought { traceparent: Some(delivery.trace.traceparent()), ..Brought::default() };
    if let Some(result) = result {
        let text = result.to_string();
        let inline = context.choreography.join(&at.join).map_or(0, |join| join.inline_bytes_max);
        if text.len() <= inline {
            brought.data = Some(result);
        } else {
            let artifacts = &context.ports.artifacts;
            let put = context.retried(|| artifacts.put(text.as_bytes(), "application/json"));
            brought.reference = Some(put.await.map_err(passing)?);
        }
    }
    let member = lane.row.member(at.member, delivery.event.id);
    Ok(Some(Arrives { join: at.join.clone(), member, brought }))
}

fn json(recorded: &Recorded) -> Result<String, PortError> {
    serde_json::to_string(recorded).map_err(|why| PortError::permanent(why.to_string()))
}
