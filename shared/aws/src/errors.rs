//! Owns how AWS says no, as a `PortError`: by the kind of failure, the error code and the status, never by its text.
//! Never a retry: `runtime::retry` repeats what is transient here, and a caller gives up on what is permanent.
//! Next: every adapter maps its calls with `of_call`, the entries of its batches with `of_entry`.

use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use contract::PortError;

/// What a server says that it may not say the next time, without the prefix that some services put before it.
const TRANSIENT_CODES: &[&str] = &[
    // throttled
    "BandwidthLimitExceeded",
    "KmsThrottled",
    "LimitExceededException",
    "OverLimit",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    // in the way of each other
    "ConcurrentModificationException",
    "OperationAborted",
    "PriorRequestNotComplete",
    "QueueDeletedRecently",
    "ReplicatedWriteConflictException",
    "TransactionConflictException",
    "TransactionInProgressException",
    // broken over there
    "InternalError",
    "InternalException",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "ModelErrorException",
    "ModelNotReadyException",
    "ModelStreamErrorException",
    "ModelTimeoutException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    // the next call signs with fresh credentials
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
];
/// What a batch says of an entry that will fail again. Not every server marks these as the sender's fault.
const SENDERS_FAULTS: &[&str] = &[
    "InvalidAttributeValue",
    "InvalidMessageContents",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "MessageNotInflight",
    "ReceiptHandleIsInvalid",
];
/// The query protocol's name for it, and the JSON protocol's.
pub(crate) const NO_SUCH_QUEUE: &[&str] = &["NonExistentQueue", "QueueDoesNotExist"];
/// SQS gives a name back only so long after its queue was deleted.
const QUEUE_NAME_FREE_AFTER: Duration = Duration::from_secs(61);
/// What is told of a server's words at most.
const TOLD_CHARS_MAX: usize = 400;

/// A call that failed as a whole.
pub(crate) fn of_call<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ServiceError(failure) => {
            let status = failure.raw().status().as_u16();
            let why = told(operation, failure.err().code().unwrap_or("no code"), failure.err().message(), Some(status));
            match failure.err().code().map(bare) {
                Some(code) if is_transient(code) => transient(why, asked_by(failure.raw()).or(asked_by_code(code))),
                _ => by_status(status, why, asked_by(failure.raw())),
            }
        }
        // Something between here and AWS answered, or an answer broke off: of a success it is not known what it said.
        SdkError::ResponseError(failure) => {
            let status = failure.raw().status();
            let why = cut(format_args!("{operation}: an answer that is none, status {}", status.as_u16()));
            if status.is_success() {
                transient(why, None)
            } else {
                by_status(status.as_u16(), why, asked_by(failure.raw()))
            }
        }
        SdkError::ConstructionFailure(_) => {
            PortError::Permanent { reason: cut(format_args!("{operation} could not be built: {}", chain(error))) }
        }
        SdkError::TimeoutError(_) => transient(format!("{operation}: no answer within its time limit"), None),
        // Not connected, cut off, or no credentials just now: all of it may pass.
        _ => transient(cut(format_args!("{operation}: {}", chain(error))), None),
    }
}

/// A stream of events that began well. Its exceptions have no codes: the caller knows which of them will come again.
#[cfg(feature = "bedrock")]
pub(crate) fn of_stream<E, R>(operation: &str, error: &SdkError<E, R>, for_good: bool) -> PortError
where
    E: std::error::Error + 'static,
    R: fmt::Debug,
{
    match error {
        SdkError::ServiceError(failure) if for_good => {
            PortError::Permanent { reason: cut(format_args!("{operation}: {}", chain(failure.err()))) }
        }
        SdkError::ServiceError(failure) => transient(cut(format_args!("{operation}: {}", chain(failure.err()))), None),
        _ => transient(cut(format_args!("{operation}: the answer broke off: {}", chain(error))), None),
    }
}

/// One entry of a batch that otherwise succeeded. `senders_fault` is what the server says where the code is unknown.
pub(crate) fn of_entry(operation: &str, code: &str, message: Option<&str>, senders_fault: bool) -> PortError {
    let why = told(operation, code, message, None);
    let for_good = senders_fault || SENDERS_FAULTS.contains(&bare(code));
    if for_good && !is_transient(bare(code)) { PortError::Permanent { reason: why } } else { transient(why, None) }
}

/// An entry that the answer says nothing of: it may have been carried out.
pub(crate) fn of_silence(operation: &str) -> PortError {
    transient(format!("{operation}: the answer leaves this entry out"), None)
}

pub(crate) fn is_no_such_queue<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code().map(bare).is_some_and(|code| NO_SUCH_QUEUE.contains(&code))
}

/// Whether the server said one of these codes.
pub(crate) fn says<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, codes: &[&str]) -> bool {
    error.code().map(bare).is_some_and(|code| codes.contains(&code))
}

/// What a caller without the right hears.
pub(crate) const ACCESS_DENIED: &[&str] = &["AccessDenied", "AccessDeniedException"];

/// A failure of the artifact store.
pub(crate) fn of_store(operation: &str, error: &object_store::Error) -> PortError {
    use object_store::Error;
    let why = cut(format_args!("{operation}: {error}"));
    match error {
        // A status other than 401, 403, 404, 409 and 412, a connection, a full disk: the crate does not say which.
        Error::Generic { .. } | Error::JoinError { .. } => transient(why, None),
        // A policy or a key that somebody is about to mend must not cost every step that has just been worked.
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => transient(why, None),
        _ => PortError::Permanent { reason: why },
    }
}

fn by_status(status: u16, why: String, retry_after: Option<Duration>) -> PortError {
    match status {
        408 | 425 | 429 | 500.. => transient(why, retry_after),
        _ => PortError::Permanent { reason: why },
    }
}

fn transient(why: String, retry_after: Option<Duration>) -> PortError {
    PortError::Transient { why, retry_after }
}

/// `AWS.SimpleQueueService.NonExistentQueue` without what is before its last dot.
fn bare(code: &str) -> &str {
    code.rsplit(['.', '#']).next().unwrap_or(code)
}

fn is_transient(code: &str) -> bool {
    TRANSIENT_CODES.contains(&code)
}

fn asked_by_code(code: &str) -> Option<Duration> {
    (code == "QueueDeletedRecently").then_some(QUEUE_NAME_FREE_AFTER)
}

/// `Retry-After` in seconds; its other form, a date, would need the server's clock.
fn asked_by(response: &HttpResponse) -> Option<Duration> {
    response.headers().get("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

fn told(operation: &str, code: &str, message: Option<&str>, status: Option<u16>) -> String {
    match (message, status) {
        (Some(message), _) => cut(format_args!("{operation}: {code}: {message}")),
        (None, Some(status)) => cut(format_args!("{operation}: {code}, status {status}")),
        (None, None) => cut(format_args!("{operation}: {code}")),
    }
}

/// An error with what caused it, in words alone.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}

/// The same in one line: the chain of credential providers tells every attempt on a line of its own.
pub(crate) fn line(error: &dyn std::error::Error) -> String {
    let told = chain(error);
    let first = told.lines().next().unwrap_or_default();
    first.trim_end_matches("Attempted:").trim_end_matches([' ', '.']).to_owned()
}

fn cut(told: fmt::Arguments<'_>) -> String {
    let told = told.to_string();
    match told.char_indices().nth(TOLD_CHARS_MAX) {
        Some((end, _)) => format!("{} …", &told[..end]),
        None => told,
    }
}

#[cfg(test)]
mod tests;
