//! The whole choreography over the stand-in: four daemons as processes, and servers that go away and come back.
//! Never a sleep: each test waits for what it wants to see.
//! Next: issue by issue more deaths; `wire.rs` has the faults of single calls.

use embedded_cloud::{EmbeddedCloud, Options};
use nix::sys::signal::Signal;
use processes::run::{GOAL_MAX, completed, goals_are_answered};
use processes::{Bird, Flock, Site, Standin, Wish};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn goals_are_answered_by_four_processes() -> anyhow::Result<()> {
    let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
    goals_are_answered(&Site::at(cloud.endpoint())?).await?;
    cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_and_comes_back_costs_no_goal() -> anyhow::Result<()> {
    let data = TempDir::new()?;
    let mut standin = Standin::start(data.path()).await?;
    let site = Site::at(&standin.endpoint())?;
    site.provision().await?;
    let ports = site.ports().await?;
    let flock = Flock::start(&site).await?;
    let wishes: Vec<Wish> = (0..10).map(|n| Wish::new(&format!("goal-{n}"))).collect();
    for wish in &wishes {
        wish.send(&ports, &site.choreography).await?;
    }
    // Some are under way, some have not begun.
    wishes[0].end(&ports, GOAL_MAX).await?;
    standin.kill().await?;
    standin.restart().await?;
    for wish in &wishes {
        completed(wish, &wish.end(&ports, GOAL_MAX).await?)?;
    }
    flock.drain().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_starts_before_its_servers_waits_and_says_so() -> anyhow::Result<()> {
    let data = TempDir::new()?;
    let mut standin = Standin::start(data.path()).await?;
    let site = Site::at(&standin.endpoint())?;
    site.provision().await?;
    standin.kill().await?;
    let mut early = Bird::start("writer", &site)?;
    early.until("AWS is not reached yet").await?;
    standin.restart().await?;
    early.until("receiving").await?;
    early.signal(Signal::SIGTERM)?;
    anyhow::ensure!(early.ended().await? == Some(0), "{}", early.told());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_comes_while_a_daemon_is_dead_is_done_by_the_next() -> anyhow::Result<()> {
    let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
    let site = Site::at(cloud.endpoint())?;
    site.provision().await?;
    let ports = site.ports().await?;
    let mut flock = Flock::start(&site).await?;
    flock.bird("analysis")?.signal(Signal::SIGKILL)?;
    flock.bird("analysis")?.ended().await?;
    let wish = Wish::new("left behind");
    wish.send(&ports, &site.choreography).await?;
    flock.birds.retain(|bird| bird.name != "analysis");
    flock.birds.push(Bird::start("analysis", &site)?);
    completed(&wish, &wish.end(&ports, GOAL_MAX).await?)?;
    flock.drain().await
}
