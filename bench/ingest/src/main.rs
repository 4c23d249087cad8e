//! Owns `make bench-ingest`: ten thousand pages of real manuals read and indexed, and queries over them, against the bars.
//! Never a figure without its bar: it ends with an error where one is missed.
//! Next: `pages` makes the pages.

mod pages;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::time::Instant;

use aws::artifacts::{ArtifactStore, Place};
use clap::Parser;
use contract::Artifacts;
use engine::corpus::ingest::quiet;
use engine::corpus::{Ingested, Library, Query, Raw, ingest, read};
use figures::{Figure, Row, Run, kernel, say};
use rayon::prelude::*;

const BENCH: &str = "ingest";
const PAGES_PER_SECOND_MIN: f64 = 400.0;
const MEMORY_MB_MAX: f64 = 400.0;
const QUERY_P99_MAX_MS: f64 = 20.0;
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
    figures::ended(BENCH, run(Flags::parse()).await)
}

async fn run(flags: Flags) -> anyhow::Result<Run> {
    let mut run = Run::of(BENCH).typed("make bench-ingest");
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
        reading_alone(&folder, &mut run)?;
        return Ok(run);
    }
    let artifacts = store(&place.path().join("artifacts")).await?;
    let begun = Instant::now();
    let ingested = ingest(&folder, "manuals", &artifacts, &quiet()).await?;
    let speed = ingested.read as f64 / begun.elapsed().as_secs_f64();
    run.add(
        Row::new("reading", "pages read and indexed", "pages/s", vec![speed])
            .at_least(Figure::Median, PAGES_PER_SECOND_MIN),
    );
    let memory_mb = kernel::resident_most_mb("self")?;
    run.add(Row::new("reading", "memory", "MB", vec![memory_mb]).at_most(Figure::Most, MEMORY_MB_MAX));
    let took_ms = queries(&artifacts, &made.words).await?;
    run.add(Row::new("queries", "a query", "ms", took_ms).at_most(Figure::P99, QUERY_P99_MAX_MS));
    let Ingested { passages, tables, version, .. } = &ingested;
    say(&format!("{passages} passages, {tables} tables, version {version}"));
    let (read, failed) = (ingested.read, ingested.failed.first());
    anyhow::ensure!(read == made.count, "{read} of {} pages were read: {failed:?}", made.count);
    Ok(run)
}

/// Over local files: that is what a machine without S3 has.
async fn store(folder: &Path) -> anyhow::Result<Arc<dyn Artifacts>> {
    std::fs::create_dir_all(folder)?;
    let url = url::Url::from_directory_path(folder).map_err(|()| anyhow::anyhow!("{} is no path", folder.display()))?;
    let clients = aws::clients::Clients::load(aws::clients::environment(), aws::clients::Limits::default()).await;
    Ok(Arc::new(ArtifactStore::open(Place::of(Some(&url))?, &clients).await?))
}

fn reading_alone(folder: &Path, run: &mut Run) -> anyhow::Result<()> {
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
    let note = format!("{passages} passages");
    run.add(Row::new("reading alone", "pages read", "pages/s", vec![speed]).noting(note));
    run.add(Row::new("reading alone", "memory", "MB", vec![kernel::resident_most_mb("self")?]));
    Ok(())
}

async fn queries(artifacts: &Arc<dyn Artifacts>, words: &[String]) -> anyhow::Result<Vec<f64>> {
    anyhow::ensure!(!words.is_empty(), "no words to ask for");
    let library = Library::new();
    let mut random = fastrand::Rng::with_seed(11);
    let (mut took_ms, mut found) = (Vec::with_capacity(QUERIES), 0);
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
            took_ms.push(begun.elapsed().as_secs_f64() * 1e3);
            found += usize::from(!answer.passages.is_empty());
        }
    }
    anyhow::ensure!(found * 10 >= QUERIES * 9, "only {found} of {QUERIES} queries found anything");
    Ok(took_ms)
}
