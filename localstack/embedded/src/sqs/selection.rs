//! Owns what a receive asked to see of each message: system attributes and message attributes, by name, prefix or all.
//! Never decides which messages come.
//! Next: `received` writes a message through it.

use super::content::Attribute;
use super::{attributes, refusal};
use crate::ApiError;

const SYSTEM: [&str; 9] = [
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
];

#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// One bit for each of `SYSTEM`.
    system: u16,
    all: bool,
    names: Vec<String>,
    prefixes: Vec<String>,
}

impl Selection {
    pub(crate) fn new(system: &[String], names: Vec<String>) -> Result<Selection, ApiError> {
        let mut selection = Selection::default();
        for name in system {
            match SYSTEM.iter().position(|known| known == name) {
                Some(place) => selection.system |= 1 << place,
                None if name == "All" => selection.system = u16::MAX,
                // The names of queue attributes are of the same type in older clients; messages have none of them.
                None if attributes::is_readable(name) => {}
                None => return Err(refusal::unknown_attribute(name)),
            }
        }
        for name in names {
            match name.strip_suffix(".*") {
                _ if name == "All" || name == "*" => selection.all = true,
                Some("") => selection.all = true,
                Some(prefix) => selection.prefixes.push(prefix.to_owned()),
                None => selection.names.push(name),
            }
        }
        Ok(selection)
    }

    pub(crate) fn wants_any_system(&self) -> bool {
        self.system != 0
    }

    pub(crate) fn wants_system(&self, name: &str) -> bool {
        SYSTEM.iter().position(|known| *known == name).is_some_and(|place| self.system & (1 << place) != 0)
    }

    pub(crate) fn wants(&self, attribute: &Attribute) -> bool {
        let name = &*attribute.name;
        self.all
            || self.names.iter().any(|wanted| wanted == name)
            || self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }
}
