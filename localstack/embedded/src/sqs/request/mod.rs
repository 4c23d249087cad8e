//! Owns reading a request: its JSON, its members and every check that needs no queue.
//! Never touches state, so it runs on the connection's task.
//! Next: `Queues::perform` carries out what was asked.

mod messages;
mod queues;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::batch::Entry;
use super::receipt::Receipt;
use super::refusal;
use crate::ApiError;

pub(crate) use messages::{Outgoing, Receive};
pub(crate) use queues::Page;

/// One request, read and checked as far as that needs no state.
#[derive(Debug)]
pub(crate) struct Request {
    /// By its name; in requests about many queues or none, empty.
    pub(crate) queue: String,
    pub(crate) asked: Asked,
}

#[derive(Debug)]
pub(crate) enum Asked {
    CreateQueue { attributes: BTreeMap<String, String>, tags: BTreeMap<String, String> },
    GetQueueUrl,
    ListQueues { prefix: String, page: Page },
    ListDeadLetterSourceQueues { page: Page },
    GetQueueAttributes { names: Vec<String> },
    SetQueueAttributes { attributes: BTreeMap<String, String> },
    DeleteQueue,
    PurgeQueue,
    TagQueue { tags: BTreeMap<String, String> },
    UntagQueue { keys: Vec<String> },
    ListQueueTags,
    AddPermission { label: String, accounts: Vec<String>, actions: Vec<String> },
    RemovePermission { label: String },
    Send(Box<Outgoing>),
    SendBatch(Vec<Entry<Outgoing>>),
    Receive(Receive),
    Delete(Receipt),
    DeleteBatch(Vec<Entry<Receipt>>),
    ChangeVisibility(Receipt, u64),
    ChangeVisibilityBatch(Vec<Entry<(Receipt, u64)>>),
    StartMove { source_arn: String, destination_arn: Option<String>, per_second: Option<u32> },
    ListMoves { source_arn: String, most: usize },
    CancelMove { source_arn: String, task: String },
}

impl Request {
    /// `operation` as in `AmazonSQS.SendMessage`.
    pub(crate) fn parse(operation: &str, body: &[u8]) -> Result<Request, ApiError> {
        match operation {
            "CreateQueue" => queues::create(body),
            "GetQueueUrl" => queues::url(body),
            "ListQueues" => queues::list(body),
            "ListDeadLetterSourceQueues" => queues::list_sources(body),
            "GetQueueAttributes" => queues::get_attributes(body),
            "SetQueueAttributes" => queues::set_attributes(body),
            "DeleteQueue" => queues::only_queue(body, Asked::DeleteQueue),
            "PurgeQueue" => queues::only_queue(body, Asked::PurgeQueue),
            "TagQueue" => queues::tag(body),
            "UntagQueue" => queues::untag(body),
            "ListQueueTags" => queues::only_queue(body, Asked::ListQueueTags),
            "AddPermission" => queues::add_permission(body),
            "RemovePermission" => queues::remove_permission(body),
            "StartMessageMoveTask" => queues::start_move(body),
            "ListMessageMoveTasks" => queues::list_moves(body),
            "CancelMessageMoveTask" => queues::cancel_move(body),
            "SendMessage" => messages::send(body),
            "SendMessageBatch" => messages::send_batch(body),
            "ReceiveMessage" => messages::receive(body),
            "DeleteMessage" => messages::delete(body),
            "DeleteMessageBatch" => messages::delete_batch(body),
            "ChangeMessageVisibility" => messages::change_visibility(body),
            "ChangeMessageVisibilityBatch" => messages::change_visibility_batch(body),
            other => Err(refusal::unknown_operation(other)),
        }
    }

    /// The queue that is meant, by its name, for faults and the operation log.
    pub(crate) fn queue(&self) -> Option<&str> {
        Some(self.queue.as_str()).filter(|name| !name.is_empty())
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // A struct could also be read from a list, which is no request.
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        None => return serde_json::from_slice(b"{}").map_err(|why| refusal::unreadable(why.to_string())),
        Some(_) => return Err(refusal::unreadable("The request is not a JSON object.")),
    }
    serde_json::from_slice(body).map_err(|why| refusal::unreadable(format!("The request cannot be read: {why}.")))
}

fn need<T>(value: Option<T>, parameter: &str) -> Result<T, ApiError> {
    value.ok_or_else(|| refusal::missing(parameter))
}

/// A queue by its URL, whatever host that names, or by its bare name.
fn queue_name(url: Option<&str>) -> Result<String, ApiError> {
    let url = need(url.filter(|url| !url.is_empty()), "QueueUrl")?;
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let is_bare_host = url.contains("://") && !path.trim_end_matches('/').contains('/');
    if name.is_empty() || is_bare_host {
        return Err(refusal::no_such_queue());
    }
    Ok(name.to_owned())
}

fn within(
    value: Option<i64>,
    range: std::ops::RangeInclusive<i64>,
    name: &str,
    reason: &str,
) -> Result<Option<u64>, ApiError> {
    match value {
        None => Ok(None),
        Some(value) if range.contains(&value) => Ok(u64::try_from(value).ok()),
        Some(value) => Err(refusal::invalid_value(value, name, reason)),
    }
}
