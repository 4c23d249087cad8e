//! Owns how an item stands in DynamoDB: its key as two texts, and each attribute under its own name and type.
//! Never guesses at what it cannot read: a key or a number that is none of ours is an error, not an absence.
//! Next: `expression` names the same attributes in conditions and changes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{GoalId, PortError};
use runtime::ledger::{Attr, Change, Item, ItemKey, Listed, Value, Write};

pub(super) type Attributes = HashMap<String, AttributeValue>;

/// Partition and sort key, as `contract::topology::resources` has the table made.
pub(super) const GOAL: &str = "goal";
pub(super) const ITEM: &str = "item";

pub(super) fn key_of(key: &ItemKey) -> Attributes {
    HashMap::from([
        (GOAL.to_owned(), AttributeValue::S(key.goal.to_string())),
        (ITEM.to_owned(), AttributeValue::S(key.sort())),
    ])
}

pub(super) fn value_of(value: &Value) -> AttributeValue {
    match value {
        Value::Text(text) => AttributeValue::S(text.clone()),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::Flag(flag) => AttributeValue::Bool(*flag),
    }
}

pub(super) fn written(item: &Item) -> Attributes {
    let mut all = key_of(&item.key);
    all.extend(item.attrs.iter().map(|(attr, value)| (attr.name().into_owned(), value_of(value))));
    all
}

pub(super) fn read(found: Attributes) -> Result<Item, PortError> {
    let mut item = Item::new(read_key(&found)?);
    for (name, value) in found {
        // A later version may keep more in an item than this one knows.
        let Some(attr) = Attr::parse(&name) else { continue };
        let value = match value {
            AttributeValue::S(text) => Value::Text(text),
            AttributeValue::Bool(flag) => Value::Flag(flag),
            AttributeValue::N(number) => Value::Number(whole(&name, &number)?),
            other => return Err(foreign(&format!("{name} holds {other:?}"))),
        };
        item.attrs.insert(attr, value);
    }
    Ok(item)
}

pub(super) fn read_key(found: &Attributes) -> Result<ItemKey, PortError> {
    let goal = goal_of(found)?;
    let Some(AttributeValue::S(sort)) = found.get(ITEM) else { return Err(foreign("it has no text as `item`")) };
    ItemKey::parse(goal, sort).ok_or_else(|| foreign(&format!("its `item` is {sort:?}")))
}

/// A goal, as the index of goals has it.
pub(super) fn read_listed(found: &Attributes) -> Result<Listed, PortError> {
    let Some(AttributeValue::S(place)) = found.get(&*Attr::ListedAt.name()) else {
        return Err(foreign("it has no text as `listed_at`"));
    };
    place.parse().map_err(|why| foreign(&format!("its place in the index: {why}")))
}

pub(super) fn goal_of(found: &Attributes) -> Result<GoalId, PortError> {
    let Some(AttributeValue::S(goal)) = found.get(GOAL) else { return Err(foreign("it has no text as `goal`")) };
    goal.parse().map_err(|_| foreign(&format!("its `goal` is {goal:?}")))
}

/// The item that a replacing write leaves: nothing is known of what was there before.
pub(super) fn made_of(write: &Write) -> Result<Item, PortError> {
    let mut item = Item::new(write.key.clone());
    let mut changed = vec![];
    for change in &write.changes {
        let (Change::Set(attr, _) | Change::Add(attr, _) | Change::Remove(attr)) = change;
        if changed.contains(&attr) {
            return Err(PortError::permanent(format!("two changes of {} in one write overlap", attr.name())));
        }
        changed.push(attr);
        match change {
            Change::Set(attr, value) => item.attrs.insert(attr.clone(), value.clone()),
            Change::Add(attr, by) => item.attrs.insert(attr.clone(), Value::Number(*by)),
            Change::Remove(_) => None,
        };
    }
    Ok(item)
}

/// DynamoDB may spell a whole number with an exponent or a fraction of zeros; ours go in and come back as digits.
fn whole(name: &str, number: &str) -> Result<i64, PortError> {
    number.parse().map_err(|_| foreign(&format!("{name} is {number}, which is no whole number of 64 bits")))
}

fn foreign(what: &str) -> PortError {
    PortError::permanent(format!("the table holds an item that no daemon wrote: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::ledger::{Condition, Mode, WriteName};

    fn key() -> ItemKey {
        ItemKey::goal(GoalId::derive(&contract::Tenant::default(), "k"))
    }

    #[test]
    fn an_item_reads_as_it_was_written() {
        let mut item = Item::new(key());
        let values: [(Attr, Value); 4] = [
            (Attr::Owner, "".into()),
            (Attr::Arrived("a#b".into()), i64::MIN.into()),
            (Attr::Alone, true.into()),
            (Attr::Head, "{}".into()),
        ];
        item.attrs.extend(values);
        assert_eq!(read(written(&item)), Ok(item));
    }

    #[test]
    fn an_attribute_of_a_later_version_is_left_alone() {
        let mut found = key_of(&key());
        found.insert("of_tomorrow".into(), AttributeValue::Ss(vec![]));
        assert_eq!(read(found), Ok(Item::new(key())));
    }

    #[test]
    fn what_no_daemon_wrote_is_an_error_and_no_absence() {
        for (name, value) in [
            ("epoch", AttributeValue::N("1.5".into())),
            ("epoch", AttributeValue::N("9223372036854775808".into())),
            ("owner", AttributeValue::Null(true)),
            ("goal", AttributeValue::S("no id".into())),
            ("item", AttributeValue::S("something else".into())),
        ] {
            let mut found = key_of(&key());
            found.insert(name.into(), value.clone());
            assert!(matches!(read(found), Err(PortError::Permanent { .. })), "{name} as {value:?}");
        }
    }

    #[test]
    fn a_replacing_write_that_changes_one_attribute_twice_is_refused() {
        let changes = vec![Change::Set(Attr::Epoch, 1_i64.into()), Change::Add(Attr::Epoch, 1)];
        let write = Write {
            name: WriteName::Accept,
            by: None,
            key: key(),
            mode: Mode::Replace,
            when: Condition::Always,
            changes,
        };
        assert!(matches!(made_of(&write), Err(PortError::Permanent { .. })));
    }
}
