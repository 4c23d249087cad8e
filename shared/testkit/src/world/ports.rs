//! Owns the ports of a simulated process: the fakes behind them, and a server's faults in front.
//! Never loses a fault's effect by accident: "applied, reply lost" is applied.
//! Next: `witness` sees everything that was applied.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contract::{ArtifactRef, Artifacts, Clock, Event, GoalId, PortError, QueueName, UnixMs};
use runtime::ledger::{Item, ItemKey, Listed, Mark, Shelf, Write};
use runtime::ports::{Bus, EntryResult, GoalStates, Ledger, Outbound, Ports, Queue, Receipt, Received, Written};

use super::point::{Fault, Op, Side};
use super::process::Process;
use crate::place::partly;

/// All five ports of one process.
#[derive(Clone, Debug)]
pub(crate) struct Faulty(Arc<Process>);

pub(crate) fn ports(process: &Arc<Process>) -> Ports {
    let faulty = Arc::new(Faulty(Arc::clone(process)));
    let skewed = process.shared.clock.skewed(process.skew_ms);
    Ports {
        queue: faulty.clone(),
        bus: faulty.clone(),
        ledger: faulty.clone(),
        artifacts: faulty,
        clock: Arc::new(skewed) as Arc<dyn Clock>,
    }
}

impl Faulty {
    async fn call<T>(&self, op: Op, apply: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
        let shared = &self.0.shared;
        self.0.point(op, Side::Before).await;
        let odds = &shared.odds;
        if shared.faults_on() && shared.chance(odds.fail) {
            return Err(if shared.chance(0.3) {
                shared.hits().fault(Fault::Throttle);
                let retry_after = Some(Duration::from_millis(shared.up_to(2_000)));
                PortError::Transient { why: "throttled".into(), retry_after }
            } else {
                shared.hits().fault(Fault::Fail);
                PortError::transient("failed, and nothing was applied")
            });
        }
        let result = apply.await;
        self.0.point(op, Side::After).await;
        if shared.faults_on() && shared.chance(odds.lose_reply) {
            shared.hits().fault(Fault::LoseReply);
            return Err(PortError::transient("applied, and the reply lost"));
        }
        result
    }

    /// Which entries of a batch the server refuses this time; or that one spoils the whole call.
    fn refused(&self, entries: usize) -> Result<Vec<bool>, PortError> {
        let shared = &self.0.shared;
        if !shared.faults_on() {
            return Ok(vec![false; entries]);
        }
        if entries > 1 && shared.chance(shared.odds.entry_fails / 10.0) {
            shared.hits().fault(Fault::BatchSpoiled);
            return Err(PortError::permanent("one malformed entry, and the whole batch is refused"));
        }
        let one = |_| {
            let fails = shared.chance(shared.odds.entry_fails);
            if fails {
                shared.hits().fault(Fault::EntryFails);
            }
            fails
        };
        Ok((0..entries).map(one).collect())
    }
}

#[async_trait]
impl Queue for Faulty {
    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Received>, PortError> {
        let shared = &self.0.shared;
        self.call(Op::Receive, async {
            let messages = shared.cloud.queue.receive(queue, max, wait, visibility).await?;
            for message in &messages {
                shared.log(&self.0.name, "RECEIVES", &message.receipt.0);
                shared.witness().received(shared, queue, message);
                if shared.faults_on() && shared.chance(shared.odds.duplicate_message) {
                    shared.hits().fault(Fault::DuplicateMessage);
                    shared.cloud.queue.duplicate_any(queue);
                }
            }
            Ok(messages)
        })
        .await
    }

    async fn delete(&self, queue: &QueueName, batch: &[Receipt]) -> Result<Vec<EntryResult>, PortError> {
        let shared = &self.0.shared;
        self.call(Op::Delete, async {
            let refused = self.refused(batch.len())?;
            partly(batch, &refused, |kept| async move {
                for receipt in &kept {
                    shared.log(&self.0.name, "DELETES", &receipt.0);
                    shared.witness().deleted(shared, receipt);
                }
                shared.cloud.queue.delete(queue, &kept).await
            })
            .await
        })
        .await
    }

    async fn set_visibility(
        &self,
        queue: &QueueName,
        batch: &[(Receipt, Duration)],
    ) -> Result<Vec<EntryResult>, PortError> {
        let shared = &self.0.shared;
        self.call(Op::Visibility, async {
            let refused = self.refused(batch.len())?;
            partly(batch, &refused, |kept| async move { shared.cloud.queue.set_visibility(queue, &kept).await }).await
        })
        .await
    }

    async fn send(&self, queue: &QueueName, batch: &[Outbound]) -> Result<Vec<EntryResult>, PortError> {
        let shared = &self.0.shared;
        self.call(Op::Send, async {
            let refused = self.refused(batch.len())?;
            partly(batch, &refused, |kept| async move {
                for letter in &kept {
                    shared.log(&self.0.name, "SENDS", format_args!("{queue} {:?}", letter.attributes.park()));
                    shared.witness().dead_letter(shared, queue, letter);
                }
                shared.cloud.queue.send(queue, &kept).await
            })
            .await
        })
        .await
    }
}

#[async_trait]
impl Bus for Faulty {
    async fn put(&self, batch: &[Event]) -> Result<Vec<EntryResult>, PortError> {
        let shared = &self.0.shared;
        self.call(Op::Put, async {
            let refused = self.refused(batch.len())?;
            partly(batch, &refused, |kept| async move {
                let mut results = Vec::with_capacity(kept.len());
                for event in kept {
                    shared.witness().published(shared, &event);
                    results.push(shared.publish(event).await);
                }
                Ok(results)
            })
            .await
        })
        .await
    }
}

#[async_trait]
impl Ledger for Faulty {
    async fn write(&self, write: &Write) -> Result<Written, PortError> {
        let shared = &self.0.shared;
        self.call(Op::Write(write.name), async {
            let before = shared.cloud.ledger.read(&write.key).await?;
            let written = shared.cloud.ledger.write(write).await?;
            if let Written::Applied(after) = &written {
                shared.witness().applied(&self.0, write, before.as_ref(), after);
            }
            shared.log_write(&self.0.name, write, &written);
            Ok(written)
        })
        .await
    }

    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, PortError> {
        self.call(Op::Read, self.0.shared.cloud.ledger.read(key)).await
    }

    async fn goals(&self, ids: &[GoalId]) -> Result<GoalStates, PortError> {
        let shared = &self.0.shared;
        self.call(Op::Goals, async {
            let mut states = shared.cloud.ledger.goals(ids).await?;
            for id in ids {
                if shared.faults_on() && shared.chance(shared.odds.unprocessed) {
                    shared.hits().fault(Fault::Unprocessed);
                    states.found.remove(id);
                    states.unprocessed.push(*id);
                }
            }
            Ok(states)
        })
        .await
    }

    async fn due(&self, shard: u8, before: UnixMs, max: usize) -> Result<Vec<ItemKey>, PortError> {
        self.call(Op::Due, self.0.shared.cloud.ledger.due(shard, before, max)).await
    }

    async fn listed(&self, shelf: Shelf, after: Option<Mark>, max: usize) -> Result<Vec<Listed>, PortError> {
        self.call(Op::Read, self.0.shared.cloud.ledger.listed(shelf, after, max)).await
    }

    async fn story(&self, goal: GoalId) -> Result<Vec<Item>, PortError> {
        self.call(Op::Read, self.0.shared.cloud.ledger.story(goal)).await
    }
}

#[async_trait]
impl Artifacts for Faulty {
    async fn put(&self, bytes: &[u8], mediatype: &str) -> Result<ArtifactRef, PortError> {
        self.call(Op::ArtifactPut, self.0.shared.cloud.artifacts.put(bytes, mediatype)).await
    }

    async fn get(&self, uri: &str) -> Result<Vec<u8>, PortError> {
        self.call(Op::ArtifactGet, self.0.shared.cloud.artifacts.get(uri)).await
    }

    async fn publish(&self, name: &str, version: u64, artifact: &ArtifactRef) -> Result<bool, PortError> {
        self.call(Op::ArtifactPut, self.0.shared.cloud.artifacts.publish(name, version, artifact)).await
    }

    async fn latest(&self, name: &str) -> Result<Option<(u64, ArtifactRef)>, PortError> {
        self.call(Op::ArtifactGet, self.0.shared.cloud.artifacts.latest(name)).await
    }
}
