//! Owns the sample sources and the running example's goal, and what came of a goal: report, analysis, advice.
//! Never a number of its own: tests compute what they expect from the sample's files.
//! Next: `run` and the tests of the agents.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use contract::documents::{self, Analysed};
use contract::events::{AnalysisCompleted, GoalCompleted, RecommendationsMade, ReportWritten};
use contract::{Artifacts, Event, EventData, RowName, artifact};
use engine::corpus::ingest::quiet;
use engine::corpus::{self, DEFAULT_COLLECTION, Ingested};
use runtime::ledger::{Attr, ItemKind};
use runtime::ports::Ports;
use serde_json::Value;

use crate::Wish;
use crate::run::GOAL_MAX;

pub const GOAL: &str = "Research competitive pricing for our new product and create a summary report";

/// Over the other sample.
pub const BROKER_GOAL: &str = "Choose a message broker for our order events and recommend one";

/// Where the sample is.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/samples/pricing")
}

/// Where the other sample is: the same agents, another matter.
pub fn broker_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/samples/broker")
}

/// Into the collection that a goal uses which names none.
pub async fn ingest(ports: &Ports) -> anyhow::Result<Ingested> {
    ingest_folder(&folder(), ports).await
}

pub async fn ingest_folder(folder: &Path, ports: &Ports) -> anyhow::Result<Ingested> {
    let artifacts: Arc<dyn Artifacts> = Arc::clone(&ports.artifacts);
    Ok(corpus::ingest(folder, DEFAULT_COLLECTION, &artifacts, &quiet()).await?)
}

/// What a completed goal left.
#[derive(Debug)]
pub struct Outcome {
    pub done: GoalCompleted,
    pub report: String,
    pub written: ReportWritten,
    pub advice: RecommendationsMade,
    pub analysed: Analysed,
}

impl Outcome {
    /// Waits for the goal's end, which must be a good one.
    pub async fn of(wish: &Wish, ports: &Ports) -> anyhow::Result<Outcome> {
        Outcome::within(wish, ports, GOAL_MAX).await
    }

    /// Likewise, for those who think for longer.
    pub async fn within(wish: &Wish, ports: &Ports, max: Duration) -> anyhow::Result<Outcome> {
        let end = wish.end(ports, max).await?;
        ensure!(end.kind == GoalCompleted::TYPE, "{} ended as {}: {}", wish.key, end.kind, end.data);
        let done: GoalCompleted = serde_json::from_value(end.data)?;
        let artifacts = &*ports.artifacts;
        let written: ReportWritten = brought(&done, "writer", artifacts).await?;
        let report = String::from_utf8(artifact::fetch(artifacts, &written.report).await?)?;
        let advice = brought(&done, "recommendation", artifacts).await?;
        let analysis: AnalysisCompleted = published(wish, ports, "analysis").await?;
        let details = analysis.details.context("an analysis without details")?;
        let analysed = documents::get(artifacts, &details).await?;
        Ok(Outcome { done, report, written, advice, analysed })
    }
}

async fn brought<T: EventData>(done: &GoalCompleted, member: &str, artifacts: &dyn Artifacts) -> anyhow::Result<T> {
    let arrived = done.arrived.iter().find(|arrived| arrived.member == member);
    let arrived = arrived.with_context(|| format!("{member} brought nothing: {:?}", done.missing))?;
    match (&arrived.data, &arrived.reference) {
        (Some(data), _) => Ok(serde_json::from_value(data.clone())?),
        (None, Some(at)) => Ok(serde_json::from_slice(&artifact::fetch(artifacts, at).await?)?),
        (None, None) => anyhow::bail!("{member} brought an empty hand"),
    }
}

/// What the one step of a row published, as the ledger has it.
async fn published<T: EventData>(wish: &Wish, ports: &Ports, row: &str) -> anyhow::Result<T> {
    let items = ports.ledger.story(wish.id()).await?;
    let of_row = |kind: &ItemKind| matches!(kind, ItemKind::Step { row: found, .. } if found.as_str() == row);
    let step = items.iter().find(|item| of_row(&item.key.kind)).with_context(|| format!("no step of {row}"))?;
    let outcome: Value = serde_json::from_str(step.text(&Attr::Outcome).context("nothing was committed")?)?;
    let event: Event = serde_json::from_value(outcome["here"]["emits"][0].clone())?;
    ensure!(event.kind == T::TYPE, "{} published {}", RowName::from(row.to_owned()), event.kind);
    Ok(event.data_as()?)
}
