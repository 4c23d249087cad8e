//! Owns finding a goal's history for the commands that look back: replay, diff and fork.
//! Never changes anything.
//! Next: `runtime::history` reads it, step by step.

use anyhow::Context as _;
use runtime::history::History;

use crate::goal::named;
use crate::reach::Reach;

/// By the goal's id, or the beginning of it.
pub(crate) async fn history(reach: &Reach, goal: &str) -> anyhow::Result<History> {
    let id = named::find(reach, goal).await?;
    let ports = &reach.ports;
    let found = History::of(id, &*ports.ledger, &*ports.artifacts, ports.clock.now()).await?;
    found.with_context(|| format!("goal {id} has just expired"))
}
