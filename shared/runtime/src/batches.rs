//! Owns the batch calls: which port call serves a batch, and what of its answer is each entry's own.
//! Never takes a call's success for its entries': here is where partial failures are looked at.
//! Next: `context` holds those of the daemon, `settle` those of a row's queue.

use std::sync::Arc;
use std::time::Duration;

use contract::guard::{self, Guard};
use contract::{Event, GoalId, PortError, QueueName, RowName};

use crate::batcher::{Batcher, Batching};
use crate::ledger::Item;
use crate::ports::{Bus, EntryResult, Ledger, Queue, Receipt};
use crate::telemetry::{BatchKind, Telemetry};

/// Who counts how full the calls are.
#[derive(Clone, Debug)]
pub(crate) struct Fill {
    pub(crate) telemetry: Telemetry,
    /// The row, or the daemon where its rows share their batches.
    pub(crate) of: RowName,
}

impl Fill {
    fn count(&self, kind: BatchKind, entries: usize) {
        self.telemetry.metrics().batch(&self.of, kind, entries);
    }
}

pub(crate) fn emits(batching: Batching, bus: Arc<dyn Bus>, fill: Fill) -> Batcher<Event, ()> {
    Batcher::start(
        batching,
        Arc::new(move |events: Arc<[Event]>| {
            fill.count(BatchKind::Emit, events.len());
            let bus = Arc::clone(&bus);
            Box::pin(async move { Ok(looked_at(Guard::EmitFailures, bus.put(&events).await?)) })
        }),
    )
}

pub(crate) fn deletes(batching: Batching, queue: Arc<dyn Queue>, name: QueueName, fill: Fill) -> Batcher<Receipt, ()> {
    Batcher::start(
        batching,
        Arc::new(move |receipts: Arc<[Receipt]>| {
            fill.count(BatchKind::Delete, receipts.len());
            let (queue, name) = (Arc::clone(&queue), name.clone());
            Box::pin(async move { Ok(looked_at(Guard::DeleteFailures, queue.delete(&name, &receipts).await?)) })
        }),
    )
}

pub(crate) fn visibility(
    batching: Batching,
    queue: Arc<dyn Queue>,
    name: QueueName,
    fill: Fill,
) -> Batcher<(Receipt, Duration), ()> {
    Batcher::start(
        batching,
        Arc::new(move |changes: Arc<[(Receipt, Duration)]>| {
            fill.count(BatchKind::Visibility, changes.len());
            let (queue, name) = (Arc::clone(&queue), name.clone());
            Box::pin(async move { queue.set_visibility(&name, &changes).await })
        }),
    )
}

/// Unprocessed keys are asked again: not being answered is not being absent.
pub(crate) fn goals(batching: Batching, ledger: Arc<dyn Ledger>, fill: Fill) -> Batcher<GoalId, Option<Item>> {
    Batcher::start(
        batching,
        Arc::new(move |ids: Arc<[GoalId]>| {
            fill.count(BatchKind::GoalStates, ids.len());
            let ledger = Arc::clone(&ledger);
            Box::pin(async move {
                let mut unique = ids.to_vec();
                unique.sort_unstable();
                unique.dedup();
                let mut states = ledger.goals(&unique).await?;
                let state = |(at, id): (usize, &GoalId)| {
                    if states.unprocessed.contains(id) && guard::stands(Guard::UnprocessedKeys) {
                        Err(PortError::transient("the goal's state was not read yet"))
                    } else if ids.iter().skip(at + 1).any(|later| later == id) {
                        Ok(states.found.get(id).cloned())
                    } else {
                        Ok(states.found.remove(id))
                    }
                };
                Ok(ids.iter().enumerate().map(state).collect())
            })
        }),
    )
}

fn looked_at(guard: Guard, results: Vec<EntryResult>) -> Vec<EntryResult> {
    if guard::stands(guard) { results } else { results.into_iter().map(|_| Ok(())).collect() }
}
