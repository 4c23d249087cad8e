//! Owns the durable truth: what an item is, and the conditional writes that are the only way to change one.
//! Never talks to a server: `ports::Ledger` does. The protocol's conditions are data, written once, here.
//! Next: `item` (what is stored), `write` (how it changes), then `goal`, `step` and `join`: who may change what, when.

pub mod goal;
mod item;
pub mod join;
pub(crate) mod json;
mod listed;
pub mod spend;
pub mod step;
mod write;

use contract::guard::{self, Guard};
use contract::{GoalId, UnixMs};

pub use item::{Attr, Item, ItemKey, ItemKind, Value};
pub use listed::{LISTED_SHARDS, Listed, Mark, NoMark, Shelf, Standing};
pub use write::{Change, Condition, Mode, Write, WriteName};

/// Shards of the sparse index of what is due.
pub const DUE_SHARDS: u8 = 4;

pub(crate) fn due_shard(goal: GoalId) -> Value {
    Value::Number(i64::from(goal.0.as_bytes()[15] % DUE_SHARDS))
}

/// When an item may go: for readers to the millisecond, for the server's own clean-up in seconds, rounded up.
pub(crate) fn expires(at: UnixMs) -> [Change; 2] {
    [Change::Set(Attr::ExpiresAt, at.into()), Change::Set(Attr::Ttl, Value::Number(at.0.div_euclid(1_000) + 1))]
}

/// Never written, or expired: TTL may delete days later, so a reader must not wait for it.
pub(crate) fn absent(now: UnixMs) -> Condition {
    if guard::stands(Guard::ExpiryOnRead) {
        Condition::Any(vec![Condition::ItemAbsent, Condition::AtMost(Attr::ExpiresAt, now.0)])
    } else {
        Condition::ItemAbsent
    }
}

/// Not expired, or not there: what an update of an item that may be absent asks for.
fn live(now: UnixMs) -> Condition {
    Condition::Any(vec![Condition::Absent(Attr::ExpiresAt), Condition::AtLeast(Attr::ExpiresAt, now.0 + 1)])
        .guarded(Guard::ExpiryOnRead)
}

/// What a reader makes of an item: an expired one is absent.
pub fn unexpired(item: Option<Item>, now: UnixMs) -> Option<Item> {
    item.filter(|item| {
        guard::holds(Guard::ExpiryOnRead, item.time(&Attr::ExpiresAt).is_none_or(|expires_at| now < expires_at))
    })
}
