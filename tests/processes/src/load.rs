//! Owns a load on queue, bus and ledger that remembers what was acknowledged, and compares it with what is found.
//! Never counts what was not answered: such a call may have happened or not.
//! Next: `bin/kill-standin` kills the server beneath it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use contract::events::AnalysisCompleted;
use contract::topology::Choreography;
use contract::{
    Attributes, Event, EventData, EventId, GoalId, QueueName, Source, SpanId, Tenant, TraceContext, TraceId, Unit,
    UnixMs,
};
use runtime::ledger::{Attr, Change, Condition, ItemKey, Mode, Value, Write, WriteName};
use runtime::ports::{Outbound, Ports, Received, Written};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How long what was received stays hidden: short, so that what a kill left in flight comes back soon.
const HIDDEN: Duration = Duration::from_secs(2);
/// Nothing new for so long: everything has come.
const QUIET: Duration = Duration::from_secs(5);
const FINISH_MAX: Duration = Duration::from_secs(120);
const AFTER_AN_ERROR: Duration = Duration::from_millis(5);
/// A batch.
const TEN: usize = 10;

/// The ports under load, and what they have acknowledged.
#[derive(Debug)]
pub struct Load {
    ports: Ports,
    goal: GoalId,
    queue: QueueName,
    subscribers: Vec<QueueName>,
    known: Mutex<Known>,
    sending: CancellationToken,
    receiving: CancellationToken,
}

#[derive(Debug, Default)]
struct Known {
    /// By queue: what was acknowledged, and must come.
    owed: BTreeMap<QueueName, BTreeSet<String>>,
    came: BTreeMap<QueueName, BTreeMap<String, u64>>,
    /// Deletes that were acknowledged: these must not come again.
    deleted: BTreeSet<(QueueName, String)>,
    returned: Vec<(QueueName, String)>,
    /// By item: the version that was acknowledged last.
    versions: BTreeMap<u64, i64>,
    writes: u64,
    violations: Vec<String>,
    last_news: Option<Instant>,
}

/// What a run has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub messages: usize,
    pub events: usize,
    pub writes: u64,
    pub duplicates: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { messages, events, writes, duplicates } = self;
        write!(f, "{messages} messages, {events} events and {writes} writes acknowledged, {duplicates} came twice")
    }
}

impl Load {
    pub fn new(ports: Ports, choreography: &Choreography) -> anyhow::Result<Load> {
        let queue =
            choreography.rows.iter().find(|row| row.accepts_goals).context("nobody accepts goals")?.queue.clone();
        let consumers = choreography.rows.iter().filter(|row| row.consumes.contains(&AnalysisCompleted::TYPE));
        Ok(Load {
            ports,
            goal: GoalId::derive(&Tenant::default(), "load"),
            queue,
            subscribers: consumers.map(|row| row.queue.clone()).collect(),
            known: Mutex::default(),
            sending: CancellationToken::new(),
            receiving: CancellationToken::new(),
        })
    }

    /// Everybody at work, until `finish`.
    pub fn run(load: &Arc<Load>) -> JoinSet<()> {
        let mut all = JoinSet::new();
        let (one, other, third) = (load.clone(), load.clone(), load.clone());
        all.spawn(async move { one.send().await });
        all.spawn(async move { other.put().await });
        all.spawn(async move { third.write().await });
        for queue in std::iter::once(&load.queue).chain(&load.subscribers) {
            let (load, queue) = (load.clone(), queue.clone());
            all.spawn(async move { load.receive(&queue).await });
        }
        all
    }

    /// Stops sending, waits until all has come that was acknowledged, and says what was lost, as an error.
    pub async fn finish(load: &Arc<Load>, mut running: JoinSet<()>) -> anyhow::Result<Counts> {
        load.sending.cancel();
        let deadline = Instant::now() + FINISH_MAX;
        while Instant::now() < deadline && !load.is_quiet() {
            sleep(Duration::from_millis(50)).await;
        }
        load.receiving.cancel();
        while let Some(ended) = running.join_next().await {
            ended?;
        }
        load.check_items().await?;
        load.verdict()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_quiet(&self) -> bool {
        let known = self.known();
        let nothing_missing = known.missing().is_empty();
        known.last_news.is_none_or(|last| last.elapsed() > QUIET * if nothing_missing { 1 } else { 6 })
    }

    async fn send(&self) {
        let mut count = 0_u64;
        while !self.sending.is_cancelled() {
            let ids: Vec<String> = (0..TEN as u64).map(|n| format!("message-{}", count + n)).collect();
            count += TEN as u64;
            let outbound = |id: &String| Outbound { body: id.clone(), attributes: Attributes::default(), group: None };
            match self.ports.queue.send(&self.queue, &ids.iter().map(outbound).collect::<Vec<_>>()).await {
                Ok(results) => {
                    let taken = ids.into_iter().zip(results).filter(|(_, result)| result.is_ok());
                    self.known().owed.entry(self.queue.clone()).or_default().extend(taken.map(|(id, _)| id));
                }
                Err(_) => sleep(AFTER_AN_ERROR).await,
            }
        }
    }

    async fn put(&self) {
        let mut count = 0_usize;
        while !self.sending.is_cancelled() {
            let events: Vec<Event> = (0..TEN).map(|n| self.event(count + n)).collect();
            count += TEN;
            match self.ports.bus.put(&events).await {
                Ok(results) => {
                    let taken: Vec<_> = events.iter().zip(results).filter(|(_, result)| result.is_ok()).collect();
                    let mut known = self.known();
                    for queue in &self.subscribers {
                        let ids = taken.iter().map(|(event, _)| event.id.to_string());
                        known.owed.entry(queue.clone()).or_default().extend(ids);
                    }
                }
                Err(_) => sleep(AFTER_AN_ERROR).await,
            }
        }
    }

    fn event(&self, n: usize) -> Event {
        Event {
            id: EventId::derive(self.goal, &AnalysisCompleted::TYPE, &Unit::output("load", EventId(self.goal.0), n)),
            source: Source::new("murmuration.analysis"),
            kind: AnalysisCompleted::TYPE,
            version: 1,
            time: UnixMs(0),
            goal: self.goal,
            goal_key: None,
            causation: None,
            hops: 1,
            deadline: None,
            tenant: Tenant::default(),
            trace: TraceContext { trace: TraceId(1), span: SpanId(1), sampled: false, state: None },
            data: json!(AnalysisCompleted::example()),
        }
    }

    async fn receive(&self, queue: &QueueName) {
        while !self.receiving.is_cancelled() {
            match self.ports.queue.receive(queue, TEN, Duration::from_secs(1), HIDDEN).await {
                Ok(messages) => self.take(queue, messages).await,
                Err(_) => sleep(AFTER_AN_ERROR).await,
            }
        }
    }

    /// Deletes with the receipts at hand, whatever happens to the server meanwhile.
    async fn take(&self, queue: &QueueName, messages: Vec<Received>) {
        let mut open: Vec<(String, runtime::ports::Receipt)> = vec![];
        {
            let mut known = self.known();
            for message in messages {
                let id = id_of(&message.body);
                if known.deleted.contains(&(queue.clone(), id.clone())) {
                    known.returned.push((queue.clone(), id.clone()));
                }
                *known.came.entry(queue.clone()).or_default().entry(id.clone()).or_default() += 1;
                known.last_news = Some(Instant::now());
                open.push((id, message.receipt));
            }
        }
        // Longer than this, and they are visible again: what a stale receipt's delete "succeeds" at is nothing.
        let deadline = Instant::now() + HIDDEN - Duration::from_millis(500);
        while !open.is_empty() && Instant::now() < deadline {
            let receipts: Vec<_> = open.iter().map(|(_, receipt)| receipt.clone()).collect();
            let asked_at = Instant::now();
            match self.ports.queue.delete(queue, &receipts).await {
                Ok(results) if asked_at < deadline && Instant::now() < deadline => {
                    let gone = open.into_iter().zip(results).filter(|(_, result)| result.is_ok());
                    self.known().deleted.extend(gone.map(|((id, _), _)| (queue.clone(), id)));
                    return;
                }
                Ok(_) => return,
                Err(_) => sleep(AFTER_AN_ERROR).await,
            }
        }
    }

    async fn write(&self) {
        for turn in 0_u64.. {
            if self.sending.is_cancelled() {
                return;
            }
            let item = turn % 50;
            let before = self.known().versions.get(&item).copied().unwrap_or(0);
            let when = match before {
                0 => Condition::Absent(Attr::Version),
                version => Condition::Equals(Attr::Version, Value::Number(version)),
            };
            match self.ports.ledger.write(&self.version(item, when, before + 1)).await {
                Ok(Written::Applied(_)) => {
                    let mut known = self.known();
                    known.versions.insert(item, before + 1);
                    known.writes += 1;
                }
                // A write whose answer was lost was applied: that one, and no other.
                Ok(Written::Refused(found)) => {
                    let found = found.and_then(|found| found.number(&Attr::Version));
                    let mut known = self.known();
                    if found == Some(before + 1) {
                        known.versions.insert(item, before + 1);
                    } else {
                        known.violations.push(format!("item {item} had version {before}, and has {found:?}"));
                        return;
                    }
                }
                Err(_) => sleep(AFTER_AN_ERROR).await,
            }
        }
    }

    fn key(&self, item: u64) -> ItemKey {
        ItemKey::join(self.goal, &format!("item-{item}").into())
    }

    fn version(&self, item: u64, when: Condition, version: i64) -> Write {
        let changes = vec![Change::Set(Attr::Version, Value::Number(version))];
        Write { name: WriteName::Open, by: None, key: self.key(item), mode: Mode::Update, when, changes }
    }

    async fn check_items(&self) -> anyhow::Result<()> {
        let versions = self.known().versions.clone();
        for (item, version) in versions {
            let found = self.ports.ledger.read(&self.key(item)).await?;
            let found = found.and_then(|found| found.number(&Attr::Version)).unwrap_or(0);
            // One more, where the last write's answer was lost.
            if found != version && found != version + 1 {
                self.known().violations.push(format!("item {item} was acknowledged at {version}, and is {found}"));
            }
        }
        Ok(())
    }

    fn verdict(&self) -> anyhow::Result<Counts> {
        let known = self.known();
        let missing = known.missing();
        ensure!(missing.is_empty(), "{} lost, the first: {:?}", missing.len(), missing.first());
        ensure!(
            known.returned.is_empty(),
            "{} came after their delete: {:?}",
            known.returned.len(),
            known.returned.first()
        );
        ensure!(known.violations.is_empty(), "{:?}", known.violations);
        let owed = |queue: &QueueName| known.owed.get(queue).map_or(0, BTreeSet::len);
        let twice = known.came.values().flat_map(BTreeMap::values).map(|times| times.saturating_sub(1)).sum();
        let events = self.subscribers.first().map_or(0, owed);
        let counts = Counts { messages: owed(&self.queue), events, writes: known.writes, duplicates: twice };
        // Where nothing was acknowledged, nothing can be lost, and nothing was proved.
        ensure!(counts.messages > 0 && counts.events > 0 && counts.writes > 0, "{counts}");
        Ok(counts)
    }
}

impl Known {
    fn missing(&self) -> Vec<(QueueName, String)> {
        let none = BTreeMap::new();
        let of = |(queue, owed): (&QueueName, &BTreeSet<String>)| {
            let came = self.came.get(queue).unwrap_or(&none);
            let lost = owed.iter().filter(|id| !came.contains_key(*id));
            lost.map(|id| (queue.clone(), id.clone())).collect::<Vec<_>>()
        };
        self.owed.iter().flat_map(of).collect()
    }
}

/// A message's own words, or the id of the event that it carries.
fn id_of(body: &str) -> String {
    let wrapped = serde_json::from_str::<serde_json::Value>(body).ok();
    let id = wrapped.as_ref().and_then(|wrapper| wrapper["detail"]["id"].as_str());
    id.map_or_else(|| body.to_owned(), str::to_owned)
}
