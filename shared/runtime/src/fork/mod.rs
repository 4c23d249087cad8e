//! Owns going on from a step of a goal under a new id: what is copied, what is opened anew, what is sent (protocol §6).
//! Never touches the goal that is forked, and never overwrites: done twice, or half and then again, it does no harm.
//! Next: `plan` decides which records go along, `rename` gives them their new ids, `own` is what the fork did by itself;
//! `murmur goal fork` asks for it.

mod own;
mod plan;
mod rename;

use contract::events::{ForkedFrom, GoalRequested};
use contract::{
    Attributes, Choreography, Event, EventData, EventId, GoalId, PortError, RowName, Source, SpanId, TraceContext,
    TraceId, Unit, UnixMs,
};

use crate::chance::Chance;
use crate::history::{History, PastStep};
use crate::ledger::goal::{self, Goal};
use crate::ledger::join::JoinState;
use crate::ledger::{self, Write};
use crate::ports::{Outbound, Ports, Written};
use crate::retry::retried;
use crate::settings::Settings;
use own::Own;
use plan::Plan;

/// What a person says of a fork, beside the step.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The new goal's: the same one leads to the same fork.
    pub key: String,
    /// Asked first by agents that have it.
    pub model: Option<String>,
}

/// A fork that is under way.
#[derive(Clone, Debug)]
pub struct Forked {
    pub goal: GoalId,
    pub key: String,
    pub deadline: UnixMs,
    /// Steps whose records were copied: no work is done for them again.
    pub copied: Vec<String>,
    /// Steps that are done again: the one that was named, and what nobody had finished.
    pub sent: Vec<String>,
    /// Steps whose input is not on record, and which the fork does without.
    pub left: Vec<String>,
    /// The fork has been there before, and has ended.
    pub ended: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    #[error("the input of {0} is not in the ledger: fork from the step that led to it")]
    NoInput(String),
    #[error("no row {0} in this topology, so nobody would take the step")]
    NoRow(RowName),
    #[error("the key {0:?} has been used for another goal: take a new one")]
    KeyTaken(String),
    #[error("{0:?} is no key: 1 to 256 characters, none of them a control character")]
    BadKey(String),
    #[error("{0}")]
    TooLarge(String),
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Everything that a fork needs beside its goal.
#[derive(Clone, Copy, Debug)]
pub struct Means<'a> {
    pub ports: &'a Ports,
    pub choreography: &'a Choreography,
    pub settings: &'a Settings,
    pub chance: &'a Chance,
}

/// The goal first: of a fork that dies half-way a goal is left that its deadline ends, and which the same key completes.
/// Messages last: nobody works before everything is there.
pub async fn fork(means: Means<'_>, history: &History, from: &PastStep, wanted: &Wanted) -> Result<Forked, ForkError> {
    if means.choreography.row(&from.row).is_none() {
        return Err(ForkError::NoRow(from.row.clone()));
    }
    if from.input.is_none() {
        return Err(ForkError::NoInput(history.label(from)));
    }
    if !contract::attributes::is_key(&wanted.key) {
        return Err(ForkError::BadKey(wanted.key.clone()));
    }
    let now = means.ports.clock.now();
    let (request, deadline) = match begun(means, history, from, wanted, now).await? {
        Some(goal) if goal.ended() => return Ok(Forked::over(&goal, wanted)),
        Some(goal) => (goal.request, goal.deadline),
        None => requested(means, history, from, wanted, now)?,
    };
    let plan = Plan::of(means, history, from, &request, deadline, now);
    if let Some(event) = plan.too_large(&request) {
        let (kind, bytes) = (&event.kind, event.json_bytes());
        return Err(ForkError::TooLarge(format!("{kind} would have {bytes} bytes under this key: take a shorter one")));
    }
    let goal = means.accept(&plan, &request, deadline, now).await?;
    if goal.ended() {
        return Ok(Forked::over(&goal, wanted));
    }
    if goal.request.time != request.time {
        // This plan is of another request: what it sent would not be what was accepted.
        return Err(PortError::transient("the same fork was begun elsewhere in this moment: ask for it again").into());
    }
    let mut own = means.copy(&plan, &goal, now).await?;
    for write in plan.opened_writes(&goal, &own, now) {
        if let Written::Refused(Some(item)) = means.write(&write).await? {
            own.there.push(JoinState::read(&item)?);
        }
    }
    let joins = std::iter::once(&goal.join).chain(&own.there);
    let late: Vec<_> = joins.flat_map(|join| plan.late(join, &request, &own)).collect();
    for (row, event) in plan.messages(&own).chain(late.iter().map(|(row, event)| (row, event))) {
        means.send(row, event).await?;
    }
    Ok(Forked {
        goal: goal.request.goal,
        key: wanted.key.clone(),
        deadline,
        copied: plan.copied_labels(history, &own),
        sent: plan.sent_labels(history, &own),
        left: plan.left.iter().map(|step| history.label(step)).collect(),
        ended: false,
    })
}

/// The fork itself, where the key has led to it before.
async fn begun(
    means: Means<'_>,
    history: &History,
    from: &PastStep,
    wanted: &Wanted,
    now: UnixMs,
) -> Result<Option<Goal>, ForkError> {
    let id = GoalId::derive(&history.goal.request.tenant, &wanted.key);
    let key = ledger::ItemKey::goal(id);
    let read = || means.ports.ledger.read(&key);
    let item = retried(means.settings.retry_elapsed_max, means.chance, read).await?;
    let Some(item) = ledger::unexpired(item, now) else { return Ok(None) };
    let goal = Goal::read(&item)?;
    let same = goal.forked_from() == Some(lineage(history, from)) && goal.preferred_model() == model(history, wanted);
    if same { Ok(Some(goal)) } else { Err(ForkError::KeyTaken(wanted.key.clone())) }
}

fn lineage(history: &History, from: &PastStep) -> ForkedFrom {
    ForkedFrom { goal: history.goal.request.goal, row: from.row.clone(), event: from.event_id() }
}

/// Without another wish, that of the goal which is forked.
fn model(history: &History, wanted: &Wanted) -> Option<String> {
    wanted.model.clone().or_else(|| history.goal.preferred_model())
}

/// The same wish, with as much time as the first one had from its beginning.
fn requested(
    means: Means<'_>,
    history: &History,
    from: &PastStep,
    wanted: &Wanted,
    now: UnixMs,
) -> Result<(Event, UnixMs), ForkError> {
    let parent = &history.goal;
    let damaged = |why: serde_json::Error| PortError::permanent(format!("the goal's request is damaged: {why}"));
    let mut data: GoalRequested = parent.request.data_as().map_err(damaged)?;
    let asked_for = parent.request.time.until(parent.deadline).min(means.settings.goal_deadline_max);
    // One that was over before it began leaves nothing to go by.
    data.deadline = data.deadline.filter(|_| !asked_for.is_zero()).map(|_| now + asked_for);
    data.forkedfrom = Some(lineage(history, from));
    data.model = model(history, wanted);
    let deadline = goal::deadline(&data, now, means.settings).map_err(PortError::permanent)?;
    let id = GoalId::derive(&parent.request.tenant, &wanted.key);
    let of = id.0.as_u128();
    let request = Event {
        id: EventId::derive(id, &GoalRequested::TYPE, &Unit::goal()),
        source: Source::USER,
        time: now,
        goal: id,
        goal_key: Some(wanted.key.clone()),
        causation: None,
        hops: 0,
        deadline: data.deadline,
        // A trace of its own; the copied arrivals link to the other one.
        trace: TraceContext { trace: TraceId(of.max(1)), span: SpanId((of as u64).max(1)), sampled: true, state: None },
        data: serde_json::to_value(&data).map_err(damaged)?,
        ..parent.request.clone()
    };
    // Whoever receives it would refuse it.
    let version = means.choreography.version_of(&request.kind);
    means.choreography.validate(&request.kind, version, &request.data).map_err(PortError::permanent)?;
    Ok((request, deadline))
}

impl Means<'_> {
    async fn accept(self, plan: &Plan<'_>, request: &Event, deadline: UnixMs, now: UnixMs) -> Result<Goal, ForkError> {
        let damaged = |why: serde_json::Error| PortError::permanent(format!("the goal's request is damaged: {why}"));
        let data: GoalRequested = request.data_as().map_err(damaged)?;
        let fresh = goal::accept(request, &data, deadline, now, self.choreography, self.settings);
        let (Written::Applied(item) | Written::Refused(Some(item))) = self.write(&plan.goal_write(fresh, now)).await?
        else {
            return Err(PortError::transient("a refused accept found no goal").into());
        };
        let goal = Goal::read(&item)?;
        // Somebody may have taken the key meanwhile.
        let ours = goal.request.data.get("forkedfrom") == request.data.get("forkedfrom");
        if ours { Ok(goal) } else { Err(ForkError::KeyTaken(request.goal_key.clone().unwrap_or_default())) }
    }

    /// In causal order: what hangs on something that the fork has done by itself is left to it.
    async fn copy<'p>(self, plan: &Plan<'p>, goal: &Goal, now: UnixMs) -> Result<Own<'p>, PortError> {
        let mut own = Own::default();
        for record in &plan.records {
            if own.has(record) {
                own.add(self.choreography, record);
                continue;
            }
            let write = plan.write(record, goal, &*self.ports.artifacts, now).await?;
            match self.write(&write).await? {
                Written::Applied(_) => {}
                Written::Refused(Some(item)) => own.refused(self.choreography, record, &item)?,
                Written::Refused(None) => return Err(PortError::transient("a refused copy found no item")),
            }
        }
        Ok(own)
    }

    async fn write(self, write: &Write) -> Result<Written, PortError> {
        let call = || self.ports.ledger.write(write);
        retried(self.settings.retry_elapsed_max, self.chance, call).await
    }

    /// To the row's own queue, past the bus: only this row takes it.
    async fn send(self, row: &RowName, event: &Event) -> Result<(), ForkError> {
        let row = self.choreography.row(row).ok_or_else(|| ForkError::NoRow(row.clone()))?;
        let message = Outbound {
            body: event.to_json(),
            attributes: Attributes::of_event(event),
            group: Some(event.tenant.to_string()),
        };
        let batch = [message];
        let call = || async {
            let sent = self.ports.queue.send(&row.queue, &batch).await?.pop();
            sent.unwrap_or_else(|| Err(PortError::transient("no answer for the message")))
        };
        Ok(retried(self.settings.retry_elapsed_max, self.chance, call).await?)
    }
}

impl Forked {
    fn over(goal: &Goal, wanted: &Wanted) -> Forked {
        Forked {
            goal: goal.request.goal,
            key: wanted.key.clone(),
            deadline: goal.deadline,
            copied: vec![],
            sent: vec![],
            left: vec![],
            ended: true,
        }
    }
}
