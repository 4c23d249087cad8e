//! Owns counting at the ports: every call by its name in the protocol, and how many entries its batches had.
//! Never changes what a call does; it may let it take some time, as servers do.
//! Next: `tests/calls` holds the figures against the protocol's floor; `bench` measures what a counted call takes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use contract::{ArtifactRef, Artifacts, Event, GoalId, PortError, QueueName, UnixMs};
use runtime::ledger::{Item, ItemKey, Listed, Mark, Shelf, Write, WriteName};
use runtime::ports::{Bus, EntryResult, GoalStates, Ledger, Outbound, Ports, Queue, Receipt, Received, Written};

/// Calls of one name, and the entries that they carried together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub calls: u64,
    pub entries: u64,
}

/// All calls of everybody whose ports were made by `counting`.
#[derive(Debug, Default)]
pub struct Calls {
    counts: Mutex<BTreeMap<&'static str, Count>>,
    /// What each call takes, drawn from this range of milliseconds.
    latency: Option<Mutex<(fastrand::Rng, RangeInclusive<u64>)>>,
}

/// Ports to the same servers that count what is asked of them.
pub fn counting(ports: Ports, calls: &Arc<Calls>) -> Ports {
    Ports {
        queue: Arc::new(Counted(ports.queue, Arc::clone(calls))),
        bus: Arc::new(Counted(ports.bus, Arc::clone(calls))),
        ledger: Arc::new(Counted(ports.ledger, Arc::clone(calls))),
        artifacts: Arc::new(Counted(ports.artifacts, Arc::clone(calls))),
        clock: ports.clock,
    }
}

#[derive(Debug)]
struct Counted<T: ?Sized>(Arc<T>, Arc<Calls>);

impl Calls {
    /// Each call takes so many milliseconds, as the seed decides.
    pub fn taking(ms: RangeInclusive<u64>, seed: u64) -> Calls {
        Calls { latency: Some(Mutex::new((fastrand::Rng::with_seed(seed), ms))), ..Calls::default() }
    }

    pub fn of(&self, call: &str) -> Count {
        self.counts().get(call).copied().unwrap_or_default()
    }

    pub fn all(&self) -> BTreeMap<&'static str, Count> {
        self.counts().clone()
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, call: &'static str, entries: usize) {
        let mut counts = self.counts();
        let count = counts.entry(call).or_default();
        count.calls += 1;
        count.entries += entries as u64;
    }

    async fn take_time(&self) {
        let Some(latency) = &self.latency else { return };
        let ms = {
            let (rng, ms) = &mut *latency.lock().unwrap_or_else(PoisonError::into_inner);
            rng.u64(ms.clone())
        };
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    async fn begin(&self, call: &'static str, entries: usize) {
        self.count(call, entries);
        self.take_time().await;
    }
}

/// As `contract::topology::cost` spells it.
fn name(of: WriteName) -> &'static str {
    match of {
        WriteName::Accept => "accept",
        WriteName::End => "end",
        WriteName::Told => "told",
        WriteName::Arrive => "arrive",
        WriteName::Open => "open",
        WriteName::Close => "close",
        WriteName::Claim => "claim",
        WriteName::Commit => "commit",
        WriteName::Heartbeat => "heartbeat",
        WriteName::Reserve => "reserve",
        WriteName::Settle => "settle",
        _ => "other-write",
    }
}

#[async_trait]
impl Queue for Counted<dyn Queue> {
    /// A poll that found nothing is owed to no message: it is counted apart.
    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Received>, PortError> {
        self.1.take_time().await;
        let messages = self.0.receive(queue, max, wait, visibility).await?;
        self.1.count(if messages.is_empty() { "idle-poll" } else { "receive" }, messages.len());
        Ok(messages)
    }

    async fn delete(&self, queue: &QueueName, batch: &[Receipt]) -> Result<Vec<EntryResult>, PortError> {
        self.1.begin("delete", batch.len()).await;
        self.0.delete(queue, batch).await
    }

    async fn set_visibility(
        &self,
        queue: &QueueName,
        batch: &[(Receipt, Duration)],
    ) -> Result<Vec<EntryResult>, PortError> {
        self.1.begin("visibility", batch.len()).await;
        self.0.set_visibility(queue, batch).await
    }

    async fn send(&self, queue: &QueueName, batch: &[Outbound]) -> Result<Vec<EntryResult>, PortError> {
        self.1.begin("send", batch.len()).await;
        self.0.send(queue, batch).await
    }
}

#[async_trait]
impl Bus for Counted<dyn Bus> {
    async fn put(&self, batch: &[Event]) -> Result<Vec<EntryResult>, PortError> {
        self.1.begin("emit", batch.len()).await;
        self.0.put(batch).await
    }
}

#[async_trait]
impl Ledger for Counted<dyn Ledger> {
    async fn write(&self, write: &Write) -> Result<Written, PortError> {
        self.1.begin(name(write.name), 1).await;
        self.0.write(write).await
    }

    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, PortError> {
        self.1.begin("read", 1).await;
        self.0.read(key).await
    }

    async fn goals(&self, ids: &[GoalId]) -> Result<GoalStates, PortError> {
        self.1.begin("goal-states", ids.len()).await;
        self.0.goals(ids).await
    }

    /// Owed to the sweep, whatever the load.
    async fn due(&self, shard: u8, before: UnixMs, max: usize) -> Result<Vec<ItemKey>, PortError> {
        self.1.begin("sweep", 1).await;
        self.0.due(shard, before, max).await
    }

    async fn listed(&self, shelf: Shelf, after: Option<Mark>, max: usize) -> Result<Vec<Listed>, PortError> {
        self.1.begin("listed", 1).await;
        self.0.listed(shelf, after, max).await
    }

    async fn story(&self, goal: GoalId) -> Result<Vec<Item>, PortError> {
        self.1.begin("story", 1).await;
        self.0.story(goal).await
    }
}

#[async_trait]
impl Artifacts for Counted<dyn Artifacts> {
    async fn put(&self, bytes: &[u8], mediatype: &str) -> Result<ArtifactRef, PortError> {
        self.1.begin("artifact", 1).await;
        self.0.put(bytes, mediatype).await
    }

    async fn get(&self, uri: &str) -> Result<Vec<u8>, PortError> {
        self.1.begin("artifact", 1).await;
        self.0.get(uri).await
    }

    async fn publish(&self, name: &str, version: u64, artifact: &ArtifactRef) -> Result<bool, PortError> {
        self.1.begin("artifact", 1).await;
        self.0.publish(name, version, artifact).await
    }

    async fn latest(&self, name: &str) -> Result<Option<(u64, ArtifactRef)>, PortError> {
        self.1.begin("artifact", 1).await;
        self.0.latest(name).await
    }
}
