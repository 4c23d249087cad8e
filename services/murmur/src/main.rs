//! Owns the command line: what a person types, and the exit code: 0 done, 1 failed, 2 usage.
//! Never works on a goal: it starts those who do, and reads what they wrote.
//! Next: `run` is the main job.

mod flock;
mod goal;
mod ingest;
mod run;
mod show;
mod standin;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Agents that research, analyse, write and advise, with no one in charge.
#[derive(Debug, Parser)]
#[command(name = "murmur", version)]
struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Work on one goal, here: starts everything, shows progress, leaves a report, stops everything
    Run(Run),
    /// Read folders and files into a collection, where the environment says that artifacts are kept
    Ingest(Ingest),
}

#[derive(Debug, clap::Args)]
struct Ingest {
    /// Folders and files
    #[arg(required = true, value_name = "DIR")]
    sources: Vec<PathBuf>,
    #[arg(long, value_name = "NAME", default_value = engine::corpus::DEFAULT_COLLECTION)]
    collection: String,
}

#[derive(Debug, clap::Args)]
struct Run {
    /// What you want, in your own words
    goal: String,
    /// Folders, files or URLs that may be used; may be repeated
    #[arg(long = "sources", value_name = "DIR|URL")]
    sources: Vec<String>,
    /// Where the report and its tables are put
    #[arg(long, value_name = "DIR", default_value = "murmuration-report")]
    out: PathBuf,
    /// What else the agents should know
    #[arg(long, value_name = "TEXT")]
    context: Option<String>,
    /// Keep the servers' data and all logs in this folder; without it, in a temporary one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    within: u64,
}

async fn terminated() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

fn main() -> ExitCode {
    let asked = Flags::parse().command;
    let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ran = executor.map_err(anyhow::Error::from).and_then(|executor| {
        executor.block_on(async {
            tokio::select! {
                ran = async {
                    match &asked {
                        Command::Run(asked) => run::run(asked).await,
                        Command::Ingest(asked) => ingest::ingest(asked).await,
                    }
                } => ran,
                // What was started ends with the values that own it.
                stopped = tokio::signal::ctrl_c() => stopped.map(|()| false).map_err(anyhow::Error::from),
                ended = terminated() => ended.map(|()| false),
            }
        })
    });
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            // Nobody may be listening, and the exit code says it too.
            let _ = writeln!(std::io::stderr(), "murmur: {why:#}");
            ExitCode::FAILURE
        }
    }
}
