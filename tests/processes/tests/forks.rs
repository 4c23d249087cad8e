//! Replays, forks and diffs of real goals: the four agents as processes, the built command line, the stand-in's ledger.
//! Never a model: every agent works offline, and what it brings must come out again.
//! Next: `testkit`'s `forks` and `world` do it under faults.

use std::process::Output;

use anyhow::{Context as _, ensure};
use contract::GoalId;
use contract::events::{GoalCompleted, ResearchTaskRequested};
use contract::{Event, EventData as _};
use embedded_cloud::{EmbeddedCloud, Options};
use processes::run::GOAL_MAX;
use processes::{Flock, Site, Wish, built, sample};
use runtime::ledger::{Attr, Item, ItemKey, ItemKind};
use runtime::ports::Ports;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Duration, Instant, sleep};

struct Scene {
    cloud: EmbeddedCloud,
    site: Site,
    ports: Ports,
}

impl Scene {
    async fn open() -> anyhow::Result<Scene> {
        Scene::with(|site| site).await
    }

    async fn with(more: impl FnOnce(Site) -> Site) -> anyhow::Result<Scene> {
        let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
        let site = more(Site::at(cloud.endpoint())?);
        site.provision().await?;
        let ports = site.ports().await?;
        sample::ingest(&ports).await?;
        Ok(Scene { cloud, site, ports })
    }

    /// The sample's goal, completed.
    async fn completed(&self) -> anyhow::Result<Wish> {
        let wish = Wish::of("the sample", sample::GOAL);
        wish.send(&self.ports, &self.site.choreography).await?;
        let end = wish.end(&self.ports, GOAL_MAX).await?;
        ensure!(end.kind == GoalCompleted::TYPE, "{end:?}");
        Ok(wish)
    }

    async fn murmur(&self, words: &[&str], more: &[(&str, &str)]) -> anyhow::Result<Output> {
        let mut command = Command::new(built("murmur")?);
        command.env_clear().envs(self.site.environment()).envs(more.iter().copied());
        for (unset, _) in more.iter().filter(|(_, value)| value.is_empty()) {
            command.env_remove(unset);
        }
        command.args(["--endpoint", self.cloud.endpoint()]).args(words).kill_on_drop(true);
        Ok(command.output().await?)
    }

    /// What it says as JSON, whatever it exits with.
    async fn told(&self, words: &[&str], more: &[(&str, &str)]) -> anyhow::Result<(Value, Option<i32>)> {
        let ran = self.murmur(&[words, &["--json"]].concat(), more).await?;
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        Ok((serde_json::from_slice(&ran.stdout).with_context(|| said)?, ran.status.code()))
    }

    async fn end_of(&self, goal: GoalId) -> anyhow::Result<Event> {
        let deadline = Instant::now() + GOAL_MAX;
        loop {
            let item = self.ports.ledger.read(&ItemKey::goal(goal)).await?;
            if let Some(ended) = item.as_ref().and_then(|item| item.text(&Attr::Ended)) {
                return Ok(serde_json::from_str(ended)?);
            }
            ensure!(Instant::now() < deadline, "{goal} has not ended: {item:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Rows of the steps that somebody worked on in this goal itself.
    async fn worked(&self, goal: GoalId) -> anyhow::Result<Vec<String>> {
        let items = self.ports.ledger.story(goal).await?;
        let mut rows: Vec<String> = items.iter().filter_map(own_row).collect();
        rows.sort();
        Ok(rows)
    }
}

fn own_row(item: &Item) -> Option<String> {
    match &item.key.kind {
        ItemKind::Step { row, .. } if !item.has(&Attr::CopiedFrom) => Some(row.to_string()),
        _ => None,
    }
}

fn outcomes(told: &Value) -> Vec<(&str, &str)> {
    let steps = told["steps"].as_array().into_iter().flatten();
    steps.map(|step| (step["step"].as_str().unwrap_or(""), step["outcome"].as_str().unwrap_or(""))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_goal_replays_to_the_same_and_a_changed_handler_is_found_by_its_first_step() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let flock = Flock::start_agents(&scene.site).await?;
    let wish = scene.completed().await?;
    flock.drain().await?;
    let calls = scene.cloud.operations(0).len();
    let id = wish.id().to_string();
    let (told, code) = scene.told(&["replay", &id], &[]).await?;
    ensure!(code == Some(0) && told["same"] == true, "{told:#}");
    ensure!(outcomes(&told).iter().all(|(_, outcome)| *outcome == "same"), "{told:#}");
    let rows: Vec<&str> = outcomes(&told).iter().map(|(step, _)| step.split('#').next().unwrap_or("")).collect();
    for row in ["research", "research-tasks", "analysis", "writer", "recommendation"] {
        ensure!(rows.contains(&row), "{row} of {rows:?}");
    }
    ensure!(
        scene.cloud.operations(0)[calls..].iter().all(|call| !WRITES.contains(&call.operation.as_str())),
        "it wrote"
    );
    let rules = TempDir::new()?;
    let pack = rules.path().join("other.toml");
    std::fs::write(&pack, OTHER_RULES)?;
    let pack = pack.display().to_string();
    let (told, code) = scene.told(&["replay", &id], &[("MURMUR_RULES", &pack)]).await?;
    ensure!(code == Some(1) && told["first"] == "recommendation", "{told:#}");
    let same = outcomes(&told).iter().filter(|(_, outcome)| *outcome == "same").count();
    ensure!(same + 1 == outcomes(&told).len(), "{told:#}");
    let shown = scene.murmur(&["replay", &id, "--from", "analysis"], &[("MURMUR_RULES", &pack)]).await?;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    ensure!(shown.contains("recommendation differs") && shown.contains("Advice of another pack"), "{shown}");
    ensure!(!shown.contains("research"), "what came before is left out: {shown}");
    scene.cloud.stop().await;
    Ok(())
}

/// One model for all four, at an address where nobody listens: it is asked in vain, and they do without.
const NOBODY: &str = r#"[models.nobody]
provider = "openai"
model = "nobody"
base_url = "http://127.0.0.1:9/v1"
context_tokens = 16000

[prices."openai-compatible/nobody"]
in = 0.05
out = 0.2

"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_that_models_were_asked_for_cannot_be_replayed_without_them_and_it_is_said_what_to_set()
-> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("models.toml");
    let agents = ["research", "analysis", "writer", "recommendation"]
        .map(|agent| format!("[agents.{agent}]\nmodels = [\"nobody\"]\ntries_max = 1\n"));
    std::fs::write(&file, format!("{NOBODY}{}", agents.join("\n")))?;
    let path = file.display().to_string();
    let scene = Scene::with(|site| site.and_agents("MURMUR_MODELS", &path)).await?;
    let flock = Flock::start_agents(&scene.site).await?;
    let wish = scene.completed().await?;
    flock.drain().await?;
    let id = wish.id().to_string();
    let (told, code) = scene.told(&["replay", &id], &[]).await?;
    ensure!(code == Some(0) && told["same"] == true, "with its models: {told:#}");
    let (told, code) = scene.told(&["replay", &id], &[("MURMUR_MODELS", "")]).await?;
    ensure!(code == Some(1) && told["same"] == false && told["first"].is_null(), "nothing differs: {told:#}");
    let steps = told["steps"].as_array().context("no steps")?;
    let cannot: Vec<&Value> = steps.iter().filter(|step| step["outcome"] == "cannot-be-replayed").collect();
    ensure!(!cannot.is_empty() && outcomes(&told).iter().all(|(_, outcome)| *outcome != "differs"), "{told:#}");
    for step in cannot {
        let why = step["why"].as_str().unwrap_or("");
        ensure!(why.contains("openai-compatible/nobody") && why.contains("set MURMUR_MODELS"), "{step:#}");
    }
    let shown = scene.murmur(&["replay", &id], &[("MURMUR_MODELS", "")]).await?;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    ensure!(shown.contains("cannot be replayed") && !shown.contains("differs"), "{shown}");
    scene.cloud.stop().await;
    Ok(())
}

const WRITES: [&str; 6] =
    ["PutItem", "UpdateItem", "SendMessage", "SendMessageBatch", "PutEvents", "DeleteMessageBatch"];

const OTHER_RULES: &str = r#"name = "other"

[[rule]]
id = "another"
priority = "high"
when = 'size(conflicts("")) > 0'
title = 'Advice of another pack'
rationale = 'It is another one.'
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_goal_is_forked_from_its_steps_and_only_what_follows_is_done_again() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let flock = Flock::start_agents(&scene.site).await?;
    let wish = scene.completed().await?;
    let id = wish.id().to_string();
    let whole = scene.worked(wish.id()).await?;
    let task = scene.task_of(&wish).await?;
    let from_task = format!("research-tasks#{}", &task[..13]);
    for (from, again) in [
        ("writer", vec!["writer"]),
        ("analysis", vec!["analysis", "recommendation", "writer"]),
        (from_task.as_str(), vec!["analysis", "recommendation", "research-tasks", "writer"]),
        ("research", whole.iter().map(String::as_str).collect()),
    ] {
        let (told, code) = scene.told(&["goal", "fork", &id, "--from", from, "--key", from], &[]).await?;
        ensure!(code == Some(0), "{told:#}");
        let fork: GoalId = told["goal"].as_str().context("no goal")?.parse()?;
        let end = scene.end_of(fork).await?;
        ensure!(end.kind == GoalCompleted::TYPE && end.data["missing"] == json!([]), "{from}: {end:?}");
        ensure!(scene.worked(fork).await? == again, "{from}: {:?}", scene.worked(fork).await?);
        let (replayed, code) = scene.told(&["replay", &fork.to_string()], &[]).await?;
        ensure!(code == Some(0), "{from}: {replayed:#}");
        let (again, _) = scene.told(&["goal", "fork", &id, "--from", from, "--key", from], &[]).await?;
        ensure!(again["ended"] == true && again["goal"] == told["goal"], "{again:#}");
        let (diff, _) = scene.told(&["diff", &id, &fork.to_string()], &[]).await?;
        for step in diff["steps"].as_array().context("no steps")?.iter().filter(|step| step["step"] != "writer") {
            ensure!(step["input"] == json!([]) && step["output"] == json!([]), "{from}: {step:#}");
        }
    }
    flock.drain().await?;
    scene.cloud.stop().await;
    Ok(())
}

impl Scene {
    /// The id of one task's event.
    async fn task_of(&self, wish: &Wish) -> anyhow::Result<String> {
        let items = self.ports.ledger.story(wish.id()).await?;
        let task = items.iter().find_map(|item| match &item.key.kind {
            ItemKind::Step { row, event } if row.as_str() == "research-tasks" => Some(event.to_string()),
            _ => None,
        });
        task.with_context(|| format!("no step that consumed {}", ResearchTaskRequested::TYPE))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_goal_is_forked_beside_itself_and_both_complete() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let mut flock = Flock { birds: vec![processes::Bird::agent("research", &scene.site)?] };
    flock.bird("research")?.until("receiving").await?;
    let wish = Wish::of("half", sample::GOAL);
    wish.send(&scene.ports, &scene.site.choreography).await?;
    let key = ItemKey::join(wish.id(), &contract::JoinName::new("evidence"));
    let deadline = Instant::now() + GOAL_MAX;
    while !scene.ports.ledger.read(&key).await?.is_some_and(|join| join.has(&Attr::Ended)) {
        ensure!(Instant::now() < deadline, "the research is never done");
        sleep(Duration::from_millis(50)).await;
    }
    let id = wish.id().to_string();
    let unknown = scene.murmur(&["goal", "fork", &id, "--from", "analysis"], &[]).await?;
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    ensure!(unknown.status.code() == Some(1) && said.contains("research-tasks#"), "{said}");
    // From a task, since the analysis has not begun: what comes after it follows by itself.
    let task = scene.task_of(&wish).await?;
    let from = format!("research-tasks#{task}");
    let (told, code) = scene.told(&["goal", "fork", &id, "--from", &from], &[]).await?;
    ensure!(code == Some(0), "{told:#}");
    for name in ["analysis", "writer", "recommendation"] {
        flock.birds.push(processes::Bird::agent(name, &scene.site)?);
    }
    let fork: GoalId = told["goal"].as_str().context("no goal")?.parse()?;
    ensure!(scene.end_of(fork).await?.kind == GoalCompleted::TYPE, "the fork did not complete");
    ensure!(wish.end(&scene.ports, GOAL_MAX).await?.kind == GoalCompleted::TYPE, "nor did the first one");
    flock.drain().await?;
    scene.cloud.stop().await;
    Ok(())
}
