//! Owns what is due: deadlines of goals and joins, and ends that somebody stored but did not live to tell.
//! Never coordinates: every daemon sweeps now and then, and two sweepers do no harm.
//! Next: `join` ends, closes and publishes for whoever finds the reason.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use contract::PortError;
use contract::events::{EndCause, GoalFailed, OnDeadLetter};
use contract::guard::{self, Guard};

use crate::context::Context;
use crate::join::{self, Closer};
use crate::ledger::goal::Goal;
use crate::ledger::join::{JoinState, postpone, undue};
use crate::ledger::{Attr, DUE_SHARDS, ItemKey, ItemKind};

const AT_ONCE: usize = 100;

/// Sweeps until it is cancelled.
pub(crate) async fn sweep(context: Arc<Context>) {
    loop {
        tokio::time::sleep(context.chance.around(context.settings.sweep_every)).await;
        // Each sweep begins elsewhere, so that one shard that takes long does not starve the others everywhere.
        let first = context.chance.below(DUE_SHARDS);
        for shard in (0..DUE_SHARDS).map(|n| (first + n) % DUE_SHARDS) {
            if let Err(error) = shard_once(&context, shard).await {
                tracing::warn!(shard, %error, "the sweep found no answer and will ask again");
            }
        }
    }
}

async fn shard_once(context: &Context, shard: u8) -> Result<(), PortError> {
    let before = context.now() - context.settings.skew_margin;
    let mut seen = BTreeSet::new();
    loop {
        // Items that could not be helped stay at the head: the next page must reach past them.
        let max = AT_ONCE + seen.len();
        let due = context.retried(|| context.ports.ledger.due(shard, before, max)).await?;
        let new: Vec<_> = due.into_iter().filter(|key| seen.insert(key.clone())).collect();
        for key in &new {
            if let Err(error) = due_item(context, key).await {
                tracing::warn!(goal = %key.goal, item = key.sort(), %error, "a due item was left for the next sweep");
            }
        }
        if new.len() < AT_ONCE {
            return Ok(());
        }
    }
}

/// The index may be behind: the item itself decides.
async fn due_item(context: &Context, key: &ItemKey) -> Result<(), PortError> {
    let closer = Closer::sweeping(context);
    let Some(item) = context.read(&ItemKey::goal(key.goal)).await? else {
        // Its goal expired: nobody waits for it any more.
        if let Some(item) = context.retried(|| context.ports.ledger.read(key)).await? {
            context.write(&undue(key, item.time(&Attr::DueAt))).await?;
        }
        return Ok(());
    };
    let goal = Goal::read(&item)?;
    match key.kind {
        ItemKind::Goal => due_goal(context, goal, &closer).await,
        ItemKind::Join(_) => due_join(context, &goal, key, &closer).await,
        ItemKind::Step { .. } => Ok(()),
    }
}

fn is_due(context: &Context, state: &JoinState) -> bool {
    state.due_at.is_some_and(|at| at + context.settings.skew_margin < context.now())
}

async fn due_goal(context: &Context, goal: Goal, closer: &Closer) -> Result<(), PortError> {
    if !is_due(context, &goal.join) {
        return Ok(());
    }
    match &goal.join.closed {
        Some(event) if !goal.join.told => {
            let causes = closer.causes(&goal.request, &goal.join);
            join::publish(context, &goal.key(), event, causes).await
        }
        Some(_) => Ok(()),
        None => overdue_goal(context, goal, closer).await.map(drop),
    }
}

/// A goal past its deadline ends: as completed, if what is required is there. Returns it as it then is, ended.
pub(crate) async fn overdue_goal(context: &Context, mut goal: Goal, closer: &Closer) -> Result<Goal, PortError> {
    let careful = guard::stands(Guard::DeadlineClosable);
    while !goal.ended() {
        let closable = careful && goal.join.closable();
        if closable {
            match join::close(context, &goal, goal.join.clone(), closer, JoinState::closable).await {
                // What arrived cannot be told, now or ever: the goal still ends.
                Err(PortError::Permanent { reason }) => {
                    tracing::error!(goal = %goal.request.goal, reason, "a complete goal cannot be told and fails");
                    fail(context, &goal, closer, None).await?;
                }
                other => other?,
            }
        } else {
            fail(context, &goal, closer, careful.then_some(goal.join.version)).await?;
        }
        // Refused because somebody arrived meanwhile: look again.
        let key = goal.key();
        let item = context.retried(|| context.ports.ledger.read(&key)).await?;
        let item = item.ok_or_else(|| PortError::transient("a goal vanished while it ended"))?;
        goal = Goal::read(&item)?;
    }
    Ok(goal)
}

async fn fail(context: &Context, goal: &Goal, closer: &Closer, if_version: Option<i64>) -> Result<(), PortError> {
    let cause = EndCause::DeadlineExceeded { missing: goal.join.missing() };
    let failed = GoalFailed { goal: goal.words(), cause };
    join::end(context, &goal.request, &failed, if_version, closer).await.map(drop)
}

async fn due_join(context: &Context, goal: &Goal, key: &ItemKey, closer: &Closer) -> Result<(), PortError> {
    let Some(item) = context.read(key).await? else { return Ok(()) };
    let state = JoinState::read(&item)?;
    if !is_due(context, &state) {
        return Ok(());
    }
    if goal.ended() {
        context.write(&undue(key, state.due_at)).await?;
        return Ok(());
    }
    if let Some(event) = &state.closed {
        if !state.told {
            join::publish(context, key, event, closer.causes(&goal.request, &state)).await?;
        }
        return Ok(());
    }
    if state.closable() {
        return join::close(context, goal, state, closer, JoinState::closable).await;
    }
    match goal.on_dead_letter {
        OnDeadLetter::Fail => {
            let cause = EndCause::JoinIncomplete { join: key.kind.to_string(), missing: state.missing() };
            let failed = GoalFailed { goal: goal.words(), cause };
            join::end(context, &goal.request, &failed, Some(goal.join.version), closer).await?;
        }
        OnDeadLetter::Hold => {
            let until = context.now() + context.settings.hold_postpone.max(Duration::from_secs(1));
            context.write(&postpone(key, until)).await?;
        }
    }
    Ok(())
}
