//! Owns putting messages into queues: what a queue refuses, deduplication, delay and numbers.
//! Never receives: long polls are served when the moment is settled.
//! Next: `queue` keeps the message.

use serde::Serialize;
use uuid::Uuid;

use super::batch::{self, Entry};
use super::content::{self, Attribute, Content};
use super::deduplication::{Accepted, Deduplication};
use super::digest::Digest;
use super::message::{Said, SequenceNumber};
use super::queue::Queue;
use super::request::Outgoing;
use super::{Queues, answer, refusal};
use crate::ApiError;
use crate::engine::{Answer, Incoming, Moment, Quirks};

#[derive(Debug, Serialize)]
struct Sent {
    #[serde(rename = "MessageId")]
    id: Uuid,
    #[serde(rename = "MD5OfMessageBody")]
    body_digest: Digest,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_digest: Option<Digest>,
    #[serde(rename = "MD5OfMessageSystemAttributes", skip_serializing_if = "Option::is_none")]
    system_digest: Option<Digest>,
    #[serde(rename = "SequenceNumber", skip_serializing_if = "Option::is_none")]
    sequence_number: Option<SequenceNumber>,
}

impl Queues {
    pub(super) fn send(&mut self, at: &mut Moment<'_>, name: &str, message: Outgoing) -> Answer {
        let queue = self.open(at, name)?;
        if queue.is_fifo() && message.group.is_none() {
            return Err(refusal::missing("MessageGroupId"));
        }
        answer(accept(queue, at, message)?)
    }

    pub(super) fn send_batch(
        &mut self,
        at: &mut Moment<'_>,
        name: &str,
        entries: Vec<Entry<Outgoing>>,
        quirks: &Quirks,
    ) -> Answer {
        let queue = self.open(at, name)?;
        // These two refuse the whole batch, as AWS does.
        for message in entries.iter().filter_map(|entry| entry.asked.as_ref().ok()).filter(|_| queue.is_fifo()) {
            if message.group.is_none() {
                return Err(refusal::invalid(refusal::missing("MessageGroupId").message));
            }
            deduplication_id(queue, message)?;
        }
        batch::carry_out(entries, quirks, |message| accept(queue, at, message))
    }

    /// A message from the bus, by the queue's ARN.
    pub(crate) fn deliver(&mut self, at: &mut Moment<'_>, arn: &str, message: Incoming) -> Result<(), ApiError> {
        let number = self.by_arn(at, arn).ok_or_else(refusal::no_such_queue)?;
        let queue = self.queues.get_mut(&number).ok_or_else(refusal::no_such_queue)?;
        queue.advance(at);
        let delivered = accept(queue, at, read(message, queue.is_fifo())?);
        self.touched.push(number);
        self.settle(at);
        delivered.map(drop)
    }
}

fn read(message: Incoming, fifo: bool) -> Result<Outgoing, ApiError> {
    content::check_body(&message.body)?;
    content::check_token(message.group.as_deref(), "MessageGroupId")?;
    content::check_token(message.deduplication.as_deref(), "MessageDeduplicationId")?;
    let string = |(name, value): (String, String)| Attribute {
        name: name.into(),
        kind: "String".into(),
        content: Content::Text(value.into()),
    };
    let mut attributes: Vec<Attribute> = message.attributes.into_iter().map(string).collect();
    attributes.sort_by(|one, other| one.name.cmp(&other.name));
    let mut sent = Outgoing::text(message.body, attributes);
    sent.trace_header = message.trace_header.map(Box::from);
    sent.group = message.group.map(Into::into);
    sent.deduplication = message.deduplication.map(Box::from);
    if fifo && sent.deduplication.is_none() {
        sent.hash_content();
    }
    Ok(sent)
}

/// What a FIFO queue knows this message by.
fn deduplication_id(queue: &Queue, message: &Outgoing) -> Result<Box<str>, ApiError> {
    let by_content = queue.identity.attributes.settings().content_deduplication;
    let id = message.deduplication.clone().or_else(|| message.content_hash.clone().filter(|_| by_content));
    id.ok_or_else(|| {
        refusal::invalid(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        )
    })
}

const WRONG_TYPE: &str = "The request include parameter that is not valid for this queue type.";

fn accept(queue: &mut Queue, at: &mut Moment<'_>, message: Outgoing) -> Result<Sent, ApiError> {
    let settings = queue.identity.attributes.settings();
    if message.size_bytes > settings.largest_bytes {
        return Err(refusal::invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.",
            settings.largest_bytes
        )));
    }
    if queue.is_fifo() {
        return accept_in_order(queue, at, message);
    }
    if let Some(id) = message.deduplication {
        return Err(refusal::invalid_value(id, "MessageDeduplicationId", WRONG_TYPE));
    }
    let number = queue.next_number(at.journal);
    Ok(put(queue, at, number, message, None))
}

fn accept_in_order(queue: &mut Queue, at: &mut Moment<'_>, mut message: Outgoing) -> Result<Sent, ApiError> {
    if message.group.is_none() {
        return Err(refusal::missing("MessageGroupId"));
    }
    if let Some(delay_s) = message.delay_s.filter(|delay_s| *delay_s > 0) {
        return Err(refusal::invalid_value(delay_s, "DelaySeconds", WRONG_TYPE));
    }
    message.delay_s = None;
    let id = deduplication_id(queue, &message)?;
    let per_group = queue.identity.attributes.settings().deduplication_per_group;
    let token = Deduplication::token(&id, message.group.as_deref(), per_group);
    queue.deduplication.forget_old(queue.number, at.now, at.journal);
    if let Some(accepted) = queue.deduplication.find(&token) {
        return Ok(Sent {
            id: accepted.id,
            body_digest: message.body_digest,
            attributes_digest: message.attributes_digest,
            system_digest: message.trace_header.as_deref().map(Digest::of_trace_header),
            sequence_number: Some(accepted.sequence_number),
        });
    }
    message.deduplication = Some(id);
    let number = queue.next_number(at.journal);
    let sequence_number = SequenceNumber(number);
    let sent = put(queue, at, number, message, Some(sequence_number));
    queue.deduplication.accept(
        at.journal,
        queue.number,
        number,
        Accepted { token, at: at.now, id: sent.id, sequence_number },
    );
    Ok(sent)
}

fn put(
    queue: &mut Queue,
    at: &mut Moment<'_>,
    number: u64,
    message: Outgoing,
    sequence_number: Option<SequenceNumber>,
) -> Sent {
    let delay_s = message.delay_s.unwrap_or(queue.identity.attributes.settings().delay_s);
    let sent = Sent {
        id: at.uuid(),
        body_digest: message.body_digest,
        attributes_digest: message.attributes_digest,
        system_digest: message.trace_header.as_deref().map(Digest::of_trace_header),
        sequence_number,
    };
    let said = Said {
        id: sent.id,
        body: message.body,
        body_digest: message.body_digest,
        attributes: message.attributes,
        trace_header: message.trace_header,
        group: message.group,
        deduplication: message.deduplication,
        sequence_number,
        sent_at: at.now,
        available_at: at.now.plus_s(delay_s),
        source: None,
        earlier_receives: 0,
        first_received_at: None,
    };
    queue.put(at, number, said);
    sent
}
