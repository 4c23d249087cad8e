//! Owns the figure of `make eval`: how often one of the first five passages is the one that answers, ours beside FTS5's.
//! Never shows a question of the judging half, or how a single one of them went: only their sums.
//! Next: `questions` reads the gold, `fts` is what it is measured against; README.md says how the questions were made.

mod fts;
mod questions;

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use anyhow::Context as _;
use clap::Parser;
use contract::Artifacts;
use contract::documents::Passage;
use engine::corpus::library::{ByWords, Weights};
use engine::corpus::{Library, Query, ingest};
use testkit::memory::MemoryArtifacts;

use self::fts::Fts;
use self::questions::{Half, Question};

const COLLECTION: &str = "manuals";
/// Among so many a hit counts, and among so many more its rank does.
const FIRST: usize = 5;
const RANKED: usize = 20;
const RATIO_MIN: f64 = 1.3;

/// Asks the questions of bench/eval over the manuals, and says how many are answered by one of the first five passages.
#[derive(Debug, Parser)]
struct Arguments {
    /// As it was given to manuals.sh.
    dir: PathBuf,
    #[arg(long, default_value = "bench/eval/questions.jsonl")]
    questions: PathBuf,
    /// The judging half too, as sums; fails where they miss the bar. For the reported figure: not while tuning.
    #[arg(long)]
    judge: bool,
    /// The rank of every question of the tuning half.
    #[arg(long)]
    each: bool,
    /// Other weights than the usual ones, each tried after the other: page=0.5,title=0.2
    #[arg(long)]
    set: Vec<String>,
}

/// The rank of the first hit of each question, from 0.
struct Ranks(Vec<Option<usize>>);

impl Ranks {
    fn hits(&self) -> usize {
        self.0.iter().flatten().filter(|rank| **rank < FIRST).count()
    }

    fn mean_reciprocal(&self) -> f64 {
        self.0.iter().flatten().map(|rank| 1.0 / (*rank as f64 + 1.0)).sum::<f64>() / self.0.len().max(1) as f64
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let manuals = arguments.dir.join("manuals");
    let questions = questions::read(&arguments.questions)?;
    let artifacts: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let began = Instant::now();
    let ingested = ingest(&manuals, COLLECTION, &artifacts, &engine::corpus::ingest::quiet()).await?;
    say(&format!(
        "{} pages, {} passages, {} tables, {} unreadable, in {:.1} s",
        ingested.read,
        ingested.passages,
        ingested.tables,
        ingested.failed.len(),
        began.elapsed().as_secs_f64()
    ));
    let fts = Fts::over(&manuals)?;
    let mut good = true;
    for set in if arguments.set.is_empty() { vec![String::new()] } else { arguments.set.clone() } {
        let library = Library::ranking(vec![Arc::new(ByWords::with(weights(&set)?))]);
        if !set.is_empty() {
            say(&set);
        }
        half(Half::Tune, &questions, &library, &artifacts, &fts, arguments.each).await?;
        if arguments.judge {
            good &= half(Half::Judge, &questions, &library, &artifacts, &fts, false).await? >= RATIO_MIN;
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints one line; how many times as many as FTS5 answers.
async fn half(
    half: Half,
    all: &[Question],
    library: &Library,
    artifacts: &Arc<dyn Artifacts>,
    fts: &Fts,
    each: bool,
) -> anyhow::Result<f64> {
    let (mut ours, mut theirs, mut slowest) = (Ranks(Vec::new()), Ranks(Vec::new()), Duration::ZERO);
    for question in all.iter().filter(|question| question.half == half) {
        let query = Query {
            collections: vec![COLLECTION.to_owned()],
            question: question.question.clone(),
            passages_max: RANKED,
            tables_max: 0,
        };
        let began = Instant::now();
        let found = library.search(&query, artifacts).await?;
        slowest = slowest.max(began.elapsed());
        let address = |passage: &Passage| found.sources.iter().find(|source| source.id == passage.source);
        ours.0.push(found.passages.iter().position(|passage| {
            address(passage).is_some_and(|source| question.is_answered_by(&source.address, passage.origin))
        }));
        let ranked = fts.search(&question.question, RANKED)?;
        theirs.0.push(ranked.iter().position(|(address, origin)| question.is_answered_by(address, *origin)));
        if each {
            let rank =
                |ranks: &Ranks| ranks.0.last().copied().flatten().map_or("-".to_owned(), |rank| (rank + 1).to_string());
            say(&format!("  {:<10} ours {:>2}  fts5 {:>2}", question.id, rank(&ours), rank(&theirs)));
        }
    }
    let (count, ratio) = (ours.0.len(), ours.hits() as f64 / theirs.hits().max(1) as f64);
    say(&format!(
        "eval {half}: recall@{FIRST} {}/{count} = {:.2} (MRR {:.3}); FTS5 bm25 {}/{count} = {:.2} (MRR {:.3}); ratio {ratio:.2}; \
         slowest {:.1} ms",
        ours.hits(),
        ours.hits() as f64 / count as f64,
        ours.mean_reciprocal(),
        theirs.hits(),
        theirs.hits() as f64 / count as f64,
        theirs.mean_reciprocal(),
        slowest.as_secs_f64() * 1e3,
    ));
    Ok(ratio)
}

fn weights(set: &str) -> anyhow::Result<Weights> {
    let mut weights = Weights::default();
    for pair in set.split(',').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').with_context(|| format!("{pair:?} is no name=value"))?;
        let value: f32 = value.parse().with_context(|| format!("{value:?} is no number"))?;
        let weight = match name {
            "saturation" => &mut weights.saturation,
            "length" => &mut weights.length,
            "headings" => &mut weights.headings,
            "title" => &mut weights.title,
            "page" => &mut weights.page,
            "neighbours" => &mut weights.neighbours,
            "expansion" => &mut weights.expansion,
            "closeness" => &mut weights.closeness,
            _ => anyhow::bail!("there is no weight {name:?}"),
        };
        *weight = value;
    }
    Ok(weights)
}

/// A closed pipe is nobody's fault.
fn say(line: &str) {
    let _ = writeln!(stdout().lock(), "{line}");
}

/// Every page under a folder, as its collection calls it.
fn pages(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut pages = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(&at).with_context(|| at.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let address = path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
                pages.push((address, path));
            }
        }
    }
    pages.sort();
    Ok(pages)
}
