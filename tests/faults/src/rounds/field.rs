//! Owns the field of one run: the stand-in in this process, the daemons as processes, the model, the operator, the recorder.
//! Never a fault by itself: rounds strike here, and what came of everything is read and judged at the end.
//! Next: `kill`, `freeze`, `term` and `wire` are rounds; `campaign` runs many of them on one field.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws::clients::{Clients, Limits, standin};
use aws::depths::{Depth, depths};
use contract::events::GoalCancelRequested;
use contract::{Attributes, Event, EventData as _, EventId, GoalId, Source, Tenant, Unit, UnixMs};
use embedded_cloud::{EmbeddedCloud, Options};
use processes::{Site, Wish, sample};
use runtime::Chance;
use runtime::ledger::goal::Goal;
use runtime::ledger::step::{State, Step};
use runtime::ledger::{Attr, Item, ItemKey, ItemKind};
use runtime::ports::{Outbound, Ports, SystemClock};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep};

use super::operator::Operator;
use super::oracle::Oracle;
use super::rookery::{DAEMONS, Rookery};
use super::words;
use crate::history::{Account, Act, Asked, Disturbance, Doing, History, Recorder, Reply, Wished};

const REGION: &str = "us-east-1";
const POLL: Duration = Duration::from_millis(250);
/// What was under way when it struck may end so much later.
const FELT_MAX: Duration = Duration::from_secs(10);
/// Some leases.
const LEFT_AFTER: Duration = Duration::from_secs(10);
/// After the last goal has ended, nothing may wait or be in flight for longer.
const SETTLE_MAX: Duration = Duration::from_secs(90);
const ROWS: [&str; 5] = ["RESEARCH", "RESEARCH_TASKS", "ANALYSIS", "WRITER", "RECOMMENDATION"];

/// How a field is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Of each daemon.
    pub replicas: usize,
    pub lease_s: u64,
    pub step_deadline_s: u64,
    pub drain_grace_s: u64,
    pub goal_deadline_s: u64,
}

impl Layout {
    /// Leases as short as the configuration allows: what died is taken over after five seconds.
    pub fn short_leases(replicas: usize) -> Layout {
        Layout { replicas, lease_s: 3, step_deadline_s: 30, drain_grace_s: 3, goal_deadline_s: 120 }
    }

    /// The leases that daemons have by themselves: what is not given back stays invisible for longer than a round waits.
    pub fn long_leases(replicas: usize) -> Layout {
        Layout { lease_s: 60, step_deadline_s: 600, ..Layout::short_leases(replicas) }
    }

    /// As a daemon's environment says it.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let of_rows = ROWS.into_iter().flat_map(|row| {
            [
                (format!("MURMUR_{row}_LEASE_S"), self.lease_s.to_string()),
                (format!("MURMUR_{row}_STEP_DEADLINE_S"), self.step_deadline_s.to_string()),
            ]
        });
        let all = [
            ("MURMUR_SKEW_MARGIN_S", 1),
            ("MURMUR_RETRY_ELAPSED_MAX_S", 2),
            ("MURMUR_TOLD_AFTER_S", 3),
            ("MURMUR_SWEEP_EVERY_S", 2),
            ("MURMUR_RECEIVE_WAIT_S", 1),
            ("MURMUR_HOLD_POSTPONE_S", 2),
            ("MURMUR_DRAIN_GRACE_S", self.drain_grace_s),
            ("MURMUR_GOAL_DEADLINE_S", self.goal_deadline_s),
        ];
        of_rows.chain(all.map(|(name, value)| (name.to_owned(), value.to_string()))).collect()
    }
}

/// Where rounds happen.
#[derive(Debug)]
pub struct Field {
    pub cloud: EmbeddedCloud,
    pub site: Site,
    pub ports: Ports,
    pub oracle: Oracle,
    pub rookery: Rookery,
    pub layout: Layout,
    /// Tells the words of this run from those of others.
    pub run: u64,
    operator: Operator,
    recorder: Recorder,
    wished: Mutex<Vec<Wished>>,
    acts: Mutex<Vec<Act>>,
    disturbances: Mutex<Vec<Disturbance>>,
    may_freeze: BTreeMap<&'static str, Semaphore>,
    _models: TempDir,
}

impl Field {
    pub async fn open(layout: Layout, run: u64) -> anyhow::Result<Field> {
        let cloud = EmbeddedCloud::start(Options { seed: run, ..Options::in_memory() }).await?;
        let (site, oracle, models) = site(cloud.endpoint(), layout).await?;
        let ports = site.ports().await?;
        seeded(&ports).await?;
        let recorder = Recorder::start(&site).await?;
        let rookery = Rookery::start(site.environment().clone(), layout.replicas, clock()).await?;
        let operator = Operator::start(&ports, &site.choreography);
        let (wished, acts, disturbances) = (Mutex::default(), Mutex::default(), Mutex::default());
        // One of each is always awake.
        let frozen_max = layout.replicas.saturating_sub(1);
        Ok(Field {
            cloud,
            site,
            ports,
            oracle,
            rookery,
            layout,
            run,
            operator,
            recorder,
            wished,
            acts,
            disturbances,
            may_freeze: DAEMONS.map(|daemon| (daemon, Semaphore::new(frozen_max))).into(),
            _models: models,
        })
    }

    /// The n-th goal, as far as it is not sent.
    pub fn wish(&self, n: usize) -> Wish {
        let word = words::word(self.run, n);
        Wish::of(&word, &words::goal(&word))
    }

    pub async fn send(&self, wish: &Wish) -> anyhow::Result<()> {
        let wished = Wished {
            at: self.ports.clock.now(),
            by: "rounds".into(),
            tenant: Tenant::default(),
            key: wish.key.clone(),
            words: wish.words.clone(),
            reply: Reply::Acknowledged,
            forked_from: None,
        };
        self.wished.lock().unwrap_or_else(PoisonError::into_inner).push(wished);
        wish.send(&self.ports, &self.site.choreography).await
    }

    /// As `murmur goal cancel` does it, once there is such a goal; nothing where there is none yet.
    pub async fn cancel(&self, wish: &Wish) -> anyhow::Result<()> {
        let Some(item) = self.ports.ledger.read(&ItemKey::goal(wish.id())).await? else { return Ok(()) };
        let about = Goal::read(&item)?.request;
        let (kind, at) = (GoalCancelRequested::TYPE, self.ports.clock.now());
        let event = Event {
            id: EventId::derive(about.goal, &kind, &Unit::goal()),
            source: Source::USER,
            version: GoalCancelRequested::VERSION,
            kind,
            time: at,
            causation: None,
            hops: 0,
            trace: about.trace.at(Chance::seeded(self.run).span()),
            data: serde_json::to_value(GoalCancelRequested { reason: Some("a soak".into()) })?,
            ..about
        };
        let attributes = Attributes::of_event(&event);
        let message = [Outbound { body: event.to_json(), attributes, group: Some(event.tenant.to_string()) }];
        let row = self.site.choreography.rows.iter().find(|row| row.accepts_goals).context("nobody accepts goals")?;
        for sent in self.ports.queue.send(&row.queue, &message).await? {
            sent?;
        }
        let act = Act { at, by: "operator".into(), goal: event.goal, what: Doing::Cancel, reply: Reply::Acknowledged };
        self.acts.lock().unwrap_or_else(PoisonError::into_inner).push(act);
        Ok(())
    }

    /// From then until now, somebody was given reason to repeat what was done: so many times.
    pub fn disturb(&self, what: &str, from: UnixMs, times: u64) {
        let until = self.ports.clock.now() + FELT_MAX;
        let mut all = self.disturbances.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend((0..times).map(|_| Disturbance { what: what.to_owned(), from, until }));
    }

    /// A place among those of this daemon that are frozen, once there is one.
    pub async fn may_freeze(&self, daemon: &str) -> anyhow::Result<SemaphorePermit<'_>> {
        Ok(self.may_freeze.get(daemon).context("no such daemon")?.acquire().await?)
    }

    pub async fn has_ended(&self, goal: GoalId) -> bool {
        let found = self.ports.ledger.read(&ItemKey::goal(goal)).await.ok().flatten();
        found.is_some_and(|goal| goal.has(&Attr::Ended))
    }

    pub async fn until_ended(&self, goal: GoalId) {
        while !self.has_ended(goal).await {
            sleep(POLL).await;
        }
    }

    /// The goal has an end within this.
    pub async fn ends(&self, wish: &Wish, within: Duration) -> anyhow::Result<()> {
        if tokio::time::timeout(within, self.until_ended(wish.id())).await.is_ok() {
            return Ok(());
        }
        anyhow::bail!("{} has not ended within {} s: {}", wish.key, within.as_secs(), wish.story(&self.ports).await)
    }

    /// The only step of that row, as the ledger has it.
    pub async fn step(&self, goal: GoalId, row: &str) -> anyhow::Result<Option<Item>> {
        let of = |item: &Item| matches!(&item.key.kind, ItemKind::Step { row: found, .. } if found.as_str() == row);
        Ok(self.ports.ledger.story(goal).await?.into_iter().find(of))
    }

    /// Likewise, once nobody is at work on it: a goal may end while a redriven step of it is still in somebody's hands.
    /// Whoever hears of the end leaves the step as it is: after some leases it has been left.
    pub async fn step_at_rest(&self, goal: GoalId, row: &str) -> anyhow::Result<Option<Item>> {
        let until = Instant::now() + LEFT_AFTER;
        loop {
            let step = self.step(goal, row).await?;
            match step.as_ref().map(Step::read).transpose()? {
                Some(read) if read.state == State::Claimed && Instant::now() < until => sleep(POLL).await,
                _ => return Ok(step),
            }
        }
    }

    /// Stops everything, and reads what is left of it.
    pub async fn close(self) -> anyhow::Result<History> {
        self.cloud.faults().clear();
        self.oracle.let_all_go();
        self.rookery.all_live().await?;
        let unsettled = settled(self.cloud.endpoint(), &self.site).await;
        self.rookery.drain(self.drain_max()).await?;
        let mut acts = self.operator.finish().await;
        acts.extend(self.acts.into_inner().unwrap_or_else(PoisonError::into_inner));
        let asked = asked(&self.oracle, &self.ports).await?;
        let account = Account {
            wishes: self.wished.into_inner().unwrap_or_else(PoisonError::into_inner),
            acts,
            processes: self.rookery.account(),
            asked,
            disturbances: self.disturbances.into_inner().unwrap_or_else(PoisonError::into_inner),
        };
        let seen = self.recorder.finish().await?;
        let history = History::gather(&self.site, account, seen).await?;
        self.cloud.stop().await;
        // What does not settle stands in the history as left over; without a defect there, it is one here.
        unsettled.with_context(|| format!("{} goals", history.account.wishes.len()))?;
        Ok(history)
    }

    /// After SIGTERM: the grace, and what a call that is under way at its end may still take.
    pub fn drain_max(&self) -> Duration {
        Duration::from_secs(self.layout.drain_grace_s + 2)
    }
}

pub(super) fn clock() -> Arc<SystemClock> {
    Arc::new(SystemClock)
}

/// Provisioned, with the model that its agents ask.
pub(super) async fn site(endpoint: &str, layout: Layout) -> anyhow::Result<(Site, Oracle, TempDir)> {
    let oracle = Oracle::start(clock()).await?;
    let models = TempDir::new()?;
    let file = models.path().join("models.toml");
    std::fs::write(&file, oracle.models_file())?;
    let site = layout.variables().iter().fold(Site::at(endpoint)?, |site, (name, value)| site.and(name, value));
    let site = site.and_agents("MURMUR_MODELS", &file.to_string_lossy());
    site.provision().await?;
    Ok((site, oracle, models))
}

/// The source that every goal is about.
pub(super) async fn seeded(ports: &Ports) -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    std::fs::write(Path::new(folder.path()).join("kestrel.md"), words::SOURCE)?;
    let told = sample::ingest_folder(folder.path(), ports).await?;
    ensure!(told.read == 1, "the source was not ingested: {told:?}");
    Ok(())
}

/// What the model was asked, by the steps that the ledger has.
pub(super) async fn asked(oracle: &Oracle, ports: &Ports) -> anyhow::Result<Vec<Asked>> {
    let mut steps: BTreeMap<String, Vec<(String, EventId)>> = BTreeMap::new();
    let mut all = vec![];
    for question in oracle.asked() {
        let goal = GoalId::derive(&Tenant::default(), &question.word);
        if !steps.contains_key(&question.word) {
            let of = |item: Item| match item.key.kind {
                ItemKind::Step { row, event } => Some((row.as_str().to_owned(), event)),
                _ => None,
            };
            let story = ports.ledger.story(goal).await?.into_iter().filter_map(of).collect();
            steps.insert(question.word.clone(), story);
        }
        let of_row = steps[&question.word].iter().find(|(row, _)| row == question.row);
        let (_, event) =
            of_row.with_context(|| format!("{} was asked for no step of {}", question.row, question.word))?;
        all.push(Asked {
            at: question.at,
            goal,
            row: contract::RowName::new(question.row),
            event: *event,
            epoch: None,
        });
    }
    Ok(all)
}

/// Waits until nothing waits and nothing is in flight, dead letters included.
pub(super) async fn settled(endpoint: &str, site: &Site) -> anyhow::Result<()> {
    let clients = Clients::load(standin(endpoint, REGION), Limits::default()).await;
    let rows = site.choreography.rows.iter();
    let queues: Vec<_> = rows.map(|row| (row.queue.clone(), row.queue.dead_letters())).collect();
    let until = Instant::now() + SETTLE_MAX;
    loop {
        let found = depths(&clients, &queues).await?;
        let is_empty = |depth: &Depth| [depth.waiting, depth.in_flight, depth.dead_letters] == [Some(0); 3];
        if found.iter().all(is_empty) {
            return Ok(());
        }
        ensure!(Instant::now() < until, "queues do not empty after the last goal has ended: {found:?}");
        sleep(POLL).await;
    }
}
