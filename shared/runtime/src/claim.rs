//! Owns the claim: the table of `docs/protocol.md` §2, first row that fits.
//! Never works: it ends with a step that is mine, a record to repeat, or a settlement.
//! Next: `delivery` works on what is mine, `effects` repeat what is recorded.

use std::time::Duration;

use contract::guard::{self, Guard};
use contract::{Cause, CauseKind, PortError};
use tokio::time::Instant;

use crate::gate::Place;
use crate::lane::Lane;
use crate::ledger::goal::Goal;
use crate::ledger::step::{self, Claimant, Crashes, State, Step};
use crate::message::Delivery;
use crate::ports::Written;
use crate::settle::Settlement;
use crate::telemetry::ClaimOutcome;

pub(crate) enum Claim {
    Found {
        place: Place,
        step: Box<Step>,
        /// From when the lease runs, on this process's own clock.
        held_since: Instant,
    },
    Settled(Settlement),
}

/// The rows of the table, by what is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Mine,
    OtherData,
    AllDone,
    RepeatCommit,
    NewRound,
    RoundsOver,
    RepeatPark,
    OldCopy,
    Busy,
    Takeover,
    NotYet,
    Resume,
}

pub(crate) async fn claim(lane: &Lane, delivery: &Delivery<'_>, goal: &Goal) -> Result<Claim, PortError> {
    let context = &lane.context;
    let mut place = match wait_for(lane, delivery, context.gate.beside()).await {
        Ok(place) => place,
        Err(settlement) => return Ok(Claim::Settled(settlement)),
    };
    loop {
        if lane.drain.receives.is_cancelled() {
            return Ok(Claim::Settled(Settlement::RetryAfter(Duration::ZERO)));
        }
        let held_since = Instant::now();
        let fresh = step::claim(delivery.key.clone(), &delivery.digest, goal.expires_at, &claimant(lane, delivery));
        let item = match context.write(&fresh).await? {
            Written::Applied(item) => {
                context.telemetry.metrics().claimed(&lane.row.name, ClaimOutcome::Fresh);
                return Ok(Claim::Found { place, step: Box::new(Step::read(&item)?), held_since });
            }
            Written::Refused(Some(item)) => item,
            Written::Refused(None) => return Err(PortError::transient("a refused claim found no step")),
        };
        let step = Step::read(&item)?;
        let row = row(lane, delivery, &step);
        context.telemetry.metrics().claimed(&lane.row.name, metric(row));
        let write = match row {
            Row::Mine => {
                // An earlier try was applied and its reply lost: the lease runs since then.
                let left = context.now().until(step.lease).min(lane.lease());
                let held_since = Instant::now() - (lane.lease() - left);
                return Ok(Claim::Found { place, step: Box::new(step), held_since });
            }
            Row::RepeatCommit | Row::RepeatPark => {
                return Ok(Claim::Found { place, step: Box::new(step), held_since });
            }
            Row::OtherData | Row::AllDone | Row::RoundsOver | Row::OldCopy | Row::Busy | Row::NotYet => {
                return Ok(Claim::Settled(settlement(lane, row, &step)));
            }
            Row::NewRound => step::new_round(&step, &claimant(lane, delivery)),
            Row::Takeover | Row::Resume => {
                let crashes = Crashes::of(&step, row == Row::Takeover);
                if crashes.must_be_alone() && !place.is_alone() {
                    drop(place);
                    place = match wait_for(lane, delivery, context.gate.alone()).await {
                        Ok(place) => place,
                        Err(settlement) => return Ok(Claim::Settled(settlement)),
                    };
                    continue;
                }
                if row == Row::Takeover {
                    step::takeover(&step, crashes, &claimant(lane, delivery))
                } else {
                    step::claim_released(&step, crashes, &claimant(lane, delivery))
                }
            }
        };
        if let Written::Applied(item) = context.write(&write).await? {
            if row == Row::Takeover {
                context.telemetry.metrics().crashed(&lane.row.name);
                let (from, epoch) = (step.epoch, step.epoch + 1);
                tracing::warn!(from, epoch, "the lease of the step's holder ran out: it is taken over");
            }
            return Ok(Claim::Found { place, step: Box::new(Step::read(&item)?), held_since });
        }
        // Somebody was faster: the table starts again.
    }
}

/// The first row that fits.
fn row(lane: &Lane, delivery: &Delivery<'_>, step: &Step) -> Row {
    let now = lane.context.now();
    if step.owner == delivery.token && guard::stands(Guard::OwnerRow) {
        return Row::Mine;
    }
    let unfinished = matches!(step.state, State::Claimed | State::Released);
    let asked_late = !guard::stands(Guard::DigestFirst) && unfinished;
    if step.digest != delivery.digest && guard::stands(Guard::DigestRow) && !asked_late {
        return Row::OtherData;
    }
    match step.state {
        State::Committed if step.emitted => Row::AllDone,
        State::Committed => Row::RepeatCommit,
        State::Parked if guard::holds(Guard::RedriveN, delivery.park_n == step.parks) => {
            let rounds_left = guard::holds(Guard::RoundsCap, step.rounds < lane.limits().rounds_max);
            if rounds_left { Row::NewRound } else { Row::RoundsOver }
        }
        State::Parked if step.dead_lettered < step.parks && guard::stands(Guard::HalfParkRow) => Row::RepeatPark,
        State::Parked => Row::OldCopy,
        State::Claimed => {
            let over = step::takeover_at(step, lane.context.settings.skew_margin) < now;
            if guard::holds(Guard::Lease, over) { Row::Takeover } else { Row::Busy }
        }
        State::Released if guard::holds(Guard::NotBefore, step.not_before <= now) => Row::Resume,
        State::Released => Row::NotYet,
    }
}

fn settlement(lane: &Lane, row: Row, step: &Step) -> Settlement {
    let context = &lane.context;
    match row {
        Row::OtherData => {
            let detail = format!("{} was claimed before with other data", step.key.sort());
            Settlement::Reject(Cause::new(CauseKind::PayloadMismatch, detail))
        }
        Row::RoundsOver => {
            let detail = format!("{} rounds of redriving it failed", step.rounds);
            Settlement::Reject(Cause::new(CauseKind::RedrivenTooOften, detail))
        }
        Row::Busy => {
            let free = step.lease + context.settings.skew_margin;
            Settlement::RetryAfter(context.now().until(free) + context.chance.up_to(Duration::from_secs(3)))
        }
        Row::NotYet => Settlement::RetryAfter(context.now().until(step.not_before)),
        _ => Settlement::Delete,
    }
}

fn claimant(lane: &Lane, delivery: &Delivery<'_>) -> Claimant {
    let now = lane.context.now();
    Claimant {
        token: delivery.token.clone(),
        holder: lane.context.holder.clone(),
        now,
        lease: now + lane.lease(),
        event_at: delivery.event.time,
        sent_at: delivery.message.sent_at,
        received_at: delivery.received_at,
    }
}

/// A place at work. Every step of this process ends by its row's deadline, so whoever waits longer than the longest of
/// them waits in vain; meanwhile its message stays hidden.
async fn wait_for(
    lane: &Lane,
    delivery: &Delivery<'_>,
    place: impl Future<Output = Place>,
) -> Result<Place, Settlement> {
    let mut place = std::pin::pin!(place);
    let give_up = Instant::now() + lane.context.longest_step + lane.lease();
    loop {
        tokio::select! {
            biased;
            place = &mut place => return Ok(place),
            () = lane.drain.receives.cancelled() => return Err(Settlement::RetryAfter(Duration::ZERO)),
            () = tokio::time::sleep(lane.lease() / 2) => {}
        }
        if Instant::now() >= give_up {
            return Err(Settlement::Leave);
        }
        let hidden = lane.set_visibility(&delivery.message.receipt, lane.visibility_timeout());
        // Failing to hide it brings a second copy, which waits at the same gate.
        let _ = tokio::time::timeout(lane.lease() / 4, hidden).await;
    }
}

fn metric(row: Row) -> ClaimOutcome {
    match row {
        Row::Mine => ClaimOutcome::Resumed,
        Row::OtherData => ClaimOutcome::Mismatch,
        Row::AllDone | Row::RepeatCommit => ClaimOutcome::Committed,
        Row::NewRound => ClaimOutcome::NewRound,
        Row::RoundsOver => ClaimOutcome::RedrivenTooOften,
        Row::RepeatPark => ClaimOutcome::Parked,
        Row::OldCopy => ClaimOutcome::OldCopy,
        Row::Busy => ClaimOutcome::Busy,
        Row::Takeover => ClaimOutcome::Takeover,
        Row::NotYet => ClaimOutcome::NotYet,
        Row::Resume => ClaimOutcome::Released,
    }
}
