//! Owns what happens before a claim: is the goal there, is it still wanted, does this message begin it or end it?
//! Never touches a step: a message of an ended goal is deleted without work.
//! Next: `claim`, for the messages of open goals.

use contract::events::{GoalCancelRequested, GoalCancelled, GoalRequested};
use contract::guard::{self, Guard};
use contract::{Cause, CauseKind, EventData, PortError};

use crate::join::{self, Closer};
use crate::lane::Lane;
use crate::ledger::goal::{self, Goal};
use crate::message::Delivery;
use crate::ports::Written;
use crate::settle::Settlement;
use crate::sweep;
use crate::telemetry::ClaimOutcome;

pub(crate) enum Admission {
    Open(Box<Goal>),
    Settled(Settlement),
}

pub(crate) async fn admit(lane: &Lane, delivery: &Delivery<'_>) -> Result<Admission, PortError> {
    let context = &lane.context;
    let event = &delivery.event;
    let mut goal = context.goal(event.goal).await?.map(|item| Goal::read(&item)).transpose()?;
    if lane.row.accepts_goals && event.kind == GoalCancelRequested::TYPE {
        return cancel(lane, delivery, goal).await;
    }
    if lane.row.accepts_goals && event.kind == GoalRequested::TYPE {
        let accepted = match goal {
            Some(goal) => goal,
            None => match accept(lane, delivery).await? {
                Ok(goal) => goal,
                Err(cause) => return Ok(Admission::Settled(Settlement::Reject(cause))),
            },
        };
        if !guard::holds(Guard::AcceptDigest, accepted.digest == delivery.digest) {
            context.telemetry.metrics().claimed(&lane.row.name, ClaimOutcome::Mismatch);
            let cause = Cause::new(CauseKind::PayloadMismatch, "the same key was used before with other data");
            return Ok(Admission::Settled(Settlement::Reject(cause)));
        }
        goal = Some(accepted);
    }
    let Some(mut goal) = goal else {
        context.telemetry.metrics().claimed(&lane.row.name, ClaimOutcome::NoSuchGoal);
        let cause = Cause::new(CauseKind::NoSuchGoal, format!("no goal {} was accepted, or it expired", event.goal));
        return Ok(Admission::Settled(Settlement::Reject(cause)));
    };
    if !goal.ended() && goal.deadline + context.settings.skew_margin < context.now() {
        // A backlog past its deadline ends here, without asking a model; the sweep would do the same.
        goal = sweep::overdue_goal(context, goal, &Closer::of(delivery)).await?;
    }
    if goal.ended() && guard::stands(Guard::GoalEnded) {
        context.telemetry.metrics().claimed(&lane.row.name, ClaimOutcome::GoalEnded);
        return Ok(Admission::Settled(Settlement::Delete));
    }
    Ok(Admission::Open(Box::new(goal)))
}

/// The goal begins to exist, or it already did; or it asks for what it cannot have.
async fn accept(lane: &Lane, delivery: &Delivery<'_>) -> Result<Result<Goal, Cause>, PortError> {
    let context = &lane.context;
    let undecodable = |why: String| Cause::new(CauseKind::Undecodable, why);
    let request: GoalRequested = match delivery.event.data_as() {
        Ok(request) => request,
        Err(why) => return Ok(Err(undecodable(why.to_string()))),
    };
    let now = context.now();
    let deadline = match goal::deadline(&request, now, &context.settings) {
        Ok(deadline) => deadline,
        Err(why) => return Ok(Err(undecodable(why))),
    };
    let write = goal::accept(&delivery.event, &request, deadline, now, &context.choreography, &context.settings);
    let (Written::Applied(item) | Written::Refused(Some(item))) = context.write(&write).await? else {
        return Err(PortError::transient("a refused accept found no goal"));
    };
    Goal::read(&item).map(Ok)
}

/// A cancel is no step: whoever accepts goals performs the end.
async fn cancel(lane: &Lane, delivery: &Delivery<'_>, goal: Option<Goal>) -> Result<Admission, PortError> {
    let of_another = goal.as_ref().is_some_and(|goal| goal.request.tenant != delivery.event.tenant);
    if (goal.is_none() || of_another) && guard::stands(Guard::EndExists) {
        let detail = format!("a cancel of goal {}, which nobody knows", delivery.event.goal);
        return Ok(Admission::Settled(Settlement::Reject(Cause::new(CauseKind::NoSuchGoal, detail))));
    }
    if !goal.as_ref().is_some_and(Goal::ended) {
        let reason = delivery.event.data_as::<GoalCancelRequested>().ok().and_then(|request| request.reason);
        let reason = reason.map(contract::bounded);
        let cancelled = GoalCancelled { goal: goal.as_ref().map(Goal::words).unwrap_or_default(), reason };
        let about = goal.as_ref().map_or(&*delivery.event, |goal| &goal.request);
        join::end(&lane.context, about, &cancelled, None, &Closer::of(delivery)).await?;
    }
    Ok(Admission::Settled(Settlement::Delete))
}
