//! Owns the time as this cloud tells it: the machine's, plus what a fault has shifted it by.
//! Never a timer: the engine asks, and waits for what comes next.
//! Next: `moment` carries one reading of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::UnixMs;

/// Shared by the engine and by whoever shifts it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    shift_ms: Arc<AtomicI64>,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place where this server reads the clock")]
    pub(crate) fn now(&self) -> UnixMs {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        UnixMs(ms.saturating_add(self.shift_ms.load(Ordering::Relaxed)))
    }

    /// From now on, by so much ahead of the machine's clock; negative, behind it.
    pub(crate) fn shift(&self, ms: i64) {
        self.shift_ms.store(ms, Ordering::Relaxed);
    }
}
