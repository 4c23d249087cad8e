//! Owns the life of a delivery: the one function that decides everything about one message.
//! Never receives and never settles: it is given a message and says what should become of it.
//! Next: `goals` admits, `claim` reads the table, `attend` works with a heartbeat beside it, `effects` follow the record.

use std::sync::Arc;
use std::time::Duration;

use contract::guard::{self, Guard};
use contract::{Cause, CauseKind, PortError};

use crate::attend::{self, Attended};
use crate::budget::{self, Budget};
use crate::claim::{Claim, claim};
use crate::goals::{self, Admission};
use crate::handler::{Step as StepAtWork, StepError};
use crate::journal::Journal;
use crate::lane::Lane;
use crate::ledger::Write;
use crate::ledger::goal::Goal;
use crate::ledger::step::{Ending, Hold, Over, State, Step};
use crate::message::Delivery;
use crate::ports::{Received, Written};
use crate::settle::Settlement;
use crate::trail::Trail;
use crate::{effects, outcome};

/// A step is given back in the last fifth of a drain: half of that at most is for what was paid.
const HASTE: u32 = 10;

/// Decides everything about one message: receive → **decode → claim → handle → commit → effects** → settle.
pub(crate) async fn process_delivery(
    lane: &Lane,
    message: &Received,
    trail: &mut Trail,
) -> Result<Settlement, PortError> {
    let delivery = match Delivery::decode(lane, message) {
        Ok(delivery) => delivery,
        Err(cause) => return Ok(Settlement::Reject(cause)),
    };
    trail.understood(&delivery);
    let goal = match goals::admit(lane, &delivery).await? {
        Admission::Open(goal) => goal,
        Admission::Settled(settlement) => return Ok(settlement),
    };
    if came_by_the_bus(&delivery, &goal) {
        let sent_after = delivery.event.time.until(message.sent_at);
        lane.context.telemetry.metrics().bus_latency(&lane.row.name, sent_after);
    }
    // The place is kept until the end: a step that must be alone is alone until its effects are out.
    let (_place, mut step, held_since) = match claim(lane, &delivery, &goal).await? {
        Claim::Found { place, step, held_since } => (place, *step, held_since),
        Claim::Settled(settlement) => return Ok(settlement),
    };
    loop {
        trail.at(&step);
        step = match step.state {
            State::Claimed => match work(lane, &delivery, &goal, &step, held_since, trail).await? {
                Worked::Recorded(step) => *step,
                Worked::Settled(settlement) => return Ok(settlement),
            },
            State::Released => {
                return Ok(Settlement::RetryAfter(lane.context.now().until(step.not_before)));
            }
            State::Committed => {
                effects::of_commit(lane, &delivery, &goal, &step).await?;
                return Ok(Settlement::Delete);
            }
            State::Parked => {
                effects::of_park(lane, &delivery, &goal, &step).await?;
                return Ok(Settlement::Delete);
            }
        };
    }
}

/// Not of a dead letter that was redriven, nor a copy in a fork, which keeps the time of the goal that it was made for.
fn came_by_the_bus(delivery: &Delivery<'_>, goal: &Goal) -> bool {
    let is_older = delivery.event.time < goal.request.time;
    delivery.park_n == 0 && !(is_older && goal.forked_from().is_some())
}

enum Worked {
    /// What the step's item shows after the holder's last write.
    Recorded(Box<Step>),
    Settled(Settlement),
}

async fn work(
    lane: &Lane,
    delivery: &Delivery<'_>,
    goal: &Goal,
    step: &Step,
    held_since: tokio::time::Instant,
    trail: &mut Trail,
) -> Result<Worked, PortError> {
    let context = &lane.context;
    let hold = Hold { key: delivery.key.clone(), token: delivery.token.clone(), epoch: step.epoch };
    if step.epoch > 1 && lane.row.spends && guard::stands(Guard::BookAtClaim) {
        budget::book(context, &hold.key, hold.epoch, false).await?;
    }
    let means = Budget::new(Arc::clone(context), hold.clone());
    if let Some(cause) = tries_are_over(lane, step) {
        let ending = Ending { at: context.now(), record: None };
        return record(lane, &hold, hold.park(&cause, false, ending)).await;
    }
    let journal = Journal::new(step.attempts + 1, context.now()).keeping(context, &hold, lane.lease());
    let at_work = at_work(lane, delivery, goal, &means, &journal);
    let returned = match attend::attend(lane, delivery, &hold, held_since, at_work).await {
        Attended::Returned(returned) => returned,
        Attended::Panicked(why) => Err(StepError::transient(format!("the handler panicked: {why}"))),
        Attended::Overdue => Err(StepError::transient("the step's deadline passed")),
        Attended::GivenBack => {
            let kept = journal.kept_in_haste(lane.context.settings.drain_grace / HASTE).await;
            let over = Over::new("given-back", context.now(), None).recorded(kept);
            return record(lane, &hold, hold.release(0, context.now(), &over, None)).await;
        }
        Attended::GoalEnded => {
            trail.left("goal-ended", "the goal ended while it was worked on");
            return Ok(Worked::Settled(Settlement::Delete));
        }
        Attended::Lost => {
            trail.left("lease-lost", "the lease could not be kept");
            return Ok(Worked::Settled(Settlement::Leave));
        }
    };
    let kept = context.retried(|| journal.keep()).await;
    let committed = async {
        let outcome = outcome::of(lane, delivery, goal, returned?).await?;
        let ending = Ending { at: context.now(), record: kept.clone().map_err(outcome::passing)? };
        // Perhaps applied, perhaps not: giving it back finds out, and goes on from what it finds. So does a commit that
        // the ledger refused for good: that says nothing against the step, which must not be parked for it.
        let commit = hold.commit(outcome, means.spent(), !means.settled(), ending);
        Ok(record(lane, &hold, commit).await.map_err(outcome::passing)?)
    };
    let error: StepError = match committed.await {
        Ok(recorded) => return Ok(recorded),
        Err(error) => error,
    };
    trail.failed(&error);
    // A failure is told with its record where there is one, and without where not.
    let ending = Ending { at: context.now(), record: kept.unwrap_or_default() };
    give_up_or_back(lane, step, &hold, error, !means.settled(), ending).await
}

fn at_work(lane: &Lane, delivery: &Delivery<'_>, goal: &Goal, means: &Budget, journal: &Journal) -> StepAtWork {
    let context = &lane.context;
    // Some of it is kept for what a handler does when its model came too late: at the end itself it is stopped.
    let so_long = Duration::from_secs(lane.limits().step_deadline_s).mul_f64(0.9);
    StepAtWork {
        event: Arc::clone(&delivery.event),
        attempt: journal.so_far().attempt,
        key: format!("{}/{}", lane.row.name, delivery.event.id),
        goal_deadline: goal.deadline,
        deadline: context.now() + so_long,
        budget: means.clone(),
        artifacts: journal.noting(Arc::clone(&context.ports.artifacts)),
        unlisted: Arc::clone(&context.ports.artifacts),
        clock: Arc::clone(&context.ports.clock),
        model: goal.preferred_model(),
        journal: journal.clone(),
    }
}

/// After an error: another try later, or the end of trying.
async fn give_up_or_back(
    lane: &Lane,
    step: &Step,
    hold: &Hold,
    error: StepError,
    unbooked: bool,
    ending: Ending,
) -> Result<Worked, PortError> {
    let context = &lane.context;
    context.telemetry.metrics().attempt_failed(&lane.row.name);
    let write = match error {
        StepError::Transient { why, retry_after } => {
            let not_before = ending.at + context.step_backoff(step.attempts, retry_after);
            let over = Over::new("failed", ending.at, Some(&why)).recorded(ending.record);
            hold.release(1, not_before, &over, Some(&Cause::new(CauseKind::AttemptsExhausted, why)))
        }
        StepError::Permanent { reason } => hold.park(&Cause::new(CauseKind::Permanent, reason), unbooked, ending),
        // Somebody else holds the step, or its goal has ended: whoever receives the message next finds out which.
        StepError::Deposed => return Ok(Worked::Settled(Settlement::RetryAfter(Duration::from_secs(1)))),
        StepError::BudgetExhausted => {
            let cause = Cause::new(CauseKind::BudgetExhausted, "the goal's allowance is spent");
            hold.park(&cause, unbooked, ending)
        }
    };
    record(lane, hold, write).await
}

fn tries_are_over(lane: &Lane, step: &Step) -> Option<Cause> {
    let limits = lane.limits();
    let last = step.cause.as_ref().map_or("no error was recorded", |cause| cause.detail.as_str());
    let counted = if guard::stands(Guard::AloneCounting) { 0 } else { step.crashes };
    if step.attempts >= limits.attempts_max {
        return Some(Cause::new(CauseKind::AttemptsExhausted, format!("{} attempts; the last: {last}", step.attempts)));
    }
    let died = step.alone_crashes + counted;
    (died >= limits.alone_crashes_max).then(|| {
        Cause::new(CauseKind::CrashesExhausted, format!("its process died {died} times handling it alone; {last}"))
    })
}

/// One of the holder's writes. Refused, but with my own token: on from what the item shows; any other refusal ends
/// the delivery without a settlement.
async fn record(lane: &Lane, hold: &Hold, write: Write) -> Result<Worked, PortError> {
    match lane.context.write(&write).await? {
        Written::Applied(item) => Ok(Worked::Recorded(Box::new(Step::read(&item)?))),
        Written::Refused(Some(item)) => {
            let step = Step::read(&item)?;
            let mine = step.owner == hold.token && step.state != State::Claimed;
            if mine && guard::stands(Guard::OwnTokenGoesOn) {
                return Ok(Worked::Recorded(Box::new(step)));
            }
            Ok(Worked::Settled(Settlement::Leave))
        }
        Written::Refused(None) => Ok(Worked::Settled(Settlement::Leave)),
    }
}
