//! Owns reading the requests about queues themselves: their attributes, tags, permissions, and move tasks.
//! Never knows which queues there are.
//! Next: `management`, `permissions` and `moves` carry them out.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Asked, Request, need, queue_name, read, within};
use crate::ApiError;
use crate::sqs::{attributes, refusal, tokens};

/// Which part of a list is wanted.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) most: Option<usize>,
    /// The name after which it goes on.
    pub(crate) after: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Sent {
    queue_url: Option<String>,
    queue_name: Option<String>,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    _owner: Option<String>,
    queue_name_prefix: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
    attributes: Option<BTreeMap<String, String>>,
    attribute_names: Option<Vec<String>>,
    #[serde(alias = "tags")]
    tags: Option<BTreeMap<String, String>>,
    tag_keys: Option<Vec<String>>,
    label: Option<String>,
    #[serde(rename = "AWSAccountIds")]
    accounts: Option<Vec<String>>,
    actions: Option<Vec<String>>,
    source_arn: Option<String>,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
    task_handle: Option<String>,
}

fn sent_to_queue(body: &[u8]) -> Result<(String, Sent), ApiError> {
    let sent: Sent = read(body)?;
    Ok((queue_name(sent.queue_url.as_deref())?, sent))
}

pub(super) fn only_queue(body: &[u8], asked: Asked) -> Result<Request, ApiError> {
    Ok(Request { queue: sent_to_queue(body)?.0, asked })
}

pub(super) fn create(body: &[u8]) -> Result<Request, ApiError> {
    let sent: Sent = read(body)?;
    let queue = need(sent.queue_name, "QueueName")?;
    let attributes = sent.attributes.unwrap_or_default();
    let tags = sent.tags.unwrap_or_default();
    let fifo = match attributes.get("FifoQueue").map(String::as_str) {
        Some("true") => true,
        // As AWS says it: the attribute exists for FIFO queues only.
        Some(_) => return Err(refusal::unknown_attribute("FifoQueue")),
        None => false,
    };
    check_name(&queue, fifo)?;
    attributes::check(&attributes, fifo)?;
    check_tags(&tags)?;
    Ok(Request { queue, asked: Asked::CreateQueue { attributes, tags } })
}

fn check_name(name: &str, fifo: bool) -> Result<(), ApiError> {
    let stem = if fifo { name.strip_suffix(".fifo").unwrap_or_default() } else { name };
    let plain = stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if plain && !stem.is_empty() && name.len() <= 80 {
        return Ok(());
    }
    Err(refusal::invalid(if fifo {
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."
    } else {
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
    }))
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() > 50 {
        return Err(refusal::invalid(format!("Too many tags added for queue: {} of at most 50.", tags.len())));
    }
    for (key, value) in tags {
        if !(1..=128).contains(&key.chars().count()) || key.to_lowercase().starts_with("aws:") {
            return Err(refusal::invalid_value(key, "TagKey", "Must be 1 to 128 characters and not begin with aws:."));
        }
        if value.chars().count() > 256 {
            return Err(refusal::invalid_value(value, "TagValue", "Must be at most 256 characters."));
        }
    }
    Ok(())
}

pub(super) fn url(body: &[u8]) -> Result<Request, ApiError> {
    let sent: Sent = read(body)?;
    Ok(Request { queue: need(sent.queue_name, "QueueName")?, asked: Asked::GetQueueUrl })
}

fn page(sent: &Sent) -> Result<Page, ApiError> {
    let most = within(sent.max_results, 1..=1000, "MaxResults", "Must be between 1 and 1000, if provided.")?;
    let after = match sent.next_token.as_deref() {
        None => None,
        Some(token) => Some(
            tokens::read_page(token)
                .ok_or_else(|| refusal::invalid_value(token, "NextToken", "It was not answered by an earlier call."))?,
        ),
    };
    Ok(Page { most: most.and_then(|most| usize::try_from(most).ok()), after })
}

pub(super) fn list(body: &[u8]) -> Result<Request, ApiError> {
    let sent: Sent = read(body)?;
    let page = page(&sent)?;
    let prefix = sent.queue_name_prefix.unwrap_or_default();
    Ok(Request { queue: String::new(), asked: Asked::ListQueues { prefix, page } })
}

pub(super) fn list_sources(body: &[u8]) -> Result<Request, ApiError> {
    let (queue, sent) = sent_to_queue(body)?;
    Ok(Request { queue, asked: Asked::ListDeadLetterSourceQueues { page: page(&sent)? } })
}

pub(super) fn get_attributes(body: &[u8]) -> Result<Request, ApiError> {
    let (queue, sent) = sent_to_queue(body)?;
    let names = sent.attribute_names.unwrap_or_default();
    match names.iter().find(|name| *name != "All" && !attributes::is_readable(name)) {
        Some(unknown) => Err(refusal::unknown_attribute(unknown)),
        None => Ok(Request { queue, asked: Asked::GetQueueAttributes { names } }),
    }
}

pub(super) fn set_attributes(body: &[u8]) -> Result<Request, ApiError> {
    let (queue, sent) = sent_to_queue(body)?;
    let attributes = need(sent.attributes, "Attributes")?;
    let fifo = queue.ends_with(".fifo");
    if fifo && attributes.get("FifoQueue").is_some_and(|value| value != "true") {
        return Err(refusal::attribute_value(
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
        ));
    }
    attributes::check(&attributes, fifo)?;
    Ok(Request { queue, asked: Asked::SetQueueAttributes { attributes } })
}

pub(super) fn tag(body: &[u8]) -> Result<Request, ApiError> {
    let (queue, sent) = sent_to_queue(body)?;
    let tags = need(sent.tags, "Tags")?;
    check_tags(&tags)?;
    Ok(Request { queue, asked: Asked::TagQueue { tags } })
}

pub(super) fn untag(body: &[u8]) -> Result<Request, ApiError> {
    let (queue, sent) = sent_to_queue(body)?;
    Ok(Request { queue, asked: Asked::UntagQueue { keys: need(sent.tag_keys, "TagKeys")? } })
}

pub(super) fn add_permission(body: &[u8]) -> Result<Request, ApiError> {
    const ACTIONS: [&str; 7] = [
        "*",
        "SendMessage",
        "ReceiveMessage",
        "DeleteMessage",
        "ChangeMessageVisibility",
        "GetQueueAttributes",
        "GetQueueUrl",
    ];
    let (queue, sent) = sent_to_queue(body)?;
    let label = need(sent.label, "Label")?;
    if !(1..=80).contains(&label.len()) || !label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
        return Err(refusal::invalid_value(
            &label,
            "Label",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.",
        ));
    }
    let accounts = need(sent.accounts.filter(|list| !list.is_empty()), "AWSAccountIds")?;
    let actions = need(sent.actions.filter(|list| !list.is_empty()), "Actions")?;
    if let Some(other) = actions.iter().find(|action| !ACTIONS.contains(&action.as_str())) {
        return Err(refusal::invalid_value(
            format!("SQS:{other}"),
            "ActionName",
            "Please refer to the appropriate WSDL for a list of valid actions.",
        ));
    }
    if let Some(other) = accounts.iter().find(|id| id.len() != 12 || !id.bytes().all(|b| b.is_ascii_digit())) {
        return Err(refusal::invalid_value(other, "PrincipalId", "Unable to verify."));
    }
    Ok(Request { queue, asked: Asked::AddPermission { label, accounts, actions } })
}

pub(super) fn remove_permission(body: &[u8]) -> Result<Request, ApiError> {
    let (queue, sent) = sent_to_queue(body)?;
    Ok(Request { queue, asked: Asked::RemovePermission { label: need(sent.label, "Label")? } })
}

fn name_in(arn: &str) -> String {
    arn.rsplit(':').next().unwrap_or_default().to_owned()
}

pub(super) fn start_move(body: &[u8]) -> Result<Request, ApiError> {
    let sent: Sent = read(body)?;
    let source_arn = need(sent.source_arn, "SourceArn")?;
    let reason = "Must be between 1 and 500, if provided.";
    let rate = within(sent.max_number_of_messages_per_second, 1..=500, "MaxNumberOfMessagesPerSecond", reason)?;
    let asked = Asked::StartMove {
        destination_arn: sent.destination_arn,
        per_second: rate.and_then(|rate| u32::try_from(rate).ok()),
        source_arn: source_arn.clone(),
    };
    Ok(Request { queue: name_in(&source_arn), asked })
}

pub(super) fn list_moves(body: &[u8]) -> Result<Request, ApiError> {
    let sent: Sent = read(body)?;
    let source_arn = need(sent.source_arn, "SourceArn")?;
    let most = within(sent.max_results, 1..=10, "MaxResults", "Must be between 1 and 10, if provided.")?.unwrap_or(1);
    let most = usize::try_from(most).unwrap_or(1);
    Ok(Request { queue: name_in(&source_arn), asked: Asked::ListMoves { source_arn, most } })
}

pub(super) fn cancel_move(body: &[u8]) -> Result<Request, ApiError> {
    let sent: Sent = read(body)?;
    let handle = need(sent.task_handle, "TaskHandle")?;
    let (source_arn, task) =
        tokens::read_task(&handle).ok_or_else(|| refusal::invalid("Value for parameter TaskHandle is invalid."))?;
    Ok(Request { queue: name_in(&source_arn), asked: Asked::CancelMove { source_arn, task } })
}
