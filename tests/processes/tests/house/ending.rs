//! What the first Ctrl-C does while a command is not yet, or no longer, where it waits for a goal.
//! Never a goal that nobody knows of, and never a process that is left.
//! Next: `sharing`.

use std::net::TcpListener;

use anyhow::ensure;
use nix::sys::signal::Signal;
use processes::sample;

use crate::shell::{Said, Shell, pids, says, signal, until};

const FILES: usize = 3000;

/// It ended as one that was stopped in time, and left nothing.
async fn nothing_came_of(said: &Said, shell: &Shell) -> anyhow::Result<()> {
    let document = said.document()?;
    ensure!(said.code == Some(1) && document["end"].is_null() && document["goal"].is_null(), "{said:?}");
    ensure!(document["cause"] == "stopped before the goal was sent", "{document:#}");
    ensure!(pids(&shell.status().await?).is_empty(), "it left processes");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_while_it_comes_up_sends_nothing_and_the_next_one_works() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    let sources = sample::folder().display().to_string();
    let command = ["run", sample::GOAL, "--sources", &sources, "--json"];
    let run = shell.start(&command)?;
    until("the stand-in is noted", || shell.data().join("stand-in.json").exists()).await?;
    signal(run.id(), Signal::SIGINT)?;
    nothing_came_of(&Said::by(run).await?, &shell).await?;
    let again = shell.does(&command).await?.document()?;
    ensure!(again["end"] == "goal.completed", "{again:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_while_it_reads_sources_sends_nothing() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    let folder = shell.home().join("many");
    std::fs::create_dir(&folder)?;
    let text = "Every broker has a price, and every price has its reasons. ".repeat(80);
    for number in 0..FILES {
        std::fs::write(folder.join(format!("{number}.md")), format!("# Broker {number}\n\n{text}"))?;
    }
    let mut run = shell.start(&["run", sample::GOAL, "--sources", "many", "--json"])?;
    says(&mut run, "agents are up").await?;
    signal(run.id(), Signal::SIGINT)?;
    nothing_came_of(&Said::by(run).await?, &shell).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_up_that_is_stopped_while_it_starts_does_not_say_that_it_is_up() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    // So many that the last of them cannot be up already.
    let up = shell.start(&["up", "--json", "--agents", "research=16"])?;
    until("an agent is noted", || shell.data().join("agents.json").exists()).await?;
    signal(up.id(), Signal::SIGINT)?;
    let said = Said::by(up).await?;
    ensure!(said.code == Some(0) && said.out.is_empty(), "{said:?}");
    ensure!(said.err.contains("stopped before all of it was up"), "{said:?}");
    ensure!(pids(&shell.status().await?).is_empty(), "it left processes");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_does_not_keep_an_up_from_hearing() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("http://{}", silent.local_addr()?);
    let up = shell.start(&["up", "--endpoint", &endpoint])?;
    until("it has the lock", || shell.data().join("agents.lock").exists()).await?;
    signal(up.id(), Signal::SIGINT)?;
    let said = Said::by(up).await?;
    ensure!(said.code == Some(0) && said.err.contains("stopped before all of it was up"), "{said:?}");
    drop(silent);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_up_in_the_background_that_is_stopped_while_it_starts_leaves_nothing() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    let up = shell.start(&["up", "--detach", "--agents", "research=16"])?;
    until("an agent is noted", || shell.data().join("agents.json").exists()).await?;
    signal(up.id(), Signal::SIGINT)?;
    let said = Said::by(up).await?;
    ensure!(said.code == Some(1) && said.out.is_empty(), "{said:?}");
    ensure!(said.err.contains("nothing that was started here runs on"), "{said:?}");
    ensure!(pids(&shell.status().await?).is_empty(), "it left processes");
    Ok(())
}
