//! Owns time that tests can move: one clock moved by hand, one that follows tokio's (and so its pausing).
//! Never reads the operating system's clock.
//! Next: `memory` keeps the servers' time by one of these; each simulated daemon has one of its own, with a skew.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use contract::{Clock, UnixMs};
use tokio::time::Instant;

/// Stands still until it is set or advanced.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn new(now: UnixMs) -> ManualClock {
        ManualClock(AtomicI64::new(now.0))
    }
    pub fn set(&self, now: UnixMs) {
        self.0.store(now.0, Ordering::SeqCst);
    }
    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::SeqCst))
    }
}

/// Follows `tokio::time::Instant`, so paused time moves it. Copies share their origin and differ in skew only.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    base: UnixMs,
    skew_ms: i64,
    origin: Instant,
}

impl TokioClock {
    /// Shows `base` now.
    pub fn starting_at(base: UnixMs) -> TokioClock {
        TokioClock { base, skew_ms: 0, origin: Instant::now() }
    }
    /// The same time, seen by a machine whose clock is that much ahead (or behind, if negative).
    pub fn skewed(self, skew_ms: i64) -> TokioClock {
        TokioClock { skew_ms, ..self }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> UnixMs {
        let since = self.base + self.origin.elapsed();
        UnixMs(since.0.saturating_add(self.skew_ms))
    }
}
