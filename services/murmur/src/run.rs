//! Owns the main job: from a goal and its sources to a report on the disk, with everything that it needs started here.
//! Never leaves a process behind: what was started is stopped, also when the goal fails.
//! Next: `standin` and `flock` are started, `goal` is sent and watched, `show` tells a person.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use contract::events::{GoalCompleted, RecommendationsMade, ReportWritten};
use contract::{ArtifactRef, Artifacts, artifact};
use engine::corpus::DEFAULT_COLLECTION;
use tokio::time::Instant;

use crate::exit::Exit;
use crate::flock::{Flock, Replicas};
use crate::ingest;
use crate::reach::Where;
use crate::screen::Screen;
use crate::show;
use crate::surroundings;
use crate::wish::{Ended, Goal};

/// Work on one goal, here: starts everything, shows progress, leaves a report, stops everything
#[derive(Debug, clap::Args)]
pub(crate) struct Asked {
    /// What you want, in your own words
    goal: String,
    /// Folders, files or URLs that may be used; may be repeated
    #[arg(long = "sources", value_name = "DIR|URL")]
    sources: Vec<String>,
    /// Where the report and its tables are put
    #[arg(long, value_name = "DIR", default_value = "murmuration-report")]
    out: PathBuf,
    /// What else the agents should know
    #[arg(long, value_name = "TEXT")]
    context: Option<String>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    within: u64,
}

pub(crate) async fn run(asked: &Asked, place: &Where, _screen: Screen) -> anyhow::Result<Exit> {
    ensure!(!asked.goal.trim().is_empty(), "an empty goal: say what you want, as in murmur run \"Compare prices\"");
    let began = Instant::now();
    let (urls, folders): (Vec<String>, Vec<String>) = asked.sources.iter().cloned().partition(|source| is_url(source));
    for folder in &folders {
        ensure!(Path::new(folder).exists(), "{folder} does not exist: --sources takes folders, files and URLs");
    }
    let house = place.house()?;
    let agents_are_ours = house.running_agents()?;
    let reach = place.reach().await?;
    show::line(format_args!("{}", reach.server.name()));
    let ports = &reach.ports;
    let environment = surroundings::of(place, &reach.server)?;
    let replicas = Replicas::of(&reach.choreography, &[])?;
    let mut flock = Flock::launch(&house, agents_are_ours, false, reach.server.name(), &environment, &replicas)?;
    flock.come_up().await?;
    show::line(format_args!("four agents are up, {}", show::seconds(began.elapsed())));
    let collections = collections(folders.len());
    for (folder, collection) in folders.iter().zip(&collections) {
        ingest::one(Path::new(folder), collection, &ports.artifacts).await?;
    }
    let goal = Goal::new(&asked.goal, &urls, &collections, asked.context.as_deref());
    goal.send(ports, &reach.choreography).await?;
    show::line(format_args!("goal {} was sent", goal.id));
    let ended = goal.watch(ports, Duration::from_secs(asked.within)).await;
    let done = match &ended {
        Ok(Ended::Completed(done)) => {
            let kept = keep(done, &*ports.artifacts, &asked.out).await?;
            show::completed(done, &kept, began.elapsed());
            true
        }
        Ok(Ended::Otherwise { kind, data }) => {
            show::failed(kind, data);
            false
        }
        Err(_) => false,
    };
    flock.stop().await;
    if !done {
        show::line(format_args!("logs of the agents: {}", house.folder().join("logs").display()));
    }
    ended.map(|_| if done { Exit::Done } else { Exit::Failed })
}

/// One for each folder: of two in one collection, each would remove what the other has.
fn collections(folders: usize) -> Vec<String> {
    let numbered = |number: usize| format!("{DEFAULT_COLLECTION}-{number}");
    if folders < 2 { vec![DEFAULT_COLLECTION.to_owned()] } else { (1..=folders).map(numbered).collect() }
}

/// What was put on the disk.
pub(crate) struct Kept {
    pub(crate) report: String,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) recommendations: RecommendationsMade,
}

/// Report, other forms, tables and advice, under names that a person looks for.
async fn keep(done: &GoalCompleted, artifacts: &dyn Artifacts, out: &Path) -> anyhow::Result<Kept> {
    tokio::fs::create_dir_all(out).await.with_context(|| format!("{} cannot be made", out.display()))?;
    let written: ReportWritten = brought(done, "writer", artifacts).await?;
    let recommendations = match brought(done, "recommendation", artifacts).await {
        Ok(made) => made,
        Err(_) => RecommendationsMade { recommendations: vec![], notes: vec![] },
    };
    let bytes = artifact::fetch(artifacts, &written.report).await?;
    let report = String::from_utf8(bytes).context("the report is no text")?;
    let mut files = vec![out.join("report.md")];
    tokio::fs::write(&files[0], &report).await?;
    for (number, attachment) in written.attachments.iter().enumerate() {
        let path = out.join(file_name(number, attachment));
        tokio::fs::write(&path, artifact::fetch(artifacts, attachment).await?).await?;
        files.push(path);
    }
    let path = out.join("recommendations.json");
    tokio::fs::write(&path, serde_json::to_vec_pretty(&recommendations)?).await?;
    files.push(path);
    Ok(Kept { report, files, recommendations })
}

fn file_name(number: usize, attachment: &ArtifactRef) -> String {
    match attachment.mediatype.split(';').next().unwrap_or_default() {
        "text/html" => "report.html".into(),
        "text/csv" => format!("table-{number}.csv"),
        "image/svg+xml" => format!("chart-{number}.svg"),
        kind if kind.ends_with("json") => "report.json".into(),
        _ => format!("attachment-{number}"),
    }
}

/// What a member brought to the result, inline or by reference.
async fn brought<T: contract::EventData>(
    done: &GoalCompleted,
    member: &str,
    artifacts: &dyn Artifacts,
) -> anyhow::Result<T> {
    let arrived = done.arrived.iter().find(|arrived| arrived.member == member);
    let arrived = arrived.with_context(|| format!("{member} brought nothing"))?;
    match (&arrived.data, &arrived.reference) {
        (Some(data), _) => Ok(serde_json::from_value(data.clone())?),
        (None, Some(at)) => Ok(serde_json::from_slice(&artifact::fetch(artifacts, at).await?)?),
        (None, None) => anyhow::bail!("{member} brought no {}", T::TYPE),
    }
}

fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}
