//! Owns the batch calls: which port call serves a batch, and what of its answer is each entry's own.
//! Never takes a call's success for its entries': here is where partial failures are looked at.
//! Next: `context` holds those of the daemon, `settle` those of a row's queue.

use std::sync::Arc;
use std::time::Duration;

use contract::guard::{self, Guard};
use contract::{Event, GoalId, PortError, QueueName};

use crate::batcher::{Batcher, Batching};
use crate::ledger::Item;
use crate::ports::{Bus, EntryResult, Ledger, Queue, Receipt};

pub(crate) fn emits(batching: Batching, bus: Arc<dyn Bus>) -> Batcher<Event, ()> {
    Batcher::start(
        batching,
        Arc::new(move |events: Arc<[Event]>| {
            let bus = Arc::clone(&bus);
            Box::pin(async move { Ok(looked_at(Guard::EmitFailures, bus.put(&events).await?)) })
        }),
    )
}

pub(crate) fn deletes(batching: Batching, queue: Arc<dyn Queue>, name: QueueName) -> Batcher<Receipt, ()> {
    Batcher::start(
        batching,
        Arc::new(move |receipts: Arc<[Receipt]>| {
            let (queue, name) = (Arc::clone(&queue), name.clone());
            Box::pin(async move { Ok(looked_at(Guard::DeleteFailures, queue.delete(&name, &receipts).await?)) })
        }),
    )
}

pub(crate) fn visibility(
    batching: Batching,
    queue: Arc<dyn Queue>,
    name: QueueName,
) -> Batcher<(Receipt, Duration), ()> {
    Batcher::start(
        batching,
        Arc::new(move |changes: Arc<[(Receipt, Duration)]>| {
            let (queue, name) = (Arc::clone(&queue), name.clone());
            Box::pin(async move { queue.set_visibility(&name, &changes).await })
        }),
    )
}

/// Unprocessed keys are asked again: not being answered is not being absent.
pub(crate) fn goals(batching: Batching, ledger: Arc<dyn Ledger>) -> Batcher<GoalId, Option<Item>> {
    Batcher::start(
        batching,
        Arc::new(move |ids: Arc<[GoalId]>| {
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
