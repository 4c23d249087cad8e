//! Owns the bare loop's `main`: where it receives, how many loops, and its end at SIGTERM.
//! Never the work: `peers::bare` has that.
//! Next: `peers-bench` starts it beside the daemon.

use clap::Parser;
use peers::bare::{Bare, Place};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Receive, decode, claim, commit, publish, delete, without a runtime; until SIGTERM.
#[derive(Debug, Parser)]
struct Flags {
    #[command(flatten)]
    place: Place,
    /// Batches of ten at work at the same time
    #[arg(long, default_value_t = 10)]
    loops: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let mut term = signal(SignalKind::terminate())?;
    let stop = CancellationToken::new();
    let bare = Bare::connect(flags.place).await?;
    let mut running = std::pin::pin!(bare.run(flags.loops, stop.clone()));
    tokio::select! {
        ended = &mut running => return ended,
        _ = term.recv() => stop.cancel(),
    }
    running.await
}
