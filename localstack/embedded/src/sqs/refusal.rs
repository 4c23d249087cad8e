//! Owns SQS's refusals: each with the code that SDKs match on, the one that older clients read, and a sentence.
//! Never decides when to refuse: the callers do.
//! Next: `batch` puts one into the entry it belongs to; `front` writes the others as an answer.

use std::borrow::Cow;

use crate::ApiError;

fn sqs(code: &'static str, query_code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::refused(code, message).with_query_code(query_code)
}

pub(crate) fn unknown_operation(operation: &str) -> ApiError {
    ApiError::refused(
        "com.amazon.coral.service#UnknownOperationException",
        format!("SQS has no operation {operation}."),
    )
}

pub(crate) fn unreadable(why: impl Into<String>) -> ApiError {
    ApiError::refused("com.amazon.coral.service#SerializationException", why)
}

pub(crate) fn no_such_queue() -> ApiError {
    sqs(
        "com.amazonaws.sqs#QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue;Sender",
        "The specified queue does not exist.",
    )
}

pub(crate) fn queue_exists(attribute: &str) -> ApiError {
    sqs(
        "com.amazonaws.sqs#QueueNameExists",
        "QueueAlreadyExists;Sender",
        format!("A queue already exists with the same name and a different value for attribute {attribute}"),
    )
}

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    sqs("com.amazon.coral.service#InvalidParameterValueException", "InvalidParameterValue;Sender", message)
}

pub(crate) fn invalid_value(value: impl std::fmt::Display, parameter: &str, reason: &str) -> ApiError {
    invalid(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

pub(crate) fn missing(parameter: &str) -> ApiError {
    sqs(
        "com.amazon.coral.service#MissingRequiredParameterException",
        "MissingParameter;Sender",
        format!("The request must contain the parameter {parameter}."),
    )
}

pub(crate) fn attribute_name(message: impl Into<String>) -> ApiError {
    sqs("com.amazonaws.sqs#InvalidAttributeName", "InvalidAttributeName;Sender", message)
}

pub(crate) fn unknown_attribute(name: &str) -> ApiError {
    attribute_name(format!("Unknown Attribute {name}."))
}

pub(crate) fn attribute_value(message: impl Into<String>) -> ApiError {
    sqs("com.amazonaws.sqs#InvalidAttributeValue", "InvalidAttributeValue;Sender", message)
}

pub(crate) fn contents() -> ApiError {
    sqs(
        "com.amazonaws.sqs#InvalidMessageContents",
        "InvalidMessageContents;Sender",
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
    )
}

pub(crate) fn receipt(handle: &str) -> ApiError {
    sqs(
        "com.amazonaws.sqs#ReceiptHandleIsInvalid",
        "ReceiptHandleIsInvalid;Sender",
        format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
    )
}

pub(crate) fn not_in_flight() -> ApiError {
    sqs(
        "com.amazonaws.sqs#MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight;Sender",
        "The specified message isn't in flight.",
    )
}

pub(crate) fn over_limit(limit: usize) -> ApiError {
    let why = format!(
        "Too many messages are in flight: a queue holds at most {limit}. Delete messages, or wait until they become visible."
    );
    ApiError { status: 403, ..sqs("com.amazonaws.sqs#OverLimit", "OverLimit;Sender", why) }
}

pub(crate) fn purge_in_progress(name: &str) -> ApiError {
    let why = format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds.");
    ApiError {
        status: 403,
        ..sqs("com.amazonaws.sqs#PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress;Sender", why)
    }
}

pub(crate) fn no_such_resource(message: impl Into<String>) -> ApiError {
    ApiError {
        status: 404,
        ..sqs("com.amazonaws.sqs#ResourceNotFoundException", "ResourceNotFoundException;Sender", message)
    }
}

pub(crate) fn empty_batch(entries: &str) -> ApiError {
    sqs(
        "com.amazonaws.sqs#EmptyBatchRequest",
        "AWS.SimpleQueueService.EmptyBatchRequest;Sender",
        format!("There should be at least one {entries} in the request."),
    )
}

pub(crate) fn too_many_entries(sent: usize) -> ApiError {
    sqs(
        "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest;Sender",
        format!("Maximum number of entries per request are 10. You have sent {sent}."),
    )
}

pub(crate) fn entry_id() -> ApiError {
    sqs(
        "com.amazonaws.sqs#InvalidBatchEntryId",
        "AWS.SimpleQueueService.InvalidBatchEntryId;Sender",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
    )
}

pub(crate) fn entry_ids_not_distinct(id: &str) -> ApiError {
    sqs(
        "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct;Sender",
        format!("Id {id} repeated."),
    )
}

pub(crate) fn batch_too_long(sent_bytes: usize) -> ApiError {
    sqs(
        "com.amazonaws.sqs#BatchRequestTooLong",
        "AWS.SimpleQueueService.BatchRequestTooLong;Sender",
        format!("Batch requests cannot be longer than 1048576 bytes. You have sent {sent_bytes} bytes."),
    )
}

/// What a fault makes of one entry of a batch.
pub(crate) fn by_fault(code: &str) -> ApiError {
    ApiError {
        code: Cow::Owned(code.to_owned()),
        query_code: None,
        status: 400,
        message: "This entry failed, as a fault asked for.".to_owned(),
        whole: None,
    }
}
