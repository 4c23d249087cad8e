//! Owns the start of the command line: the executor, signals, and the one place where an error is said.
//! Never works on a goal: it starts those who do, and reads what they wrote.
//! Next: `commands` is the tree of what a person may type.

mod bird;
mod commands;
mod diff;
mod dlq;
mod doctor;
mod down;
mod events;
mod exit;
mod explain;
mod flock;
mod goal;
mod house;
mod ingest;
mod kept;
mod live;
mod process;
mod provision;
mod reach;
mod replay;
mod run;
mod screen;
mod show;
mod standin;
mod status;
mod subscribe;
mod surroundings;
mod topology;
mod trace;
mod unsubscribe;
mod up;
mod wish;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::exit::Exit;

async fn terminated() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

fn main() -> ExitCode {
    let flags = commands::Flags::parse();
    let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = executor.map_err(anyhow::Error::from).and_then(|executor| {
        executor.block_on(async {
            tokio::select! {
                ended = commands::carry_out(&flags) => ended,
                // What was started ends with the values that own it.
                stopped = tokio::signal::ctrl_c() => stopped.map(|()| Exit::Failed).map_err(anyhow::Error::from),
                ended = terminated() => ended.map(|()| Exit::Failed),
            }
        })
    });
    if let Err(why) = &ended
        && !exit::is_closed_pipe(why)
    {
        // Nobody may be listening, and the exit code says it too.
        let _ = writeln!(std::io::stderr(), "murmur: {why:#}");
    }
    exit::code(&ended)
}
