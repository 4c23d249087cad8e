//! Owns a ledger that takes so many writes and then no more: whoever writes several things dies half-way.
//! Never forgets what it took.
//! Next: tests of what is done in several writes, and done again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use contract::{GoalId, PortError, UnixMs};
use runtime::ledger::{Item, ItemKey, Listed, Mark, Shelf, Write};
use runtime::ports::{GoalStates, Ledger, Written};

#[derive(Debug)]
pub struct Tired {
    left: AtomicU64,
    ledger: Arc<dyn Ledger>,
}

impl Tired {
    pub fn after(writes: u64, ledger: Arc<dyn Ledger>) -> Tired {
        Tired { left: AtomicU64::new(writes), ledger }
    }
}

#[async_trait]
impl Ledger for Tired {
    async fn write(&self, write: &Write) -> Result<Written, PortError> {
        let one_less = |left: u64| left.checked_sub(1);
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
            Ok(_) => self.ledger.write(write).await,
            Err(_) => Err(PortError::permanent("no more writes")),
        }
    }
    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, PortError> {
        self.ledger.read(key).await
    }
    async fn goals(&self, ids: &[GoalId]) -> Result<GoalStates, PortError> {
        self.ledger.goals(ids).await
    }
    async fn due(&self, shard: u8, before: UnixMs, max: usize) -> Result<Vec<ItemKey>, PortError> {
        self.ledger.due(shard, before, max).await
    }
    async fn listed(&self, shelf: Shelf, after: Option<Mark>, max: usize) -> Result<Vec<Listed>, PortError> {
        self.ledger.listed(shelf, after, max).await
    }
    async fn story(&self, goal: GoalId) -> Result<Vec<Item>, PortError> {
        self.ledger.story(goal).await
    }
}
