//! `murmur subscribe`, `unsubscribe` and `events follow` as their user meets them, over a stand-in.
//! Never a subscription that stays: whoever makes one here sees it go.
//! Next: `shared/aws/tests/subscriptions.rs` has what goes wrong on the way.

use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use contract::events::GoalFailed;
use contract::{Event, EventData, EventId, GoalId, Source, Tenant, Unit};
use embedded_cloud::{EmbeddedCloud, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use processes::{Site, built};
use runtime::Chance;
use runtime::ports::Ports;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const SOON: Duration = Duration::from_secs(30);

struct Scene {
    cloud: EmbeddedCloud,
    site: Site,
    ports: Ports,
    data: TempDir,
}

impl Scene {
    async fn open() -> anyhow::Result<Scene> {
        let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
        let site = Site::at(cloud.endpoint())?;
        site.provision().await?;
        let ports = site.ports().await?;
        Ok(Scene { cloud, site, ports, data: TempDir::new()? })
    }

    fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(built("murmur")?);
        command.env_clear().envs(self.site.environment());
        command.args(["--endpoint", self.cloud.endpoint(), "--data"]).arg(self.data.path()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Ok(command)
    }

    async fn murmur(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        Ok(self.command(arguments)?.output().await?)
    }

    async fn subscriptions(&self) -> anyhow::Result<Vec<Value>> {
        let told: Value = serde_json::from_slice(&self.murmur(&["subscribe", "--list", "--json"]).await?.stdout)?;
        Ok(told["subscriptions"].as_array().context("a list")?.clone())
    }

    /// A goal that nobody ever sent fails: an event is an event.
    async fn publish(&self, key: &str) -> anyhow::Result<Event> {
        let goal = GoalId::derive(&Tenant::default(), key);
        let event = Event {
            id: EventId::derive(goal, &GoalFailed::TYPE, &Unit::goal()),
            source: Source::CHOREOGRAPHY,
            kind: GoalFailed::TYPE,
            version: 1,
            time: self.ports.clock.now(),
            goal,
            goal_key: Some(key.into()),
            causation: None,
            hops: 1,
            deadline: None,
            tenant: Tenant::default(),
            trace: Chance::fresh().trace(),
            data: json!(GoalFailed::example()),
        };
        self.ports.bus.put(std::slice::from_ref(&event)).await?.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(event)
    }

    async fn following(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        let mut child = self.command(&[&["events", "follow"], arguments].concat())?.spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("piped")?).lines();
        let first = tokio::time::timeout(SOON, lines.next_line()).await??;
        ensure!(first.as_deref().is_some_and(|line| line.contains("following")), "{first:?}");
        Ok(child)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_printed_as_it_is_published_and_the_subscription_goes() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let mine = GoalId::derive(&Tenant::default(), "mine").to_string();
    let child = scene.following(&["--count", "1", "--goal", &mine[..8], "--json"]).await?;
    assert_eq!(scene.subscriptions().await?.len(), 1);
    scene.publish("somebody's").await?;
    let event = scene.publish("mine").await?;
    let output = tokio::time::timeout(SOON, child.wait_with_output()).await??;
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout)?;
    assert_eq!(serde_json::from_str::<Value>(lines.trim())?, serde_json::to_value(&event)?);
    assert!(scene.subscriptions().await?.is_empty());
    scene.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_following_that_is_stopped_removes_its_subscription_and_a_killed_ones_goes_later() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut child = scene.following(&[]).await?;
        kill(Pid::from_raw(i32::try_from(child.id().context("a process")?)?), signal)?;
        let ended = tokio::time::timeout(SOON, child.wait()).await??;
        assert_eq!(ended.code(), Some(0), "{signal} is its regular end");
        assert!(scene.subscriptions().await?.is_empty(), "{signal}");
    }
    let mut killed = scene.following(&[]).await?;
    killed.kill().await?;
    let left = scene.subscriptions().await?;
    assert_eq!(left.len(), 1, "nobody could remove it");
    // One of long ago: what its name and its tag say is all that counts.
    let plan = aws::provision::Plan::of(&scene.site.config()?);
    let clients = aws::clients::standin(scene.cloud.endpoint(), "us-east-1");
    let clients = aws::clients::Clients::load(clients, aws::clients::Limits::default()).await;
    let url = left[0]["url"].as_str().context("a queue")?;
    aws::subscriptions::still_alive(&clients, url, scene.ports.clock.now().0 - 3_600_000).await?;
    let child = scene.following(&["--for", "1"]).await?;
    tokio::time::timeout(SOON, child.wait_with_output()).await??;
    let found = aws::subscriptions::list(&clients, &plan.topology).await?;
    assert!(found.is_empty(), "{found:?}");
    scene.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_for_another_application_is_made_printed_listed_and_removed() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let made = scene.murmur(&["subscribe", "billing", "--types", "goal.completed,goal.failed"]).await?;
    let told = String::from_utf8(made.stdout)?;
    assert!(made.status.success(), "{told}");
    for part in ["murmur-sub-billing", "import boto3", "@aws-sdk/client-sqs", "aws_sdk_sqs", "aws sqs receive-message"]
    {
        assert!(told.contains(part), "{part}:\n{told}");
    }
    let alone = String::from_utf8(scene.murmur(&["subscribe", "billing", "--snippet", "python"]).await?.stdout)?;
    assert!(alone.starts_with("# pip install boto3") && !alone.contains("@aws-sdk"), "{alone}");
    assert_eq!(scene.subscriptions().await?[0]["types"].as_array().map(Vec::len), Some(2), "a snippet changes nothing");
    scene.murmur(&["subscribe", "billing"]).await?;
    assert_eq!(scene.subscriptions().await?[0]["types"].as_array().map(Vec::len), Some(3), "the types were replaced");
    for (wrong, says) in [
        (vec!["subscribe", "Bad.Name"], "no name of a subscription"),
        (vec!["subscribe", "billing", "--types", "goal.complete"], "goal.completed"),
        (vec!["subscribe", "billing", "--goal", "x"], "no goal's id"),
        (vec!["unsubscribe", "../x"], "no name of a subscription"),
    ] {
        let output = scene.murmur(&wrong).await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {said}");
        assert!(said.contains(says), "{wrong:?}: {said}");
    }
    for outcome in ["removed", "absent"] {
        let gone = scene.murmur(&["unsubscribe", "billing"]).await?;
        assert!(gone.status.success() && String::from_utf8(gone.stdout)?.contains(outcome));
    }
    assert!(scene.subscriptions().await?.is_empty());
    scene.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_following_whose_lines_nobody_reads_hears_ctrl_c_all_the_same() -> anyhow::Result<()> {
    /// More than a pipe and those that wait for it take.
    const EVENTS: usize = 400;
    let scene = Scene::open().await?;
    let mut child = scene.following(&["--json"]).await?;
    for number in 0..EVENTS {
        scene.publish(&format!("unread-{number}")).await?;
    }
    kill(Pid::from_raw(i32::try_from(child.id().context("a process")?)?), Signal::SIGINT)?;
    let ended = tokio::time::timeout(SOON, child.wait()).await.context("it does not hear")??;
    assert_eq!(ended.code(), Some(0));
    assert!(scene.subscriptions().await?.is_empty());
    scene.cloud.stop().await;
    Ok(())
}
