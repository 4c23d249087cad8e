//! Owns `make bench-ingest`: ten thousand pages of real manuals read and indexed, and queries over them, against the bars.
//! Never a figure without its bar: it ends with an error where one is missed.
//! Next: `pages` makes the pages.

mod pages;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use anyhow::Context as _;
use aws::artifacts::{ArtifactStore, Place};
use clap::Parser;
use contract::Artifacts;
use engine::corpus::ingest::quiet;
use engine::corpus::{Ingested, Library, Query, Raw, ingest, read};
use rayon::prelude::*;

const PAGES_PER_SECOND_MIN: f64 = 400.0;
const MEMORY_MB_MAX: f64 = 400.0;
const QUERY_P99_MAX: Duration = Duration::from_millis(20);
const QUERIES: usize = 200;

/// Ingests copies of the manuals and says which bars hold.
#[derive(Debug, Parser)]
struct Flags {
    /// The folder that bench/eval/manuals.sh made
    manuals: PathBuf,
    #[arg(long, default_value_t = 10_000)]
    pages: usize,
    #[arg(long, default_value_t = 20_480)]
    median_bytes: u64,
    /// Reading alone: no index, no queries, no bars
    #[arg(long)]
    read_only: bool,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match run(Flags::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            say(&format!("bench-ingest: {why:?}"));
            ExitCode::FAILURE
        }
    }
}

/// A closed pipe ends no measurement.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

async fn run(flags: Flags) -> anyhow::Result<bool> {
    let place = tempfile::tempdir()?;
    let folder = place.path().join("pages");
    let made = pages::make(&flags.manuals, &folder, flags.pages, flags.median_bytes)?;
    say(&format!(
        "{} pages, median {:.1} KB, {:.0} MB together",
        made.count,
        made.bytes_median as f64 / 1024.0,
        made.bytes as f64 / 1e6
    ));
    if flags.read_only {
        return reading_alone(&folder);
    }
    let artifacts = store(&place.path().join("artifacts")).await?;
    let begun = Instant::now();
    let ingested = ingest(&folder, "manuals", &artifacts, &quiet()).await?;
    let speed = ingested.read as f64 / begun.elapsed().as_secs_f64();
    let memory_mb = memory_most_mb()?;
    let mut slow = queries(&artifacts, &made.words).await?;
    slow.sort_unstable();
    let (half, most) = (slow[slow.len() / 2], slow[slow.len() * 99 / 100]);
    judge(&ingested, made.count, speed, memory_mb, (half, most))
}

fn judge(
    ingested: &Ingested,
    pages: usize,
    speed: f64,
    memory_mb: f64,
    (half, most): (Duration, Duration),
) -> anyhow::Result<bool> {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let mark = |held: bool| if held { "held" } else { "MISSED" };
    let bars = [speed >= PAGES_PER_SECOND_MIN, memory_mb < MEMORY_MB_MAX, most <= QUERY_P99_MAX];
    say(&format!("{} passages, {} tables, version {}", ingested.passages, ingested.tables, ingested.version));
    say(&format!("{:>8.0} pages/s    at least {PAGES_PER_SECOND_MIN}: {}", speed, mark(bars[0])));
    say(&format!("{memory_mb:>8.0} MB at most  under {MEMORY_MB_MAX}: {}", mark(bars[1])));
    say(&format!(
        "{:>8.2} ms p50, {:.2} ms p99 of {QUERIES} queries, p99 at most 20: {}",
        ms(half),
        ms(most),
        mark(bars[2])
    ));
    anyhow::ensure!(
        ingested.read == pages,
        "{} of {pages} pages were read: {:?}",
        ingested.read,
        ingested.failed.first()
    );
    let held = bars.iter().filter(|held| **held).count();
    say(&format!("bench-ingest: {held} of {} bars held", bars.len()));
    Ok(held == bars.len())
}

/// Over local files: that is what a machine without S3 has.
async fn store(folder: &Path) -> anyhow::Result<Arc<dyn Artifacts>> {
    std::fs::create_dir_all(folder)?;
    let url = url::Url::from_directory_path(folder).map_err(|()| anyhow::anyhow!("{} is no path", folder.display()))?;
    let clients = aws::clients::Clients::load(aws::clients::environment(), aws::clients::Limits::default()).await;
    Ok(Arc::new(ArtifactStore::open(Place::of(Some(&url))?, &clients).await?))
}

fn reading_alone(folder: &Path) -> anyhow::Result<bool> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        for page in std::fs::read_dir(entry?.path())? {
            files.push(page?.path());
        }
    }
    let begun = Instant::now();
    let passages: usize = files
        .par_iter()
        .map(|path| {
            let bytes = std::fs::read(path).unwrap_or_default();
            let raw = Raw { collection: "manuals", address: "page.html", mediatype: None, bytes: &bytes };
            read(raw).map_or(0, |reading| reading.passages.len())
        })
        .sum();
    let speed = files.len() as f64 / begun.elapsed().as_secs_f64();
    say(&format!("reading alone: {speed:.0} pages/s, {passages} passages, {:.0} MB at most", memory_most_mb()?));
    Ok(true)
}

async fn queries(artifacts: &Arc<dyn Artifacts>, words: &[String]) -> anyhow::Result<Vec<Duration>> {
    anyhow::ensure!(!words.is_empty(), "no words to ask for");
    let library = Library::new();
    let mut random = fastrand::Rng::with_seed(11);
    let (mut slow, mut found) = (Vec::with_capacity(QUERIES), 0);
    // The first opens the index: that is not a query's time.
    for number in 0..=QUERIES {
        let asked: Vec<&str> = (0..5).map(|_| words[random.usize(..words.len())].as_str()).collect();
        let query = Query {
            collections: vec!["manuals".to_owned()],
            question: format!("How does {} work with {}?", asked[..2].join(" "), asked[2..].join(" ")),
            passages_max: 10,
            tables_max: 2,
        };
        let begun = Instant::now();
        let answer = library.search(&query, artifacts).await?;
        if number > 0 {
            slow.push(begun.elapsed());
            found += usize::from(!answer.passages.is_empty());
        }
    }
    anyhow::ensure!(found * 10 >= QUERIES * 9, "only {found} of {QUERIES} queries found anything");
    Ok(slow)
}

/// The most memory that this process ever held: what Linux calls `VmHWM`.
fn memory_most_mb() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("this needs Linux")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("no figure")?.parse()?;
    Ok(kilobytes / 1024.0)
}
