//! Owns one queue's messages: which can be received, which are hidden until when, which have outlived their retention.
//! Never waits and never reads a clock: `now` is handed in.
//! Next: `mod` puts shelves behind the port and moves messages between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use contract::{Attributes, QueueName, UnixMs};
use tokio::sync::Notify;

use super::QueueSettings;

#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) message_id: String,
    pub(super) body: Arc<str>,
    pub(super) attributes: Attributes,
    pub(super) group: Option<String>,
    /// The first enqueue: a move by the queue itself does not renew it.
    pub(super) sent_at: UnixMs,
    pub(super) receive_count: u32,
    /// The receipt that counts; zero before the first receive.
    pub(super) receipt: u64,
    pub(super) moved_from: Option<QueueName>,
    pub(super) place: Place,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Visible,
    InFlight { until: UnixMs },
    Delayed { until: UnixMs },
}

#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) settings: QueueSettings,
    pub(super) held: BTreeMap<u64, Held>,
    pub(super) in_flight: usize,
    pub(super) arrival: Arc<Notify>,
    ready: Vec<u64>,
    hidden: BTreeSet<(UnixMs, u64)>,
    /// Nothing expires before this; it may be earlier than the first real expiry.
    expiry_from: UnixMs,
}

impl Shelf {
    pub(super) fn new(settings: QueueSettings) -> Shelf {
        Shelf {
            settings,
            held: BTreeMap::new(),
            in_flight: 0,
            arrival: Arc::new(Notify::new()),
            ready: vec![],
            hidden: BTreeSet::new(),
            expiry_from: UnixMs(i64::MAX),
        }
    }

    /// Brings the shelf up to date: hidden messages whose time has come are visible, expired ones are gone.
    pub(super) fn turn_to(&mut self, now: UnixMs) {
        while let Some(&(until, number)) = self.hidden.first() {
            if until > now {
                break;
            }
            self.hidden.pop_first();
            self.show(number);
        }
        if self.expiry_from <= now {
            self.expire(now);
        }
    }

    pub(super) fn put(&mut self, number: u64, message: Held) {
        self.expiry_from = self.expiry_from.min(message.sent_at + self.retention());
        match message.place {
            Place::Visible => self.ready.push(number),
            Place::Delayed { until } => {
                self.hidden.insert((until, number));
            }
            Place::InFlight { until } => {
                self.in_flight += 1;
                self.hidden.insert((until, number));
            }
        }
        self.held.insert(number, message);
        self.arrival.notify_waiters();
    }

    /// Any visible message, at the die's choice; it is off the list of visible ones, and the caller hides or moves it.
    pub(super) fn draw(&mut self, die: &mut fastrand::Rng) -> Option<u64> {
        if self.ready.is_empty() {
            return None;
        }
        let at = die.usize(..self.ready.len());
        Some(self.ready.swap_remove(at))
    }

    /// Hides a drawn message.
    pub(super) fn hide(&mut self, number: u64, until: UnixMs) -> Option<&mut Held> {
        let message = self.held.get_mut(&number)?;
        message.place = Place::InFlight { until };
        self.in_flight += 1;
        self.hidden.insert((until, number));
        Some(message)
    }

    /// Changes until when a message in flight is hidden. False if it is not in flight.
    pub(super) fn extend(&mut self, number: u64, now: UnixMs, until: UnixMs) -> bool {
        let Some(message) = self.held.get_mut(&number) else { return false };
        let Place::InFlight { until: before } = message.place else { return false };
        self.hidden.remove(&(before, number));
        if until <= now {
            self.show(number);
        } else {
            message.place = Place::InFlight { until };
            self.hidden.insert((until, number));
        }
        // Whoever waits computed its alarm from the old time.
        self.arrival.notify_waiters();
        true
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Held> {
        let message = self.held.remove(&number)?;
        match message.place {
            Place::Visible => self.ready.retain(|ready| *ready != number),
            Place::Delayed { until } => {
                self.hidden.remove(&(until, number));
            }
            Place::InFlight { until } => {
                self.in_flight -= 1;
                self.hidden.remove(&(until, number));
            }
        }
        Some(message)
    }

    /// When the next hidden message becomes visible.
    pub(super) fn next_visible_at(&self) -> Option<UnixMs> {
        self.hidden.first().map(|(until, _)| *until)
    }

    pub(super) fn visible(&self) -> usize {
        self.ready.len()
    }

    fn show(&mut self, number: u64) {
        let Some(message) = self.held.get_mut(&number) else { return };
        if matches!(message.place, Place::InFlight { .. }) {
            self.in_flight -= 1;
        }
        message.place = Place::Visible;
        self.ready.push(number);
    }

    fn expire(&mut self, now: UnixMs) {
        let retention = self.retention();
        let over: Vec<u64> =
            self.held.iter().filter(|(_, held)| held.sent_at + retention <= now).map(|(number, _)| *number).collect();
        for number in over {
            self.remove(number);
        }
        self.expiry_from = self.held.values().map(|held| held.sent_at + retention).min().unwrap_or(UnixMs(i64::MAX));
    }

    fn retention(&self) -> Duration {
        Duration::from_secs(self.settings.retention_s)
    }
}
