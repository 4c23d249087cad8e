//! Owns the half of `make bench-standin` that is about the process and about a client that is not the ceiling.
//! Never the comparison with other servers: `boto.py` has that.
//! Next: `footprint`, `waiting`, `backlog` and `speed` measure, `bars` judges.

mod backlog;
mod bars;
mod clients;
mod footprint;
mod server;
mod speed;
mod waiting;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bars::{BENCH, Bars};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// Measures the release program embedded-cloud, and says which of its bars hold.
#[derive(Debug, Parser)]
struct Flags {
    #[arg(long, value_name = "PROGRAM")]
    embedded: PathBuf,
    /// How long processor time is taken while eighty long polls wait
    #[arg(long, default_value_t = 20)]
    idle_seconds: u64,
    /// Only these parts: footprint, speed, waiting, backlog
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let ended = async {
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        anyhow::bail!("ended by a signal")
    };
    // Dropped at a signal, the bench ends its servers.
    let ran = tokio::select! { ran = measure(flags) => ran, ended = ended => ended };
    figures::ended(BENCH, ran.map(Bars::run))
}

async fn measure(flags: Flags) -> anyhow::Result<Bars> {
    let wanted = |part: &str| flags.only.is_empty() || flags.only.iter().any(|only| only == part);
    let mut bars = Bars::begin();
    if wanted("footprint") {
        footprint::measure(&flags.embedded, &mut bars).await?;
    }
    if wanted("speed") {
        speed::measure(&flags.embedded, &mut bars).await?;
    }
    if wanted("waiting") {
        waiting::measure(&flags.embedded, Duration::from_secs(flags.idle_seconds), &mut bars).await?;
    }
    if wanted("backlog") {
        backlog::measure(&flags.embedded, &mut bars).await?;
    }
    Ok(bars)
}
