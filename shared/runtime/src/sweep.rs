//! Owns what is due: deadlines of goals and joins, and ends that somebody stored but did not live to tell.
//! Never coordinates: every daemon sweeps now and then, and two sweepers do no harm.
//! Next: `join` ends, closes and publishes for whoever finds the reason.

use std::sync::Arc;
use std::time::Duration;

use contract::PortError;
use contract::events::{EndCause, GoalFailed, OnDeadLetter};
use contract::guard::{self, Guard};

use crate::context::Context;
use crate::join::{self, Closer};
use crate::ledger::goal::Goal;
use crate::ledger::join::{JoinState, postpone, undue};
use crate::ledger::{DUE_SHARDS, ItemKey, ItemKind};

const AT_ONCE: usize = 100;

/// Sweeps until it is cancelled.
pub(crate) async fn sweep(context: Arc<Context>) {
    loop {
        tokio::time::sleep(context.chance.around(context.settings.sweep_every)).await;
        for shard in 0..DUE_SHARDS {
            if let Err(error) = shard_once(&context, shard).await {
                tracing::warn!(shard, %error, "the sweep found no answer and will ask again");
            }
        }
    }
}

async fn shard_once(context: &Context, shard: u8) -> Result<(), PortError> {
    let before = context.now() - context.settings.skew_margin;
    let due = context.retried(|| context.ports.ledger.due(shard, before, AT_ONCE)).await?;
    for key in due {
        // One item that cannot be helped must not keep the sweep from the others.
        if let Err(error) = due_item(context, &key).await {
            tracing::warn!(goal = %key.goal, item = key.sort(), %error, "a due item was left for the next sweep");
        }
    }
    Ok(())
}

/// The index may be behind: the item itself decides.
async fn due_item(context: &Context, key: &ItemKey) -> Result<(), PortError> {
    let closer = Closer::sweeping(context);
    let Some(item) = context.read(&ItemKey::goal(key.goal)).await? else { return Ok(()) };
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
        Some(event) if !goal.join.told => join::publish(context, &goal.key(), event).await,
        Some(_) => Ok(()),
        None => overdue_goal(context, goal, closer).await.map(drop),
    }
}

/// A goal past its deadline ends: as completed, if what is required is there. Returns it as it then is.
pub(crate) async fn overdue_goal(context: &Context, goal: Goal, closer: &Closer) -> Result<Goal, PortError> {
    let careful = guard::stands(Guard::DeadlineClosable);
    if careful && goal.join.closable() {
        join::close(context, &goal, goal.join.clone(), closer, JoinState::closable).await?;
    } else {
        let cause = EndCause::DeadlineExceeded { missing: goal.join.missing() };
        let failed = GoalFailed { goal: goal.words(), cause };
        let version = careful.then_some(goal.join.version);
        join::end(context, &goal.request, &failed, version, closer).await?;
    }
    match context.read(&goal.key()).await? {
        Some(item) => Goal::read(&item),
        None => Ok(goal),
    }
}

async fn due_join(context: &Context, goal: &Goal, key: &ItemKey, closer: &Closer) -> Result<(), PortError> {
    let Some(item) = context.read(key).await? else { return Ok(()) };
    let state = JoinState::read(&item)?;
    if !is_due(context, &state) {
        return Ok(());
    }
    if goal.ended() {
        context.write(&undue(key)).await?;
        return Ok(());
    }
    if let Some(event) = &state.closed {
        if !state.told {
            join::publish(context, key, event).await?;
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
            join::end(context, &goal.request, &failed, None, closer).await?;
        }
        OnDeadLetter::Hold => {
            let until = context.now() + context.settings.hold_postpone.max(Duration::from_secs(1));
            context.write(&postpone(key, until)).await?;
        }
    }
    Ok(())
}
