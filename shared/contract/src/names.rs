//! Owns the small names of the choreography: event types, rows, daemons, queues, joins, sources.
//! Never holds a list of the ones that exist: `topology` does, and other crates add theirs to it.
//! Next: `topology`, `envelope`.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            pub const fn new(name: &'static str) -> Self {
                Self(Cow::Borrowed(name))
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&'static str> for $name {
            fn from(name: &'static str) -> Self {
                Self::new(name)
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(Cow::Owned(name))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// What kind of event: `research.completed`. Past tense for facts, `.requested` for requests.
    EventType
);
name!(
    /// One row of the topology: one queue and what is done with its messages.
    RowName
);
name!(
    /// A process: it hosts one row or several.
    DaemonName
);
name!(
    /// A queue, without account or region.
    QueueName
);
name!(
    /// A join: several results that become one event.
    JoinName
);
name!(
    /// Who says so: the `source` of an event, the same in the envelope and on the bus.
    Source
);

const DAEMONS: &str = "murmuration.";

impl Source {
    /// Whoever sends goals: a person, or an application of theirs.
    pub const USER: Source = Source::new("murmuration.user");
    /// What a join or a goal's end says: any daemon may be the one that happens to close it.
    pub const CHOREOGRAPHY: Source = Source::new("murmuration.choreography");

    pub fn of_daemon(daemon: &DaemonName) -> Source {
        Source(Cow::Owned(format!("{DAEMONS}{daemon}")))
    }

    /// Whether it is `of_daemon` of this one.
    pub fn is_of(&self, daemon: &DaemonName) -> bool {
        self.0.strip_prefix(DAEMONS) == Some(daemon.as_str())
    }
}

impl QueueName {
    /// Every queue has one dead-letter queue, and this is its name.
    pub fn dead_letters(&self) -> QueueName {
        QueueName(Cow::Owned(format!("{}-dlq", self.0)))
    }
}
