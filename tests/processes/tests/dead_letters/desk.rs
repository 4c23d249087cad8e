//! Owns the stage of these scenes: a provisioned stand-in, the program `murmur`, letters put where they would lie.
//! Never the work of a daemon: what the ledger has, it has by the protocol's own writes.
//! Next: the scenes.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use contract::events::{EndCause, GoalFailed, GoalRequested};
use contract::{Attributes, Cause, CauseKind, Event, EventData, EventId, ParkNote, QueueName, Source, Unit};
use embedded_cloud::{EmbeddedCloud, Options};
use processes::{Site, Wish};
use runtime::Chance;
use runtime::ledger::goal;
use runtime::ledger::step::{self, Claimant, Ending, Hold, Step};
use runtime::ledger::{ItemKey, Write};
use runtime::ports::{Outbound, Ports, Received, Written};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

pub(crate) const ANALYSIS: QueueName = QueueName::new("murmur-analysis");
pub(crate) const RESEARCH: QueueName = QueueName::new("murmur-research");
pub(crate) const WRITER: QueueName = QueueName::new("murmur-writer");

pub(crate) struct Desk {
    pub(crate) cloud: EmbeddedCloud,
    pub(crate) site: Site,
    pub(crate) ports: Ports,
    pub(crate) data: TempDir,
}

impl Desk {
    pub(crate) async fn open() -> anyhow::Result<Desk> {
        let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
        let site = Site::at(cloud.endpoint())?;
        site.provision().await?;
        let ports = site.ports().await?;
        Ok(Desk { cloud, site, ports, data: TempDir::new()? })
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(program()?);
        command.env_clear().envs(self.site.environment()).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.args(["--endpoint", self.cloud.endpoint(), "--data"]).arg(self.data.path()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Ok(command)
    }

    pub(crate) async fn murmur(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        Ok(self.command(arguments)?.output().await?)
    }

    /// What it prints as JSON, whatever its exit code.
    pub(crate) async fn json(&self, arguments: &[&str]) -> anyhow::Result<(Option<i32>, Value)> {
        let output = self.murmur(&[arguments, &["--json"]].concat()).await?;
        let told = serde_json::from_slice(&output.stdout).with_context(|| format!("no JSON: {output:?}"))?;
        Ok((output.status.code(), told))
    }

    pub(crate) async fn listed(&self) -> anyhow::Result<Value> {
        let (code, told) = self.json(&["dlq", "list"]).await?;
        ensure!(code == Some(0), "{told}");
        Ok(told)
    }

    /// As a daemon leaves one.
    pub(crate) async fn put(&self, queue: &QueueName, body: &str, attributes: Attributes) -> anyhow::Result<()> {
        let letter = [Outbound { body: body.into(), attributes, group: None }];
        self.ports.queue.send(&queue.dead_letters(), &letter).await?.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(())
    }

    /// What lies on a queue, once each.
    pub(crate) async fn received(&self, queue: &QueueName) -> anyhow::Result<Vec<Received>> {
        let mut all = vec![];
        loop {
            let some = self.ports.queue.receive(queue, 10, Duration::from_millis(300), Duration::from_secs(60)).await?;
            if some.is_empty() {
                return Ok(all);
            }
            all.extend(some);
        }
    }

    /// A goal that was accepted, and its analysis parked after so many rounds of redriving; the letter of that.
    pub(crate) async fn parked(&self, key: &str, rounds: u32) -> anyhow::Result<Event> {
        let config = self.site.config()?;
        let (request, input) = (requested(key, self.ports.clock.now()), researched(key, self.ports.clock.now()));
        let now = self.ports.clock.now();
        let words: GoalRequested = request.data_as()?;
        let deadline = now + Duration::from_secs(3_600);
        let accept = goal::accept(&request, &words, deadline, now, &self.site.choreography, &config.settings);
        self.applied(&accept).await?;
        let step_key = ItemKey::step(input.goal, &"analysis".into(), input.id);
        let chance = Chance::fresh();
        let claimant = || Claimant {
            token: chance.token(),
            holder: "test".into(),
            now,
            lease: now + Duration::from_secs(60),
            event_at: now,
            sent_at: now,
            received_at: now,
        };
        let who = claimant();
        let expires_at = deadline + Duration::from_secs(3_600);
        let claim = step::claim(step_key.clone(), &input.digest(), expires_at, &who);
        let mut step = self.step_after(&claim).await?;
        let mut token = who.token;
        let cause = Cause::new(CauseKind::AttemptsExhausted, "3 attempts; the last: nobody answers");
        for round in 0..=rounds {
            let hold = Hold { key: step_key.clone(), token: token.clone(), epoch: step.epoch };
            step = self.step_after(&hold.park(&cause, false, Ending { at: now, record: None })).await?;
            step = self.step_after(&step::dead_lettered(&step)).await?;
            if round < rounds {
                let who = claimant();
                token = who.token.clone();
                step = self.step_after(&step::new_round(&step, &who)).await?;
            }
        }
        let note = note(cause, step.parks, Some(&input));
        let mut attributes = Attributes::of_event(&input);
        attributes.set(contract::attributes::PARK, note.render());
        attributes.set("of-the-sender", "kept");
        self.put(&ANALYSIS, &input.to_json(), attributes).await?;
        Ok(input)
    }

    pub(crate) async fn end(&self, key: &str) -> anyhow::Result<()> {
        let now = self.ports.clock.now();
        let data = GoalFailed { goal: "ended".into(), cause: EndCause::DeadlineExceeded { missing: vec![] } };
        let event = Event {
            id: EventId::derive(Wish::new(key).id(), &GoalFailed::TYPE, &Unit::goal()),
            source: Source::CHOREOGRAPHY,
            kind: GoalFailed::TYPE,
            data: json!(data),
            ..requested(key, now)
        };
        self.applied(&goal::end(&event, None, &Chance::fresh().token(), now)).await.map(drop)
    }

    async fn step_after(&self, write: &Write) -> anyhow::Result<Step> {
        Ok(Step::read(&self.applied(write).await?)?)
    }

    async fn applied(&self, write: &Write) -> anyhow::Result<runtime::ledger::Item> {
        match self.ports.ledger.write(write).await? {
            Written::Applied(item) => Ok(item),
            refused => anyhow::bail!("{:?}: {refused:?}", write.name),
        }
    }
}

pub(crate) fn note(cause: Cause, n: u32, event: Option<&Event>) -> ParkNote {
    ParkNote {
        n,
        cause,
        attempts: 3,
        goal: event.map(|event| event.goal),
        event: event.map(|event| event.id),
        trace: event.map(|event| event.trace.traceparent()),
        body: None,
    }
}

fn requested(key: &str, now: contract::UnixMs) -> Event {
    let wish = Wish::new(key);
    let data = GoalRequested { goal: wish.words.clone(), deadline: None, ..GoalRequested::example() };
    Event {
        id: EventId::derive(wish.id(), &GoalRequested::TYPE, &Unit::goal()),
        source: Source::USER,
        kind: GoalRequested::TYPE,
        version: 1,
        time: now,
        goal: wish.id(),
        goal_key: Some(wish.key),
        causation: None,
        hops: 0,
        deadline: None,
        tenant: contract::Tenant::default(),
        trace: Chance::fresh().trace(),
        data: json!(data),
    }
}

fn researched(key: &str, now: contract::UnixMs) -> Event {
    use contract::events::ResearchCompleted;
    let goal = Wish::new(key).id();
    Event {
        id: EventId::derive(goal, &ResearchCompleted::TYPE, &Unit::join("evidence")),
        source: Source::CHOREOGRAPHY,
        kind: ResearchCompleted::TYPE,
        hops: 2,
        data: json!(ResearchCompleted::example()),
        ..requested(key, now)
    }
}

fn program() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let found = this.ancestors().skip(1).take(2).map(|folder| folder.join("murmur")).find(|path| path.is_file());
    found.context("murmur is not built: cargo build --workspace --bins --tests")
}
