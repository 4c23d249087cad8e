//! Owns what SQS refuses before it stores anything: sizes, counts, characters.
//! Never repairs a message: it is refused as the server would.
//! Next: `mod` asks these before it touches a shelf.

use std::time::Duration;

use contract::PortError;
use contract::limits::{SQS_ATTRIBUTES_MAX, SQS_BATCH_MAX, SQS_MESSAGE_BYTES_MAX, SQS_VISIBILITY_S_MAX};
use runtime::ports::Outbound;

pub(super) const WAIT_S_MAX: u64 = 20;
pub(super) const DELAY_S_MAX: u64 = 15 * 60;
const GROUP_CHARS_MAX: usize = 128;
const ATTRIBUTE_NAME_CHARS_MAX: usize = 256;
const DATA_TYPE: &str = "String";

pub(super) fn batch_size(entries: usize) -> Result<(), PortError> {
    match entries {
        0 => Err(PortError::permanent("EmptyBatchRequest: the batch holds no entry")),
        1..=SQS_BATCH_MAX => Ok(()),
        more => Err(PortError::permanent(format!("TooManyEntriesInBatchRequest: {more} entries, 10 at most"))),
    }
}

pub(super) fn batch_bytes(batch: &[Outbound]) -> Result<(), PortError> {
    let bytes: usize = batch.iter().map(message_bytes).sum();
    if bytes > SQS_MESSAGE_BYTES_MAX {
        return Err(PortError::permanent(format!(
            "BatchRequestTooLong: {bytes} bytes, {SQS_MESSAGE_BYTES_MAX} at most"
        )));
    }
    Ok(())
}

/// Whoever sends it, a rule of the bus included.
pub(super) fn text(body: &str) -> Result<(), PortError> {
    if body.is_empty() {
        return Err(PortError::permanent("MissingParameter: MessageBody is empty"));
    }
    match body.chars().find(|c| !is_legal(*c)) {
        Some(c) => Err(PortError::permanent(format!("InvalidMessageContents: {c:?} in the body"))),
        None => Ok(()),
    }
}

pub(super) fn message(entry: &Outbound) -> Result<(), PortError> {
    let refuse = |why: String| Err(PortError::permanent(why));
    text(&entry.body)?;
    let attributes = &entry.attributes.0;
    if attributes.len() > SQS_ATTRIBUTES_MAX {
        return refuse(format!("InvalidParameterValue: {} attributes, 10 at most", attributes.len()));
    }
    for (name, value) in attributes {
        if !is_attribute_name(name) {
            return refuse(format!("InvalidParameterValue: {name:?} is no attribute name"));
        }
        if value.is_empty() || value.chars().any(|c| !is_legal(c)) {
            return refuse(format!("InvalidParameterValue: attribute {name} is empty or holds an illegal character"));
        }
    }
    match &entry.group {
        Some(group) if group.is_empty() || group.chars().count() > GROUP_CHARS_MAX => {
            refuse("InvalidParameterValue: MessageGroupId has 1 to 128 characters".into())
        }
        _ => Ok(()),
    }
}

pub(super) fn visibility(span: Duration) -> Result<(), PortError> {
    if span > Duration::from_secs(SQS_VISIBILITY_S_MAX) {
        return Err(PortError::permanent("InvalidParameterValue: VisibilityTimeout is 12 hours at most"));
    }
    Ok(())
}

pub(super) fn receive(max: usize, wait: Duration, hidden: Duration) -> Result<(), PortError> {
    if !(1..=SQS_BATCH_MAX).contains(&max) {
        return Err(PortError::permanent("ReadCountOutOfRange: MaxNumberOfMessages is 1 to 10"));
    }
    if wait > Duration::from_secs(WAIT_S_MAX) {
        return Err(PortError::permanent("InvalidParameterValue: WaitTimeSeconds is 20 at most"));
    }
    visibility(hidden)
}

fn message_bytes(entry: &Outbound) -> usize {
    let attributes = &entry.attributes.0;
    entry.body.len() + attributes.iter().map(|(name, value)| name.len() + DATA_TYPE.len() + value.len()).sum::<usize>()
}

/// What XML 1.0 can carry, as SQS asks.
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn is_attribute_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    (1..=ATTRIBUTE_NAME_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-.".contains(&c))
        && !(name.starts_with('.') || name.ends_with('.') || name.contains(".."))
        && !(lower.starts_with("aws.") || lower.starts_with("amazon."))
}
