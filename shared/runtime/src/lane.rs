//! Owns one row of the topology at work in this process: its limits, its handler, its queue's batchers, its drain.
//! Never a decision about a message: `delivery` makes them, with what it finds here.
//! Next: `consumer` receives for a lane, `delivery` decides, `settle` carries out.

use std::sync::Arc;
use std::time::Duration;

use contract::topology::{Row, RowLimits};
use contract::{PortError, QueueName};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::batcher::Batcher;
use crate::batches::{self, Fill};
use crate::context::Context;
use crate::handler::AnyHandler;
use crate::ports::Receipt;
use crate::telemetry::Outage;

/// A delete holds nobody up: it waits for its batch ten times as long as what others wait for.
const DELETE_PATIENCE: u32 = 10;

/// Without a bound, a server that is slow to delete would fill the memory.
const OWED_FACTOR: usize = 10;

#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) context: Arc<Context>,
    pub(crate) row: Row,
    pub(crate) handler: Arc<dyn AnyHandler>,
    pub(crate) drain: Drain,
    /// Of its queue's server, as receives meet it.
    pub(crate) outage: Outage,
    /// Deletes that may be owed at a time by deliveries whose places went on to the next messages.
    pub(crate) owed: Arc<Semaphore>,
    deletes: Batcher<Receipt, ()>,
    visibility: Batcher<(Receipt, Duration), ()>,
}

/// How a daemon stops: first it receives no more, then it gives back what is not done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drain {
    pub(crate) receives: CancellationToken,
    pub(crate) work: CancellationToken,
}

impl Lane {
    pub(crate) fn new(context: Arc<Context>, mut row: Row, handler: Arc<dyn AnyHandler>, drain: Drain) -> Lane {
        if let Some(limits) = context.settings.limits.get(&row.name) {
            row.limits = *limits;
        }
        let queue = || (Arc::clone(&context.ports.queue), row.queue.clone());
        let ((port, name), (port2, name2)) = (queue(), queue());
        let fill = Fill { telemetry: context.telemetry.clone(), of: row.name.clone() };
        Lane {
            deletes: batches::deletes(context.settling(DELETE_PATIENCE), port, name, fill.clone()),
            visibility: batches::visibility(context.settling(1), port2, name2, fill),
            owed: Arc::new(Semaphore::new(OWED_FACTOR * row.limits.concurrency)),
            outage: Outage::of(format!("queue {}", row.queue)),
            context,
            row,
            handler,
            drain,
        }
    }

    pub(crate) fn limits(&self) -> &RowLimits {
        &self.row.limits
    }

    pub(crate) fn queue(&self) -> &QueueName {
        &self.row.queue
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.row.limits.lease_s)
    }

    /// Longer than the lease: a message should not come back while its holder still has time to extend both.
    pub(crate) fn visibility_timeout(&self) -> Duration {
        self.lease() + self.lease() / 2
    }

    pub(crate) async fn delete(&self, receipt: &Receipt) -> Result<(), PortError> {
        self.deletes.one(receipt.clone()).await
    }

    pub(crate) async fn set_visibility(&self, receipt: &Receipt, to: Duration) -> Result<(), PortError> {
        let most = Duration::from_secs(contract::limits::SQS_VISIBILITY_S_MAX);
        self.visibility.one((receipt.clone(), to.min(most))).await
    }
}
