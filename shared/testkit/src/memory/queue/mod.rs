//! Owns queues in memory, in SQS's terms: unordered, at-least-once, with visibility, receipts, retention and redrive.
//! Never kinder than SQS: a delete by a stale receipt succeeds and deletes nothing, and limits refuse what they refuse there.
//! Never random: the order of receives comes from the seed.
//! Next: `shelf` holds one queue's messages, `limits` refuses, `inspect` is what tests may see and do besides.

mod inspect;
mod limits;
mod shelf;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use contract::{Attributes, Clock, PortError, QueueName, UnixMs};
use runtime::ports::{EntryResult, Outbound, Queue, Receipt, Received};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{counted_id, locked};
use shelf::{Held, Shelf};

pub use inspect::StoredMessage;
pub use shelf::Place;

/// How one queue was set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    pub retention_s: u64,
    /// Every message stays hidden for so long after its send.
    pub delay_s: u64,
    /// `maxReceiveCount` and where the queue itself moves a message that was received so often.
    pub redrive: Option<Redrive>,
    /// At so many messages in flight a receive answers empty.
    pub in_flight_max: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    pub receives_max: u32,
    pub dead_letters: QueueName,
}

impl Default for QueueSettings {
    /// As SQS sets up a standard queue of which nothing else is said.
    fn default() -> QueueSettings {
        QueueSettings { retention_s: 4 * 24 * 3600, delay_s: 0, redrive: None, in_flight_max: 120_000 }
    }
}

impl QueueSettings {
    pub fn with_dead_letters(mut self, receives_max: u32, dead_letters: &QueueName) -> QueueSettings {
        self.redrive = Some(Redrive { receives_max, dead_letters: dead_letters.clone() });
        self
    }
    pub fn with_retention_s(mut self, retention_s: u64) -> QueueSettings {
        self.retention_s = retention_s;
        self
    }
    pub fn with_delay_s(mut self, delay_s: u64) -> QueueSettings {
        self.delay_s = delay_s;
        self
    }
    pub fn with_in_flight_max(mut self, in_flight_max: usize) -> QueueSettings {
        self.in_flight_max = in_flight_max;
        self
    }
}

/// All queues of one account, by name.
#[derive(Debug)]
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    yard: Mutex<Yard>,
}

#[derive(Debug)]
struct Yard {
    shelves: BTreeMap<QueueName, Shelf>,
    messages: u64,
    receipts: u64,
    die: fastrand::Rng,
}

/// A message before it has an id.
struct Deposit {
    body: Arc<str>,
    attributes: Attributes,
    group: Option<String>,
}

impl From<&Outbound> for Deposit {
    fn from(entry: &Outbound) -> Deposit {
        let Outbound { body, attributes, group } = entry;
        Deposit { body: body.as_str().into(), attributes: attributes.clone(), group: group.clone() }
    }
}

enum Taken {
    Some(Vec<Received>),
    /// Nothing yet: woken by an arrival, or look again then.
    Nothing {
        arrival: Arc<Notify>,
        visible_at: Option<UnixMs>,
    },
    /// The cap on messages in flight is reached.
    OverLimit,
}

impl MemoryQueue {
    /// `clock` is the server's: visibility and retention go by it, whatever its clients' clocks show.
    pub fn new(clock: Arc<dyn Clock>) -> MemoryQueue {
        MemoryQueue::with_seed(clock, 0)
    }

    pub fn with_seed(clock: Arc<dyn Clock>, seed: u64) -> MemoryQueue {
        let yard = Yard { shelves: BTreeMap::new(), messages: 0, receipts: 0, die: fastrand::Rng::with_seed(seed) };
        MemoryQueue { clock, yard: Mutex::new(yard) }
    }

    /// Makes a queue, or gives the one of that name new settings.
    pub fn create(&self, queue: &QueueName, settings: QueueSettings) {
        let mut yard = locked(&self.yard);
        match yard.shelves.get_mut(queue) {
            Some(shelf) => shelf.settings = settings,
            None => {
                yard.shelves.insert(queue.clone(), Shelf::new(settings));
            }
        }
    }

    /// Runs `act` on a queue that has been brought up to date.
    fn on<T>(&self, queue: &QueueName, act: impl FnOnce(&mut Shelf, UnixMs) -> T) -> Result<T, PortError> {
        let now = self.clock.now();
        let mut yard = locked(&self.yard);
        let shelf = yard.shelf(queue)?;
        shelf.turn_to(now);
        Ok(act(shelf, now))
    }

    fn take(&self, queue: &QueueName, max: usize, visibility: Duration) -> Result<Taken, PortError> {
        let now = self.clock.now();
        let yard = &mut *locked(&self.yard);
        let mut taken = Vec::new();
        let mut worn_out = Vec::new();
        let redrive = yard.redrive_of(queue);
        let shelf = yard.shelves.get_mut(queue).ok_or_else(|| no_such_queue(queue))?;
        shelf.turn_to(now);
        if shelf.in_flight >= shelf.settings.in_flight_max {
            return Ok(Taken::OverLimit);
        }
        let room = max.min(shelf.settings.in_flight_max - shelf.in_flight);
        while taken.len() < room
            && let Some(number) = shelf.draw(&mut yard.die)
        {
            let receives = shelf.held.get(&number).map_or(0, |held| held.receive_count);
            if redrive.as_ref().is_some_and(|redrive| receives >= redrive.receives_max) {
                worn_out.push(number);
                continue;
            }
            yard.receipts += 1;
            if let Some(held) = shelf.hide(number, now + visibility) {
                held.receive_count += 1;
                held.receipt = yard.receipts;
                taken.push(received(queue, number, held));
            }
        }
        let (arrival, visible_at) = (shelf.arrival.clone(), shelf.next_visible_at());
        if let Some(redrive) = redrive {
            yard.move_worn_out(queue, &redrive.dead_letters, worn_out);
        }
        Ok(if taken.is_empty() { Taken::Nothing { arrival, visible_at } } else { Taken::Some(taken) })
    }

    /// What a service of the same account puts into a queue: the port's `send`, or a rule of the bus.
    fn deposit(&self, queue: &QueueName, message: Deposit, delay: Duration) -> EntryResult {
        let now = self.clock.now();
        let mut yard = locked(&self.yard);
        let (number, message_id) = yard.next_message();
        let shelf = yard.shelf(queue)?;
        let delay = delay.max(Duration::from_secs(shelf.settings.delay_s));
        let place = if delay.is_zero() { Place::Visible } else { Place::Delayed { until: now + delay } };
        let Deposit { body, attributes, group } = message;
        let message = Held {
            message_id,
            body,
            attributes,
            group,
            sent_at: now,
            receive_count: 0,
            receipt: 0,
            moved_from: None,
            place,
        };
        shelf.put(number, message);
        Ok(())
    }
}

impl Yard {
    fn shelf(&mut self, queue: &QueueName) -> Result<&mut Shelf, PortError> {
        self.shelves.get_mut(queue).ok_or_else(|| no_such_queue(queue))
    }

    fn next_message(&mut self) -> (u64, String) {
        self.messages += 1;
        (self.messages, counted_id(1, self.messages))
    }

    /// None as well if the dead-letter queue is gone: then the queue keeps what it has.
    fn redrive_of(&self, queue: &QueueName) -> Option<Redrive> {
        let redrive = self.shelves.get(queue)?.settings.redrive.as_ref()?;
        self.shelves.contains_key(&redrive.dead_letters).then(|| redrive.clone())
    }

    /// The queue's own redrive: same MessageId, same enqueue time.
    fn move_worn_out(&mut self, from: &QueueName, to: &QueueName, numbers: Vec<u64>) {
        for number in numbers {
            let Some(mut message) = self.shelves.get_mut(from).and_then(|shelf| shelf.remove(number)) else { continue };
            message.place = Place::Visible;
            message.moved_from = Some(from.clone());
            if let Some(shelf) = self.shelves.get_mut(to) {
                shelf.put(number, message);
            }
        }
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Received>, PortError> {
        limits::receive(max, wait, visibility)?;
        let deadline = Instant::now() + wait;
        loop {
            let (arrival, visible_at) = match self.take(queue, max, visibility)? {
                Taken::Some(messages) => return Ok(messages),
                Taken::OverLimit if wait.is_zero() => {
                    return Err(PortError::transient("OverLimit: too many messages in flight"));
                }
                Taken::OverLimit => return Ok(vec![]),
                Taken::Nothing { arrival, visible_at } => (arrival, visible_at),
            };
            if Instant::now() >= deadline {
                return Ok(vec![]);
            }
            // Nothing can arrive between `take` and here: neither awaits, but other threads may, so look once more.
            let arrived = arrival.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if self.on(queue, |shelf, _| shelf.visible() > 0)? {
                continue;
            }
            let alarm = visible_at.map_or(deadline, |at| Instant::now() + self.clock.now().until(at));
            // Either way the shelf is looked at again; which of the two it was does not matter.
            let _ = tokio::time::timeout_at(alarm.min(deadline), arrived).await;
        }
    }

    async fn delete(&self, queue: &QueueName, batch: &[Receipt]) -> Result<Vec<EntryResult>, PortError> {
        limits::batch_size(batch.len())?;
        self.on(queue, |shelf, _| {
            let one = |receipt: &Receipt| {
                let (number, receipt) = parse(queue, receipt)?;
                if shelf.held.get(&number).is_some_and(|held| held.receipt == receipt) {
                    shelf.remove(number);
                }
                Ok(())
            };
            batch.iter().map(one).collect()
        })
    }

    async fn set_visibility(
        &self,
        queue: &QueueName,
        batch: &[(Receipt, Duration)],
    ) -> Result<Vec<EntryResult>, PortError> {
        limits::batch_size(batch.len())?;
        self.on(queue, |shelf, now| {
            let one = |(receipt, span): &(Receipt, Duration)| {
                limits::visibility(*span)?;
                let (number, receipt) = parse(queue, receipt)?;
                let current = shelf.held.get(&number).is_some_and(|held| held.receipt == receipt);
                if current && shelf.extend(number, now, now + *span) {
                    Ok(())
                } else {
                    Err(PortError::permanent("MessageNotInflight: deleted, visible again, or received by another"))
                }
            };
            batch.iter().map(one).collect()
        })
    }

    async fn send(&self, queue: &QueueName, batch: &[Outbound]) -> Result<Vec<EntryResult>, PortError> {
        limits::batch_size(batch.len())?;
        limits::batch_bytes(batch)?;
        self.on(queue, |_, _| ())?;
        let one = |entry: &Outbound| {
            limits::message(entry)?;
            self.deposit(queue, entry.into(), Duration::ZERO)
        };
        Ok(batch.iter().map(one).collect())
    }
}

fn received(queue: &QueueName, number: u64, held: &Held) -> Received {
    Received {
        message_id: held.message_id.clone(),
        receipt: Receipt(format!("{queue}#{number}#{}", held.receipt)),
        body: held.body.to_string(),
        attributes: held.attributes.clone(),
        sent_at: held.sent_at,
        receive_count: held.receive_count,
    }
}

fn parse(queue: &QueueName, receipt: &Receipt) -> Result<(u64, u64), PortError> {
    let numbers = receipt.0.strip_prefix(queue.as_str()).and_then(|rest| rest.strip_prefix('#')?.split_once('#'));
    numbers
        .and_then(|(number, receipt)| Some((number.parse().ok()?, receipt.parse().ok()?)))
        .ok_or_else(|| PortError::permanent("ReceiptHandleIsInvalid: this queue never gave that receipt"))
}

fn no_such_queue(queue: &QueueName) -> PortError {
    PortError::permanent(format!("QueueDoesNotExist: {queue}"))
}
