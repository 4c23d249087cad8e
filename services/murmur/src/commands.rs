//! Owns the tree of commands: what a person may type, and which file carries it out.
//! Never work of its own, and never an argument of a command: each declares its own beside its work.
//! Next: the file named like the command.

use clap::{Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::reach::Where;
use crate::screen::Screen;
use crate::{
    completions, diff, dlq, doctor, down, events, explain, goal, ingest, man, provision, replay, run, status,
    subscribe, topology, trace, unsubscribe, up,
};

/// Agents that research, analyse, write and advise, with no one in charge.
#[derive(Debug, Parser)]
#[command(name = "murmur", version)]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) place: Where,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Asked),
    Up(up::Asked),
    Down(down::Asked),
    Status(status::Asked),
    /// Send, list, show, watch, cancel and fork goals
    #[command(subcommand)]
    Goal(goal::Command),
    Explain(explain::Asked),
    Trace(trace::Asked),
    /// Events on the bus
    #[command(subcommand)]
    Events(events::Command),
    Subscribe(subscribe::Asked),
    Unsubscribe(unsubscribe::Asked),
    /// List, show, redrive, edit and discard dead letters
    #[command(subcommand)]
    Dlq(dlq::Command),
    Replay(replay::Asked),
    Diff(diff::Asked),
    Ingest(ingest::Asked),
    Topology(topology::Asked),
    Provision(provision::Asked),
    Doctor(doctor::Asked),
    Completions(completions::Asked),
    Man(man::Asked),
}

impl Command {
    /// It has work to end when somebody stops it: what stays if that is not waited for.
    pub(crate) fn leaves(&self) -> Option<&'static str> {
        match self {
            Command::Run(_) | Command::Up(_) => Some("stopped without draining; murmur down stops what was left"),
            Command::Events(_) => Some("stopped in the middle; the next murmur events follow removes what was left"),
            _ => None,
        }
    }
}

pub(crate) async fn carry_out(flags: &Flags, stop: &CancellationToken) -> anyhow::Result<Exit> {
    let (place, screen) = (&flags.place, Screen::new(flags.json));
    match &flags.command {
        Command::Run(asked) => run::run(asked, place, screen, stop).await,
        Command::Up(asked) => up::run(asked, place, screen, stop).await,
        Command::Down(asked) => down::run(asked, place, screen).await,
        Command::Status(asked) => status::run(asked, place, screen).await,
        Command::Goal(asked) => goal::run(asked, place, screen).await,
        Command::Explain(asked) => explain::run(asked, place, screen).await,
        Command::Trace(asked) => trace::run(asked, place, screen).await,
        Command::Events(asked) => events::run(asked, place, screen, stop).await,
        Command::Subscribe(asked) => subscribe::run(asked, place, screen).await,
        Command::Unsubscribe(asked) => unsubscribe::run(asked, place, screen).await,
        Command::Dlq(asked) => dlq::run(asked, place, screen).await,
        Command::Replay(asked) => replay::run(asked, place, screen).await,
        Command::Diff(asked) => diff::run(asked, place, screen).await,
        Command::Ingest(asked) => ingest::run(asked, place, screen).await,
        Command::Topology(asked) => topology::run(asked, screen),
        Command::Provision(asked) => provision::run(asked, place, screen).await,
        Command::Doctor(asked) => doctor::run(asked, place, screen).await,
        Command::Completions(asked) => completions::run(asked, screen),
        Command::Man(asked) => man::run(asked, screen),
    }
}
