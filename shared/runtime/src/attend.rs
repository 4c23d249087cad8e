//! Owns the time while a handler works: its heartbeat, its deadline, its panic, and what else ends the work early.
//! Never writes what the handler returned: that is `delivery`'s.
//! Next: `delivery` commits, releases or parks, by what became of the handler.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tracing::Instrument as _;

use crate::handler::{Handled, Step, StepError};
use crate::lane::Lane;
use crate::ledger::Attr;
use crate::ledger::step::Hold;
use crate::message::Delivery;
use crate::ports::Written;

/// What became of the handler.
pub(crate) enum Attended {
    Returned(Result<Handled, StepError>),
    Panicked(String),
    /// The step's own deadline passed.
    Overdue,
    /// This process is stopping.
    GivenBack,
    /// Nobody wants it any more.
    GoalEnded,
    /// The lease could not be kept, or somebody else has it.
    Lost,
}

/// Runs the handler on a task of its own, so that even one that never yields cannot hold up its heartbeat.
pub(crate) async fn attend(
    lane: &Lane,
    delivery: &Delivery<'_>,
    hold: &Hold,
    held_since: Instant,
    step: Step,
) -> Attended {
    let handler = Arc::clone(&lane.handler);
    let began = Instant::now();
    let mut work = JoinSet::new();
    // What a handler logs names its delivery, too.
    work.spawn(async move { handler.handle(step).await }.in_current_span());
    let attended = tokio::select! {
        biased;
        done = work.join_next() => match done {
            Some(Ok(returned)) => Attended::Returned(returned),
            Some(Err(died)) => Attended::Panicked(panic_text(died)),
            None => Attended::Lost,
        },
        stop = heartbeat(lane, delivery, hold, held_since) => stop,
        () = lane.drain.work.cancelled() => Attended::GivenBack,
        () = sleep(Duration::from_secs(lane.limits().step_deadline_s)) => Attended::Overdue,
    };
    lane.context.telemetry.metrics().work_time(&lane.row.name, began.elapsed());
    attended
}

/// Returns when the work must stop; while it does not, the lease is mine.
async fn heartbeat(lane: &Lane, delivery: &Delivery<'_>, hold: &Hold, held_since: Instant) -> Attended {
    let context = &lane.context;
    let lease = lane.lease();
    // The work must have ended before the lease does: a sixth of it is kept for that.
    let mut stop_at = held_since + lease - lease / 6;
    let mut next = held_since + lease / 3;
    loop {
        sleep_until(next).await;
        let asked = Instant::now();
        match timeout_at(stop_at, context.write(&hold.heartbeat(context.now() + lease))).await {
            Ok(Ok(Written::Applied(_))) => {
                stop_at = asked + lease - lease / 6;
                next = asked + lease / 3;
            }
            Ok(Ok(Written::Refused(_))) => {
                tracing::warn!("the heartbeat was refused: somebody else has the step, and its work here is cancelled");
                return Attended::Lost;
            }
            Ok(Err(_)) | Err(_) if Instant::now() + Duration::from_secs(1) < stop_at => {
                next = Instant::now() + Duration::from_secs(1);
                continue;
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!("no heartbeat came through in time: the work is cancelled before the lease ends");
                return Attended::Lost;
            }
        }
        // Neither of these fences anything: failing to hide the message brings a second copy, which finds the lease.
        let hidden = lane.set_visibility(&delivery.message.receipt, lane.visibility_timeout());
        let (_, goal) = tokio::join!(timeout_at(next, hidden), timeout_at(next, context.goal(hold.key.goal)));
        if let Ok(Ok(Some(goal))) = goal
            && goal.has(&Attr::Ended)
        {
            return Attended::GoalEnded;
        }
    }
}

fn panic_text(died: tokio::task::JoinError) -> String {
    match died.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".into()),
        Err(_) => "it was cancelled".into(),
    }
}
