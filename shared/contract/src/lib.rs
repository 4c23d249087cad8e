//! WHAT TRAVELS: envelope, attributes, ids, events, documents and the topology; the traits `Artifacts`, `Clock`, `Workplace`.
//!
//! Invariant: no executor, no AWS, no input or output. Everything here is a value or a pure function of values.
//! Invariant: nothing that comes from outside is believed before `decode` has looked at it.
//! Next: `runtime` lives by it, `engine` thinks with it.

pub mod artifact;
pub mod attributes;
mod cause;
mod clock;
pub mod compat;
pub mod decode;
pub mod documents;
mod envelope;
mod error;
pub mod events;
pub mod guard;
mod ids;
pub mod json;
pub mod limits;
mod names;
pub mod schema;
pub mod story;
pub mod topology;
mod trace;
mod workplace;

pub use artifact::{ArtifactRef, Artifacts};
pub use attributes::Attributes;
pub use cause::{Cause, CauseKind, ParkNote, bounded};
pub use clock::{Clock, NoInstant, UnixMs};
pub use envelope::{Enveloped, Event, dataschema};
pub use error::PortError;
pub use events::EventData;
pub use guard::Guard;
pub use ids::{Digest, EventId, GOAL_NAMESPACE, GoalId, NoTenant, Tenant, Unit};
pub use names::{DaemonName, EventType, JoinName, QueueName, RowName, Source};
pub use story::RunStory;
pub use topology::{Choreography, Topology};
pub use trace::{SpanId, TraceContext, TraceId};
pub use workplace::{Answered, AttemptRecord, Exchange, Partner, Refused, Reserved, Spend, Workplace};
