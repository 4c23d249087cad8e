//! A goal that failed in the analysis agent, with the agents themselves: redriven, and edited.
//! Never a script in the analysis: it fails because nobody answers where its model should be.
//! Next: `docs/dead-letters.md` tells the same to an operator.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use contract::Event;
use contract::EventData as _;
use contract::events::GoalCompleted;
use nix::sys::signal::Signal;
use processes::run::GOAL_MAX;
use processes::{Bird, Flock, Site, Wish, sample};
use runtime::ledger::{Attr, Item, ItemKey, ItemKind};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::desk::Desk;

const POLL: Duration = Duration::from_millis(200);

/// Port 9 of this machine: nobody listens there.
const MODELS: &str = r#"
[models.away]
provider = "openai"
model = "away"
base_url = "http://127.0.0.1:9/v1"
[agents.analysis]
models = ["away"]
tries_max = 1
if_unusable = "park"
[prices."openai-compatible/away"]
in = 0.0
out = 0.0
"#;

struct Scene {
    desk: Desk,
    flock: Flock,
    wish: Wish,
}

impl Scene {
    /// Until the analysis has given up; its letter.
    async fn stalled(key: &str) -> anyhow::Result<(Scene, Value)> {
        let desk = Desk::open().await?;
        sample::ingest(&desk.ports).await?;
        let models = desk.data.path().join("models.toml");
        std::fs::write(&models, MODELS)?;
        let broken = Site::at(desk.cloud.endpoint())?.and("MURMUR_MODELS", &models.display().to_string());
        let broken = desk.site.environment().iter().fold(broken, |site, (name, value)| site.and(name, value));
        let mut flock = Flock { birds: vec![] };
        for name in ["research", "writer", "recommendation"] {
            flock.birds.push(Bird::agent(name, &desk.site)?);
        }
        flock.birds.push(Bird::agent("analysis", &broken)?);
        for bird in &mut flock.birds {
            bird.until("receiving").await?;
        }
        let wish = Wish::of(key, sample::GOAL);
        wish.send(&desk.ports, &desk.site.choreography).await?;
        let scene = Scene { desk, flock, wish };
        let until = Instant::now() + GOAL_MAX;
        loop {
            let told = scene.desk.listed().await?;
            if told["letters"] == 1 {
                return Ok((scene, told["groups"][0].clone()));
            }
            let story = scene.wish.story(&scene.desk.ports).await;
            ensure!(Instant::now() < until, "no letter came: {told}\n{story}");
            sleep(POLL).await;
        }
    }

    /// The same agent, with a configuration that works.
    async fn mend(&mut self) -> anyhow::Result<()> {
        let analysis = self.flock.bird("analysis")?;
        analysis.signal(Signal::SIGTERM)?;
        ensure!(analysis.ended().await? == Some(0), "{}", analysis.told());
        self.flock.birds.retain(|bird| bird.name != "analysis");
        let mut analysis = Bird::agent("analysis", &self.desk.site)?;
        analysis.until("receiving").await?;
        self.flock.birds.push(analysis);
        Ok(())
    }

    async fn completes(self) -> anyhow::Result<(Desk, Vec<Item>)> {
        let end = self.wish.end(&self.desk.ports, GOAL_MAX).await?;
        ensure!(end.kind == GoalCompleted::TYPE, "{}: {}", end.kind, end.data);
        let story = self.desk.ports.ledger.story(self.wish.id()).await?;
        let goal = story.iter().find(|item| item.key == ItemKey::goal(self.wish.id())).context("a goal")?;
        let request: Event = serde_json::from_str(goal.text(&Attr::Request).context("a request")?)?;
        assert_eq!(end.trace.trace, request.trace.trace, "it ended in another trace");
        self.flock.drain().await?;
        Ok((self.desk, story))
    }
}

fn steps_of<'i>(story: &'i [Item], row: &str) -> Vec<&'i Item> {
    let of_row = |item: &&Item| matches!(&item.key.kind, ItemKind::Step { row: found, .. } if found.as_str() == row);
    story.iter().filter(of_row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_whose_analysis_gave_up_completes_in_the_same_trace_after_a_redrive() -> anyhow::Result<()> {
    let (mut scene, group) = Scene::stalled("redriven").await?;
    assert_eq!(group["cause"]["kind"], "attempts-exhausted", "{group}");
    let letter = group["letters"][0].clone();
    assert_eq!(letter["for"], "analysis");
    assert_eq!(letter["attempts"], 3);
    assert_eq!(letter["goal"], scene.wish.id().to_string());
    scene.mend().await?;
    let (code, told) = scene.desk.json(&["dlq", "redrive", group["id"].as_str().context("an id")?]).await?;
    assert_eq!((code, &told["redriven"]), (Some(0), &1.into()), "{told}");
    let (desk, story) = scene.completes().await?;
    let analysis = steps_of(&story, "analysis");
    assert_eq!(analysis.len(), 1, "the same step went on");
    assert_eq!(analysis[0].number(&Attr::Rounds), Some(1));
    assert_eq!(desk.listed().await?["letters"], 0);
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_event_goes_on_under_an_id_of_its_own_and_its_goal_completes() -> anyhow::Result<()> {
    let (mut scene, group) = Scene::stalled("edited").await?;
    scene.mend().await?;
    let id = group["letters"][0]["id"].as_str().context("an id")?;
    let old = group["letters"][0]["event"].as_str().context("an event")?;
    let mut edit = scene.desk.command(&["dlq", "edit", &id[..8], "--json"])?;
    edit.env("EDITOR", "sed -i s/competitive/competitors/");
    let output = edit.output().await?;
    assert!(output.status.success(), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(told["instead_of"], old);
    assert_ne!(told["event"], old);
    let (desk, story) = scene.completes().await?;
    let analysis = steps_of(&story, "analysis");
    let state = |item: &&&Item| item.text(&Attr::State) == Some("committed");
    assert_eq!((analysis.len(), analysis.iter().filter(state).count()), (2, 1), "the old step stays parked");
    let drafts = desk.data.path().join("drafts");
    assert_eq!(std::fs::read_dir(drafts)?.count(), 0, "what was sent needs no draft");
    desk.cloud.stop().await;
    Ok(())
}
