//! Owns `murmur up`: stand-in and agents started, kept up and shown until somebody stops it, then drained.
//! Never leaves one of them running: what was started is stopped, whatever ends this command but a SIGKILL. Only a
//! stand-in that somebody else uses stays, for as long as that lasts.
//! Next: `flock` keeps the agents, `standin` the server; `detach` leaves all of it in the background.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::flock::{Flock, Replicas};
use crate::house::House;
use crate::kept::{self, Kept, State};
use crate::live::Live;
use crate::process::Process;
use crate::reach::{Reach, Server, Where};
use crate::screen::{Screen, bytes, since};
use crate::standin::{Noted, STAYS};
use crate::{detach, logs, surroundings};

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Between two tries to start it again.
const STANDIN_PAUSE: Duration = Duration::from_secs(2);
const SHOW_EVERY: Duration = Duration::from_secs(1);
/// What a command says that starts a house.
pub(crate) const STARTED: &str = "ready";
const STOPPED_EARLY: &str = "stopped before all of it was up";

/// Start the stand-in and the agents, and keep them running
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  murmur up\n  murmur up --detach --agents research=2,writer=1\n  murmur up --endpoint http://127.0.0.1:4566"
)]
pub(crate) struct Asked {
    /// Leave everything in the background; murmur down stops it
    #[arg(long)]
    detach: bool,
    /// How many of each agent; one, where it is not named
    #[arg(long, value_name = "NAME=COUNT", value_delimiter = ',', value_parser = replicas)]
    agents: Vec<(String, usize)>,
    /// In the background already
    #[arg(long, hide = true)]
    detached: bool,
}

fn replicas(text: &str) -> Result<(String, usize), String> {
    let wanted = || format!("{text:?} is no NAME=COUNT, such as research=2");
    let (name, count) = text.split_once('=').ok_or_else(wanted)?;
    let count = count.trim().parse().map_err(|_| wanted())?;
    if count > 64 {
        return Err(format!("{count} of {name}: 64 at most on one machine"));
    }
    Ok((name.trim().to_owned(), count))
}

pub(crate) async fn run(
    asked: &Asked,
    place: &Where,
    screen: Screen,
    stop: &CancellationToken,
) -> anyhow::Result<Exit> {
    if asked.detach {
        return detach::run(place, screen, &asked.agents, stop).await;
    }
    if asked.detached {
        detach::alone();
    }
    let began = Instant::now();
    let house = place.house()?;
    let ours = house.running_agents().await?;
    let mut live = Live::new(screen);
    let reached = async {
        for left in Kept::clear_leftovers(&house).await {
            live.line(&format!("{left} was left by a murmur that was killed, and is stopped"));
        }
        place.reach_made().await
    };
    let Some(mut reach) = stop.run_until_cancelled(reached).await.transpose()? else {
        live.line(STOPPED_EARLY);
        return Ok(Exit::Done);
    };
    let replicas = Replicas::of(&reach.choreography, &asked.agents)?;
    let environment = surroundings::of(place, &reach.server)?;
    let mut flock = Flock::launch(&house, ours, true, reach.server.name(), &environment, &replicas)?;
    let is_up = stop.run_until_cancelled(flock.come_up()).await.transpose()?.is_some();
    let kept = if is_up {
        tell_ready(screen, &live, &house, &reach, flock.kept(), began)?;
        keep(&mut flock, &mut reach, &house, &mut live, screen, stop).await
    } else {
        Ok(())
    };
    live.clear();
    live.line("stopping: what is at work is ended, or given back to its queue");
    for name in flock.stop().await {
        live.line(&format!("{name} did not end, and was killed; its work comes back to the queue"));
    }
    if let Server::Standin(standin) = reach.server {
        drop(standin);
        if Noted::living(&house).is_some() {
            live.line(STAYS);
        }
    }
    kept?;
    live.line(if is_up { "stopped" } else { STOPPED_EARLY });
    Ok(Exit::Done)
}

fn tell_ready(
    screen: Screen,
    live: &Live,
    house: &House,
    reach: &Reach,
    kept: &Kept,
    began: Instant,
) -> anyhow::Result<()> {
    let took_ms = began.elapsed().as_millis() as u64;
    if screen.json {
        let data = house.folder().display().to_string();
        let endpoint = reach.server.endpoint();
        let told =
            json!({"event": STARTED, "data": data, "endpoint": endpoint, "took_ms": took_ms, "agents": kept.agents});
        return screen.record(&told);
    }
    let (count, server) = (kept.agents.len(), reach.server.name());
    live.line(&format!("{count} agents are up over {server} after {:.1} s", took_ms as f64 / 1000.0));
    live.line(&format!("logs: {}", house.folder().join("logs").display()));
    if let Some(endpoint) = reach.server.endpoint() {
        live.line(&format!("for other programs: export AWS_ENDPOINT_URL={endpoint}"));
    }
    live.line("Ctrl-C, or murmur down, stops it");
    Ok(())
}

/// Until it is stopped.
async fn keep(
    flock: &mut Flock,
    reach: &mut Reach,
    house: &House,
    live: &mut Live,
    screen: Screen,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let (mut look, mut show) = (interval(LOOK_EVERY), interval(SHOW_EVERY));
    let mut not_before = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            _ = look.tick() => {
                for what in flock.look_after()? {
                    say(screen, live, &what)?;
                }
                bound_logs(house, &reach.server);
                if let Server::Standin(standin) = &mut reach.server
                    && !standin.is_alive()
                    && Instant::now() >= not_before
                {
                    say(screen, live, "the stand-in ended; it is started again")?;
                    not_before = Instant::now() + STANDIN_PAUSE;
                    if let Err(why) = standin.restart().await {
                        say(screen, live, &format!("{why:#}"))?;
                    }
                }
            }
            _ = show.tick(), if live.moves() => {
                for agent in &flock.kept().agents {
                    live.row(&agent.name, &row(agent));
                }
                if let Server::Standin(standin) = &reach.server {
                    live.row("stand-in", &of_process("stand-in", "up", Some(standin.process()), 0));
                }
            }
        }
    }
}

/// Its own, where it is in the background, and the stand-in's; the agents' are the flock's.
fn bound_logs(house: &House, server: &Server) {
    // Looked at again in a moment, and no reason to end.
    let _ = logs::bound(&house.log(detach::LOG));
    if let Server::Standin(standin) = server {
        let _ = standin.bound_log();
    }
}

fn say(screen: Screen, live: &Live, what: &str) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Told<'a> {
        event: &'a str,
        what: &'a str,
    }
    if screen.json {
        return screen.record(&Told { event: "changed", what });
    }
    live.line(what);
    Ok(())
}

fn row(agent: &kept::Noted) -> String {
    let state = match agent.state {
        State::Starting => "starting",
        State::Up => "up",
        State::Waiting => "crashed",
    };
    of_process(&agent.name, state, agent.process, agent.restarts)
}

fn of_process(name: &str, state: &str, process: Option<Process>, restarts: u32) -> String {
    let seen = process.and_then(|process| process.seen());
    let age = seen.map_or_else(String::new, |seen| since(seen.started_s));
    let memory = seen.map_or_else(String::new, |seen| bytes(seen.memory_bytes));
    let again = if restarts > 0 { format!("  restarts: {restarts}") } else { String::new() };
    format!("  {name:<17} {state:<8} {age:>7} {memory:>8}{again}")
}
