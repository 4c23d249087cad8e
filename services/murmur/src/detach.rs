//! Owns leaving `murmur up` in the background: started as a process of its own, waited for until all of it is up.
//! Never a terminal's child for long: it leads a session of its own, so that closing the terminal does not end it.
//! Next: `up` does the work there; `down` ends it.

use std::fs::OpenOptions;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Misconfigured, Misused};
use crate::house::last_lines;
use crate::kept::Kept;
use crate::logs;
use crate::process::Process;
use crate::reach::Where;
use crate::screen::Screen;

const UP_MAX: Duration = Duration::from_secs(120);
/// It drains what has come up already.
const END_MAX: Duration = Duration::from_secs(60);
pub(crate) const LOG: &str = "murmur";
const POLL: Duration = Duration::from_millis(10);

pub(crate) async fn run(
    place: &Where,
    screen: Screen,
    agents: &[(String, usize)],
    stop: &CancellationToken,
) -> anyhow::Result<Exit> {
    let began = Instant::now();
    let house = place.house()?;
    // Refused here, where somebody reads it, and not only in a log.
    drop(house.running_agents().await?);
    let path = house.log(LOG);
    logs::bound(&path)?;
    let log = OpenOptions::new().create(true).append(true).open(&path)?;
    let from = log.metadata()?.len();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["up", "--detached", "--data"]).arg(house.folder());
    if let Some(endpoint) = &place.endpoint {
        command.args(["--endpoint", endpoint]);
    }
    if place.aws {
        command.arg("--aws");
    }
    for (name, count) in agents {
        command.arg("--agents").arg(format!("{name}={count}"));
    }
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let mut child = command.spawn().context("murmur does not start in the background")?;
    loop {
        if let Some(kept) = Kept::running(&house).filter(|kept| kept.ready && Some(kept.keeper.pid) == child.id()) {
            return ready(screen, &house, &kept, began);
        }
        if let Some(status) = child.try_wait()? {
            let said = last_lines(&path, from, 12);
            return Err(match status.code() {
                Some(2) => Misused(said).into(),
                Some(64) => Misconfigured(said).into(),
                _ => anyhow::anyhow!("it did not come up:\n{said}"),
            });
        }
        if began.elapsed() > UP_MAX {
            bail!(
                "it has not come up for {} s: see {}, and stop it with murmur down",
                UP_MAX.as_secs(),
                path.display()
            );
        }
        if stop.run_until_cancelled(sleep(POLL)).await.is_none() {
            return stopped(screen, child.id()).await;
        }
    }
}

async fn stopped(screen: Screen, pid: Option<u32>) -> anyhow::Result<Exit> {
    if let Some(process) = pid.and_then(Process::of) {
        process.signal(Signal::SIGTERM);
        if !process.is_gone_within(END_MAX).await {
            bail!("process {} does not end: stop it with murmur down", process.pid);
        }
    }
    screen.progress("stopped before all of it was up; nothing that was started here runs on");
    Ok(Exit::Failed)
}

fn ready(screen: Screen, house: &crate::house::House, kept: &Kept, began: Instant) -> anyhow::Result<Exit> {
    let took_ms = began.elapsed().as_millis() as u64;
    if screen.json {
        let data = house.folder().display().to_string();
        let told = json!({
            "data": data, "server": kept.server, "pid": kept.keeper.pid, "took_ms": took_ms, "agents": kept.agents,
        });
        screen.document(&told)?;
    } else {
        let (count, took) = (kept.agents.len(), took_ms as f64 / 1000.0);
        screen.text(&format!("{count} agents are up over {} after {took:.1} s", kept.server))?;
        screen.text("murmur status shows them, murmur down stops them")?;
    }
    Ok(Exit::Done)
}

/// In a session of its own.
pub(crate) fn alone() {
    // Who leads a group already stays where it is.
    let _ = nix::unistd::setsid();
}
