//! Owns time as the whole system sees it: one instant type at millisecond precision, and the `Clock` port.
//! Never reads the operating system's clock: adapters do (`runtime::ports::SystemClock`, `testkit::ManualClock`).
//! Next: `runtime::ports`, which hands a clock to whoever needs one.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since the Unix epoch. The ledger stores the number, an envelope spells it as RFC 3339:
/// both hold the same instant exactly, so "the lease as read" can be compared for equality anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMs(pub i64);

/// Where the time comes from. A port, because every promise about leases is tested under skewed clocks.
pub trait Clock: Send + Sync + fmt::Debug {
    fn now(&self) -> UnixMs;
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no RFC 3339 time in UTC, such as 2026-11-20T12:00:00Z")]
pub struct NoInstant(pub String);

impl UnixMs {
    /// How long from `self` until `later`; zero where that has passed.
    pub fn until(self, later: UnixMs) -> Duration {
        Duration::from_millis(u64::try_from(later.0 - self.0).unwrap_or(0))
    }
}

impl Add<Duration> for UnixMs {
    type Output = UnixMs;
    fn add(self, span: Duration) -> UnixMs {
        UnixMs(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for UnixMs {
    type Output = UnixMs;
    fn sub(self, span: Duration) -> UnixMs {
        UnixMs(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for UnixMs {
    type Err = NoInstant;
    fn from_str(text: &str) -> Result<UnixMs, NoInstant> {
        let at: jiff::Timestamp = text.parse().map_err(|_| NoInstant(text.chars().take(64).collect()))?;
        Ok(UnixMs(at.as_millisecond()))
    }
}

impl Serialize for UnixMs {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnixMs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<UnixMs, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for UnixMs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}
