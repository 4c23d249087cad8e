//! Owns how an item changes: one write, its condition, its changes. All of it data, which any ledger can carry out.
//! Never more than one item a write: the protocol needs no transaction.
//! Next: `ports::Ledger::write` carries it out; `goal`, `step` and `join` make the writes of the protocol.

use contract::guard::{self, Guard};

use super::{Attr, ItemKey, Value};
use crate::chance::Token;

/// One conditional write of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// For logs, metrics and faults by name; a ledger does not need it.
    pub name: WriteName,
    /// Who writes, where a delivery or a sweep does so in its own name; for logs and witnesses.
    pub by: Option<Token>,
    pub key: ItemKey,
    pub mode: Mode,
    pub when: Condition,
    pub changes: Vec<Change>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The item becomes just what `changes` say; what it held before is gone.
    Replace,
    /// The item, created if absent, changes where `changes` say.
    Update,
}

macro_rules! write_names {
    ($($name:ident),+ $(,)?) => {
        /// Which write of `docs/protocol.md` this is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum WriteName { $($name),+ }

        impl WriteName {
            pub const ALL: &[WriteName] = &[$(WriteName::$name),+];
        }
    };
}

write_names! {
    // the goal
    Accept, End, Told,
    // joins, the goal's own included
    Arrive, Open, Close, Postpone, Undue, Renew,
    // the step
    Claim, NewRound, Takeover, ClaimReleased, Heartbeat, Release, Commit, Park, DeadLettered, Emitted,
    // the spend
    Reserve, Settle, Book,
    // a fork
    Copied,
}

/// What must hold of the item. An attribute that is absent equals nothing and compares with nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    Always,
    ItemAbsent,
    ItemExists,
    Absent(Attr),
    Exists(Attr),
    Equals(Attr, Value),
    AtMost(Attr, i64),
    AtLeast(Attr, i64),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Set(Attr, Value),
    /// An absent number counts as zero.
    Add(Attr, i64),
    Remove(Attr),
}

impl Condition {
    /// This condition as the protocol's guard of that name.
    pub fn guarded(self, guard: Guard) -> Condition {
        if guard::stands(guard) { self } else { Condition::Always }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.into())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Number(number)
    }
}
impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Number(number.into())
    }
}
impl From<bool> for Value {
    fn from(flag: bool) -> Value {
        Value::Flag(flag)
    }
}
impl From<contract::UnixMs> for Value {
    fn from(at: contract::UnixMs) -> Value {
        Value::Number(at.0)
    }
}
