//! Owns how an operation says no: the code that SDKs match on, the status, and one sentence.
//! Never a stack trace, and nothing that tells one server from another.
//! Next: `front` writes it as JSON, with the header that old query clients read.

use std::borrow::Cow;

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// As `__type` says it: `com.amazonaws.sqs#QueueDoesNotExist`, `ResourceNotFoundException`.
    pub code: Cow<'static, str>,
    /// As SQS's query protocol called it, where the two differ: the header `x-amzn-query-error`.
    pub query_code: Option<&'static str>,
    pub status: u16,
    pub message: String,
}

impl ApiError {
    /// The caller's fault.
    pub fn refused(code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError { code: Cow::Borrowed(code), query_code: None, status: 400, message: message.into() }
    }

    /// The server's fault; the caller may try again.
    pub fn failed(message: impl Into<String>) -> ApiError {
        ApiError { code: Cow::Borrowed("InternalFailure"), query_code: None, status: 500, message: message.into() }
    }

    /// What the stand-in does not have, by its name.
    pub fn not_implemented(what: &str) -> ApiError {
        ApiError {
            code: Cow::Borrowed("NotImplemented"),
            query_code: None,
            status: 501,
            message: format!("{what} is not implemented by the embedded stand-in"),
        }
    }

    pub fn with_query_code(self, query_code: &'static str) -> ApiError {
        ApiError { query_code: Some(query_code), ..self }
    }
}
