//! Owns what an operation is given besides its request: the time, the journal, seeded chance, and the way to answer.
//! Never a clock of its own: within one moment the time stands still, and a test may shift it.
//! Next: `engine` makes a moment for each round of requests and commits its journal.

use tokio::sync::oneshot;

use crate::ApiError;
use crate::place::Place;
use crate::store::Journal;

/// Milliseconds since 1970, by the clock that a fault may shift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct UnixMs(pub(crate) i64);

impl UnixMs {
    pub(crate) fn plus_ms(self, ms: i64) -> UnixMs {
        UnixMs(self.0.saturating_add(ms))
    }
    pub(crate) fn plus_s(self, s: u64) -> UnixMs {
        self.plus_ms(i64::try_from(s).unwrap_or(i64::MAX / 1000).saturating_mul(1000))
    }
}

/// The answer to one request; without a body it is empty. Its bytes are made by the connection's task, not on the engine's thread.
pub(crate) type Answer = Result<Option<Box<dyn Body>>, ApiError>;

/// A typed answer that is written as JSON by the connection's task.
pub(crate) trait Body: Send + std::fmt::Debug {
    fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()>;
}

impl<T: serde::Serialize + Send + std::fmt::Debug> Body for T {
    fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(into, self)
    }
}

/// Where one request's answer goes. A long poll keeps it until it has something to say.
#[derive(Debug)]
pub(crate) struct ReplyTo(pub(crate) oneshot::Sender<Answer>);

impl ReplyTo {
    /// The caller has hung up: messages must not be spent on it.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

/// One message that the bus puts into a queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incoming {
    pub(crate) body: String,
    pub(crate) group: Option<String>,
    pub(crate) deduplication: Option<String>,
    /// Becomes the system attribute `AWSTraceHeader`.
    pub(crate) trace_header: Option<String>,
    /// String attributes: a target's dead letters carry why.
    pub(crate) attributes: Vec<(String, String)>,
}

/// What a fault asks of an operation that is otherwise carried out as usual. By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quirks {
    /// The last so many entries of a batch fail with this code, without being carried out.
    pub(crate) fail_entries: Option<(usize, String)>,
    /// What a receive returns stays visible, so that it comes again at once.
    pub(crate) deliver_twice: bool,
    /// A receive takes from anywhere in the queue.
    pub(crate) out_of_order: bool,
}

/// One round on the engine's thread.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) now: UnixMs,
    pub(crate) place: &'a Place,
    pub(crate) journal: &'a mut Journal,
    pub(crate) chance: &'a mut fastrand::Rng,
    done: &'a mut Vec<(ReplyTo, Answer)>,
}

impl<'a> Moment<'a> {
    pub(crate) fn new(
        now: UnixMs,
        place: &'a Place,
        journal: &'a mut Journal,
        chance: &'a mut fastrand::Rng,
        done: &'a mut Vec<(ReplyTo, Answer)>,
    ) -> Moment<'a> {
        Moment { now, place, journal, chance, done }
    }

    /// Answers once the journal of this moment is committed.
    pub(crate) fn answer(&mut self, reply: ReplyTo, answer: Answer) {
        self.done.push((reply, answer));
    }

    /// A version-4 UUID from seeded chance.
    pub(crate) fn uuid(&mut self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.chance.u128(..).to_ne_bytes()).into_uuid()
    }
}
