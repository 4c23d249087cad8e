//! Owns how a failure is written into a record, and read from it as the very same failure.
//! Never loses whether the same question may be asked again, and when.
//! Next: `Exchanges::asked` writes and reads them.

use std::time::Duration;

use contract::{PortError, Refused};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Unmade;

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
    /// The ledger did not answer.
    Away,
}

pub(super) fn written(unmade: &Unmade) -> Value {
    let failure = match unmade {
        Unmade::Asking(error) => Failure::of(error),
        Unmade::Spending(Refused::Port(error)) => Failure { spend: Some(Spending::Away), ..Failure::of(error) },
        Unmade::Spending(Refused::Exhausted) => {
            Failure { spend: Some(Spending::Exhausted), ..Failure::new(&Refused::Exhausted.to_string()) }
        }
        Unmade::Spending(Refused::Deposed) => {
            Failure { spend: Some(Spending::Deposed), ..Failure::new(&Refused::Deposed.to_string()) }
        }
        Unmade::Unrecorded(why) => Failure { unrecorded: true, ..Failure::new(why) },
    };
    serde_json::to_value(failure).unwrap_or_default()
}

pub(super) fn read(value: &Value) -> Unmade {
    let failure = match Failure::deserialize(value) {
        Ok(failure) => failure,
        Err(why) => return Unmade::Unrecorded(format!("a recorded failure is damaged: {why}")),
    };
    match failure.spend {
        Some(Spending::Exhausted) => Unmade::Spending(Refused::Exhausted),
        Some(Spending::Deposed) => Unmade::Spending(Refused::Deposed),
        Some(Spending::Away) => Unmade::Spending(failure.error().into()),
        None => Unmade::Asking(failure.error()),
    }
}

impl Failure {
    fn new(why: &str) -> Failure {
        Failure { why: why.to_owned(), again: false, after_ms: None, spend: None, unrecorded: false }
    }

    fn of(error: &PortError) -> Failure {
        match error {
            PortError::Transient { why, retry_after } => Failure {
                again: true,
                after_ms: retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
                ..Failure::new(why)
            },
            PortError::Permanent { reason } => Failure::new(reason),
        }
    }

    fn error(self) -> PortError {
        if self.again {
            PortError::Transient { why: self.why, retry_after: self.after_ms.map(Duration::from_millis) }
        } else {
            PortError::permanent(self.why)
        }
    }
}
