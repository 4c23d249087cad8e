//! Owns spending: reservations that a handler makes before it asks a model, and the booking of what was left open.
//! Never decides what a step without means does: its handler does, with what it has.
//! Next: `delivery` books at a takeover, `effects` books what a finished step left open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use contract::{PortError, Refused, Spend};

use crate::context::Context;
use crate::ledger::spend::{self, Call, Refusal};
use crate::ledger::{ItemKey, step::Hold};
use crate::ports::Written;

/// The means of one attempt of one step.
#[derive(Clone, Debug)]
pub struct Budget(Option<Arc<Means>>);

#[derive(Debug)]
struct Means {
    context: Arc<Context>,
    hold: Hold,
    calls: AtomicU32,
    /// Reservations of which it is not known that they were settled.
    open: AtomicU32,
    /// What this attempt has really cost so far.
    tokens: AtomicU64,
    micros: AtomicU64,
}

/// The right to spend up to a bound, once.
#[must_use = "a reservation that is not settled is booked at its bound"]
#[derive(Debug)]
pub struct Reservation(Option<Open>);

#[derive(Debug)]
struct Open {
    means: Arc<Means>,
    call: Call,
    bound: Spend,
}

impl From<Refused> for crate::StepError {
    fn from(error: Refused) -> crate::StepError {
        match error {
            Refused::Exhausted => crate::StepError::BudgetExhausted,
            Refused::Deposed => crate::StepError::Deposed,
            Refused::Port(error) => error.into(),
        }
    }
}

impl Budget {
    pub(crate) fn new(context: Arc<Context>, hold: Hold) -> Budget {
        let means = Means {
            context,
            hold,
            calls: AtomicU32::new(0),
            open: AtomicU32::new(0),
            tokens: AtomicU64::new(0),
            micros: AtomicU64::new(0),
        };
        Budget(Some(Arc::new(means)))
    }

    /// Nothing is paid, so nothing is counted: a replay's, and that of a handler which is tried by itself.
    pub(crate) fn unbounded() -> Budget {
        Budget(None)
    }

    /// Before a model is asked: at most this much.
    pub async fn reserve(&self, bound: Spend) -> Result<Reservation, Refused> {
        let Some(means) = &self.0 else { return Ok(Reservation(None)) };
        let number = means.calls.fetch_add(1, Ordering::Relaxed);
        let call = Call { step: means.hold.key.clone(), epoch: means.hold.epoch, number };
        means.open.fetch_add(1, Ordering::Relaxed);
        match means.context.write(&spend::reserve(&call, bound)).await? {
            Written::Applied(_) => Ok(Reservation(Some(Open { means: Arc::clone(means), call, bound }))),
            Written::Refused(goal) => match goal.map(|goal| spend::refusal(&call, &goal)) {
                Some(Refusal::Mine) => Ok(Reservation(Some(Open { means: Arc::clone(means), call, bound }))),
                refused => {
                    means.open.fetch_sub(1, Ordering::Relaxed);
                    Err(if refused == Some(Refusal::Exhausted) { Refused::Exhausted } else { Refused::Deposed })
                }
            },
        }
    }

    /// What this attempt has really cost so far, as far as it was settled.
    pub fn spent(&self) -> Spend {
        self.0.as_ref().map_or_else(Spend::default, |means| Spend {
            tokens: means.tokens.load(Ordering::Relaxed),
            micros: means.micros.load(Ordering::Relaxed),
        })
    }

    /// Whether every reservation of this attempt is known to be settled: then there is nothing to book.
    pub(crate) fn settled(&self) -> bool {
        self.0.as_ref().is_none_or(|means| means.open.load(Ordering::Relaxed) == 0)
    }
}

impl Reservation {
    /// After the model answered: what it really cost. An answer that was paid for is not thrown away because this
    /// fails: what is not settled is booked at its bound when the step ends.
    pub async fn settle(self, cost: Spend) {
        let Some(Open { means, call, bound }) = self.0 else { return };
        means.tokens.fetch_add(cost.tokens, Ordering::Relaxed);
        means.micros.fetch_add(cost.micros, Ordering::Relaxed);
        match means.context.write(&spend::settle(&call, bound, cost)).await {
            Ok(_) => {
                means.open.fetch_sub(1, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!(goal = %call.step.goal, %error, "a reservation is booked at its bound"),
        }
    }
}

/// What a step's earlier holders (with `own`: this one too) left open counts as spent.
pub(crate) async fn book(context: &Context, step: &ItemKey, epoch: u32, own: bool) -> Result<(), PortError> {
    loop {
        let Some(goal) = context.read(&ItemKey::goal(step.goal)).await? else { return Ok(()) };
        let Some(write) = spend::book(&goal, step, epoch, own)? else { return Ok(()) };
        let applied = matches!(context.write(&write).await?, Written::Applied(_));
        // A full write may have left some for the next one.
        if applied && write.changes.len() < spend::AT_ONCE {
            return Ok(());
        }
    }
}
