//! Owns `make bench-goals`: pages of goals among a hundred thousand, and one goal's story, on the stand-in, against their bars.
//! Never a shortcut into the stand-in: all goes through the ledger port, over the wire, as `murmur` reads it.
//! Next: `filling` makes the goals; `runtime::listing` and `Ledger::story` are what is measured.

mod filling;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use aws::clients::{Clients, Limits, standin};
use aws::provision::{Plan, Reporter, provision};
use clap::Parser;
use contract::{Choreography, GoalId, Topology};
use embedded_cloud::{EmbeddedCloud, Options};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use runtime::config::Config;
use runtime::ledger::goal::Goal;
use runtime::ledger::{Mark, Standing};
use runtime::listing::{Bounds, Wanted, goals, page};
use runtime::ports::Ports;
use runtime::stall::stalls_of;
use tempfile::TempDir;
use tokio::time::Instant;

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
    match measured(&Flags::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            say(&format!("bench-goals: {why:?}"));
            ExitCode::FAILURE
        }
    }
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

async fn measured(flags: &Flags) -> anyhow::Result<bool> {
    let place = open().await?;
    let began = Instant::now();
    filling::fill(&place.ports, &place.choreography, &place.config.settings, flags.goals).await?;
    say(&format!("bench-goals: {} goals written in {:.0} s", flags.goals, began.elapsed().as_secs_f64()));
    let story = filling::story(&place.ports, &place.choreography, &place.config.settings, STEPS).await?;

    let deep = deep(&place, flags.goals / 2).await?;
    let of = |standing| Wanted { standing: Some(standing), ..Wanted::default() };
    let rare = Wanted { tenant: Some(filling::rare()), ..Wanted::default() };
    let nobody = Wanted { tenant: "nobody".parse().ok(), ..Wanted::default() };
    let mut held = true;
    for (name, wanted, after) in [
        ("first page", Wanted::default(), None),
        ("page in the middle", Wanted::default(), Some(deep)),
        ("failed, one in a thousand", of(Standing::Failed), None),
        ("open, each with its steps", of(Standing::Open), None),
        ("a tenant's, one in two hundred", rare, None),
        ("a tenant's who has none", nobody, None),
    ] {
        let mut figures = vec![];
        let mut found = 0;
        for _ in 0..flags.times {
            let began = Instant::now();
            found = list(&place, &wanted, after).await?;
            figures.push(began.elapsed());
        }
        held &= bar(&format!("list, {name} ({found} goals)"), figures, LIST_P99_MAX);
    }
    let mut figures = vec![];
    for _ in 0..flags.times {
        let began = Instant::now();
        let items = place.ports.ledger.story(story).await?.len();
        figures.push(began.elapsed());
        anyhow::ensure!(items > STEPS, "a story of {items} items");
    }
    held &= bar(&format!("story of a goal of {STEPS} steps"), figures, STORY_P99_MAX);
    place.cloud.stop().await;
    Ok(held)
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

fn bar(what: &str, mut figures: Vec<Duration>, most: Duration) -> bool {
    figures.sort();
    let part = |percent: usize| figures.get((figures.len() * percent).div_ceil(100).saturating_sub(1));
    let ms = |figure: Option<&Duration>| figure.map_or(f64::NAN, |figure| figure.as_secs_f64() * 1e3);
    let (middle, last) = (ms(part(50)), ms(part(99)));
    let held = last <= most.as_secs_f64() * 1e3;
    let word = if held { "held  " } else { "MISSED" };
    say(&format!("{word} {what}: p50 {middle:.1} ms, p99 {last:.1} ms (at most {} ms)", most.as_millis()));
    held
}

fn say(what: &str) {
    let _ = writeln!(std::io::stdout(), "{what}");
}
