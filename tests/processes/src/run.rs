//! Owns one whole run: provisioned servers, four daemons as processes, goals in, their ends out.
//! Never a server: whoever calls says where they are.
//! Next: the same run over the stand-in, LocalStack and ministack.

use std::time::Duration;

use anyhow::ensure;
use contract::events::GoalCompleted;
use contract::{Event, EventData};

use crate::agents::TASKS;
use crate::sample::{self, Outcome};
use crate::{Flock, Site, Wish};

/// For a whole goal, on a machine that is busy with something else.
pub const GOAL_MAX: Duration = Duration::from_secs(120);

/// Provisions, answers three goals at once, and drains: what a choreography is for.
pub async fn goals_are_answered(site: &Site) -> anyhow::Result<()> {
    site.provision().await?;
    let ports = site.ports().await?;
    let flock = Flock::start(site).await?;
    let wishes = ["one", "two", "three"].map(Wish::new);
    for wish in &wishes {
        wish.send(&ports, &site.choreography).await?;
    }
    for wish in &wishes {
        completed(wish, &wish.end(&ports, GOAL_MAX).await?)?;
    }
    flock.drain().await
}

/// The same with the agents themselves, over the sample sources.
pub async fn reports_are_written(site: &Site) -> anyhow::Result<()> {
    site.provision().await?;
    let ports = site.ports().await?;
    sample::ingest(&ports).await?;
    let flock = Flock::start_agents(site).await?;
    let wish = Wish::of("the sample", sample::GOAL);
    wish.send(&ports, &site.choreography).await?;
    let result = Outcome::of(&wish, &ports).await?;
    ensure!(result.report.contains("## References") || result.report.contains("## Sources"), "{}", result.report);
    ensure!(!result.analysed.findings.is_empty() && !result.analysed.metrics.is_empty(), "{:?}", result.analysed);
    ensure!(!result.advice.recommendations.is_empty(), "no advice");
    flock.drain().await
}

/// Whether a goal ended as the scripts make it end.
pub fn completed(wish: &Wish, end: &Event) -> anyhow::Result<()> {
    ensure!(end.kind == GoalCompleted::TYPE, "{} ended as {}: {}", wish.key, end.kind, end.data);
    let done: GoalCompleted = serde_json::from_value(end.data.clone())?;
    ensure!(done.missing.is_empty(), "missing: {:?}", done.missing);
    let wanted = format!("{TASKS} answers to {:?}", wish.words);
    ensure!(end.data.to_string().contains(&wanted.replace('"', "\\\"")), "{wanted} is not in {}", end.data);
    Ok(())
}
