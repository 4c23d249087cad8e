//! Owns the start of the command line: the executor, signals, and the one place where an error is said.
//! Never works on a goal: it starts those who do, and reads what they wrote.
//! Next: `commands` is the tree of what a person may type.

mod bird;
mod commands;
mod completions;
mod detach;
mod diff;
mod dlq;
mod doctor;
mod down;
mod events;
mod exit;
mod explain;
mod flock;
mod goal;
mod health;
mod home;
mod house;
mod ingest;
mod keep;
mod kept;
mod live;
mod logs;
mod man;
mod process;
mod provision;
mod reach;
mod readable;
mod replay;
mod run;
mod screen;
mod show;
mod standin;
mod status;
mod subscribe;
mod surroundings;
mod table;
mod topology;
mod trace;
mod unsubscribe;
mod up;
mod wish;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Parser as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::commands::Flags;
use crate::exit::Exit;

const READERS_MAX: Duration = Duration::from_secs(5);

/// Ctrl-C, `kill`, and a terminal that was closed.
struct Signals([Signal; 3]);

impl Signals {
    fn heard() -> std::io::Result<Signals> {
        let hear = |kind: SignalKind| signal(kind);
        Ok(Signals([hear(SignalKind::interrupt())?, hear(SignalKind::terminate())?, hear(SignalKind::hangup())?]))
    }

    async fn next(&mut self) {
        let Signals([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Most commands may end anywhere: what they started ends with the values that own it.
async fn obey(flags: &Flags) -> anyhow::Result<Exit> {
    let mut signals = Signals::heard()?;
    let stop = CancellationToken::new();
    let mut carried_out = Box::pin(commands::carry_out(flags, &stop));
    tokio::select! {
        ended = &mut carried_out => return ended,
        () = signals.next() => {}
    }
    let Some(left) = flags.command.leaves() else { return Ok(Exit::Failed) };
    stop.cancel();
    tokio::select! {
        ended = carried_out => ended,
        () = signals.next() => bail!("{left}"),
    }
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = executor.map_err(anyhow::Error::from).and_then(|executor| {
        let ended = executor.block_on(obey(&flags));
        // A reader of files that nobody waits for any more may be amid a large one.
        executor.shutdown_timeout(READERS_MAX);
        ended
    });
    if let Err(why) = &ended
        && !exit::is_closed_pipe(why)
    {
        // Nobody may be listening, and the exit code says it too.
        let _ = writeln!(std::io::stderr(), "murmur: {why:#}");
    }
    exit::code(&ended)
}
