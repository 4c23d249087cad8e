//! Owns how an item of the ledger stands in a history: its key and attributes as they were, and what it committed.
//! Never reads meaning into them: the runtime's own views do.
//! Next: `checker::reading`.

use std::collections::BTreeMap;

use anyhow::Context as _;
use contract::GoalId;
use runtime::history::Outcome;
use runtime::ledger::{Attr, Item, ItemKey, Value};
use serde::{Deserialize, Serialize};

/// One item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// `goal`, `step#<row>#<event id>` or `join#<name>`.
    pub item: String,
    pub attributes: BTreeMap<String, Kept>,
    /// Of a committed step, wherever it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kept {
    Flag(bool),
    Number(i64),
    Text(String),
}

impl Record {
    pub fn of(item: &Item, outcome: Option<Outcome>) -> Record {
        let kept = |value: &Value| match value {
            Value::Text(text) => Kept::Text(text.clone()),
            Value::Number(number) => Kept::Number(*number),
            Value::Flag(flag) => Kept::Flag(*flag),
        };
        let attributes = item.attrs.iter().map(|(attr, value)| (attr.name().into_owned(), kept(value)));
        Record { item: item.key.sort(), attributes: attributes.collect(), outcome }
    }

    /// As it was.
    pub fn item(&self, goal: GoalId) -> anyhow::Result<Item> {
        let key = ItemKey::parse(goal, &self.item).with_context(|| format!("no item is called {}", self.item))?;
        let mut item = Item::new(key);
        for (name, kept) in &self.attributes {
            let attr = Attr::parse(name).with_context(|| format!("no attribute is called {name}"))?;
            let value = match kept {
                Kept::Text(text) => Value::Text(text.clone()),
                Kept::Number(number) => Value::Number(*number),
                Kept::Flag(flag) => Value::Flag(*flag),
            };
            item.attrs.insert(attr, value);
        }
        Ok(item)
    }
}
