//! Owns what one write means: whether its condition holds of an item, and what the item is afterwards.
//! Never touches the table: items in, items out.
//! Next: `mod` stores what comes out.

use contract::PortError;
use runtime::ledger::{Attr, Change, Condition, Item, Mode, Value, Write};

/// DynamoDB's limit of one item, names included.
const ITEM_BYTES_MAX: usize = 400 * 1024;
/// `pk` and `sk`, and the 36 characters of a goal's id.
const KEY_NAMES_BYTES: usize = 4 + 36;

/// What is absent equals nothing and compares with nothing.
pub(super) fn holds(condition: &Condition, item: Option<&Item>) -> bool {
    let attr = |attr: &Attr| item.and_then(|item| item.attrs.get(attr));
    let number = |of: &Attr| match attr(of) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    };
    match condition {
        Condition::Always => true,
        Condition::ItemAbsent => item.is_none(),
        Condition::ItemExists => item.is_some(),
        Condition::Absent(name) => attr(name).is_none(),
        Condition::Exists(name) => attr(name).is_some(),
        Condition::Equals(name, value) => attr(name) == Some(value),
        Condition::AtMost(name, most) => number(name).is_some_and(|number| number <= *most),
        Condition::AtLeast(name, least) => number(name).is_some_and(|number| number >= *least),
        Condition::All(all) => all.iter().all(|one| holds(one, item)),
        Condition::Any(any) => any.iter().any(|one| holds(one, item)),
    }
}

/// The item as the write leaves it.
pub(super) fn after(write: &Write, before: Option<&Item>) -> Result<Item, PortError> {
    let mut item = match (write.mode, before) {
        (Mode::Update, Some(before)) => before.clone(),
        _ => Item::new(write.key.clone()),
    };
    for (at, change) in write.changes.iter().enumerate() {
        let name = changed(change);
        if write.changes.iter().take(at).any(|earlier| changed(earlier) == name) {
            return refuse(format!("two changes of {} in one write overlap", name.name()));
        }
        make(change, &mut item)?;
    }
    let index_key_is_text = |attr: &Attr| matches!(item.attrs.get(attr), Some(Value::Text(_) | Value::Flag(_)));
    if index_key_is_text(&Attr::DueAt) || index_key_is_text(&Attr::DueShard) {
        return refuse("the due index is keyed by numbers");
    }
    let is_no_key = |attr: &Attr| match item.attrs.get(attr) {
        Some(Value::Text(text)) => text.is_empty(),
        other => other.is_some(),
    };
    if is_no_key(&Attr::Listed) || is_no_key(&Attr::ListedAt) {
        return refuse("the index of goals is keyed by texts that are not empty");
    }
    let bytes = item_bytes(&item);
    if bytes > ITEM_BYTES_MAX {
        return refuse(format!("the item would have {bytes} bytes, {ITEM_BYTES_MAX} at most"));
    }
    Ok(item)
}

fn make(change: &Change, item: &mut Item) -> Result<(), PortError> {
    match change {
        Change::Set(attr, value) => {
            item.attrs.insert(attr.clone(), value.clone());
        }
        Change::Remove(attr) => {
            item.attrs.remove(attr);
        }
        Change::Add(attr, by) => match item.attrs.entry(attr.clone()).or_insert(Value::Number(0)) {
            Value::Number(number) => match number.checked_add(*by) {
                Some(sum) => *number = sum,
                None => return refuse(format!("{} would overflow", attr.name())),
            },
            Value::Text(_) | Value::Flag(_) => return refuse(format!("{} is no number to add to", attr.name())),
        },
    }
    Ok(())
}

fn changed(change: &Change) -> &Attr {
    match change {
        Change::Set(attr, _) | Change::Add(attr, _) | Change::Remove(attr) => attr,
    }
}

fn refuse<T>(why: impl std::fmt::Display) -> Result<T, PortError> {
    Err(PortError::permanent(format!("ValidationException: {why}")))
}

fn item_bytes(item: &Item) -> usize {
    let value_bytes = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Number(number) => 2 + number.unsigned_abs().checked_ilog10().unwrap_or(0) as usize / 2,
        Value::Flag(_) => 1,
    };
    let attrs: usize = item.attrs.iter().map(|(attr, value)| attr.name().len() + value_bytes(value)).sum();
    KEY_NAMES_BYTES + item.key.sort().len() + attrs
}
