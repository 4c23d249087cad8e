//! Owns identity: goals, events, steps and digests, all derived, so that work done twice names itself the same way.
//! Never draws a random id: a redelivery, a redrive and a replay must arrive at the id that the first run had.
//! Next: `envelope`, which carries these ids; `runtime::ledger`, which keys its items by them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::EventType;

/// The published namespace of goal ids: anybody can compute the id that a tenant and a key lead to.
pub const GOAL_NAMESPACE: Uuid = Uuid::from_u128(0x6d75_726d_7572_5f67_8f61_6c73_0000_0001);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                // Only the hyphenated spelling: two spellings of one id would be two keys in the ledger.
                let id = Uuid::try_parse(text)?;
                if text.len() == 36 { Ok(Self(id)) } else { Uuid::try_parse("not hyphenated").map(Self) }
            }
        }
    };
}

uuid_id!(
    /// One user's wish, from enqueue to its end; the partition of the ledger.
    GoalId
);
uuid_id!(
    /// One event, the same however often it is published.
    EventId
);

impl GoalId {
    /// From tenant and key. The tenant's length goes first, so no tenant can reach into another's ids.
    pub fn derive(tenant: &Tenant, key: &str) -> GoalId {
        let name = format!("{}:{}:{key}", tenant.as_str().len(), tenant.as_str());
        GoalId(Uuid::new_v5(&GOAL_NAMESPACE, name.as_bytes()))
    }
}

impl EventId {
    /// From goal, type and unit of work: a step that runs twice publishes the same event.
    pub fn derive(goal: GoalId, kind: &EventType, unit: &Unit) -> EventId {
        EventId(Uuid::new_v5(&goal.0, format!("{kind}\n{}", unit.0).as_bytes()))
    }
}

/// What an event is about within its goal, so that one step's second task differs from its first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit(String);

impl Unit {
    /// The one event of its type in a goal: the request itself, its cancellation, its end.
    pub fn goal() -> Unit {
        Unit("goal".into())
    }
    /// The one event that a join closes with.
    pub fn join(name: &str) -> Unit {
        Unit(format!("join#{name}"))
    }
    /// The `index`-th event of its type that one step emits.
    pub fn output(row: &str, input: EventId, index: usize) -> Unit {
        Unit(format!("step#{row}#{input}#{index}"))
    }
    /// The `n`-th time that one step gave up.
    pub fn park(row: &str, input: EventId, n: u32) -> Unit {
        Unit(format!("park#{row}#{input}#{n}"))
    }
    /// What a person made of the event that one step gave up: the same edit is the same event.
    pub fn edit(row: &str, input: EventId, data: &Digest) -> Unit {
        Unit(format!("edit#{row}#{input}#{data}"))
    }
}

/// Whose goal it is. Part of the goal's id, so two tenants may use one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Tenant(#[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))] String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant is 1 to 64 of A-Z a-z 0-9 . _ -")]
pub struct NoTenant;

impl Tenant {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Tenant {
    fn default() -> Tenant {
        Tenant("default".into())
    }
}

impl FromStr for Tenant {
    type Err = NoTenant;
    fn from_str(text: &str) -> Result<Tenant, NoTenant> {
        let good = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
        match text.len() {
            1..=64 if text.bytes().all(good) => Ok(Tenant(text.into())),
            _ => Err(NoTenant),
        }
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Tenant {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Tenant, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// SHA-256, as lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Digest(#[schemars(regex(pattern = r"^[0-9a-f]{64}$"))] String);

impl Digest {
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
            hex.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
            hex.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
            hex
        }))
    }

    /// Over canonical `data` only: `serde_json` keeps object keys sorted and writes no white space.
    pub fn of_data(data: &serde_json::Value) -> Digest {
        Digest::of(data.to_string().as_bytes())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Digest {
    /// From the ledger, which holds only what `of` made.
    fn from(hex: String) -> Digest {
        Digest(hex)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
