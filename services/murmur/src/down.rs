//! Owns `murmur down`: whoever keeps agents in the data directory is told to stop, and what a killed one left is stopped.
//! Never a process that was not noted there, never a SIGKILL to one that still drains, and never a stand-in that
//! somebody else uses.
//! Next: `up` drains when it hears SIGTERM.

use std::time::Duration;

use anyhow::bail;
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::exit::Exit;
use crate::house::House;
use crate::kept::Kept;
use crate::process::Process;
use crate::reach::Where;
use crate::screen::Screen;
use crate::standin::{self, Noted};

const END_MAX: Duration = Duration::from_secs(120);
const CLEARED_MAX: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// Stop what runs in the data directory
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  murmur down")]
pub(crate) struct Asked {}

pub(crate) async fn run(_asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let house = place.house()?;
    let mut stopped = vec![];
    if house.has_agents()? {
        stopped.extend(keeper(&house, screen).await?);
    }
    let _nobody_starts_meanwhile = house.running_agents().await?;
    // One that was killed while it was told to stop stopped nobody: what it is noted for is left, and told once.
    for left in Kept::clear_leftovers(&house).await {
        if !stopped.contains(&left) {
            stopped.push(left);
        }
    }
    let mut in_use = false;
    if let Some(noted) = Noted::living(&house) {
        match house.nobody_uses()? {
            Some(_nobody_comes_meanwhile) => {
                if !noted.end(&house).await {
                    bail!("the stand-in does not end: see {}", house.log("stand-in").display());
                }
                stopped.push("stand-in".into());
            }
            None => in_use = true,
        }
    }
    if screen.json {
        screen.document(&json!({"stopped": stopped, "stand_in_is_in_use": in_use}))?;
        return Ok(Exit::Done);
    }
    screen.text(&match stopped.as_slice() {
        [] => format!("nothing runs in {}", house.folder().display()),
        all => format!("stopped: {}", all.join(", ")),
    })?;
    if in_use {
        screen.text(standin::STAYS)?;
    }
    Ok(Exit::Done)
}

/// Those that stopped with it.
async fn keeper(house: &House, screen: Screen) -> anyhow::Result<Vec<String>> {
    let kept = Kept::running(house);
    let keeper = match &kept {
        Some(kept) => Some(kept.keeper),
        // It has not started anything yet.
        None => house.holder("agents.lock").map(|holder| holder.process),
    };
    let Some(keeper) = keeper.filter(Process::is_alive) else {
        // One that was killed holds its locks until the system has cleared it away.
        let deadline = Instant::now() + CLEARED_MAX;
        while house.has_agents()? {
            if Instant::now() >= deadline {
                bail!("who holds {} cannot be found", house.folder().display());
            }
            sleep(POLL).await;
        }
        return Ok(vec![]);
    };
    let mut names: Vec<String> =
        kept.iter().flat_map(|kept| kept.agents.iter().map(|agent| agent.name.clone())).collect();
    let has_standin = Noted::living(house).is_some();
    keeper.signal(Signal::SIGTERM);
    screen.progress("stopping: what is at work is ended, or given back to its queue");
    let deadline = Instant::now() + END_MAX;
    while keeper.is_alive() && house.has_agents()? {
        if Instant::now() >= deadline {
            bail!(
                "process {} still drains after {} s: see {}",
                keeper.pid,
                END_MAX.as_secs(),
                house.folder().display()
            );
        }
        sleep(POLL).await;
    }
    // The lock goes first, the stand-in last.
    if !keeper.is_gone_within(END_MAX).await {
        bail!("process {} does not end", keeper.pid);
    }
    if has_standin && Noted::living(house).is_none() {
        names.push("stand-in".into());
    }
    Ok(names)
}
