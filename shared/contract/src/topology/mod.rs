//! Owns the choreography as data: which row consumes what from which queue, what it emits, where it arrives.
//! Never behaviour, and nothing that is declared a second time elsewhere: queues, rules, policies, documents and
//! checks are all made from this value.
//! Next: `murmuration` is the table itself; `choreography` is a topology that passed its checks.

mod arrows;
pub mod asyncapi;
mod check;
mod choreography;
pub mod cost;
pub mod iam;
pub mod localstack;
pub mod mermaid;
mod murmuration;
mod place;
mod problem;
pub mod resources;

use serde_json::Value;

use crate::limits::HOPS_MAX;
use crate::{DaemonName, EventData, EventType, JoinName, QueueName, RowName, Source};

pub use choreography::Choreography;
pub use place::Place;
pub use problem::Problem;

/// The whole choreography. A value: another crate extends it with `with_event`, `with_row`, `with_join`.
#[derive(Clone, Debug)]
pub struct Topology {
    pub bus: String,
    pub events: Vec<EventSpec>,
    pub rows: Vec<Row>,
    pub joins: Vec<Join>,
    /// What users may publish: the only types that no row and no join makes.
    pub entrances: Vec<EventType>,
    /// What is made for subscribers: the only types that no row needs to consume.
    pub results: Vec<EventType>,
    pub hops_max: u32,
}

/// One event type: its version, its schema, and an example of it.
#[derive(Clone, Debug)]
pub struct EventSpec {
    pub kind: EventType,
    pub version: u32,
    pub schema: fn() -> schemars::Schema,
    pub example: fn() -> Value,
}

/// One queue and what is done with its messages.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: RowName,
    /// The process that hosts it.
    pub daemon: DaemonName,
    pub queue: QueueName,
    pub consumes: Vec<EventType>,
    pub emits: Vec<EventType>,
    /// The join whose members its outputs become.
    pub opens: Option<JoinName>,
    /// The join at which its steps arrive.
    pub arrives: Option<Arrival>,
    /// Whether a goal may begin here: this row accepts, and cancels, goals.
    pub accepts_goals: bool,
    /// Whether its handler may reserve budget.
    pub spends: bool,
    pub limits: RowLimits,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub join: JoinName,
    pub member: Member,
}

/// By what name a step arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// By its row's: there is one such step in a goal.
    Row,
    /// By the id of the event it consumed: the opener emitted one for each member.
    Event,
}

/// Several results that become one event.
#[derive(Clone, Debug)]
pub struct Join {
    pub name: JoinName,
    pub emits: EventType,
    pub members: Members,
    /// A result larger than this travels by reference.
    pub inline_bytes_max: usize,
}

#[derive(Clone, Debug)]
pub enum Members {
    /// Known only when the join is opened: one for each event that the opener emits.
    Opened,
    /// Known from the start: the join lives in the goal item and its close ends the goal.
    Terminal { required: Vec<RowName>, optional: Vec<RowName> },
}

/// What a row may use. Units last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowLimits {
    pub concurrency: usize,
    pub lease_s: u64,
    pub step_deadline_s: u64,
    pub attempts_max: u32,
    pub alone_crashes_max: u32,
    pub rounds_max: u32,
    pub receives_max: u32,
    pub retention_s: u64,
    pub dead_letter_retention_s: u64,
}

impl RowLimits {
    pub const DEFAULT: RowLimits = RowLimits {
        concurrency: 10,
        lease_s: 60,
        step_deadline_s: 600,
        attempts_max: 3,
        alone_crashes_max: 2,
        rounds_max: 5,
        receives_max: 100,
        retention_s: 4 * 24 * 3600,
        dead_letter_retention_s: 14 * 24 * 3600,
    };
}

impl EventSpec {
    pub fn of<T: EventData>() -> EventSpec {
        EventSpec {
            kind: T::TYPE,
            version: T::VERSION,
            schema: || schemars::schema_for!(T),
            // An example that does not serialize fails the drift test of `schemas/examples`.
            example: || serde_json::to_value(T::example()).unwrap_or_default(),
        }
    }
}

impl Row {
    /// A row of a daemon of the same name, on the queue `murmur-<name>`.
    pub fn new(name: &'static str) -> Row {
        Row {
            name: RowName::new(name),
            daemon: DaemonName::new(name),
            queue: QueueName::from(format!("murmur-{name}")),
            consumes: vec![],
            emits: vec![],
            opens: None,
            arrives: None,
            accepts_goals: false,
            spends: false,
            limits: RowLimits::DEFAULT,
        }
    }
    pub fn hosted_by(mut self, daemon: &'static str) -> Row {
        self.daemon = DaemonName::new(daemon);
        self
    }
    pub fn consumes<T: EventData>(mut self) -> Row {
        self.consumes.push(T::TYPE);
        self
    }
    pub fn emits<T: EventData>(mut self) -> Row {
        self.emits.push(T::TYPE);
        self
    }
    pub fn opens(mut self, join: &'static str) -> Row {
        self.opens = Some(JoinName::new(join));
        self
    }
    pub fn arrives_at(mut self, join: &'static str, member: Member) -> Row {
        self.arrives = Some(Arrival { join: JoinName::new(join), member });
        self
    }
    pub fn accepts_goals(mut self) -> Row {
        self.accepts_goals = true;
        self
    }
    pub fn spends(mut self) -> Row {
        self.spends = true;
        self
    }
    pub fn source(&self) -> Source {
        Source::of_daemon(&self.daemon)
    }
}

impl Topology {
    /// The four agents of this repository.
    pub fn murmuration() -> Topology {
        murmuration::topology()
    }

    /// Nothing but the events that every choreography has.
    pub fn empty() -> Topology {
        Topology {
            bus: "murmuration".into(),
            events: vec![],
            rows: vec![],
            joins: vec![],
            entrances: vec![],
            results: vec![],
            hops_max: HOPS_MAX,
        }
    }

    pub fn with_row(mut self, row: Row) -> Topology {
        self.rows.push(row);
        self
    }
    pub fn with_event<T: EventData>(mut self) -> Topology {
        self.events.push(EventSpec::of::<T>());
        self
    }
    /// An event that subscribers want, whether or not a row consumes it.
    pub fn with_result<T: EventData>(mut self) -> Topology {
        self.results.push(T::TYPE);
        self.with_event::<T>()
    }
    /// An event that users send.
    pub fn with_entrance<T: EventData>(mut self) -> Topology {
        self.entrances.push(T::TYPE);
        self.with_event::<T>()
    }
    pub fn with_join(mut self, join: Join) -> Topology {
        self.joins.push(join);
        self
    }
}
