//! Owns the people who fork goals in a simulated world, from any step, at any time, and sometimes only half-way at first.
//! Never a daemon: they write to the ledger and send to the queue as `murmur goal fork` does.
//! Next: the witness holds forks to the same promises as any goal.

use std::sync::Arc;
use std::time::Duration;

use contract::GoalId;
use runtime::Chance;
use runtime::fork::{self, Forked, Means, Wanted};
use runtime::history::History;
use runtime::ports::Ports;

use super::{Shared, run};
use crate::tired::Tired;

const FORKS_MAX: usize = 4;

pub(super) async fn forks(shared: Arc<Shared>) {
    for number in 0..FORKS_MAX {
        tokio::time::sleep(Duration::from_secs(20 + shared.up_to(300))).await;
        if !shared.faults_on() {
            return;
        }
        let goals: Vec<GoalId> = shared.witness().accepted.iter().copied().collect();
        if goals.is_empty() {
            continue;
        }
        let goal = goals[shared.draw(|rng| rng.usize(..goals.len()))];
        if let Err(why) = one(&shared, goal, number).await {
            shared.violated("fork-refused", || format!("{goal}: {why}"));
        }
    }
}

async fn one(shared: &Shared, goal: GoalId, number: usize) -> Result<(), String> {
    let ports = shared.cloud.ports(Arc::new(shared.clock));
    let read = History::of(goal, &*ports.ledger, &*ports.artifacts, shared.now()).await;
    let Some(history) = read.map_err(|why| why.to_string())? else { return Ok(()) };
    let steps: Vec<_> = history.steps.iter().filter(|step| step.input.is_some()).collect();
    if steps.is_empty() {
        return Ok(());
    }
    let from = steps[shared.draw(|rng| rng.usize(..steps.len()))];
    let wanted = Wanted { key: format!("fork-{number}"), model: None };
    let id = GoalId::derive(&history.goal.request.tenant, &wanted.key);
    shared.log("user", "FORKS", format_args!("{goal} from {} as {id}", history.label(from)));
    // Its end may come before this returns.
    shared.witness().forked(id);
    if shared.chance(0.3) {
        let writes = shared.up_to(8);
        let tired = Ports { ledger: Arc::new(Tired::after(writes, Arc::clone(&ports.ledger))), ..ports.clone() };
        drop(again(shared, &tired, &history, from, &wanted).await);
        if shared.chance(0.2) {
            // Nobody comes back to it: its deadline ends it.
            shared.witness().abandoned(id);
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(shared.up_to(30))).await;
        return later(shared, &ports, goal, from, &wanted).await;
    }
    again(shared, &ports, &history, from, &wanted).await?;
    if shared.chance(0.4) {
        // It is at work by now, and so is the other goal.
        tokio::time::sleep(Duration::from_secs(shared.up_to(60))).await;
        return later(shared, &ports, goal, from, &wanted).await;
    }
    Ok(())
}

/// As somebody who comes back to it finds the other goal then.
async fn later(
    shared: &Shared,
    ports: &Ports,
    goal: GoalId,
    from: &runtime::history::PastStep,
    wanted: &Wanted,
) -> Result<(), String> {
    let read = History::of(goal, &*ports.ledger, &*ports.artifacts, shared.now()).await;
    let Some(history) = read.map_err(|why| why.to_string())? else { return Ok(()) };
    let from = history.step(&format!("{}#{}", from.row, from.event_id())).map_err(|why| why.to_string())?;
    again(shared, ports, &history, from, wanted).await.map(drop)
}

async fn again(
    shared: &Shared,
    ports: &Ports,
    history: &History,
    from: &runtime::history::PastStep,
    wanted: &Wanted,
) -> Result<Forked, String> {
    let (settings, chance) = (run::settings(shared), Chance::seeded(shared.seed));
    let means = Means { ports, choreography: &shared.choreography, settings: &settings, chance: &chance };
    fork::fork(means, history, from, wanted).await.map_err(|why| why.to_string())
}
