//! Owns what a FIFO queue accepted in the last five minutes, so that it accepts nothing twice.
//! Never looks at a body: it is given the id, or the hash that stands for it.
//! Next: `sending` asks before it puts a message into the queue.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::keys;
use super::message::SequenceNumber;
use crate::engine::UnixMs;
use crate::store::{Journal, Space};

const REMEMBERED_MS: i64 = 5 * 60 * 1000;

/// A message that was accepted. A row of `Space::Deduplication`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Accepted {
    /// The deduplication id, behind its group where that is the scope.
    pub(crate) token: Arc<str>,
    pub(crate) at: UnixMs,
    pub(crate) id: Uuid,
    pub(crate) sequence_number: SequenceNumber,
}

#[derive(Debug, Default)]
pub(crate) struct Deduplication {
    known: HashMap<Arc<str>, Accepted>,
    ages: VecDeque<(UnixMs, u64, Arc<str>)>,
}

impl Deduplication {
    /// The scope in which an id counts.
    pub(crate) fn token(id: &str, group: Option<&str>, per_group: bool) -> Arc<str> {
        match group {
            // Neither may hold a space.
            Some(group) if per_group => format!("{group} {id}").into(),
            _ => id.into(),
        }
    }

    pub(crate) fn find(&self, token: &str) -> Option<&Accepted> {
        self.known.get(token)
    }

    /// Oldest first.
    #[cfg(test)]
    pub(crate) fn tokens(&self) -> Vec<&(UnixMs, u64, Arc<str>)> {
        self.ages.iter().filter(|(_, _, token)| self.known.contains_key(token)).collect()
    }

    pub(crate) fn accept(&mut self, journal: &mut Journal, queue: u64, message: u64, accepted: Accepted) {
        journal.put(Space::Deduplication, keys::message(queue, message), &accepted);
        self.remember(message, accepted);
    }

    pub(crate) fn remember(&mut self, message: u64, accepted: Accepted) {
        self.ages.push_back((accepted.at, message, Arc::clone(&accepted.token)));
        self.known.insert(Arc::clone(&accepted.token), accepted);
    }

    pub(crate) fn forget_old(&mut self, queue: u64, now: UnixMs, journal: &mut Journal) {
        while let Some((at, message, _)) = self.ages.front() {
            if at.plus_ms(REMEMBERED_MS) > now {
                return;
            }
            journal.delete(Space::Deduplication, keys::message(queue, *message));
            if let Some((_, _, token)) = self.ages.pop_front() {
                self.known.remove(&token);
            }
        }
    }
}
