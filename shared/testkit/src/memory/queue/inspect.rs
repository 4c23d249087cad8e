//! Owns what tests may see and do besides the port: counts, contents, redrives, duplicates, queues that vanish.
//! Never part of the port: a daemon cannot do any of this.
//! Next: the simulated world counts what is left; conformance tests of the fake look inside.

use std::sync::Arc;
use std::time::Duration;

use contract::{Attributes, PortError, QueueName, UnixMs};
use runtime::ports::{EntryResult, Outbound};

use super::shelf::{Held, Place};
use super::{Deposit, MemoryQueue, limits, no_such_queue};
use crate::memory::locked;

/// One message as it stands in its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    pub message_id: String,
    pub body: String,
    pub attributes: Attributes,
    pub group: Option<String>,
    pub sent_at: UnixMs,
    pub receive_count: u32,
    /// The queue that moved it here; absent if somebody sent it.
    pub moved_from: Option<QueueName>,
    pub place: Place,
}

impl From<&Held> for StoredMessage {
    fn from(held: &Held) -> StoredMessage {
        StoredMessage {
            message_id: held.message_id.clone(),
            body: held.body.to_string(),
            attributes: held.attributes.clone(),
            group: held.group.clone(),
            sent_at: held.sent_at,
            receive_count: held.receive_count,
            moved_from: held.moved_from.clone(),
            place: held.place,
        }
    }
}

impl MemoryQueue {
    pub fn queues(&self) -> Vec<QueueName> {
        locked(&self.yard).shelves.keys().cloned().collect()
    }

    pub fn exists(&self, queue: &QueueName) -> bool {
        locked(&self.yard).shelves.contains_key(queue)
    }

    /// Messages that a receive could return now. Of a queue that does not exist: none.
    pub fn visible(&self, queue: &QueueName) -> usize {
        self.on(queue, |shelf, _| shelf.visible()).unwrap_or(0)
    }

    pub fn in_flight(&self, queue: &QueueName) -> usize {
        self.on(queue, |shelf, _| shelf.in_flight).unwrap_or(0)
    }

    /// All messages, wherever they stand, in the order in which they first came.
    pub fn messages(&self, queue: &QueueName) -> Vec<StoredMessage> {
        self.on(queue, |shelf, _| shelf.held.values().map(StoredMessage::from).collect()).unwrap_or_default()
    }

    pub fn count(&self, queue: &QueueName) -> usize {
        self.on(queue, |shelf, _| shelf.held.len()).unwrap_or(0)
    }

    /// Empties every queue that another one names as its dead-letter queue.
    pub fn take_all_dead_letters(&self) -> Vec<(QueueName, StoredMessage)> {
        let now = self.clock.now();
        let mut yard = locked(&self.yard);
        let mut named: Vec<QueueName> = yard
            .shelves
            .values()
            .filter_map(|shelf| shelf.settings.redrive.as_ref().map(|redrive| redrive.dead_letters.clone()))
            .collect();
        named.sort();
        named.dedup();
        let mut all = vec![];
        for queue in named {
            let Some(shelf) = yard.shelves.get_mut(&queue) else { continue };
            shelf.turn_to(now);
            let numbers: Vec<u64> = shelf.held.keys().copied().collect();
            for held in numbers.into_iter().filter_map(|number| shelf.remove(number)) {
                all.push((queue.clone(), StoredMessage::from(&held)));
            }
        }
        all
    }

    /// A redrive with its destination named: everything visible goes there, under new MessageIds, as if sent now.
    pub fn move_to(&self, dead_letters: &QueueName, destination: &QueueName) -> Result<usize, PortError> {
        self.redrive(dead_letters, |_| Ok(destination.clone()))
    }

    /// A redrive "to source": refused as a whole where one message was sent, so that nobody knows its source.
    pub fn move_to_source(&self, dead_letters: &QueueName) -> Result<usize, PortError> {
        self.redrive(dead_letters, |held| {
            let unknown = || PortError::permanent("CouldNotDetermineMessageSource: name a destination");
            held.moved_from.clone().ok_or_else(unknown)
        })
    }

    fn redrive(
        &self,
        from: &QueueName,
        destination: impl Fn(&Held) -> Result<QueueName, PortError>,
    ) -> Result<usize, PortError> {
        let now = self.clock.now();
        let mut yard = locked(&self.yard);
        let is_named = |redrive: &super::Redrive| redrive.dead_letters == *from;
        if !yard.shelves.values().any(|shelf| shelf.settings.redrive.as_ref().is_some_and(is_named)) {
            return Err(PortError::permanent(format!("InvalidParameterValue: {from} is no queue's dead-letter queue")));
        }
        let shelf = yard.shelf(from)?;
        shelf.turn_to(now);
        let mut moves = vec![];
        for (number, held) in shelf.held.iter().filter(|(_, held)| held.place == Place::Visible) {
            moves.push((*number, destination(held)?));
        }
        if let Some((_, missing)) = moves.iter().find(|(_, to)| !yard.shelves.contains_key(to)) {
            return Err(no_such_queue(missing));
        }
        let moved = moves.len();
        for (number, to) in moves {
            let Some(held) = yard.shelf(from)?.remove(number) else { continue };
            let (number, message_id) = yard.next_message();
            let fresh = Held { message_id, sent_at: now, receive_count: 0, receipt: 0, moved_from: None, ..held };
            yard.shelf(&to)?.put(number, fresh);
        }
        Ok(moved)
    }

    /// Takes one message out, in flight or not, as an operator's purge would.
    pub fn remove(&self, queue: &QueueName, message_id: &str) -> Option<StoredMessage> {
        self.on(queue, |shelf, _| {
            let number =
                shelf.held.iter().find(|(_, held)| held.message_id == message_id).map(|(number, _)| *number)?;
            shelf.remove(number).map(|held| StoredMessage::from(&held))
        })
        .ok()?
    }

    /// SQS's own duplicate: a copy under the same MessageId, visible now, with receipts of its own. Drawn from all
    /// messages of the queue by its seed; `None` if it holds none.
    pub fn duplicate_any(&self, queue: &QueueName) -> Option<String> {
        let now = self.clock.now();
        let yard = &mut *locked(&self.yard);
        let shelf = yard.shelves.get_mut(queue)?;
        shelf.turn_to(now);
        if shelf.held.is_empty() {
            return None;
        }
        let held = shelf.held.values().nth(yard.die.usize(..shelf.held.len()))?;
        let copy = Held { receipt: 0, place: Place::Visible, ..held.clone() };
        let message_id = copy.message_id.clone();
        yard.messages += 1;
        shelf.put(yard.messages, copy);
        Some(message_id)
    }

    /// Sends with a delay of the message's own, as `DelaySeconds` does.
    pub fn send_delayed(&self, queue: &QueueName, entry: &Outbound, delay: Duration) -> EntryResult {
        if delay > Duration::from_secs(limits::DELAY_S_MAX) {
            return Err(PortError::permanent("InvalidParameterValue: DelaySeconds is 900 at most"));
        }
        limits::message(entry)?;
        self.deposit(queue, entry.into(), delay)
    }

    /// What a rule of the bus delivers: one body, shared by all its queues.
    pub(crate) fn deliver(
        &self,
        queue: &QueueName,
        body: &Arc<str>,
        attributes: Attributes,
        delay: Duration,
    ) -> EntryResult {
        limits::text(body)?;
        self.deposit(queue, Deposit { body: body.clone(), attributes, group: None }, delay)
    }

    /// Deletes the queue with all that it holds.
    pub fn destroy(&self, queue: &QueueName) -> bool {
        let gone = locked(&self.yard).shelves.remove(queue);
        // Whoever waits on it learns that it is gone.
        gone.inspect(|shelf| shelf.arrival.notify_waiters()).is_some()
    }
}
