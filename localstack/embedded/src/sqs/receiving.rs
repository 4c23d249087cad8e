//! Owns receives: which messages go to whom, short and long, and which go to the dead-letter queue instead.
//! Never waits: a long poll is kept with its queue until a moment has something for it.
//! Next: `received` is what the answer holds; `receipts` takes back what was given out.

use std::sync::Arc;

use super::message::{Message, Said};
use super::queue::Queue;
use super::receipt::Receipt;
use super::received::{Received, ReceivedMessages};
use super::request::Receive;
use super::{Queues, answer, refusal};
use crate::engine::{Answer, Moment, Quirks, ReplyTo};

/// What a receive answers when there was nothing.
pub(super) fn nothing() -> Answer {
    answer(ReceivedMessages { messages: vec![] })
}

impl Queues {
    pub(super) fn receive(&mut self, at: &mut Moment<'_>, name: &str, asked: Receive, quirks: &Quirks, reply: ReplyTo) {
        let limit = self.limits.in_flight;
        let queue = match self.open(at, name) {
            Ok(queue) => queue,
            Err(refused) => return at.answer(reply, Err(refused)),
        };
        let number = queue.number;
        let wait_s = asked.wait_s.unwrap_or(queue.identity.attributes.settings().wait_s);
        if wait_s == 0 && queue.in_flight >= limit && !queue.is_fifo() {
            return at.answer(reply, Err(refusal::over_limit(limit)));
        }
        let again = self.same_again(at, number, &asked);
        let messages = if again.is_empty() { self.take(at, number, &asked, quirks) } else { again };
        if !messages.is_empty() || wait_s == 0 {
            return at.answer(reply, answer(ReceivedMessages { messages }));
        }
        if let Some(queue) = self.queues.get_mut(&number) {
            queue.waiters.push(asked, quirks.clone(), reply, at.now.plus_s(wait_s));
        }
    }

    /// Long polls get what can be received, the one that came first before the others.
    pub(super) fn serve(&mut self, at: &mut Moment<'_>, number: u64) {
        while let Some(queue) = self.queues.get_mut(&number) {
            if queue.in_flight >= self.limits.in_flight || !queue.lane.has_any() {
                return;
            }
            let Some((ticket, waiter)) = queue.waiters.pop() else { return };
            let messages = self.take(at, number, &waiter.asked, &waiter.quirks);
            if !messages.is_empty() {
                at.answer(waiter.reply, answer(ReceivedMessages { messages }));
            } else if let Some(queue) = self.queues.get_mut(&number) {
                // All were dead letters.
                return queue.waiters.put_back(ticket, waiter);
            }
        }
    }

    /// Every long poll is answered.
    pub(crate) fn dismiss(&mut self, at: &mut Moment<'_>) {
        for (number, queue) in &mut self.queues {
            for waiter in queue.waiters.drain() {
                at.answer(waiter.reply, nothing());
            }
            self.touched.push(*number);
        }
        self.settle(at);
    }

    fn take(&mut self, at: &mut Moment<'_>, number: u64, asked: &Receive, quirks: &Quirks) -> Vec<Received> {
        let redrive = self.queues.get(&number).and_then(|queue| queue.identity.attributes.settings().redrive.clone());
        let redrive = redrive.and_then(|to| Some((self.by_arn(at, &to.target_arn)?, to.most_receives)));
        let most_receives = redrive.map_or(u32::MAX, |(_, most_receives)| most_receives);
        let limit = self.limits.in_flight;
        let Some(queue) = self.queues.get_mut(&number) else { return vec![] };
        let visibility_s = asked.visibility_s.unwrap_or(queue.identity.attributes.settings().visibility_s);
        let visible_at = if quirks.deliver_twice { at.now } else { at.now.plus_s(visibility_s) };
        let (mut taken, mut dead) = (vec![], vec![]);
        while taken.len() < asked.most {
            let room = (asked.most - taken.len()).min(limit.saturating_sub(queue.in_flight));
            let next = match (room, quirks.out_of_order) {
                (0, _) => break,
                (_, true) => queue.lane.any(room, at.chance),
                (_, false) => queue.lane.next(room),
            };
            if next.is_empty() {
                break;
            }
            for message in next {
                if queue.messages.get(&message).is_some_and(|known| known.flight.receives >= most_receives) {
                    dead.extend(queue.remove(at.journal, message));
                } else {
                    queue.receive(at, message, visible_at);
                    taken.push(message);
                }
            }
        }
        let messages = given(queue, at, &taken, asked);
        if let Some((target, _)) = redrive.filter(|_| !dead.is_empty()) {
            self.bury(at, number, target, dead);
        }
        messages
    }

    /// Dead letters keep their ids and the time at which they were sent.
    fn bury(&mut self, at: &mut Moment<'_>, source: u64, target: u64, dead: Vec<Message>) {
        let Some(source) = self.queues.get(&source) else { return };
        let source_arn: Box<str> = at.place.queue_arn(&source.identity.name).into();
        let Some(target) = self.queues.get_mut(&target) else { return };
        for message in dead {
            let said = Said {
                source: Some(source_arn.clone()),
                earlier_receives: message.receives_in_all(),
                first_received_at: message.flight.first_received_at,
                // A FIFO queue's retention begins anew.
                sent_at: if target.is_fifo() { at.now } else { message.said.sent_at },
                available_at: at.now,
                ..(*message.said).clone()
            };
            let number = target.next_number(at.journal);
            target.put(at, number, said);
        }
        self.touched.push(target.number);
    }

    /// What an earlier receive with the same attempt id gave out, as far as it is still in flight.
    fn same_again(&mut self, at: &mut Moment<'_>, number: u64, asked: &Receive) -> Vec<Received> {
        let Some(queue) = self.queues.get_mut(&number) else { return vec![] };
        let receipts = asked.attempt.as_deref().and_then(|attempt| queue.attempts.find(attempt, at.now));
        let receipts = receipts.unwrap_or_default().to_vec();
        let visibility_s = asked.visibility_s.unwrap_or(queue.identity.attributes.settings().visibility_s);
        let mut again = vec![];
        for Receipt { message, receive, .. } in receipts {
            let known = queue.messages.get(&message);
            if known.is_some_and(|known| known.is_in_flight() && known.flight.receives == receive) {
                queue.change_visibility(at, message, at.now.plus_s(visibility_s));
                again.push(message);
            }
        }
        again.iter().filter_map(|message| received(queue, at, *message, asked)).collect()
    }
}

/// Those that stay visible are shown again only now, so that no message comes twice in one answer.
fn given(queue: &mut Queue, at: &mut Moment<'_>, taken: &[u64], asked: &Receive) -> Vec<Received> {
    let messages: Vec<Received> = taken.iter().filter_map(|message| received(queue, at, *message, asked)).collect();
    for message in taken {
        queue.show(*message, at.now);
    }
    if let Some(attempt) = asked.attempt.as_deref().filter(|_| !messages.is_empty()) {
        queue.attempts.remember(attempt, messages.iter().map(|message| message.receipt).collect(), at.now);
    }
    messages
}

fn received(queue: &Queue, at: &Moment<'_>, number: u64, asked: &Receive) -> Option<Received> {
    let message = queue.messages.get(&number)?;
    Some(Received {
        said: Arc::clone(&message.said),
        receipt: Receipt { queue: queue.number, message: number, receive: message.flight.receives },
        receives: message.receives_in_all(),
        first_received_at: message.flight.first_received_at.unwrap_or(at.now),
        sender: at.place.account.as_str().into(),
        selection: Arc::clone(&asked.selection),
    })
}
