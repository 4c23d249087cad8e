//! Owns what an author of an agent meets: the `Handler` trait, the `Step` it is given, the `Handled` it returns.
//! Never lets a handler publish, acknowledge, sleep, retry or see a queue: it returns what should happen.
//! Next: `outcome` turns a `Handled` into what is committed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contract::{
    Artifacts, Clock, Digest, Event, EventData, EventType, Exchange, JoinName, Refused, Reserved, Spend, UnixMs,
    Workplace,
};
use serde_json::Value;

use crate::budget::{Budget, Reservation};
use crate::journal::Journal;

/// What a row does with one event.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// The events that its row consumes: one type, or an enum of several (`Inputs`).
    type Input: Inputs;

    async fn handle(&self, input: Self::Input, step: &Step) -> Result<Handled, StepError>;
}

/// Events that a handler can be given. One event type is its own; an enum may stand for several.
pub trait Inputs: Sized + Send {
    fn decode(event: &Event) -> Result<Self, String>;
}

impl<T: EventData> Inputs for T {
    fn decode(event: &Event) -> Result<T, String> {
        if event.kind != T::TYPE {
            return Err(format!("a handler of {} was given {}", T::TYPE, event.kind));
        }
        event.data_as().map_err(|why| why.to_string())
    }
}

/// The step at work: everything a handler may know and use beside its input.
#[derive(Clone, Debug)]
pub struct Step {
    pub event: Arc<Event>,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// The same in every try of this step: tools with effects of their own take it as idempotency key.
    pub key: String,
    /// When the goal ends as failed if nothing else ended it.
    pub goal_deadline: UnixMs,
    /// When this attempt must be done.
    pub deadline: UnixMs,
    pub budget: Budget,
    pub artifacts: Arc<dyn Artifacts>,
    /// The same store, without a note of what is read.
    pub unlisted: Arc<dyn Artifacts>,
    pub clock: Arc<dyn Clock>,
    /// The model that the goal's user wants to be asked first, by its configured name.
    pub model: Option<String>,
    pub journal: Journal,
}

#[async_trait]
impl Workplace for Step {
    fn artifacts(&self) -> &Arc<dyn Artifacts> {
        &self.artifacts
    }
    fn unlisted(&self) -> &Arc<dyn Artifacts> {
        &self.unlisted
    }
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
    fn key(&self) -> &str {
        &self.key
    }
    fn deadline(&self) -> UnixMs {
        self.deadline.min(self.goal_deadline)
    }
    async fn reserve(&self, bound: Spend) -> Result<Box<dyn Reserved>, Refused> {
        Ok(Box::new(self.budget.reserve(bound).await?))
    }
    fn note(&self, exchange: Exchange) {
        self.journal.note(exchange);
    }
    async fn paid(&self) {
        self.journal.keep_so_far().await;
    }
    fn preferred_model(&self) -> Option<&str> {
        self.model.as_deref()
    }
    fn recorded(&self) -> Option<&[Exchange]> {
        self.journal.recorded()
    }
    fn recalled(&self, digest: &Digest) {
        self.journal.recalled(digest);
    }
}

#[async_trait]
impl Reserved for Reservation {
    async fn settle(self: Box<Self>, cost: Spend) {
        Reservation::settle(*self, cost).await;
    }
}

/// What should happen. Nothing of it does before it is committed.
#[derive(Debug, Default)]
pub struct Handled {
    pub(crate) emits: Vec<(EventType, Result<Value, String>)>,
    pub(crate) opens: Option<Open>,
    pub(crate) arrives: Option<Result<Value, String>>,
}

impl Handled {
    /// The step is done, and nobody needs to hear of it.
    pub fn nothing() -> Handled {
        Handled::default()
    }

    /// One event to publish, and perhaps more by `and_emit`.
    pub fn emit<T: EventData>(data: &T) -> Handled {
        Handled::nothing().and_emit(data)
    }

    pub fn and_emit<T: EventData>(mut self, data: &T) -> Handled {
        self.emits.push((T::TYPE, serde_json::to_value(data).map_err(|why| why.to_string())));
        self
    }

    /// The emitted events become members of a join.
    pub fn opening(mut self, join: Open) -> Handled {
        self.opens = Some(join);
        self
    }

    /// What this step brings to its row's join; without it, the data of the one event that it emits.
    pub fn arriving<T: serde::Serialize>(mut self, result: &T) -> Handled {
        self.arrives = Some(serde_json::to_value(result).map_err(|why| why.to_string()));
        self
    }
}

/// A join to open. Its members are the emitted events whose consumers arrive there.
#[derive(Debug)]
pub struct Open {
    pub(crate) join: JoinName,
    pub(crate) head: Result<Value, String>,
    pub(crate) quorum: u32,
    pub(crate) all_required: bool,
}

impl Open {
    /// `head`: what is already known of the joined event's data.
    pub fn join<T: serde::Serialize>(join: &'static str, head: &T) -> Open {
        let head = serde_json::to_value(head).map_err(|why| why.to_string());
        Open { join: JoinName::new(join), head, quorum: 0, all_required: false }
    }

    /// How many must have succeeded, at least, when the time is over.
    pub fn quorum(mut self, members: u32) -> Open {
        self.quorum = members;
        self
    }

    pub fn all_required(mut self) -> Open {
        self.all_required = true;
        self
    }
}

/// What to do about a failure; not what it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Trying again may help, at the earliest after `retry_after`.
    #[error("{why}")]
    Transient { why: String, retry_after: Option<Duration> },
    /// Trying again cannot help: the message is parked.
    #[error("{reason}")]
    Permanent { reason: String },
    /// The goal's allowance is spent, and there is nothing to give without more.
    #[error("the goal's budget is exhausted")]
    BudgetExhausted,
    /// This attempt may not go on: a reservation said so.
    #[error("this attempt is not wanted any more")]
    Deposed,
}

impl StepError {
    pub fn transient(why: impl Into<String>) -> StepError {
        StepError::Transient { why: why.into(), retry_after: None }
    }
    /// The same, but not before this time has passed: what a `Retry-After` asks for.
    pub fn retry_after(why: impl Into<String>, wait: Duration) -> StepError {
        StepError::Transient { why: why.into(), retry_after: Some(wait) }
    }
    pub fn permanent(reason: impl Into<String>) -> StepError {
        StepError::Permanent { reason: reason.into() }
    }
}

impl From<contract::PortError> for StepError {
    fn from(error: contract::PortError) -> StepError {
        match error {
            contract::PortError::Transient { why, retry_after } => StepError::Transient { why, retry_after },
            contract::PortError::Permanent { reason } => StepError::Permanent { reason },
        }
    }
}

/// A handler of any input, as the runtime keeps it.
#[async_trait]
pub(crate) trait AnyHandler: Send + Sync + fmt::Debug {
    async fn handle(&self, step: Step) -> Result<Handled, StepError>;
}

pub(crate) struct Erased<H>(pub(crate) H);

impl<H> fmt::Debug for Erased<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<H>())
    }
}

#[async_trait]
impl<H: Handler> AnyHandler for Erased<H> {
    async fn handle(&self, step: Step) -> Result<Handled, StepError> {
        let input = H::Input::decode(&step.event).map_err(StepError::permanent)?;
        self.0.handle(input, &step).await
    }
}
