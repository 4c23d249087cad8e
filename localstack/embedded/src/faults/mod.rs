//! Owns faults on demand: which calls go wrong, and how. Seeded, so that a run can be repeated.
//! Never a surprise: without a fault that somebody asked for, every call is carried out as it is.
//! Next: `front` consults before each call; `log` remembers what became of it.

mod holds;
mod log;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::engine::Quirks;

use holds::Holds;
pub use holds::{Held, Release};
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
    /// Only calls signed with an access key that begins so: whoever has a key of their own can be told from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// Only calls whose body has all of these texts: an item's key, an event's type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containing: Vec<String>,
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
    /// Not carried out before the label is released.
    Hold { label: String },
    /// Carried out; not answered before the label is released.
    HoldReply { label: String },
}

/// What a fault is looked for by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Called<'a> {
    pub(crate) operation: &'a str,
    pub(crate) resource: Option<&'a str>,
    pub(crate) caller: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

/// What is to be done about one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Effects {
    pub(crate) delay: Duration,
    pub(crate) refuse: Option<ApiError>,
    pub(crate) cut: bool,
    pub(crate) lose_reply: bool,
    /// The label by which it is released.
    pub(crate) hold: Option<String>,
    pub(crate) hold_reply: Option<String>,
    pub(crate) quirks: Quirks,
}

impl Effects {
    /// Whether the call takes longer than its client may wait.
    pub(crate) fn take_time(&self) -> bool {
        !self.delay.is_zero() || self.hold.is_some() || self.hold_reply.is_some()
    }
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    calls: u64,
    struck: u64,
}

/// The faults that stand, shared by all connections.
#[derive(Clone, Debug)]
pub struct Faults {
    standing: Arc<Mutex<(Vec<Armed>, fastrand::Rng)>>,
    holds: Holds,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Faults {
        Faults { standing: Arc::new(Mutex::new((vec![], fastrand::Rng::with_seed(seed)))), holds: Holds::new() }
    }

    /// From now on.
    pub fn add(&self, fault: Fault) {
        self.with(|faults, _| faults.push(Armed { fault, calls: 0, struck: 0 }));
    }

    /// None stands any more, and what was held goes on.
    pub fn clear(&self) {
        self.with(|faults, _| faults.clear());
        self.holds.release(|_| true, Release::Go);
    }

    /// The first call that is held under this label, once there is one.
    pub async fn held(&self, label: &str) -> Held {
        self.holds.held(label).await
    }

    /// All that are held now.
    pub fn held_now(&self) -> Vec<Held> {
        self.holds.list()
    }

    /// Lets go what is held under this label, and holds nothing more under it. Says how many calls that were.
    pub fn release(&self, label: &str, how: Release) -> usize {
        self.with(|faults, _| faults.retain(|armed| armed.fault.what.label() != Some(label)));
        self.holds.release(|held| held.label == label, how)
    }

    pub(crate) async fn hold(&self, held: Held) -> Release {
        self.holds.hold(held).await
    }

    /// It stands no more, once; says how many calls it struck.
    pub fn remove(&self, fault: &Fault) -> u64 {
        self.with(|faults, _| {
            let found = faults.iter().position(|armed| armed.fault == *fault);
            found.map_or(0, |at| faults.remove(at).struck)
        })
    }

    /// How many calls it struck by now.
    pub fn struck(&self, fault: &Fault) -> u64 {
        let of =
            |faults: &mut Vec<Armed>| faults.iter().find(|armed| armed.fault == *fault).map_or(0, |one| one.struck);
        self.with(|faults, _| of(faults))
    }

    /// Those that stand.
    pub fn list(&self) -> Vec<Fault> {
        self.with(|faults, _| faults.iter().map(|armed| armed.fault.clone()).collect())
    }

    pub(crate) fn consult(&self, called: Called<'_>) -> Effects {
        self.with(|faults, chance| {
            let mut effects = Effects::default();
            for armed in faults.iter_mut().filter(|armed| armed.fault.fits(called)) {
                armed.calls += 1;
                let strikes = match armed.fault.when {
                    When::Nth(nth) => armed.calls == nth,
                    When::First(first) => armed.calls <= first,
                    When::Probability(p) => chance.f64() < p,
                };
                if strikes {
                    armed.struck += 1;
                    effects.take(&armed.fault.what, called.operation);
                }
            }
            effects
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Vec<Armed>, &mut fastrand::Rng) -> T) -> T {
        let mut inner = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let (faults, chance) = &mut *inner;
        look(faults, chance)
    }
}

impl Fault {
    /// Every call of that operation.
    pub fn on(operation: &str, what: What) -> Fault {
        let (caller, containing) = (None, vec![]);
        Fault { operation: operation.into(), resource: None, caller, containing, when: When::First(u64::MAX), what }
    }
    pub fn of(self, resource: &str) -> Fault {
        Fault { resource: Some(resource.into()), ..self }
    }
    pub fn when(self, when: When) -> Fault {
        Fault { when, ..self }
    }

    pub fn by(self, caller: &str) -> Fault {
        Fault { caller: Some(caller.into()), ..self }
    }
    pub fn containing(self, texts: impl IntoIterator<Item = impl Into<String>>) -> Fault {
        Fault { containing: texts.into_iter().map(Into::into).collect(), ..self }
    }

    fn fits(&self, called: Called<'_>) -> bool {
        let by = |wanted: &str| called.caller.is_some_and(|caller| caller.starts_with(wanted));
        (self.operation == "*" || self.operation == called.operation)
            && self.resource.as_deref().is_none_or(|wanted| Some(wanted) == called.resource)
            && self.caller.as_deref().is_none_or(by)
            && (self.containing.is_empty() || self.is_said_in(called.body))
    }

    fn is_said_in(&self, body: &[u8]) -> bool {
        let body = std::str::from_utf8(body).unwrap_or_default();
        self.containing.iter().all(|text| body.contains(text))
    }
}

impl What {
    fn label(&self) -> Option<&str> {
        match self {
            What::Hold { label } | What::HoldReply { label } => Some(label),
            _ => None,
        }
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
            What::Hold { label } => self.hold = Some(label.clone()),
            What::HoldReply { label } => self.hold_reply = Some(label.clone()),
        }
    }
}
