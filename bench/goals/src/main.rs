//! Owns `make bench-goals`: pages of goals among a hundred thousand, and one goal's story, on the stand-in, against their bars.
//! Never a shortcut into the stand-in: all goes through the ledger port, over the wire, as `murmur` reads it.
//! Next: `filling` makes the goals; `runtime::listing` and `Ledger::story` are what is measured.

mod filling;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use aws::clients::{Clients, Limits, standin};
use aws::provision::{Plan, Reporter, provision};
use clap::Parser;
use contract::{Choreography, GoalId, Topology};
use embedded_cloud::{EmbeddedCloud, Options};
use figures::{Figure, Row, Run, say};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use runtime::config::Config;
use runtime::ledger::goal::Goal;
use runtime::ledger::{Mark, Standing};
use runtime::listing::{Bounds, Wanted, goals, page};
use runtime::ports::Ports;
use runtime::stall::stalls_of;
use tempfile::TempDir;
use tokio::time::Instant;

const BENCH: &str = "goals";
const LIST_P99_MAX: Duration = Duration::from_millis(300);
const STORY_P99_MAX: Duration = Duration::from_millis(200);
/// As `murmur goal list` asks.
const PAGE: usize = 20;
const LOOKS_MAX: usize = 4_000;
const STORIES_AT_ONCE: usize = 8;
const STEPS: usize = 50;

/// Fills a ledger and measures what is read from it.
#[derive(Debug, Parser)]
struct Flags {
    /// Goals in the ledger
    #[arg(long, default_value_t = 100_000)]
    goals: usize,
    /// How often each is measured
    #[arg(long, default_value_t = 200)]
    times: usize,
}

/// The server, and how to reach its ledger.
struct Place {
    ports: Ports,
    choreography: Choreography,
    config: Config,
    cloud: EmbeddedCloud,
    _folder: TempDir,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    figures::ended(BENCH, measured(&Flags::parse()).await)
}

async fn open() -> anyhow::Result<Place> {
    let folder = TempDir::new()?;
    let cloud = EmbeddedCloud::start(Options::in_directory(folder.path())).await?;
    let choreography = Topology::murmuration().check().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let artifacts = url::Url::from_file_path(folder.path().join("artifacts")).ok();
    let config = Config { artifacts, ..Config::of(&choreography) };
    let loader = || standin(cloud.endpoint(), "us-east-1");
    let clients = Clients::load(loader(), Limits::default()).await;
    provision(&clients, &Plan::of(&config), &mut Reporter::silent()).await?;
    let ports = aws::connect_with(loader(), Limits::default(), &config).await?;
    Ok(Place { ports, choreography, config, cloud, _folder: folder })
}

async fn measured(flags: &Flags) -> anyhow::Result<Run> {
    let mut run = Run::of(BENCH).typed("make bench-goals");
    let place = open().await?;
    let began = Instant::now();
    filling::fill(&place.ports, &place.choreography, &place.config.settings, flags.goals).await?;
    say(&format!("{} goals written in {:.0} s", flags.goals, began.elapsed().as_secs_f64()));
    let story = filling::story(&place.ports, &place.choreography, &place.config.settings, STEPS).await?;

    let deep = deep(&place, flags.goals / 2).await?;
    let of = |standing| Wanted { standing: Some(standing), ..Wanted::default() };
    let rare = Wanted { tenant: Some(filling::rare()), ..Wanted::default() };
    let nobody = Wanted { tenant: "nobody".parse().ok(), ..Wanted::default() };
    for (name, wanted, after) in [
        ("first page", Wanted::default(), None),
        ("page in the middle", Wanted::default(), Some(deep)),
        ("failed, one in a thousand", of(Standing::Failed), None),
        ("open, each with its steps", of(Standing::Open), None),
        ("a tenant's, one in two hundred", rare, None),
        ("a tenant's who has none", nobody, None),
    ] {
        let mut took_ms = vec![];
        let mut found = 0;
        for _ in 0..flags.times {
            let began = Instant::now();
            found = list(&place, &wanted, after).await?;
            took_ms.push(began.elapsed().as_secs_f64() * 1e3);
        }
        let row = Row::new("pages", format!("{name} ({found} goals)"), "ms", took_ms);
        run.add(row.at_most(Figure::P99, ms(LIST_P99_MAX)));
    }
    let mut took_ms = vec![];
    for _ in 0..flags.times {
        let began = Instant::now();
        let items = place.ports.ledger.story(story).await?.len();
        took_ms.push(began.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(items > STEPS, "a story of {items} items");
    }
    let row = Row::new("pages", format!("story of a goal of {STEPS} steps"), "ms", took_ms);
    run.add(row.at_most(Figure::P99, ms(STORY_P99_MAX)));
    place.cloud.stop().await;
    Ok(run)
}

/// One page as `murmur goal list` makes it: the index, the goals' items, and the steps of those that are open.
async fn list(place: &Place, wanted: &Wanted, after: Option<Mark>) -> anyhow::Result<usize> {
    let ledger = &*place.ports.ledger;
    let page = page(ledger, wanted, after, Bounds { goals_max: PAGE, looks_max: LOOKS_MAX }).await?;
    let ids: Vec<GoalId> = page.goals.iter().map(|(listed, _)| listed.mark.goal).collect();
    let items = goals(ledger, &ids, place.ports.clock.now()).await?;
    let read = items.values().map(Goal::read).collect::<Result<Vec<_>, _>>()?;
    let open = read.iter().filter(|goal| !goal.ended()).map(|goal| goal.request.goal);
    let looks = open.map(|goal| stalls_of(ledger, goal, &place.choreography));
    let _: Vec<_> = stream::iter(looks).buffered(STORIES_AT_ONCE).try_collect().await?;
    Ok(items.len())
}

/// A place so many goals behind the newest, found as a person would: page by page.
async fn deep(place: &Place, goals: usize) -> anyhow::Result<Mark> {
    let (mut after, mut passed) = (None, 0);
    while passed < goals {
        let bounds = Bounds { goals_max: 1_000, looks_max: usize::MAX };
        let page = page(&*place.ports.ledger, &Wanted::default(), after, bounds).await?;
        passed += page.goals.len();
        after = page.next;
        anyhow::ensure!(after.is_some() || passed >= goals, "the listing ends after {passed} goals");
    }
    after.context("no place in the middle")
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
