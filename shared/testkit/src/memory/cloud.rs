//! Owns a whole cloud in memory: the servers that a topology needs, and ports to them for each daemon.
//! Never a daemon's clock: the servers have one, and each daemon brings its own, as skewed as the test likes.
//! Next: the simulated world runs daemons over it.

use std::sync::Arc;

use contract::{Clock, Topology};
use runtime::ports::Ports;

use super::{MemoryArtifacts, MemoryBus, MemoryLedger, MemoryQueue, QueueSettings};

/// Queues, bus, ledger and artifacts as provisioning would make them. Clones share them.
#[derive(Clone, Debug)]
pub struct MemoryCloud {
    pub queue: Arc<MemoryQueue>,
    pub bus: Arc<MemoryBus>,
    pub ledger: Arc<MemoryLedger>,
    pub artifacts: Arc<MemoryArtifacts>,
}

impl MemoryCloud {
    /// `clock` is the servers'; `seed` decides the order of receives.
    pub fn new(topology: &Topology, clock: &Arc<dyn Clock>, seed: u64) -> MemoryCloud {
        let queue = Arc::new(MemoryQueue::with_seed(clock.clone(), seed));
        for row in &topology.rows {
            let dead_letters = row.queue.dead_letters();
            let limits = row.limits;
            queue.create(&dead_letters, QueueSettings::default().with_retention_s(limits.dead_letter_retention_s));
            let settings = QueueSettings::default().with_retention_s(limits.retention_s);
            queue.create(&row.queue, settings.with_dead_letters(limits.receives_max, &dead_letters));
        }
        queue.create(&MemoryBus::undelivered(topology), QueueSettings::default());
        let bus = Arc::new(MemoryBus::from_topology(topology, queue.clone(), clock.clone()));
        MemoryCloud { queue, bus, ledger: Arc::default(), artifacts: Arc::default() }
    }

    /// Everything outside of one process, whose own clock is `clock`.
    pub fn ports(&self, clock: Arc<dyn Clock>) -> Ports {
        Ports {
            queue: self.queue.clone(),
            bus: self.bus.clone(),
            ledger: self.ledger.clone(),
            artifacts: self.artifacts.clone(),
            clock,
        }
    }
}
