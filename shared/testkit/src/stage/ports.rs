//! Owns the ports of a process on stage: the fakes behind them, and what a test scripted in front.
//! Never a fault by chance.
//! Next: `process::call`, which every one of these passes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contract::{ArtifactRef, Artifacts, Clock, Event, GoalId, PortError, QueueName, UnixMs};
use runtime::ledger::{Change, Item, ItemKey, Listed, Mark, Shelf, Write};
use runtime::ports::{Bus, EntryResult, GoalStates, Ledger, Outbound, Ports, Queue, Receipt, Received, Written};

use super::Outcome;
use super::process::Process;
use crate::memory::MemoryCloud;
use crate::place::{Op, partly};

#[derive(Clone, Debug)]
struct Scripted(Arc<Process>);

pub(crate) fn ports(process: &Arc<Process>, clock: Arc<dyn Clock>) -> Ports {
    let scripted = Arc::new(Scripted(Arc::clone(process)));
    Ports { queue: scripted.clone(), bus: scripted.clone(), ledger: scripted.clone(), artifacts: scripted, clock }
}

impl Scripted {
    fn cloud(&self) -> &MemoryCloud {
        &self.0.stage.cloud
    }

    async fn plain<T>(
        &self,
        op: Op,
        about: String,
        apply: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        self.0.call(op, about, |_| async move { Ok((apply.await?, Outcome::Applied)) }).await
    }
}

/// `<goal>/<sort key>`, as the log shows an item.
fn name(key: &ItemKey) -> String {
    format!("{}/{}", key.goal, key.sort())
}

/// With the names of what it changes: one member's arrival is not another's.
fn about(write: &Write) -> String {
    let changed = list(&write.changes, |change| match change {
        Change::Set(attr, _) | Change::Add(attr, _) | Change::Remove(attr) => attr.name().into_owned(),
    });
    format!("{} {changed}", name(&write.key))
}

fn list<T>(of: &[T], show: impl Fn(&T) -> String) -> String {
    of.iter().map(show).collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl Queue for Scripted {
    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Received>, PortError> {
        self.plain(Op::Receive, queue.to_string(), self.cloud().queue.receive(queue, max, wait, visibility)).await
    }

    async fn delete(&self, queue: &QueueName, batch: &[Receipt]) -> Result<Vec<EntryResult>, PortError> {
        let about = format!("{queue}: {}", list(batch, |receipt| receipt.0.clone()));
        let apply = |kept: Vec<Receipt>| async move { self.cloud().queue.delete(queue, &kept).await };
        let call = |partial: super::process::Partial| async move {
            Ok((partly(batch, &partial.refused(batch.len()), apply).await?, Outcome::Applied))
        };
        self.0.call(Op::Delete, about, call).await
    }

    async fn set_visibility(
        &self,
        queue: &QueueName,
        batch: &[(Receipt, Duration)],
    ) -> Result<Vec<EntryResult>, PortError> {
        let about = format!("{queue}: {}", list(batch, |(receipt, to)| format!("{}={}ms", receipt.0, to.as_millis())));
        let apply =
            |kept: Vec<(Receipt, Duration)>| async move { self.cloud().queue.set_visibility(queue, &kept).await };
        let call = |partial: super::process::Partial| async move {
            Ok((partly(batch, &partial.refused(batch.len()), apply).await?, Outcome::Applied))
        };
        self.0.call(Op::Visibility, about, call).await
    }

    async fn send(&self, queue: &QueueName, batch: &[Outbound]) -> Result<Vec<EntryResult>, PortError> {
        let apply = |kept: Vec<Outbound>| async move { self.cloud().queue.send(queue, &kept).await };
        let call = |partial: super::process::Partial| async move {
            Ok((partly(batch, &partial.refused(batch.len()), apply).await?, Outcome::Applied))
        };
        self.0.call(Op::Send, queue.to_string(), call).await
    }
}

#[async_trait]
impl Bus for Scripted {
    async fn put(&self, batch: &[Event]) -> Result<Vec<EntryResult>, PortError> {
        let about = list(batch, |event| format!("{}/{}#{}", event.goal, event.kind, event.id));
        let apply = |kept: Vec<Event>| async move { self.cloud().bus.put(&kept).await };
        let call = |partial: super::process::Partial| async move {
            Ok((partly(batch, &partial.refused(batch.len()), apply).await?, Outcome::Applied))
        };
        self.0.call(Op::Put, about, call).await
    }
}

#[async_trait]
impl Ledger for Scripted {
    async fn write(&self, write: &Write) -> Result<Written, PortError> {
        let call = |_| async move {
            let written = self.cloud().ledger.write(write).await?;
            let applied = matches!(written, Written::Applied(_));
            Ok((written, if applied { Outcome::Applied } else { Outcome::Refused }))
        };
        self.0.call(Op::Write(write.name), about(write), call).await
    }

    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, PortError> {
        self.plain(Op::Read, name(key), self.cloud().ledger.read(key)).await
    }

    async fn goals(&self, ids: &[GoalId]) -> Result<GoalStates, PortError> {
        let call = |partial: super::process::Partial| async move {
            let mut states = self.cloud().ledger.goals(ids).await?;
            if partial.unprocessed {
                states.found.clear();
                states.unprocessed.extend(ids);
            }
            Ok((states, Outcome::Applied))
        };
        self.0.call(Op::Goals, list(ids, ToString::to_string), call).await
    }

    async fn due(&self, shard: u8, before: UnixMs, max: usize) -> Result<Vec<ItemKey>, PortError> {
        self.plain(Op::Due, shard.to_string(), self.cloud().ledger.due(shard, before, max)).await
    }

    async fn listed(&self, shelf: Shelf, after: Option<Mark>, max: usize) -> Result<Vec<Listed>, PortError> {
        self.plain(Op::Read, shelf.to_string(), self.cloud().ledger.listed(shelf, after, max)).await
    }

    async fn story(&self, goal: GoalId) -> Result<Vec<Item>, PortError> {
        self.plain(Op::Read, goal.to_string(), self.cloud().ledger.story(goal)).await
    }
}

#[async_trait]
impl Artifacts for Scripted {
    async fn put(&self, bytes: &[u8], mediatype: &str) -> Result<ArtifactRef, PortError> {
        self.plain(Op::ArtifactPut, mediatype.into(), self.cloud().artifacts.put(bytes, mediatype)).await
    }

    async fn get(&self, uri: &str) -> Result<Vec<u8>, PortError> {
        self.plain(Op::ArtifactGet, uri.into(), self.cloud().artifacts.get(uri)).await
    }

    async fn publish(&self, name: &str, version: u64, artifact: &ArtifactRef) -> Result<bool, PortError> {
        self.plain(Op::ArtifactPut, name.into(), self.cloud().artifacts.publish(name, version, artifact)).await
    }

    async fn latest(&self, name: &str) -> Result<Option<(u64, ArtifactRef)>, PortError> {
        self.plain(Op::ArtifactGet, name.into(), self.cloud().artifacts.latest(name)).await
    }
}
