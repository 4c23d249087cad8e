//! Owns the fakes of the runtime's ports: queue, bus, ledger and artifacts in memory, in their servers' terms.
//! Never kinder than the server: stale receipts, limits, redrive, refused writes and sparse indexes are as they are there.
//! Never random by itself: the order of receives comes from a seed, ids from counters, maps iterate in key order.
//! Next: `cloud` bundles them for a topology; `suites` hold them to the conduct that the real ones are held to.

mod artifacts;
mod bus;
mod cloud;
mod ledger;
mod queue;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use crate::clock::{ManualClock, TokioClock};
pub use artifacts::MemoryArtifacts;
pub use bus::{MemoryBus, Rule};
pub use cloud::MemoryCloud;
pub use ledger::MemoryLedger;
pub use queue::{MemoryQueue, Place, QueueSettings, Redrive, StoredMessage};

/// A panic elsewhere (a simulated crash may be one) leaves whole values behind: no change here spans two locks.
fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks like a version-4 UUID, and is the same in every run.
fn counted_id(space: u32, count: u64) -> String {
    format!("{space:08x}-{:04x}-4{:03x}-8000-{:012x}", count >> 60, (count >> 48) & 0xfff, count & 0xffff_ffff_ffff)
}
