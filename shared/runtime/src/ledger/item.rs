//! Owns what an item is: a key and typed attributes, flat, so that any of them can be tested and set in one write.
//! Never nests: where a map is needed (arrivals, reservations), each entry is an attribute of its own.
//! Next: `write` changes items; the views in `goal`, `step` and `join` read them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use contract::{EventId, GoalId, JoinName, RowName, UnixMs};

/// Partition and sort key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    pub goal: GoalId,
    pub kind: ItemKind,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    Goal,
    Step { row: RowName, event: EventId },
    Join(JoinName),
}

impl ItemKey {
    pub fn goal(goal: GoalId) -> ItemKey {
        ItemKey { goal, kind: ItemKind::Goal }
    }
    pub fn step(goal: GoalId, row: &RowName, event: EventId) -> ItemKey {
        ItemKey { goal, kind: ItemKind::Step { row: row.clone(), event } }
    }
    pub fn join(goal: GoalId, join: &JoinName) -> ItemKey {
        ItemKey { goal, kind: ItemKind::Join(join.clone()) }
    }

    /// The sort key: `goal`, `step#<row>#<event id>` or `join#<name>`.
    pub fn sort(&self) -> String {
        self.kind.to_string()
    }

    pub fn parse(goal: GoalId, sort: &str) -> Option<ItemKey> {
        let kind = match sort.split_once('#') {
            None if sort == "goal" => ItemKind::Goal,
            Some(("join", name)) => ItemKind::Join(JoinName::from(name.to_owned())),
            Some(("step", rest)) => {
                let (row, event) = rest.rsplit_once('#')?;
                ItemKind::Step { row: RowName::from(row.to_owned()), event: event.parse().ok()? }
            }
            _ => return None,
        };
        Some(ItemKey { goal, kind })
    }
}

impl fmt::Display for ItemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ItemKind::Goal => f.write_str("goal"),
            ItemKind::Step { row, event } => write!(f, "step#{row}#{event}"),
            ItemKind::Join(name) => write!(f, "join#{name}"),
        }
    }
}

/// What an attribute holds. Structured values are JSON text: read back exactly as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(i64),
    Flag(bool),
}

macro_rules! attrs {
    ($($plain:ident = $name:literal),+ ; $($entry:ident = $prefix:literal),+ $(,)?) => {
        /// An attribute of an item. The last ones stand for one entry of a map each.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Attr { $($plain,)+ $($entry(String),)+ }

        impl Attr {
            /// As the ledger spells it.
            pub fn name(&self) -> Cow<'static, str> {
                match self {
                    $(Attr::$plain => Cow::Borrowed($name),)+
                    $(Attr::$entry(key) => Cow::Owned(format!(concat!($prefix, "#{}"), key)),)+
                }
            }
            pub fn parse(name: &str) -> Option<Attr> {
                match name.split_once('#') {
                    None => match name { $($name => Some(Attr::$plain),)+ _ => None },
                    Some((prefix, key)) => match prefix { $($prefix => Some(Attr::$entry(key.into())),)+ _ => None },
                }
            }
        }
    };
}

attrs! {
    // every item
    DueAt = "due_at", DueShard = "due_shard", ExpiresAt = "expires_at", Ttl = "ttl",
    // goal
    Request = "request", Digest = "digest", Deadline = "deadline", OnDeadLetter = "on_dead_letter",
    SpendVersion = "spend_version", Listed = "listed", ListedAt = "listed_at",
    TokensAllowed = "tokens_allowed", TokensSpent = "tokens_spent", TokensReserved = "tokens_reserved",
    TokensLeft = "tokens_left",
    MicrosAllowed = "micros_allowed", MicrosSpent = "micros_spent", MicrosReserved = "micros_reserved",
    MicrosLeft = "micros_left",
    // joins, and the goal, which holds the terminal one
    Members = "members", Required = "required", Quorum = "quorum", Head = "head", Version = "version",
    Ended = "ended", EndedBy = "ended_by", Emitted = "emitted",
    // step
    State = "state", Owner = "owner", Epoch = "epoch", Lease = "lease", NotBefore = "not_before",
    Attempts = "attempts", Crashes = "crashes", AloneCrashes = "alone_crashes", Alone = "alone", Rounds = "rounds",
    Parks = "parks", DeadLettered = "dlq", Cause = "cause", Outcome = "outcome", Unbooked = "unbooked",
    EventAt = "event_at", SentAt = "sent_at", ReceivedAt = "received_at", ClaimedAt = "claimed_at",
    FinishedAt = "finished_at", CostTokens = "cost_tokens", CostMicros = "cost_micros", CopiedFrom = "copied_from";
    // maps
    Status = "status",
    Arrived = "arrived",
    Open = "open",
    Floor = "floor",
    Held = "held",
    Over = "over",
    SoFar = "so_far",
}

/// One item as it is, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub key: ItemKey,
    pub attrs: BTreeMap<Attr, Value>,
}

impl Item {
    pub fn new(key: ItemKey) -> Item {
        Item { key, attrs: BTreeMap::new() }
    }
    pub fn has(&self, attr: &Attr) -> bool {
        self.attrs.contains_key(attr)
    }
    pub fn text(&self, attr: &Attr) -> Option<&str> {
        match self.attrs.get(attr) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
    pub fn number(&self, attr: &Attr) -> Option<i64> {
        match self.attrs.get(attr) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }
    pub fn flag(&self, attr: &Attr) -> bool {
        matches!(self.attrs.get(attr), Some(Value::Flag(true)))
    }
    pub fn time(&self, attr: &Attr) -> Option<UnixMs> {
        self.number(attr).map(UnixMs)
    }
}
