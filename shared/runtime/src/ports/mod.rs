//! Owns the ports: what the runtime needs from a queue, a bus and a ledger, as traits, and the bundle of all five.
//! Invariant: every call ends. An adapter gives each of its own a time limit (and a receive more than its wait), since a
//! call that never answers would keep a delivery, and its place at the gate, for ever.
//! Never an adapter: `shared/aws` talks to servers, `testkit` to memory, and one suite holds both to the same conduct.
//! Next: `queue`, `bus`, `ledger`; `Artifacts` and `Clock` live in `contract`, since `engine` needs them too.

mod bus;
mod ledger;
mod queue;

use std::sync::Arc;

use contract::{Artifacts, Clock, UnixMs};

pub use bus::Bus;
pub use ledger::{GoalStates, Ledger, Written};
pub use queue::{Outbound, Queue, Receipt, Received};

/// What became of one entry of a batch. The call as a whole may succeed while entries fail: look at each.
pub type EntryResult = Result<(), contract::PortError>;

/// Everything outside of the process.
#[derive(Clone, Debug)]
pub struct Ports {
    pub queue: Arc<dyn Queue>,
    pub bus: Arc<dyn Bus>,
    pub ledger: Arc<dyn Ledger>,
    pub artifacts: Arc<dyn Artifacts>,
    pub clock: Arc<dyn Clock>,
}

/// The operating system's clock; daemons use it, nothing else does.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    fn now(&self) -> UnixMs {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
