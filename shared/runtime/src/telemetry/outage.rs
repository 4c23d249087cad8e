//! Owns what is said while a server is away: once at the beginning, now and then while it lasts, once at its end.
//! Never waits or retries: whoever calls the server does, and tells this how each call went.
//! Next: `consumer`, which has one for its queue.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use contract::{PortError, UnixMs};

/// While a server is away, not more than one line in this time.
const REMIND_EVERY: Duration = Duration::from_secs(30);
const NONE: i64 = i64::MIN;

/// One server's absence, if there is one. Shared by reference among those who call it.
#[derive(Debug)]
pub struct Outage {
    server: String,
    since_ms: AtomicI64,
    told_ms: AtomicI64,
}

impl Outage {
    /// `server` in words for a person: `queue murmur-writer`.
    pub fn of(server: impl Into<String>) -> Outage {
        Outage { server: server.into(), since_ms: AtomicI64::new(NONE), told_ms: AtomicI64::new(NONE) }
    }

    /// A call failed at `now`; the next try comes after `wait`.
    pub fn failed(&self, error: &PortError, now: UnixMs, wait: Duration) {
        let server = self.server.as_str();
        let next_try_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        if self.since_ms.compare_exchange(NONE, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.told_ms.store(now.0, Ordering::Relaxed);
            tracing::warn!(server, %error, next_try_ms, "does not answer; it is tried until it does, and nothing is lost");
            return;
        }
        let told = self.told_ms.load(Ordering::Relaxed);
        if UnixMs(told).until(now) < REMIND_EVERY {
            return;
        }
        // Of several callers who find that it is time, one says it.
        if self.told_ms.compare_exchange(told, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let away_s = UnixMs(self.since_ms.load(Ordering::Relaxed)).until(now).as_secs();
            tracing::warn!(server, %error, next_try_ms, away_s, "still does not answer");
        }
    }

    /// A call succeeded at `now`. Costs one load where there was no outage.
    pub fn answered(&self, now: UnixMs) {
        if self.since_ms.load(Ordering::Relaxed) == NONE {
            return;
        }
        let since = self.since_ms.swap(NONE, Ordering::Relaxed);
        if since != NONE {
            let away_s = UnixMs(since).until(now).as_secs();
            tracing::info!(server = self.server.as_str(), away_s, "answers again");
        }
    }
}
