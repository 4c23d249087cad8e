//! Owns SQS: every queue with its messages, in memory and in the journal, and what each operation does to them.
//! Never a clock, a socket or a file: time comes with the moment, rows go into its journal.
//! Next: `request` reads and checks what was asked, off the engine's thread; `Queues` carries it out.

mod attempts;
mod attributes;
mod batch;
mod content;
mod deduplication;
mod digest;
mod keys;
mod lane;
mod load;
mod management;
mod message;
mod moves;
mod permissions;
mod queue;
mod receipt;
mod receipts;
mod received;
mod receiving;
mod redrive;
mod refusal;
mod request;
mod selection;
mod sending;
#[cfg(test)]
mod tests;
mod tokens;
mod waiters;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(crate) use request::Request;

use crate::ApiError;
use crate::engine::{Answer, Body, Moment, Quirks, ReplyTo, UnixMs};
use queue::Queue;
use request::Asked;

/// AWS's quotas, which a test can lower.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Messages in flight, for each queue.
    pub(crate) in_flight: usize,
    /// How long after a purge the next one is refused.
    pub(crate) purge_pause_ms: i64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { in_flight: 120_000, purge_pause_ms: 60_000 }
    }
}

/// All queues.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    pub(crate) limits: Limits,
    queues: HashMap<u64, Queue>,
    names: BTreeMap<String, u64>,
    /// When each queue has something to do, if it does.
    calendar: BTreeSet<(UnixMs, u64)>,
    /// Never given out again, so that a receipt cannot mean another queue.
    next_queue: u64,
    /// Queues that changed in this moment: their long polls may have something to get.
    touched: Vec<u64>,
    /// When time was told last.
    told_at: UnixMs,
}

/// How long a long poll waits at most.
const LONGEST_POLL_S: u64 = 20;

fn answer(body: impl Body + 'static) -> Answer {
    Ok(Some(Box::new(body)))
}

impl Queues {
    /// Carries out a request; its answer goes through `at.answer`, now or, for a long poll, in a later moment.
    pub(crate) fn perform(&mut self, at: &mut Moment<'_>, request: Request, quirks: &Quirks, reply: ReplyTo) {
        let Request { queue, asked } = request;
        match asked {
            Asked::Receive(asked) => self.receive(at, &queue, asked, quirks, reply),
            asked => {
                let answer = self.carry_out(at, &queue, asked, quirks);
                at.answer(reply, answer);
            }
        }
        self.settle(at);
    }

    fn carry_out(&mut self, at: &mut Moment<'_>, queue: &str, asked: Asked, quirks: &Quirks) -> Answer {
        match asked {
            Asked::CreateQueue { attributes, tags } => self.create(at, queue, &attributes, tags),
            Asked::GetQueueUrl => self.url(at, queue),
            Asked::ListQueues { prefix, page } => self.list(at, &prefix, page),
            Asked::ListDeadLetterSourceQueues { page } => self.list_sources(at, queue, page),
            Asked::GetQueueAttributes { names } => self.attributes(at, queue, &names),
            Asked::SetQueueAttributes { attributes } => self.set_attributes(at, queue, &attributes),
            Asked::DeleteQueue => self.delete_queue(at, queue),
            Asked::PurgeQueue => self.purge(at, queue),
            Asked::TagQueue { tags } => self.tag(at, queue, tags),
            Asked::UntagQueue { keys } => self.untag(at, queue, &keys),
            Asked::ListQueueTags => self.tags(at, queue),
            Asked::AddPermission { label, accounts, actions } => {
                self.add_permission(at, queue, &label, &accounts, &actions)
            }
            Asked::RemovePermission { label } => self.remove_permission(at, queue, &label),
            Asked::Send(message) => self.send(at, queue, *message),
            Asked::SendBatch(entries) => self.send_batch(at, queue, entries, quirks),
            // Answered by `perform`, perhaps later.
            Asked::Receive(_) => Ok(None),
            Asked::Delete(receipt) => self.delete(at, queue, receipt),
            Asked::DeleteBatch(entries) => self.delete_batch(at, queue, entries, quirks),
            Asked::ChangeVisibility(receipt, visibility_s) => self.change_visibility(at, queue, receipt, visibility_s),
            Asked::ChangeVisibilityBatch(entries) => self.change_visibility_batch(at, queue, entries, quirks),
            Asked::StartMove { source_arn, destination_arn, per_second } => {
                self.start_move(at, &source_arn, destination_arn, per_second)
            }
            Asked::ListMoves { source_arn, most } => self.list_moves(at, &source_arn, most),
            Asked::CancelMove { source_arn, task } => self.cancel_move(at, &source_arn, &task),
        }
    }

    /// What time alone brings: visibility and delays that end, long polls that wake or give up, retention, moves.
    pub(crate) fn tick(&mut self, at: &mut Moment<'_>) {
        if at.now < self.told_at {
            self.go_back(at);
        }
        self.told_at = at.now;
        while let Some((due, number)) = self.calendar.first().copied() {
            if due > at.now {
                return;
            }
            self.calendar.pop_first();
            if let Some(queue) = self.queues.get_mut(&number) {
                queue.scheduled = None;
                queue.advance(at);
                self.move_some(at, number);
                self.touched.push(number);
            }
            self.settle(at);
        }
    }

    /// After the clock went back: nobody waits longer for it than a long poll may.
    fn go_back(&mut self, at: &mut Moment<'_>) {
        for (number, queue) in &mut self.queues {
            if queue.waiters.give_up_by(at.now.plus_s(LONGEST_POLL_S)) {
                self.touched.push(*number);
            }
        }
        self.settle(at);
    }

    /// When `tick` has something to do next.
    pub(crate) fn wakes_at(&self) -> Option<UnixMs> {
        self.calendar.first().map(|(due, _)| *due)
    }

    /// A queue as it is now; long polls on it are served at the end of this moment.
    fn open(&mut self, at: &mut Moment<'_>, name: &str) -> Result<&mut Queue, ApiError> {
        let number = *self.names.get(name).ok_or_else(refusal::no_such_queue)?;
        let queue = self.queues.get_mut(&number).ok_or_else(refusal::no_such_queue)?;
        queue.advance(at);
        self.touched.push(number);
        Ok(queue)
    }

    fn by_arn(&self, at: &Moment<'_>, arn: &str) -> Option<u64> {
        let (_, name) = arn.rsplit_once(':')?;
        let number = *self.names.get(name)?;
        (at.place.queue_arn(name) == arn).then_some(number)
    }

    fn settle(&mut self, at: &mut Moment<'_>) {
        // Serving one queue can put dead letters into another.
        while let Some(number) = self.touched.pop() {
            self.serve(at, number);
            let Some(queue) = self.queues.get_mut(&number) else { continue };
            while let Some(waiter) = queue.waiters.pop_late(at.now) {
                at.answer(waiter.reply, receiving::nothing());
            }
            self.schedule(number);
        }
    }

    fn schedule(&mut self, number: u64) {
        let Some(queue) = self.queues.get_mut(&number) else { return };
        let wakes_at = queue.wakes_at();
        if wakes_at == queue.scheduled {
            return;
        }
        if let Some(before) = queue.scheduled {
            self.calendar.remove(&(before, number));
        }
        queue.scheduled = wakes_at;
        self.calendar.extend(wakes_at.map(|due| (due, number)));
    }

    /// The policy of a queue by its ARN: none where there is no such queue; within, none where it has no policy.
    pub(crate) fn policy_of(&self, arn: &str) -> Option<Option<&str>> {
        let (_, name) = arn.rsplit_once(':')?;
        let queue = self.queues.get(self.names.get(name)?)?;
        Some(queue.identity.attributes.get("Policy"))
    }
}
