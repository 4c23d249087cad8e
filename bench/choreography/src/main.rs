//! Owns `make bench`: the real agents as processes over the real stand-in as a process, against the bars of the project.
//! Never stops at a missed bar: everything is measured, then a missed one is the exit code.
//! Next: each part has a file of its own; `place` starts servers, `agent` daemons, `model` a model that only waits.

mod agent;
mod answers;
mod calls;
mod crowd;
mod daemons;
mod dollars;
mod goals;
mod hops;
mod model;
mod operations;
mod place;
mod replicas;
mod slow;
mod waiting;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use figures::Run;
use tokio::signal::unix::{SignalKind, signal};

const BENCH: &str = "choreography";

/// Measures the choreography as processes, and says which of its bars are met.
#[derive(Debug, Parser)]
struct Flags {
    /// The folder with the programs: embedded-cloud, the four agents, scripted-agent
    #[arg(long, value_name = "DIR")]
    programs: PathBuf,
    /// How often each timing is repeated
    #[arg(long, default_value_t = 10)]
    repeats: usize,
    /// At most so many messages wait at once
    #[arg(long, default_value_t = 1_000_000)]
    waiting_max: usize,
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// From one agent to the next
    Hops,
    /// Whole goals, by what the model takes
    Goals,
    /// One slow message among ten
    Slow,
    /// One to eight replicas
    Replicas,
    /// Calls of a goal, bytes, and dollars
    Calls,
    /// Start, memory, idle time and size of each program
    Daemons,
    /// Thousands of messages waiting
    Waiting,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let stopped = async {
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        anyhow::bail!("ended by a signal")
    };
    // Dropped at a signal, the bench ends its servers and daemons.
    let ran = tokio::select! { ran = measured(&flags) => ran, stopped = stopped => stopped };
    figures::ended(BENCH, ran)
}

async fn measured(flags: &Flags) -> anyhow::Result<Run> {
    let wanted = |part: Part| flags.only.is_empty() || flags.only.contains(&part);
    // A part by itself must not stand where the whole stood.
    let part =
        flags.only.first().and_then(clap::ValueEnum::to_possible_value).map(|part| format!("-{}", part.get_name()));
    let mut run = Run::of(&format!("{BENCH}{}", part.unwrap_or_default()));
    if flags.only.is_empty() {
        run = run.typed(&format!("make bench REPEATS={}", flags.repeats));
    }
    if wanted(Part::Hops) {
        hops::measure(flags, &mut run).await?;
    }
    if wanted(Part::Goals) {
        goals::measure(flags, &mut run).await?;
    }
    if wanted(Part::Slow) {
        slow::measure(flags, &mut run).await?;
    }
    if wanted(Part::Replicas) {
        replicas::measure(flags, &mut run).await?;
    }
    if wanted(Part::Calls) {
        calls::measure(flags, &mut run).await?;
    }
    if wanted(Part::Daemons) {
        daemons::measure(flags, &mut run).await?;
    }
    if wanted(Part::Waiting) {
        waiting::measure(flags, &mut run).await?;
    }
    Ok(run)
}
