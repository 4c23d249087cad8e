//! Owns how a port says no: by what to do, never by what happened inside.
//! Never text that somebody matches: adapters classify, callers branch on the variant.
//! Next: `runtime::retry` retries the one, and gives up on the other.

use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// The same call may succeed later; whether it was applied is not known.
    #[error("{why} (may succeed later)")]
    Transient { why: String, retry_after: Option<Duration> },
    /// The same call will fail again.
    #[error("{reason}")]
    Permanent { reason: String },
}

impl PortError {
    pub fn transient(why: impl Into<String>) -> PortError {
        PortError::Transient { why: why.into(), retry_after: None }
    }
    pub fn permanent(reason: impl Into<String>) -> PortError {
        PortError::Permanent { reason: reason.into() }
    }
}
