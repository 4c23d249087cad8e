//! Owns reading the requests about messages: send, receive, delete and change of visibility, one or ten at a time.
//! Never knows a queue's settings: what depends on them is checked when the request is carried out.
//! Next: `sending`, `receiving` and `receipts` carry them out.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Asked, Request, need, queue_name, read, within};
use crate::ApiError;
use crate::sqs::batch::{self, Entry};
use crate::sqs::content::{self, Attribute, LARGEST_BYTES, SentValue};
use crate::sqs::digest::Digest;
use crate::sqs::receipt::Receipt;
use crate::sqs::refusal;
use crate::sqs::selection::Selection;

/// A message as it was sent, checked and measured.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) body: Arc<str>,
    pub(crate) body_digest: Digest,
    pub(crate) attributes: Arc<[Attribute]>,
    pub(crate) attributes_digest: Option<Digest>,
    pub(crate) trace_header: Option<Box<str>>,
    pub(crate) size_bytes: usize,
    pub(crate) delay_s: Option<u64>,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) deduplication: Option<Box<str>>,
    /// For a FIFO queue that may deduplicate by content.
    pub(crate) content_hash: Option<Box<str>>,
}

#[derive(Debug)]
pub(crate) struct Receive {
    pub(crate) most: usize,
    pub(crate) visibility_s: Option<u64>,
    pub(crate) wait_s: Option<u64>,
    pub(crate) selection: Arc<Selection>,
    pub(crate) attempt: Option<Box<str>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Sent {
    queue_url: Option<String>,
    id: Option<String>,
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    message_attributes: Option<BTreeMap<String, SentValue>>,
    message_system_attributes: Option<BTreeMap<String, SentValue>>,
    message_deduplication_id: Option<String>,
    message_group_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SentBatch<T> {
    queue_url: Option<String>,
    #[serde(default = "Option::default")]
    entries: Option<Vec<T>>,
}

impl Outgoing {
    pub(crate) fn text(body: String, attributes: Vec<Attribute>) -> Outgoing {
        let attributes: Arc<[Attribute]> = attributes.into();
        Outgoing {
            body_digest: Digest::of_body(&body),
            size_bytes: body.len() + attributes.iter().map(Attribute::size_bytes).sum::<usize>(),
            attributes_digest: Digest::of_attributes(attributes.iter()),
            body: body.into(),
            attributes,
            trace_header: None,
            delay_s: None,
            group: None,
            deduplication: None,
            content_hash: None,
        }
    }

    /// What content-based deduplication goes by.
    pub(crate) fn hash_content(&mut self) {
        let hash = Sha256::digest(self.body.as_bytes());
        self.content_hash = Some(hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into());
    }

    fn read(sent: Sent, fifo: bool) -> Result<Outgoing, ApiError> {
        let body = need(sent.message_body, "MessageBody")?;
        content::check_body(&body)?;
        let reason = "DelaySeconds must be >= 0 and <= 900.";
        let delay_s = within(sent.delay_seconds, 0..=900, "DelaySeconds", reason)?;
        content::check_token(sent.message_deduplication_id.as_deref(), "MessageDeduplicationId")?;
        content::check_token(sent.message_group_id.as_deref(), "MessageGroupId")?;
        let attributes = content::attributes(sent.message_attributes.unwrap_or_default())?;
        let trace_header = content::trace_header(sent.message_system_attributes.unwrap_or_default())?;
        let mut message = Outgoing::text(body, attributes);
        message.trace_header = trace_header;
        message.delay_s = delay_s;
        message.group = sent.message_group_id.map(Arc::from);
        message.deduplication = sent.message_deduplication_id.map(Box::from);
        if fifo && message.deduplication.is_none() {
            message.hash_content();
        }
        Ok(message)
    }
}

pub(super) fn send(body: &[u8]) -> Result<Request, ApiError> {
    let sent: Sent = read(body)?;
    let queue = queue_name(sent.queue_url.as_deref())?;
    let message = Outgoing::read(sent, queue.ends_with(".fifo"))?;
    Ok(Request { queue, asked: Asked::Send(Box::new(message)) })
}

pub(super) fn send_batch(body: &[u8]) -> Result<Request, ApiError> {
    let sent: SentBatch<Sent> = read(body)?;
    let queue = queue_name(sent.queue_url.as_deref())?;
    let entries = sent.entries.unwrap_or_default();
    let entries: Vec<_> = entries.into_iter().map(|mut entry| (entry.id.take(), entry)).collect();
    let entries = batch::entries(entries, "SendMessageBatchRequestEntry", |entry| {
        Outgoing::read(entry, queue.ends_with(".fifo"))
    })?;
    let size_bytes = entries.iter().filter_map(|entry| entry.asked.as_ref().ok()).map(|sent| sent.size_bytes).sum();
    if size_bytes > LARGEST_BYTES {
        return Err(refusal::batch_too_long(size_bytes));
    }
    Ok(Request { queue, asked: Asked::SendBatch(entries) })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SentReceive {
    queue_url: Option<String>,
    attribute_names: Option<Vec<String>>,
    message_system_attribute_names: Option<Vec<String>>,
    message_attribute_names: Option<Vec<String>>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    receive_request_attempt_id: Option<String>,
}

pub(super) fn receive(body: &[u8]) -> Result<Request, ApiError> {
    let sent: SentReceive = read(body)?;
    let queue = queue_name(sent.queue_url.as_deref())?;
    let reason = "Must be between 1 and 10, if provided.";
    let most = within(sent.max_number_of_messages, 1..=10, "MaxNumberOfMessages", reason)?.unwrap_or(1);
    let reason = "Must be >= 0 and <= 20, if provided.";
    let wait_s = within(sent.wait_time_seconds, 0..=20, "WaitTimeSeconds", reason)?;
    let visibility_s = visibility(sent.visibility_timeout)?;
    let mut system = sent.attribute_names.unwrap_or_default();
    system.extend(sent.message_system_attribute_names.unwrap_or_default());
    let selection = Selection::new(&system, sent.message_attribute_names.unwrap_or_default())?;
    if sent.receive_request_attempt_id.is_some() {
        content::check_token(sent.receive_request_attempt_id.as_deref(), "ReceiveRequestAttemptId")?;
        if !queue.ends_with(".fifo") {
            return Err(refusal::invalid_value(
                sent.receive_request_attempt_id.unwrap_or_default(),
                "ReceiveRequestAttemptId",
                "The request includes a parameter that is not valid for this queue type.",
            ));
        }
    }
    let asked = Receive {
        most: usize::try_from(most).unwrap_or(1),
        visibility_s,
        wait_s,
        selection: Arc::new(selection),
        attempt: sent.receive_request_attempt_id.map(Box::from),
    };
    Ok(Request { queue, asked: Asked::Receive(asked) })
}

fn visibility(sent: Option<i64>) -> Result<Option<u64>, ApiError> {
    within(sent, 0..=43_200, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided.")
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SentReceipt {
    queue_url: Option<String>,
    id: Option<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

impl SentReceipt {
    fn receipt(&self) -> Result<Receipt, ApiError> {
        Receipt::decode(need(self.receipt_handle.as_deref(), "ReceiptHandle")?)
    }

    fn change(&self) -> Result<(Receipt, u64), ApiError> {
        let visibility_s = need(visibility(self.visibility_timeout)?, "VisibilityTimeout")?;
        Ok((self.receipt()?, visibility_s))
    }
}

pub(super) fn delete(body: &[u8]) -> Result<Request, ApiError> {
    let sent: SentReceipt = read(body)?;
    let queue = queue_name(sent.queue_url.as_deref())?;
    Ok(Request { queue, asked: Asked::Delete(sent.receipt()?) })
}

pub(super) fn change_visibility(body: &[u8]) -> Result<Request, ApiError> {
    let sent: SentReceipt = read(body)?;
    let queue = queue_name(sent.queue_url.as_deref())?;
    let (receipt, visibility_s) = sent.change()?;
    Ok(Request { queue, asked: Asked::ChangeVisibility(receipt, visibility_s) })
}

fn receipts<T>(
    body: &[u8],
    kind: &str,
    read_entry: impl Fn(SentReceipt) -> Result<T, ApiError>,
) -> Result<(String, Vec<Entry<T>>), ApiError> {
    let sent: SentBatch<SentReceipt> = read(body)?;
    let queue = queue_name(sent.queue_url.as_deref())?;
    let entries = sent.entries.unwrap_or_default();
    let entries = entries.into_iter().map(|mut entry| (entry.id.take(), entry)).collect();
    Ok((queue, batch::entries(entries, kind, read_entry)?))
}

pub(super) fn delete_batch(body: &[u8]) -> Result<Request, ApiError> {
    let (queue, entries) = receipts(body, "DeleteMessageBatchRequestEntry", |entry| entry.receipt())?;
    Ok(Request { queue, asked: Asked::DeleteBatch(entries) })
}

pub(super) fn change_visibility_batch(body: &[u8]) -> Result<Request, ApiError> {
    let (queue, entries) = receipts(body, "ChangeMessageVisibilityBatchRequestEntry", |entry| entry.change())?;
    Ok(Request { queue, asked: Asked::ChangeVisibilityBatch(entries) })
}
