//! Owns what every ledger must do, as DynamoDB does it: conditions, changes, refusals that tell the item, two indexes.
//! Never counts on the index being up to date at once.
//! Next: `conditions` and `changes` are about one write, `race` about several, `reads` and `listed` about what
//! comes back.

mod changes;
mod conditions;
mod listed;
mod race;
mod reads;

use std::sync::Arc;

use async_trait::async_trait;
use contract::{EventId, GoalId, JoinName, PortError, RowName};
use runtime::ledger::{Attr, Change, Condition, Item, ItemKey, Mode, Value, Write, WriteName};
use runtime::ports::{Ledger, Written};

use super::{Failure, Verdict};

pub use changes::*;
pub use conditions::*;
pub use listed::*;
pub use race::*;
pub use reads::*;

#[async_trait]
pub trait LedgerFixture: Send + Sync {
    fn ledger(&self) -> Arc<dyn Ledger>;
    /// A goal id that no other check uses.
    fn fresh_goal(&self) -> GoalId;
    /// Two shards, of both indexes, that no other check uses while this one runs.
    fn shards(&self) -> [u8; 2];
}

suite! {
    $ ledger_suite in ledger over LedgerFixture:
    always_holds_with_and_without_an_item,
    item_absent_holds_once,
    item_exists_holds_only_of_an_item,
    absent_and_exists_look_at_one_attribute,
    equals_compares_type_and_value,
    an_absent_attribute_equals_nothing,
    at_most_and_at_least_include_their_bound,
    an_absent_attribute_compares_with_nothing,
    all_needs_every_condition,
    any_needs_one_condition,
    conditions_nest,
    set_writes_every_type_of_value_as_it_is,
    set_replaces_a_value_of_another_type,
    add_counts_from_zero_and_below_it,
    add_reaches_the_largest_and_the_smallest_number,
    remove_leaves_nothing_and_repeats,
    update_keeps_what_it_does_not_name,
    update_makes_an_absent_item,
    replace_drops_what_it_does_not_name,
    several_changes_apply_together,
    attributes_of_a_map_may_be_named_anything,
    an_applied_write_tells_the_item_as_it_is,
    a_refused_write_tells_the_item_and_changes_nothing,
    an_item_of_350_kb_fits,
    an_item_over_400_kb_is_refused_for_good,
    of_writers_at_once_one_makes_the_item,
    of_writers_at_once_one_passes_the_version,
    additions_at_once_are_all_counted,
    an_absent_item_reads_as_none,
    goals_tells_those_that_exist,
    goals_takes_a_hundred_at_most,
    a_story_is_told_in_key_order,
    a_story_over_one_mebibyte_is_told_whole,
    the_due_index_lists_the_earliest_first,
    the_due_index_ends_before_the_given_time,
    the_due_index_holds_only_items_with_both_attributes,
    an_item_whose_due_time_is_removed_leaves_the_index,
    an_item_whose_due_time_moves_is_listed_once,
    a_shelf_lists_the_newest_first_and_only_its_own,
    a_shelf_goes_on_behind_a_mark,
    a_shelf_holds_only_items_with_both_attributes,
    a_goal_that_ends_moves_to_another_shelf_and_keeps_its_place,
}

/// One port and one fresh goal behind it.
struct Desk {
    port: Arc<dyn Ledger>,
    goal: GoalId,
}

impl Desk {
    fn open(fixture: &dyn LedgerFixture) -> Desk {
        Desk { port: fixture.ledger(), goal: fixture.fresh_goal() }
    }

    fn key(&self) -> ItemKey {
        ItemKey::goal(self.goal)
    }

    fn step(&self, row: &'static str, event: u128) -> ItemKey {
        // Any event id will do that differs; the goal's own is random enough to count from.
        let id = contract::Unit::output(row, EventId(self.goal.0), usize::try_from(event).unwrap_or(0));
        let id = EventId::derive(self.goal, &contract::EventType::new("suite.step"), &id);
        ItemKey::step(self.goal, &RowName::new(row), id)
    }

    fn join(&self, name: &'static str) -> ItemKey {
        ItemKey::join(self.goal, &JoinName::new(name))
    }

    async fn write(&self, mode: Mode, when: Condition, changes: Vec<Change>) -> Result<Written, PortError> {
        self.write_to(self.key(), mode, when, changes).await
    }

    async fn write_to(
        &self,
        key: ItemKey,
        mode: Mode,
        when: Condition,
        changes: Vec<Change>,
    ) -> Result<Written, PortError> {
        self.port.write(&Write { name: WriteName::Accept, by: None, key, mode, when, changes }).await
    }

    /// An unconditional write that must apply.
    async fn set(&self, key: ItemKey, changes: Vec<Change>) -> Result<Item, Failure> {
        applied(self.write_to(key, Mode::Update, Condition::Always, changes).await?)
    }

    async fn read(&self) -> Result<Option<Item>, PortError> {
        self.port.read(&self.key()).await
    }

    /// Whether the condition holds of the goal's item as it is; a refusal must tell that item, a write must apply.
    async fn holds(&self, when: Condition) -> Result<bool, Failure> {
        let before = self.read().await?;
        match self.write(Mode::Update, when.clone(), vec![Change::Add(Attr::Version, 1)]).await? {
            Written::Applied(_) => Ok(true),
            Written::Refused(told) if told == before => Ok(false),
            Written::Refused(told) => {
                Err(Failure::new(format!("{when:?} was refused with {told:?}, but the item was {before:?}")))
            }
        }
    }

    async fn expect(&self, wanted: bool, when: Condition) -> Verdict {
        let holds = self.holds(when.clone()).await?;
        ensure!(holds == wanted, "{when:?} should {}have held", if wanted { "" } else { "not " });
        Ok(())
    }
}

fn applied(written: Written) -> Result<Item, Failure> {
    match written {
        Written::Applied(item) => Ok(item),
        Written::Refused(told) => Err(Failure::new(format!("an unconditional write was refused: {told:?}"))),
    }
}

fn set(attr: Attr, value: impl Into<Value>) -> Change {
    Change::Set(attr, value.into())
}

fn item(key: ItemKey, attrs: &[(Attr, Value)]) -> Item {
    Item { key, attrs: attrs.iter().cloned().collect() }
}
