//! Owns the durable truth: what an item is, and the conditional writes that are the only way to change one.
//! Never talks to a server: `ports::Ledger` does. The protocol's conditions are data, written once, here.
//! Next: `item` (what is stored), `write` (how it changes), then `goal`, `step` and `join`: who may change what, when.

mod item;
mod write;

pub use item::{Attr, Item, ItemKey, ItemKind, Value};
pub use write::{Change, Condition, Mode, Write, WriteName};
