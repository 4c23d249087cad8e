//! Owns one queue: its messages, which of them can be received, and when that changes.
//! Never another queue: what must move to one is handed back to the caller.
//! Invariant: every message is in the lane, and either visible there or in `later`; a change is in the journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::attempts::Attempts;
use super::attributes::Attributes;
use super::deduplication::Deduplication;
use super::keys;
use super::lane::Lane;
use super::message::{Flight, Message, Said, Standing};
use super::moves::Moves;
use super::waiters::Waiters;
use crate::engine::{Moment, UnixMs};
use crate::store::{Journal, Space};

/// Numbers are given out without a row each, and never twice, not even after a crash.
const NUMBERS_RESERVED_AT_ONCE: u64 = 4096;

/// A row of `Space::Queue`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) created_at: UnixMs,
    pub(crate) modified_at: UnixMs,
    pub(crate) attributes: Attributes,
    pub(crate) tags: BTreeMap<String, String>,
    /// No message has this number or a higher one.
    pub(crate) numbers_below: u64,
}

#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) number: u64,
    pub(crate) identity: Identity,
    pub(crate) messages: HashMap<u64, Message>,
    pub(crate) lane: Lane,
    /// Messages in flight or delayed, by the time at which they become visible.
    later: BTreeSet<(UnixMs, u64)>,
    by_age: BTreeSet<(UnixMs, u64)>,
    pub(crate) in_flight: usize,
    pub(crate) waiters: Waiters,
    pub(crate) deduplication: Deduplication,
    pub(crate) attempts: Attempts,
    pub(crate) moves: Moves,
    pub(crate) purged_at: Option<UnixMs>,
    /// Where the calendar of all queues has this one.
    pub(crate) scheduled: Option<UnixMs>,
    next_message: u64,
}

impl Queue {
    pub(crate) fn new(number: u64, identity: Identity) -> Queue {
        Queue {
            number,
            lane: Lane::new(identity.attributes.is_fifo()),
            next_message: identity.numbers_below,
            identity,
            messages: HashMap::new(),
            later: BTreeSet::new(),
            by_age: BTreeSet::new(),
            in_flight: 0,
            waiters: Waiters::default(),
            deduplication: Deduplication::default(),
            attempts: Attempts::default(),
            moves: Moves::default(),
            purged_at: None,
            scheduled: None,
        }
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.identity.attributes.is_fifo()
    }

    pub(crate) fn store(&self, journal: &mut Journal) {
        journal.put(Space::Queue, keys::queue(self.number), &self.identity);
    }

    pub(crate) fn next_number(&mut self, journal: &mut Journal) -> u64 {
        if self.next_message >= self.identity.numbers_below {
            self.identity.numbers_below = self.next_message + NUMBERS_RESERVED_AT_ONCE;
            self.store(journal);
        }
        self.next_message += 1;
        self.next_message - 1
    }

    /// A new message, or one that comes from another queue.
    pub(crate) fn put(&mut self, at: &mut Moment<'_>, number: u64, said: Said) {
        // What became visible in the meantime comes first.
        self.advance(at);
        at.journal.put(Space::Message, keys::message(self.number, number), &said);
        self.insert(number, Message::new(said));
        self.show_if_due(number, at.now);
    }

    /// As it was stored; `advance` shows it when its time has come.
    pub(crate) fn insert(&mut self, number: u64, message: Message) {
        self.lane.insert(number, message.said.group.as_ref());
        self.later.insert((message.flight.visible_at, number));
        self.by_age.insert((message.said.sent_at, number));
        self.messages.insert(number, message);
    }

    /// What a later row says of a message that `insert` took.
    pub(crate) fn restore(&mut self, number: u64, flight: Flight) {
        if let Some(message) = self.messages.get_mut(&number) {
            self.later.remove(&(message.flight.visible_at, number));
            self.later.insert((flight.visible_at, number));
            self.in_flight -= usize::from(message.is_in_flight());
            self.in_flight += usize::from(flight.receives > 0);
            message.flight = flight;
        }
    }

    fn show_if_due(&mut self, number: u64, now: UnixMs) {
        let Some(message) = self.messages.get_mut(&number) else { return };
        if message.standing == Standing::Later && message.flight.visible_at <= now {
            self.later.remove(&(message.flight.visible_at, number));
            self.in_flight -= usize::from(message.is_in_flight());
            message.standing = self.lane.show(number, message.said.group.as_ref());
        }
    }

    /// Shows what became visible and drops what is too old.
    pub(crate) fn advance(&mut self, at: &mut Moment<'_>) {
        let retention_s = self.identity.attributes.settings().retention_s;
        while let Some((sent_at, number)) = self.by_age.first().copied() {
            if sent_at.plus_s(retention_s) > at.now {
                break;
            }
            self.remove(at.journal, number);
        }
        while let Some((visible_at, number)) = self.later.first().copied() {
            if visible_at > at.now {
                break;
            }
            self.show_if_due(number, at.now);
        }
    }

    /// Out of the lane; a message that is received right after, or changed.
    fn hide(&mut self, number: u64) {
        if let Some(message) = self.messages.get_mut(&number) {
            self.lane.hide(number, message.said.group.as_ref(), message.standing);
            if message.standing == Standing::Later {
                self.later.remove(&(message.flight.visible_at, number));
                self.in_flight -= usize::from(message.is_in_flight());
            }
            message.standing = Standing::Later;
        }
    }

    /// One receive of a message that is ready.
    pub(crate) fn receive(&mut self, at: &mut Moment<'_>, number: u64, visible_at: UnixMs) {
        self.hide(number);
        let now = at.now;
        self.set_flight(at, number, |flight| {
            flight.receives += 1;
            flight.received_at = now;
            flight.first_received_at.get_or_insert(now);
            flight.visible_at = visible_at;
        });
    }

    /// Of a message that is in flight.
    pub(crate) fn change_visibility(&mut self, at: &mut Moment<'_>, number: u64, visible_at: UnixMs) {
        self.hide(number);
        self.set_flight(at, number, |flight| flight.visible_at = visible_at);
        self.show_if_due(number, at.now);
    }

    fn set_flight(&mut self, at: &mut Moment<'_>, number: u64, change: impl FnOnce(&mut Flight)) {
        if let Some(message) = self.messages.get_mut(&number) {
            change(&mut message.flight);
            self.later.insert((message.flight.visible_at, number));
            self.in_flight += usize::from(message.is_in_flight());
            at.journal.put(Space::Flight, keys::message(self.number, number), &message.flight);
        }
    }

    /// After a receive that took nothing from the others.
    pub(crate) fn show(&mut self, number: u64, now: UnixMs) {
        self.show_if_due(number, now);
    }

    pub(crate) fn remove(&mut self, journal: &mut Journal, number: u64) -> Option<Message> {
        let message = self.messages.remove(&number)?;
        self.lane.remove(number, message.said.group.as_ref(), message.standing);
        if message.standing == Standing::Later {
            self.later.remove(&(message.flight.visible_at, number));
            self.in_flight -= usize::from(message.is_in_flight());
        }
        self.by_age.remove(&(message.said.sent_at, number));
        journal.delete(Space::Message, keys::message(self.number, number));
        if message.flight.receives > 0 {
            journal.delete(Space::Flight, keys::message(self.number, number));
        }
        Some(message)
    }

    pub(crate) fn purge(&mut self, journal: &mut Journal) {
        self.messages.clear();
        self.lane = Lane::new(self.is_fifo());
        self.later.clear();
        self.by_age.clear();
        self.in_flight = 0;
        journal.delete_under(Space::Message, keys::messages(self.number));
        journal.delete_under(Space::Flight, keys::messages(self.number));
    }

    pub(crate) fn delayed(&self) -> usize {
        self.later.len() - self.in_flight
    }

    pub(crate) fn visible(&self) -> usize {
        self.messages.len() - self.later.len()
    }

    /// When `advance` or a long poll has something to do next. Without a long poll nobody sees when a message becomes visible.
    pub(crate) fn wakes_at(&self) -> Option<UnixMs> {
        let retention_s = self.identity.attributes.settings().retention_s;
        let expiry = self.by_age.first().map(|(sent_at, _)| sent_at.plus_s(retention_s));
        let poll = self.waiters.first_deadline();
        let visible = self.later.first().map(|(at, _)| *at).filter(|_| poll.is_some());
        [expiry, poll, visible, self.moves.next_at()].into_iter().flatten().min()
    }
}
