//! Owns how a failure is written into a record, and read from it as the very same failure.
//! Never loses whether the same question may be asked again, and when.
//! Next: `Exchanges::asked` writes and reads them.

use std::time::Duration;

use contract::{PortError, Refused};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
struct Failure {
    why: String,
    again: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after_ms: Option<u64>,
    /// That nothing could be spent on asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spend: Option<Spending>,
    /// That a replay had no answer: the outputs of such a replay are worth nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unrecorded: bool,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Spending {
    Exhausted,
    Deposed,
}

pub(super) fn written(refused: &Refused) -> Value {
    let mut failure =
        Failure { why: refused.to_string(), again: false, after_ms: None, spend: None, unrecorded: false };
    match refused {
        Refused::Exhausted => failure.spend = Some(Spending::Exhausted),
        Refused::Deposed => failure.spend = Some(Spending::Deposed),
        Refused::Port(PortError::Transient { why, retry_after }) => {
            failure.why.clone_from(why);
            failure.again = true;
            failure.after_ms = retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        }
        Refused::Port(PortError::Permanent { reason }) => failure.why.clone_from(reason),
    }
    serde_json::to_value(failure).unwrap_or_default()
}

pub(super) fn unrecorded(why: &str) -> Value {
    let failure = Failure { why: why.to_owned(), again: false, after_ms: None, spend: None, unrecorded: true };
    serde_json::to_value(failure).unwrap_or_default()
}

pub(super) fn read(value: &Value) -> Refused {
    match Failure::deserialize(value) {
        Ok(Failure { spend: Some(Spending::Exhausted), .. }) => Refused::Exhausted,
        Ok(Failure { spend: Some(Spending::Deposed), .. }) => Refused::Deposed,
        Ok(Failure { why, again: true, after_ms, .. }) => {
            Refused::Port(PortError::Transient { why, retry_after: after_ms.map(Duration::from_millis) })
        }
        Ok(Failure { why, .. }) => Refused::Port(PortError::permanent(why)),
        Err(why) => Refused::Port(PortError::permanent(format!("a recorded failure is damaged: {why}"))),
    }
}
