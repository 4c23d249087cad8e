//! Owns the ledger port, in DynamoDB's terms: conditional writes of single items, consistent reads, two sparse indexes.
//! Never knows the protocol: what is written when, and under which condition, arrives as a `Write`.
//! Next: `ledger::write` says what a write is; `suites::ledger` in `testkit` says how each must behave.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use contract::{GoalId, PortError, UnixMs};

use crate::ledger::{Item, ItemKey, Listed, Mark, Shelf, Write};

/// What became of a conditional write.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// The item as it now is.
    Applied(Item),
    /// The condition did not hold; the item as it was then, if there was one.
    Refused(Option<Item>),
}

/// The answer to one batch of goal reads. Like DynamoDB it may be partial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GoalStates {
    pub found: BTreeMap<GoalId, Item>,
    pub unprocessed: Vec<GoalId>,
}

#[async_trait]
pub trait Ledger: Send + Sync + fmt::Debug {
    async fn write(&self, write: &Write) -> Result<Written, PortError>;

    /// Strongly consistent.
    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, PortError>;

    /// Goal items, strongly consistent; 100 ids at most.
    async fn goals(&self, ids: &[GoalId]) -> Result<GoalStates, PortError>;

    /// Keys of one shard's items whose `DueAt` is before `before`, earliest first, `max` at most. Eventually
    /// consistent: whoever acts on one reads the item first.
    async fn due(&self, shard: u8, before: UnixMs, max: usize) -> Result<Vec<ItemKey>, PortError>;

    /// One shelf's goals, newest first, only those behind `after`, `max` at most. Eventually consistent, as `due` is:
    /// a goal that ends may for a moment stand on two shelves, or on none. `listing` reads all shelves together.
    async fn listed(&self, shelf: Shelf, after: Option<Mark>, max: usize) -> Result<Vec<Listed>, PortError>;

    /// All items of one goal, in key order: the whole story.
    async fn story(&self, goal: GoalId) -> Result<Vec<Item>, PortError>;
}
