//! Owns the main job: from a goal and its sources to a report on the disk, with everything that it needs started here.
//! Never leaves a process behind: what was started is stopped, also when the goal fails; what ran before runs on.
//! Next: `home` has what works, `wish` is sent and followed, `keep` puts the result on the disk, `show` tells a person.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use contract::events::GoalCompleted;
use engine::corpus::DEFAULT_COLLECTION;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Misused};
use crate::home::Home;
use crate::keep::{Kept, keep};
use crate::live::Live;
use crate::reach::Where;
use crate::screen::Screen;
use crate::wish::{Ended, Followed, Goal, Spent};
use crate::{ingest, show};

const POLL: Duration = Duration::from_millis(50);
/// So long may a server be away before somebody is told.
const SILENT_MAX: Duration = Duration::from_secs(5);

/// Work on one goal, here: starts what is missing, shows progress, leaves a report, stops what it started
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  murmur run \"Compare our prices with those of others\" --sources ./prices --out ./report"
)]
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

/// What came of it.
enum Came {
    Completed {
        done: Box<GoalCompleted>,
        kept: Kept,
    },
    Otherwise {
        kind: String,
        data: Value,
    },
    /// Nobody waits any longer.
    Left(Left),
}

/// Why nobody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    BeforeItWasSent,
    WhileItWasSent,
    Stopped,
    Late,
    /// The agents of a `murmur up` were stopped with it.
    Abandoned,
    BeforeItWasKept,
}

/// A run that reached its goal's end, or not.
struct Ran {
    goal: Goal,
    came: Came,
    spent: Spent,
    started: Duration,
}

pub(crate) async fn run(
    asked: &Asked,
    place: &Where,
    screen: Screen,
    stop: &CancellationToken,
) -> anyhow::Result<Exit> {
    let (urls, folders) = asked.checked()?;
    let began = Instant::now();
    let mut live = Live::new(screen);
    let house = place.house()?;
    let collections = collections(&folders);
    let goal = Goal::new(&asked.goal, &urls, &collections, asked.context.as_deref());
    let opened = stop.run_until_cancelled(Box::pin(Home::open(place, &house, &live))).await.transpose()?;
    let ran = match opened {
        Some(mut home) => {
            let sources: Vec<_> = folders.iter().zip(&collections).collect();
            let ran = work(asked, goal, &sources, &mut home, &mut live, stop, began).await;
            live.clear();
            home.close(&live).await;
            ran?
        }
        None => Ran::left(goal, Left::BeforeItWasSent),
    };
    let next = (!ran.is_unsent()).then(|| format!("murmur explain {}{}", ran.goal.id, place.flags()));
    if screen.json {
        screen.document(&document(&ran, began.elapsed(), next.as_deref()))?;
    } else {
        tell(&ran, screen, began.elapsed())?;
        if !matches!(ran.came, Came::Completed { .. }) {
            screen.progress(&format!("logs of the agents: {}", house.folder().join("logs").display()));
        }
        next.iter().for_each(|next| screen.progress(&format!("next: {next}")));
    }
    Ok(if matches!(ran.came, Came::Completed { .. }) { Exit::Done } else { Exit::Failed })
}

impl Ran {
    fn left(goal: Goal, why: Left) -> Ran {
        Ran { goal, came: Came::Left(why), spent: Spent::default(), started: Duration::ZERO }
    }

    fn is_unsent(&self) -> bool {
        matches!(self.came, Came::Left(Left::BeforeItWasSent))
    }
}

impl Left {
    fn cause(self) -> &'static str {
        match self {
            Left::BeforeItWasSent => "stopped before the goal was sent",
            Left::WhileItWasSent => "stopped while the goal was sent",
            Left::Stopped => "stopped",
            Left::Late => "it has not ended in time",
            Left::Abandoned => "murmur up was stopped",
            Left::BeforeItWasKept => "stopped before the report was on the disk",
        }
    }

    fn of_the_goal(self) -> &'static str {
        match self {
            Left::BeforeItWasSent => "there is no goal, and nobody works on one",
            Left::WhileItWasSent => "if it has arrived, it is open, and goes on with the next murmur up or run",
            Left::Stopped | Left::Late | Left::Abandoned => {
                "the goal stays open, and goes on with the next murmur up or run"
            }
            Left::BeforeItWasKept => "the goal is completed, and its report is among the artifacts",
        }
    }
}

impl Asked {
    /// Before anything is started: URLs, and folders and files that are there.
    fn checked(&self) -> anyhow::Result<(Vec<String>, Vec<String>)> {
        if self.goal.trim().is_empty() {
            let example = "murmur run \"Compare our prices with those of others\"";
            return Err(Misused(format!("an empty goal: say what you want, as in {example}")).into());
        }
        let (urls, folders): (Vec<String>, Vec<String>) =
            self.sources.iter().cloned().partition(|source| is_url(source));
        if let Some(missing) = folders.iter().find(|folder| !Path::new(folder).exists()) {
            return Err(Misused(format!("{missing} does not exist: --sources takes folders, files and URLs")).into());
        }
        let unwritable =
            || format!("the report cannot be put into {}: name another folder with --out DIR", self.out.display());
        std::fs::create_dir_all(&self.out).with_context(unwritable)?;
        tempfile::NamedTempFile::new_in(&self.out).with_context(unwritable)?;
        Ok((urls, folders))
    }
}

async fn work(
    asked: &Asked,
    goal: Goal,
    sources: &[(&String, &String)],
    home: &mut Home,
    live: &mut Live,
    stop: &CancellationToken,
    began: Instant,
) -> anyhow::Result<Ran> {
    let Some(started) = stop.run_until_cancelled(Box::pin(prepared(sources, home, live, began))).await.transpose()?
    else {
        return Ok(Ran::left(goal, Left::BeforeItWasSent));
    };
    let sent = stop.run_until_cancelled(goal.send(&home.reach.ports, &home.reach.choreography)).await.transpose()?;
    if sent.is_none() {
        return Ok(Ran::left(goal, Left::WhileItWasSent));
    }
    live.line(&format!("goal {} was sent", goal.id));
    let mut followed = Followed::default();
    let left = follow(&goal, &mut followed, home, live, Duration::from_secs(asked.within), stop).await?;
    let came = match (followed.ended, left) {
        (Some(Ended::Completed(done)), _) => {
            let kept =
                stop.run_until_cancelled(Box::pin(keep(&done, goal.id, &home.reach, &asked.out))).await.transpose()?;
            kept.map_or(Came::Left(Left::BeforeItWasKept), |kept| Came::Completed { done, kept })
        }
        (Some(Ended::Otherwise { kind, data }), _) => Came::Otherwise { kind, data },
        (None, why) => Came::Left(why.unwrap_or(Left::Stopped)),
    };
    Ok(Ran { goal, came, spent: followed.spent, started })
}

/// Agents that receive, and sources that were read; when the first was so.
async fn prepared(
    sources: &[(&String, &String)],
    home: &mut Home,
    live: &Live,
    began: Instant,
) -> anyhow::Result<Duration> {
    home.come_up().await?;
    let started = began.elapsed();
    live.line(&format!("{}, {}", home.who_works(), seconds(started)));
    for (folder, collection) in sources {
        ingest::one(live.screen(), Path::new(folder), collection, &home.reach.ports.artifacts).await?;
    }
    Ok(started)
}

/// Until it ends, or nobody waits any longer: then why.
async fn follow(
    goal: &Goal,
    followed: &mut Followed,
    home: &mut Home,
    live: &mut Live,
    within: Duration,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Left>> {
    let began = Instant::now();
    let mut heard = Instant::now();
    loop {
        for what in home.look_after()? {
            live.line(&what);
        }
        // Before the ledger is read: what they had at work may have been its end.
        let is_abandoned = home.is_abandoned();
        match stop.run_until_cancelled(goal.follow(&home.reach.ports, followed)).await {
            None => return Ok(Some(Left::Stopped)),
            Some(Ok(changed)) => {
                heard = Instant::now();
                changed.iter().for_each(|changed| live.step(changed));
            }
            Some(Err(why)) if heard.elapsed() >= SILENT_MAX => {
                live.line(&format!("{} does not answer: {why}", home.reach.server.name()));
                heard = Instant::now();
            }
            Some(Err(_)) => {}
        }
        show_rows(followed, home, live, began.elapsed());
        if followed.ended.is_some() {
            return Ok(None);
        }
        if is_abandoned {
            return Ok(Some(Left::Abandoned));
        }
        if began.elapsed() >= within {
            return Ok(Some(Left::Late));
        }
        if stop.run_until_cancelled(sleep(POLL)).await.is_none() {
            return Ok(Some(Left::Stopped));
        }
    }
}

fn show_rows(followed: &Followed, home: &Home, live: &mut Live, took: Duration) {
    if !live.moves() {
        return;
    }
    for row in &home.reach.choreography.rows {
        let stands = followed.of_row(row.name.as_str());
        live.row(row.name.as_str(), &format!("  {:<15} {stands}", row.name.as_str()));
    }
    live.row("", &format!("  {}, {}", seconds(took), show::spent(followed.spent)));
}

/// One for each folder: of two in one collection, each would remove what the other has. The same folder gets the same
/// one again, so that only what changed is read.
fn collections(folders: &[String]) -> Vec<String> {
    if folders.is_empty() {
        return vec![DEFAULT_COLLECTION.to_owned()];
    }
    folders.iter().map(|folder| collection_of(Path::new(folder))).collect()
}

fn collection_of(folder: &Path) -> String {
    let path = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain: String = name.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit()).take(20).collect();
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{plain}-{short}")
}

fn tell(ran: &Ran, screen: Screen, took: Duration) -> anyhow::Result<()> {
    match &ran.came {
        Came::Completed { done, kept } => {
            screen.text(&show::result(kept, screen))?;
            for missing in &done.missing {
                screen.progress(&format!("missing: {missing}"));
            }
            screen.progress(&format!("done in {}; {}", seconds(took), show::spent(ran.spent)));
            screen.progress(&show::files(&kept.files));
        }
        Came::Otherwise { kind, data } => screen.progress(&format!("{kind}: {}", data["cause"])),
        Came::Left(why) => screen.progress(&format!("{}: {}", why.cause(), why.of_the_goal())),
    }
    Ok(())
}

fn document(ran: &Ran, took: Duration, next: Option<&str>) -> Value {
    let goal = (!ran.is_unsent()).then_some(ran.goal.id);
    let mut document = json!({
        "goal": goal, "spent": ran.spent, "started_ms": ran.started.as_millis() as u64,
        "took_ms": took.as_millis() as u64, "next": next,
    });
    let more = match &ran.came {
        Came::Completed { done, kept } => {
            let files: Vec<String> = kept.files.iter().map(|file| file.display().to_string()).collect();
            let advice = &kept.recommendations.recommendations;
            json!({"end": "goal.completed", "files": files, "missing": done.missing, "recommendations": advice})
        }
        Came::Otherwise { kind, data } => json!({"end": kind, "cause": data["cause"]}),
        Came::Left(why) => json!({"end": null, "cause": why.cause()}),
    };
    if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
        document.extend(more);
    }
    document
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_folders_of_one_name_are_two_collections() {
        let parent = tempfile::tempdir().unwrap();
        let (one, other) = (parent.path().join("a/Preise 2026"), parent.path().join("b/Preise 2026"));
        std::fs::create_dir_all(&one).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        assert_ne!(collection_of(&one), collection_of(&other));
        assert_eq!(collection_of(&one), collection_of(&one.join("../Preise 2026")));
        assert!(collection_of(&one).starts_with("preise2026-"));
        let strange = parent.path().join("価格");
        assert_eq!(collection_of(&strange).len(), "-12345678".len());
    }
}
