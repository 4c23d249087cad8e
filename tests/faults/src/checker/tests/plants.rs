//! Owns the ways to change one thing in a history: an attribute, a record, a telling, a letter.
//! Never two things at once, unless the defect shows in both.
//! Next: the tests, which plant.

use contract::attributes::PARK;
use contract::{EventId, ParkNote};
use serde_json::{Value, json};

use super::run::goal;
use crate::history::{History, Kept, Letter, Record, Seen};

/// The goal's item, or its first that begins so.
pub(super) fn record<'h>(history: &'h mut History, key: &str, item: &str) -> &'h mut Record {
    let records = history.ledger.get_mut(&goal(key)).unwrap();
    records.iter_mut().find(|record| record.item.starts_with(item)).unwrap()
}

pub(super) fn set(record: &mut Record, attribute: &str, value: impl Into<Kept>) {
    record.attributes.insert(attribute.into(), value.into());
}

pub(super) fn unset(record: &mut Record, attribute: &str) {
    assert!(record.attributes.remove(attribute).is_some(), "{attribute} is not there: {record:?}");
}

/// As JSON, which it holds.
pub(super) fn json_of(record: &Record, attribute: &str) -> Value {
    match &record.attributes[attribute] {
        Kept::Text(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{attribute} is {other:?}"),
    }
}

/// The first one of that type.
pub(super) fn telling<'h>(history: &'h mut History, key: &str, kind: &str) -> &'h mut Seen {
    let of_goal = goal(key).to_string();
    let is_it = |seen: &&mut Seen| seen.detail["goalid"] == of_goal && seen.detail["type"] == kind;
    history.seen.iter_mut().find(is_it).unwrap()
}

pub(super) fn forget(history: &mut History, key: &str, kind: &str) {
    let (of_goal, before) = (goal(key).to_string(), history.seen.len());
    history.seen.retain(|seen| seen.detail["goalid"] != of_goal || seen.detail["type"] != kind);
    assert!(history.seen.len() < before, "{kind} was never told");
}

/// The event once more, by another put, changed in that way.
pub(super) fn retell(history: &mut History, key: &str, kind: &str, change: impl FnOnce(&mut Seen)) {
    let mut again = telling(history, key, kind).clone();
    let n = history.seen.len();
    (again.message_id, again.entry_id) = (format!("message {n}"), format!("entry {n}"));
    change(&mut again);
    history.seen.push(again);
}

/// The same end on record and on the bus, changed in that way.
pub(super) fn change_end(history: &mut History, key: &str, change: impl Fn(&mut Value)) {
    let item = record(history, key, "goal");
    let mut end = json_of(item, "ended");
    let kind = end["type"].as_str().unwrap().to_owned();
    change(&mut end);
    set(item, "ended", end.to_string().as_str());
    change(&mut telling(history, key, &kind).detail);
}

/// The event that the first step of this row took.
pub(super) fn input_of(history: &mut History, key: &str, row: &str) -> EventId {
    let item = &record(history, key, &format!("step#{row}#")).item;
    item.rsplit('#').next().unwrap().parse().unwrap()
}

/// The letter of the goal that waits for a person.
pub(super) fn letter(history: &mut History) -> &mut Letter {
    assert_eq!(history.letters.len(), 1, "{:?}", history.letters);
    &mut history.letters[0]
}

pub(super) fn change_note(history: &mut History, change: impl FnOnce(&mut ParkNote)) {
    let letter = letter(history);
    let mut note = ParkNote::parse(&letter.attributes[PARK]).unwrap();
    change(&mut note);
    letter.attributes.insert(PARK.into(), note.render());
}

/// Takes an epoch over, as the ledger would show it.
pub(super) fn take_over(record: &mut Record) {
    let held = json_of(record, "held#1").to_string();
    set(record, "held#2", held.as_str());
    set(record, "epoch", 2_i64);
}

pub(super) fn over(how: &str) -> Kept {
    Kept::Text(json!({"how": how, "at": "2026-11-20T12:00:00Z"}).to_string())
}

impl From<&str> for Kept {
    fn from(text: &str) -> Kept {
        Kept::Text(text.into())
    }
}

impl From<i64> for Kept {
    fn from(number: i64) -> Kept {
        Kept::Number(number)
    }
}

impl From<bool> for Kept {
    fn from(flag: bool) -> Kept {
        Kept::Flag(flag)
    }
}
