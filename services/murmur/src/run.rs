//! Owns the main job: from a goal and its sources to a report on the disk, with everything that it needs started here.
//! Never leaves a process behind: what was started is stopped, also when the goal fails.
//! Next: `standin` and `flock` are started, `goal` is sent and watched, `show` tells a person.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use contract::events::{Attachment, GoalCompleted, RecommendationsMade, ReportWritten};
use contract::{Artifacts, artifact};
use engine::corpus::DEFAULT_COLLECTION;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::exit::Exit;
use crate::flock::Flock;
use crate::ingest;
use crate::reach::Where;
use crate::screen::Screen;
use crate::show;
use crate::standin::Standin;
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
    let place = Place::of(place.data.as_deref())?;
    let standin = Standin::start(place.path()).await?;
    show::line(format_args!("the stand-in for AWS listens at {}", standin.endpoint()));
    let ports = standin.provisioned().await?;
    let flock = Flock::start(&standin, &place.path().join("logs")).await?;
    show::line(format_args!("four agents are up, {}", show::seconds(began.elapsed())));
    let collections = collections(folders.len());
    for (folder, collection) in folders.iter().zip(&collections) {
        ingest::one(Path::new(folder), collection, &ports.artifacts).await?;
    }
    let goal = Goal::new(&asked.goal, &urls, &collections, asked.context.as_deref());
    goal.send(&ports, &standin.choreography).await?;
    show::line(format_args!("goal {} was sent", goal.id));
    let ended = goal.watch(&ports, Duration::from_secs(asked.within)).await;
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
    flock.stop().await?;
    standin.stop().await?;
    if !done && place.is_kept() {
        show::line(format_args!("logs of the agents: {}", place.path().join("logs").display()));
    } else if !done {
        show::line(format_args!("run it again with --data DIR to keep the logs of the agents"));
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
        tokio::fs::write(&path, artifact::fetch(artifacts, &attachment.artifact).await?).await?;
        files.push(path);
    }
    let path = out.join("recommendations.json");
    tokio::fs::write(&path, serde_json::to_vec_pretty(&recommendations)?).await?;
    files.push(path);
    Ok(Kept { report, files, recommendations })
}

/// The name that the report gives it, where that is a bare file name and none of ours; else one made of its kind.
fn file_name(number: usize, attachment: &Attachment) -> String {
    const OURS: &[&str] = &["report.md", "recommendations.json"];
    let is_plain = |name: &&String| {
        let bare = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        bare && !name.starts_with('.') && !name.is_empty() && !OURS.contains(&name.as_str())
    };
    if let Some(name) = attachment.name.as_ref().filter(is_plain) {
        return name.clone();
    }
    match attachment.artifact.mediatype.split(';').next().unwrap_or_default() {
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

/// Where the servers keep their things.
enum Place {
    Kept(PathBuf),
    Passing(TempDir),
}

impl Place {
    fn of(named: Option<&Path>) -> anyhow::Result<Place> {
        let Some(folder) = named else { return Ok(Place::Passing(TempDir::new()?)) };
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(Place::Kept(folder.canonicalize()?))
    }

    fn path(&self) -> &Path {
        match self {
            Place::Kept(folder) => folder,
            Place::Passing(folder) => folder.path(),
        }
    }

    fn is_kept(&self) -> bool {
        matches!(self, Place::Kept(_))
    }
}
