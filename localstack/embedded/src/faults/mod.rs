//! Owns faults on demand: which calls go wrong, and how. Seeded, so that a run can be repeated.
//! Never a surprise: without a fault that somebody asked for, every call is carried out as it is.
//! Next: `front` consults before each call; `log` remembers what became of it.

mod log;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::engine::Quirks;

pub(crate) use log::OperationLog;
pub use log::{Ending, Operation};

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// As AWS calls it: `SendMessageBatch`, `PutEvents`, `UpdateItem`; `*` is every one.
    pub operation: String,
    /// Only calls of this queue, bus or table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    pub when: When,
    pub what: What,
}

/// Which of the calls that fit. Calls are counted from the moment that the fault was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The n-th, counted from 1.
    Nth(u64),
    /// The first n.
    First(u64),
    /// Each with this probability.
    Probability(f64),
}

/// How a call goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Not carried out; answered with this code.
    Fail { code: String, status: u16 },
    /// Not carried out; answered as the service answers when too much is asked of it.
    Throttle,
    /// Carried out after so long, whether or not the client still waits for it.
    DelayMs(u64),
    /// Not carried out; the connection ends without an answer.
    Cut,
    /// Carried out; the connection ends without an answer.
    LoseReply,
    /// The last so many entries of the batch are not carried out, and answered with this code.
    FailEntries { entries: usize, code: String },
    /// What a receive returns stays visible, and so comes again.
    DeliverTwice,
    /// A receive takes from anywhere in the queue.
    OutOfOrder,
}

/// What is to be done about one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Effects {
    pub(crate) delay: Duration,
    pub(crate) refuse: Option<ApiError>,
    pub(crate) cut: bool,
    pub(crate) lose_reply: bool,
    pub(crate) quirks: Quirks,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    calls: u64,
}

/// The faults that stand, shared by all connections.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Mutex<(Vec<Armed>, fastrand::Rng)>>);

impl Faults {
    pub(crate) fn new(seed: u64) -> Faults {
        Faults(Arc::new(Mutex::new((vec![], fastrand::Rng::with_seed(seed)))))
    }

    /// From now on.
    pub fn add(&self, fault: Fault) {
        self.with(|faults, _| faults.push(Armed { fault, calls: 0 }));
    }

    pub fn clear(&self) {
        self.with(|faults, _| faults.clear());
    }

    /// Those that stand.
    pub fn list(&self) -> Vec<Fault> {
        self.with(|faults, _| faults.iter().map(|armed| armed.fault.clone()).collect())
    }

    pub(crate) fn consult(&self, operation: &str, resource: Option<&str>) -> Effects {
        self.with(|faults, chance| {
            let mut effects = Effects::default();
            for armed in faults.iter_mut().filter(|armed| armed.fault.fits(operation, resource)) {
                armed.calls += 1;
                let strikes = match armed.fault.when {
                    When::Nth(nth) => armed.calls == nth,
                    When::First(first) => armed.calls <= first,
                    When::Probability(p) => chance.f64() < p,
                };
                if strikes {
                    effects.take(&armed.fault.what, operation);
                }
            }
            effects
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Vec<Armed>, &mut fastrand::Rng) -> T) -> T {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (faults, chance) = &mut *inner;
        look(faults, chance)
    }
}

impl Fault {
    /// Every call of that operation.
    pub fn on(operation: &str, what: What) -> Fault {
        Fault { operation: operation.into(), resource: None, when: When::First(u64::MAX), what }
    }
    pub fn of(self, resource: &str) -> Fault {
        Fault { resource: Some(resource.into()), ..self }
    }
    pub fn when(self, when: When) -> Fault {
        Fault { when, ..self }
    }

    fn fits(&self, operation: &str, resource: Option<&str>) -> bool {
        (self.operation == "*" || self.operation == operation)
            && self.resource.as_deref().is_none_or(|wanted| Some(wanted) == resource)
    }
}

impl Effects {
    fn take(&mut self, what: &What, operation: &str) {
        match what {
            What::Fail { code, status } => {
                let said = ApiError::refused("", format!("{operation} fails on demand"));
                self.refuse = Some(ApiError { code: code.clone().into(), status: *status, ..said });
            }
            What::Throttle => {
                let said = ApiError::refused("ThrottlingException", format!("{operation} is throttled on demand"));
                self.refuse = Some(said);
            }
            What::DelayMs(ms) => self.delay += Duration::from_millis(*ms),
            What::Cut => self.cut = true,
            What::LoseReply => self.lose_reply = true,
            What::FailEntries { entries, code } => self.quirks.fail_entries = Some((*entries, code.clone())),
            What::DeliverTwice => self.quirks.deliver_twice = true,
            What::OutOfOrder => self.quirks.out_of_order = true,
        }
    }
}
