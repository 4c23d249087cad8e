//! Owns a ledger in memory, in DynamoDB's terms: single-item conditional writes, consistent reads, two sparse indexes.
//! Never nested: a write is looked at, carried out and answered under one lock, so of two writers one is first.
//! Next: `apply` decides and carries out one write.

mod apply;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Mutex;

use async_trait::async_trait;
use contract::limits::GOAL_STATES_MAX;
use contract::{GoalId, PortError, UnixMs};
use runtime::ledger::{Attr, Item, ItemKey, Listed, Mark, Shelf, Write};
use runtime::ports::{GoalStates, Ledger, Written};

use super::locked;

#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    items: BTreeMap<ItemKey, Item>,
    /// By shard, then due time: only items that have both attributes.
    due: BTreeMap<i64, BTreeSet<(i64, ItemKey)>>,
    /// By shelf, then place: likewise.
    listed: BTreeMap<String, BTreeSet<(String, ItemKey)>>,
}

impl Table {
    fn reindex(&mut self, before: Option<&Item>, after: Option<&Item>) {
        moved(&mut self.due, before.and_then(due_entry), after.and_then(due_entry));
        moved(&mut self.listed, before.and_then(listed_entry), after.and_then(listed_entry));
    }
}

/// One index, after an item's entry in it changed.
fn moved<P: Ord, E: Ord>(index: &mut BTreeMap<P, BTreeSet<E>>, left: Option<(P, E)>, entered: Option<(P, E)>) {
    if left == entered {
        return;
    }
    if let Some((partition, entry)) = left {
        index.entry(partition).or_default().remove(&entry);
    }
    if let Some((partition, entry)) = entered {
        index.entry(partition).or_default().insert(entry);
    }
}

impl MemoryLedger {
    pub fn new() -> MemoryLedger {
        MemoryLedger::default()
    }

    /// One item, without waiting.
    pub fn item(&self, key: &ItemKey) -> Option<Item> {
        locked(&self.0).items.get(key).cloned()
    }

    /// Every item of every goal, goal by goal in key order.
    pub fn items(&self) -> Vec<Item> {
        locked(&self.0).items.values().cloned().collect()
    }

    /// Looks at every item without copying any.
    pub fn inspect(&self, mut look: impl FnMut(&Item)) {
        locked(&self.0).items.values().for_each(&mut look);
    }

    pub fn item_count(&self) -> usize {
        locked(&self.0).items.len()
    }

    /// Takes an item away, as DynamoDB's TTL would, some day after its expiry.
    pub fn expire(&self, key: &ItemKey) -> Option<Item> {
        let table = &mut *locked(&self.0);
        let item = table.items.remove(key)?;
        table.reindex(Some(&item), None);
        Some(item)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn write(&self, write: &Write) -> Result<Written, PortError> {
        let table = &mut *locked(&self.0);
        let before = table.items.get(&write.key);
        if !apply::holds(&write.when, before) {
            return Ok(Written::Refused(before.cloned()));
        }
        let after = apply::after(write, before)?;
        let before = table.items.insert(write.key.clone(), after.clone());
        table.reindex(before.as_ref(), Some(&after));
        Ok(Written::Applied(after))
    }

    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, PortError> {
        Ok(locked(&self.0).items.get(key).cloned())
    }

    async fn goals(&self, ids: &[GoalId]) -> Result<GoalStates, PortError> {
        let distinct: BTreeSet<&GoalId> = ids.iter().collect();
        if ids.is_empty() || ids.len() > GOAL_STATES_MAX || distinct.len() != ids.len() {
            let why = format!("ValidationException: {} keys, 1 to 100 asked for, none of them twice", ids.len());
            return Err(PortError::permanent(why));
        }
        let table = locked(&self.0);
        let one = |id: &GoalId| Some((*id, table.items.get(&ItemKey::goal(*id))?.clone()));
        Ok(GoalStates { found: ids.iter().filter_map(one).collect(), unprocessed: vec![] })
    }

    async fn due(&self, shard: u8, before: UnixMs, max: usize) -> Result<Vec<ItemKey>, PortError> {
        let table = locked(&self.0);
        let all = table.due.get(&i64::from(shard)).into_iter().flatten();
        let due = all.take_while(|(at, _)| *at < before.0);
        Ok(due.take(max).map(|(_, key)| key.clone()).collect())
    }

    async fn listed(&self, shelf: Shelf, after: Option<Mark>, max: usize) -> Result<Vec<Listed>, PortError> {
        let table = locked(&self.0);
        let all = table.listed.get(&shelf.to_string()).into_iter().flatten().rev();
        let behind = all.filter(|(place, _)| after.is_none_or(|mark| *place < mark.to_string()));
        Ok(behind.filter_map(|(place, _)| place.parse().ok()).take(max).collect())
    }

    async fn story(&self, goal: GoalId) -> Result<Vec<Item>, PortError> {
        let table = locked(&self.0);
        // The goal's own item is the least of its partition, whether it is there or not.
        let from = (Bound::Included(ItemKey::goal(goal)), Bound::Unbounded);
        let mut items: Vec<Item> =
            table.items.range(from).take_while(|(key, _)| key.goal == goal).map(|(_, item)| item.clone()).collect();
        items.sort_by_cached_key(|item| item.key.sort());
        Ok(items)
    }
}

fn due_entry(item: &Item) -> Option<(i64, (i64, ItemKey))> {
    Some((item.number(&Attr::DueShard)?, (item.number(&Attr::DueAt)?, item.key.clone())))
}

fn listed_entry(item: &Item) -> Option<(String, (String, ItemKey))> {
    let (shelf, place) = (item.text(&Attr::Listed)?, item.text(&Attr::ListedAt)?);
    Some((shelf.to_owned(), (place.to_owned(), item.key.clone())))
}
