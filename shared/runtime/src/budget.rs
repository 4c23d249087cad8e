//! Owns spending: reservations that a handler makes before it asks a model, and the booking of what was left open.
//! Never decides what a step without means does: its handler does, with what it has.
//! Next: `delivery` books at a takeover, `effects` books what a finished step left open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use contract::PortError;

use crate::context::Context;
use crate::ledger::spend::{self, Call, Refusal, Spend};
use crate::ledger::{ItemKey, step::Hold};
use crate::ports::Written;

/// The means of one attempt of one step.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Means>);

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
pub struct Reservation {
    means: Arc<Means>,
    call: Call,
    bound: Spend,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    #[error("the goal's allowance does not cover this call")]
    Exhausted,
    /// The goal has ended, or this attempt is not the holder any more: the work is being cancelled.
    #[error("this attempt may not spend any more")]
    Deposed,
    #[error(transparent)]
    Port(#[from] PortError),
}

impl From<BudgetError> for crate::StepError {
    fn from(error: BudgetError) -> crate::StepError {
        match error {
            BudgetError::Exhausted => crate::StepError::BudgetExhausted,
            BudgetError::Deposed => crate::StepError::Deposed,
            BudgetError::Port(error) => error.into(),
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
        Budget(Arc::new(means))
    }

    /// Before a model is asked: at most this much.
    pub async fn reserve(&self, bound: Spend) -> Result<Reservation, BudgetError> {
        let means = &self.0;
        let number = means.calls.fetch_add(1, Ordering::Relaxed);
        let call = Call { step: means.hold.key.clone(), epoch: means.hold.epoch, number };
        means.open.fetch_add(1, Ordering::Relaxed);
        match means.context.write(&spend::reserve(&call, bound)).await? {
            Written::Applied(_) => Ok(Reservation { means: Arc::clone(means), call, bound }),
            Written::Refused(goal) => match goal.map(|goal| spend::refusal(&call, &goal)) {
                Some(Refusal::Mine) => Ok(Reservation { means: Arc::clone(means), call, bound }),
                refused => {
                    means.open.fetch_sub(1, Ordering::Relaxed);
                    Err(if refused == Some(Refusal::Exhausted) { BudgetError::Exhausted } else { BudgetError::Deposed })
                }
            },
        }
    }

    /// What this attempt has really cost so far, as far as it was settled.
    pub fn spent(&self) -> Spend {
        Spend { tokens: self.0.tokens.load(Ordering::Relaxed), micros: self.0.micros.load(Ordering::Relaxed) }
    }

    /// Whether every reservation of this attempt is known to be settled: then there is nothing to book.
    pub(crate) fn settled(&self) -> bool {
        self.0.open.load(Ordering::Relaxed) == 0
    }
}

impl Reservation {
    /// After the model answered: what it really cost. An answer that was paid for is not thrown away because this
    /// fails: what is not settled is booked at its bound when the step ends.
    pub async fn settle(self, cost: Spend) {
        self.means.tokens.fetch_add(cost.tokens, Ordering::Relaxed);
        self.means.micros.fetch_add(cost.micros, Ordering::Relaxed);
        match self.means.context.write(&spend::settle(&self.call, self.bound, cost)).await {
            Ok(_) => {
                self.means.open.fetch_sub(1, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!(goal = %self.call.step.goal, %error, "a reservation is booked at its bound"),
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
