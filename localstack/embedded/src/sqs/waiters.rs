//! Owns the long polls of one queue, in the order in which they came, each with the time at which it gives up.
//! Never a message: it says whose turn it is.
//! Next: `receiving` serves the first one when a message can be received.

use std::collections::{BTreeMap, BTreeSet};

use super::request::Receive;
use crate::engine::{Quirks, ReplyTo, UnixMs};

#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) asked: Receive,
    pub(crate) quirks: Quirks,
    pub(crate) reply: ReplyTo,
    deadline: UnixMs,
}

#[derive(Debug, Default)]
pub(crate) struct Waiters {
    waiting: BTreeMap<u64, Waiter>,
    deadlines: BTreeSet<(UnixMs, u64)>,
    next: u64,
}

impl Waiters {
    pub(crate) fn push(&mut self, asked: Receive, quirks: Quirks, reply: ReplyTo, deadline: UnixMs) {
        self.waiting.insert(self.next, Waiter { asked, quirks, reply, deadline });
        self.deadlines.insert((deadline, self.next));
        self.next += 1;
    }

    /// The one that came first and has not hung up.
    pub(crate) fn pop(&mut self) -> Option<(u64, Waiter)> {
        while let Some((ticket, waiter)) = self.waiting.pop_first() {
            self.deadlines.remove(&(waiter.deadline, ticket));
            if !waiter.reply.is_gone() {
                return Some((ticket, waiter));
            }
        }
        None
    }

    /// Back to its place: there was nothing for it.
    pub(crate) fn put_back(&mut self, ticket: u64, waiter: Waiter) {
        self.deadlines.insert((waiter.deadline, ticket));
        self.waiting.insert(ticket, waiter);
    }

    /// One whose time is over.
    pub(crate) fn pop_late(&mut self, now: UnixMs) -> Option<Waiter> {
        let (deadline, ticket) = *self.deadlines.first()?;
        if deadline > now {
            return None;
        }
        self.deadlines.pop_first();
        self.waiting.remove(&ticket)
    }

    /// Nobody's time is over later than that. Whether it was to be for anyone.
    pub(crate) fn give_up_by(&mut self, latest: UnixMs) -> bool {
        let late = self.deadlines.split_off(&(latest.plus_ms(1), 0));
        for (_, ticket) in &late {
            self.deadlines.insert((latest, *ticket));
            if let Some(waiter) = self.waiting.get_mut(ticket) {
                waiter.deadline = latest;
            }
        }
        !late.is_empty()
    }

    pub(crate) fn first_deadline(&self) -> Option<UnixMs> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Waiter> {
        self.deadlines.clear();
        std::mem::take(&mut self.waiting).into_values()
    }
}
