//! Owns the people on stage: who sends goals, by which entrance, cancels them, and redrives dead letters.
//! Never a daemon: they use the servers directly, as a person with an AWS client would.
//! Next: `look`, by which a test sees what came of it.

use contract::events::{Budget, GoalCancelRequested, GoalRequested, OnDeadLetter};
use contract::{
    Attributes, Event, EventData, EventId, GoalId, PortError, QueueName, RowName, Source, Tenant, TraceContext, Unit,
    UnixMs,
};
use runtime::ports::{Bus, EntryResult, Outbound, Queue};
use serde_json::json;

use super::{BASE, Stage};
use crate::memory::StoredMessage;

/// One goal as its user knows it.
#[derive(Clone, Debug)]
pub struct Wish {
    pub tenant: Tenant,
    pub key: String,
    pub request: GoalRequested,
}

impl Wish {
    pub fn new(key: &str) -> Wish {
        let request = GoalRequested {
            goal: "a goal".into(),
            collections: vec![],
            sources: vec![],
            context: None,
            budget: None,
            deadline: None,
            on_dead_letter: OnDeadLetter::Hold,
            model: None,
            forkedfrom: None,
        };
        Wish { tenant: Tenant::default(), key: key.into(), request }
    }
    pub fn of(mut self, tenant: &str) -> Wish {
        self.tenant = tenant.parse().unwrap_or_default();
        self
    }
    pub fn words(mut self, words: &str) -> Wish {
        self.request.goal = words.into();
        self
    }
    /// A dead letter ends it.
    pub fn failing(mut self) -> Wish {
        self.request.on_dead_letter = OnDeadLetter::Fail;
        self
    }
    /// Seconds after the stage began.
    pub fn due_s(mut self, seconds: i64) -> Wish {
        self.request.deadline = Some(UnixMs(BASE.0 + seconds * 1_000));
        self
    }
    pub fn budget(mut self, tokens: Option<u64>, usd: Option<f64>) -> Wish {
        self.request.budget = Some(Budget { tokens, usd });
        self
    }

    pub fn id(&self) -> GoalId {
        GoalId::derive(&self.tenant, &self.key)
    }

    pub fn event(&self) -> Event {
        envelope(self, &GoalRequested::TYPE, json!(self.request))
    }

    pub fn cancel(&self) -> Event {
        envelope(self, &GoalCancelRequested::TYPE, json!(GoalCancelRequested { reason: Some("a user did".into()) }))
    }

    /// As a person types it, with the key in the body.
    pub fn bare(&self) -> Outbound {
        let mut body = json!(self.request);
        body["key"] = self.key.clone().into();
        body["tenant"] = self.tenant.as_str().into();
        Outbound { body: body.to_string(), attributes: Attributes::default(), group: None }
    }
}

fn envelope(wish: &Wish, kind: &contract::EventType, data: serde_json::Value) -> Event {
    let goal = wish.id();
    let traceparent = format!("00-{:032x}-00000000000000aa-01", goal.0.as_u128());
    Event {
        id: EventId::derive(goal, kind, &Unit::goal()),
        source: Source::USER,
        kind: kind.clone(),
        version: 1,
        time: BASE,
        goal,
        goal_key: Some(wish.key.clone()),
        causation: None,
        hops: 0,
        deadline: None,
        tenant: wish.tenant.clone(),
        trace: TraceContext::parse(&traceparent, None).unwrap_or(TraceContext::NONE),
        data,
    }
}

/// An event as a message of its own.
fn letter(event: &Event) -> Outbound {
    Outbound { attributes: Attributes::of_event(event), body: event.to_json(), group: None }
}

fn done(what: &str, results: &Result<Vec<EntryResult>, PortError>) {
    let all_well = results.as_ref().is_ok_and(|results| results.iter().all(Result::is_ok));
    assert!(all_well, "{what}: {results:?}");
}

impl Stage {
    fn entrance(&self) -> QueueName {
        let row = self.0.choreography.rows.iter().find(|row| row.accepts_goals);
        row.map_or_else(|| QueueName::new("none"), |row| row.queue.clone())
    }

    pub fn queue_of(&self, row: &'static str) -> QueueName {
        let row = self.0.choreography.row(&RowName::new(row));
        row.map_or_else(|| QueueName::new("none"), |row| row.queue.clone())
    }

    /// A goal, as an event to the queue.
    pub async fn goal(&self, wish: &Wish) {
        self.message(&self.entrance(), letter(&wish.event())).await;
    }

    pub async fn goal_bare(&self, wish: &Wish) {
        self.message(&self.entrance(), wish.bare()).await;
    }

    pub async fn goal_by_bus(&self, wish: &Wish) {
        self.publish(&wish.event()).await;
    }

    pub async fn cancel(&self, wish: &Wish) {
        self.publish(&wish.cancel()).await;
    }

    /// Anybody may try.
    pub async fn publish(&self, event: &Event) {
        done("publishing", &self.0.cloud.bus.put(std::slice::from_ref(event)).await);
    }

    pub async fn message(&self, queue: &QueueName, message: Outbound) {
        done("sending", &self.0.cloud.queue.send(queue, &[message]).await);
    }

    /// An event straight to a row's queue.
    pub async fn event_to(&self, row: &'static str, event: &Event) {
        self.message(&self.queue_of(row), letter(event)).await;
    }

    pub fn dead_letters(&self, row: &'static str) -> Vec<StoredMessage> {
        self.0.cloud.queue.messages(&self.queue_of(row).dead_letters())
    }

    /// Everything in the row's dead letters goes back to its queue, under new MessageIds.
    pub fn redrive(&self, row: &'static str) -> usize {
        let queue = self.queue_of(row);
        match self.0.cloud.queue.move_to(&queue.dead_letters(), &queue) {
            Ok(moved) => moved,
            Err(why) => panic!("a redrive: {why}"),
        }
    }

    /// A copy of a dead letter goes to the row's queue; the letter stays.
    pub async fn redrive_copy(&self, row: &'static str, letter: &StoredMessage) {
        let StoredMessage { body, attributes, .. } = letter.clone();
        self.message(&self.queue_of(row), Outbound { body, attributes, group: None }).await;
    }

    /// SQS delivers one of the row's messages twice.
    pub fn duplicate(&self, row: &'static str) {
        assert!(self.0.cloud.queue.duplicate_any(&self.queue_of(row)).is_some(), "nothing to duplicate");
    }
}
