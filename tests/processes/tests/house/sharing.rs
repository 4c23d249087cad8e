//! Several commands over one data directory: who keeps the stand-in alive, who is waited for, and how large logs become.
//! Never a stand-in stopped under somebody who uses it, and never one replaced because it is slow.
//! Next: nobody.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use nix::sys::signal::Signal;
use processes::sample;
use serde_json::Value;

use crate::shell::{Said, Shell, lives, pids, process, says, signal, until};

const NO_AGENTS: &str = "research=0,analysis=0,writer=0,recommendation=0";
const LOG_BYTES_MAX: u64 = 10 * 1024 * 1024;

fn pid(status: &Value, name: &str) -> anyhow::Result<u32> {
    let found = process(status, name).and_then(|process| process["pid"].as_u64());
    Ok(u32::try_from(found.with_context(|| format!("{name} does not run: {status:#}"))?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stand_in_stays_for_whoever_came_by_its_address_and_goes_with_the_last() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.does(&["up", "--detach", "--agents", NO_AGENTS]).await?;
    let status = shell.status().await?;
    let standin = pid(&status, "stand-in")?;
    let endpoint = status["server"].as_str().and_then(|name| name.split(" at ").nth(1)).context("no address")?;
    let mut guest = shell.start(&["up", "--data", "elsewhere", "--endpoint", endpoint, "--agents", NO_AGENTS])?;
    says(&mut guest, "0 agents are up").await?;

    let said = shell.does(&["down", "--json"]).await?.document()?;
    ensure!(said["stand_in_is_in_use"] == true && lives(standin), "{said:#}");
    let said = shell.does(&["down"]).await?;
    ensure!(said.out.contains("the stand-in stays"), "{said:?}");
    ensure!(pid(&shell.status().await?, "stand-in")? == standin);
    let log = std::fs::read_to_string(shell.data().join("logs/murmur.log"))?;
    ensure!(log.contains("the stand-in stays"), "{log}");

    signal(guest.id(), Signal::SIGINT)?;
    let said = Said::by(guest).await?;
    ensure!(said.code == Some(0) && !lives(standin), "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_agents_were_stopped_with_their_up_ends_and_leaves_its_goal_open() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.does(&["up", "--detach"]).await?;
    let before = shell.status().await?;
    // The goal must not end first.
    signal(Some(pid(&before, "writer")?), Signal::SIGSTOP)?;
    let sources = sample::folder().display().to_string();
    let mut run = shell.start(&["run", sample::GOAL, "--sources", &sources, "--json", "--within", "60"])?;
    says(&mut run, "was sent").await?;
    let keeper = u32::try_from(before["keeper"].as_u64().context("nobody keeps it")?)?;
    signal(Some(keeper), Signal::SIGKILL)?;
    for name in ["research", "analysis", "writer", "recommendation"] {
        signal(Some(pid(&before, name)?), Signal::SIGKILL)?;
    }
    let said = Said::by(run).await?;
    let document = said.document()?;
    ensure!(said.code == Some(1) && document["cause"] == "murmur up was stopped", "{said:?}");
    ensure!(document["goal"].is_string(), "{document:#}");
    for pid in pids(&before) {
        ensure!(!lives(pid), "process {pid} still runs");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stand_in_that_is_slow_is_waited_for() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.does(&["up", "--detach", "--agents", NO_AGENTS]).await?;
    let standin = pid(&shell.status().await?, "stand-in")?;
    signal(Some(standin), Signal::SIGSTOP)?;
    let mut dry = shell.start(&["provision", "--dry-run", "--json"])?;
    let told = says(&mut dry, "slow to answer").await;
    signal(Some(standin), Signal::SIGCONT)?;
    told?;
    let said = Said::by(dry).await?;
    ensure!(said.code == Some(0), "{said:?}");
    ensure!(pid(&shell.status().await?, "stand-in")? == standin, "another one was started");
    shell.does(&["down"]).await?;
    ensure!(!lives(standin), "process {standin} still runs");
    Ok(())
}

fn bytes(path: &Path) -> u64 {
    path.metadata().map_or(0, |file| file.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_bounded_while_their_writers_live() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.does(&["up", "--detach", "--agents", "analysis=0,writer=0,recommendation=0"]).await?;
    let logs = ["research", "stand-in", "murmur"].map(|name| shell.data().join(format!("logs/{name}.log")));
    let line = [&[b'x'; 1023][..], b"\n"].concat();
    for log in &logs {
        let mut file = std::fs::OpenOptions::new().append(true).open(log)?;
        file.write_all(&line.repeat(LOG_BYTES_MAX as usize / line.len() + 1))?;
    }
    let old = |log: &Path| log.with_extension("log.1");
    until("every log is small again", || logs.iter().all(|log| bytes(log) < LOG_BYTES_MAX / 2)).await?;
    for log in &logs {
        let kept = bytes(&old(log));
        ensure!(kept > 0 && kept <= LOG_BYTES_MAX, "{}: {kept} bytes", log.display());
    }
    let agent = pid(&shell.status().await?, "research")?;
    signal(Some(agent), Signal::SIGKILL)?;
    let is_back =
        |status: &Value| process(status, "research").is_some_and(|line| line["state"] == "up" && line["pid"] != agent);
    shell.status_until(is_back).await?;
    ensure!(bytes(&logs[0]) > 0, "nobody writes there any more");
    shell.does(&["down"]).await?;
    Ok(())
}
