//! Owns HTTP as AWS speaks it: targets, content types, error bodies, and the limit of a body.
//! Never what an operation means.
//! Next: `front` decides by what is found here.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::ApiError;

/// More than any operation takes: DynamoDB's batches are the largest, with 16 MB before JSON's quotes.
const BODY_BYTES_MAX: usize = 24 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Sqs,
    Events,
    DynamoDb,
    Sts,
}

impl Service {
    pub(super) fn name(self) -> &'static str {
        match self {
            Service::Sqs => "sqs",
            Service::Events => "events",
            Service::DynamoDb => "dynamodb",
            Service::Sts => "sts",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Json1_0,
    Json1_1,
    /// Forms in, XML out: STS still speaks it.
    Query,
}

/// Which operation of which service a request means.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) service: Service,
    pub(super) operation: String,
    pub(super) protocol: Protocol,
    /// The access key that signed it; nobody checks the signature.
    pub(super) caller: Option<String>,
}

pub(super) fn asked(head: &Parts, body: &Bytes) -> Result<Asked, (Protocol, ApiError)> {
    let Some(target) = head.headers.get("x-amz-target") else { return asked_by_form(head, body) };
    let unknown = |what: &str| {
        let said =
            format!("{what} is no operation that the embedded stand-in knows: X-Amz-Target is Service.Operation");
        (Protocol::Json1_0, ApiError::refused("com.amazon.coral.service#UnknownOperationException", said))
    };
    let target = target.to_str().map_err(|_| unknown("what is not ASCII"))?;
    let (service, operation) = target.split_once('.').ok_or_else(|| unknown(target))?;
    let (service, protocol) = match service {
        "AmazonSQS" => (Service::Sqs, Protocol::Json1_0),
        "AWSEvents" => (Service::Events, Protocol::Json1_1),
        "DynamoDB_20120810" | "DynamoDBStreams_20120810" => (Service::DynamoDb, Protocol::Json1_0),
        other => return Err((Protocol::Json1_1, ApiError::not_implemented(&format!("{other} {operation}")))),
    };
    Ok(Asked { service, operation: operation.to_owned(), protocol, caller: caller_of(head) })
}

fn asked_by_form(head: &Parts, body: &Bytes) -> Result<Asked, (Protocol, ApiError)> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let of_form = |text: &str| text.split('&').find_map(|pair| pair.strip_prefix("Action=").map(str::to_owned));
    match of_form(text).or_else(|| of_form(head.uri.query().unwrap_or_default())) {
        Some(operation) => {
            Ok(Asked { service: Service::Sts, operation, protocol: Protocol::Query, caller: caller_of(head) })
        }
        None => {
            let what = format!("{} {} without X-Amz-Target", head.method, head.uri.path());
            Err((Protocol::Json1_0, ApiError::not_implemented(&what)))
        }
    }
}

/// `AWS4-HMAC-SHA256 Credential=KEY/20250101/us-east-1/sqs/aws4_request, …`
fn caller_of(head: &Parts) -> Option<String> {
    let signed = head.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (key, _) = signed.split_once("Credential=")?.1.split_once('/')?;
    Some(key.to_owned())
}

/// The whole body, unless it is larger than anything that is taken.
pub(super) async fn body(mut body: Incoming) -> Result<Bytes, ApiError> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|why| ApiError::refused("RequestAbortedException", why.to_string()))?;
        if let Some(data) = frame.data_ref() {
            if whole.len() + data.len() > BODY_BYTES_MAX {
                let said = format!("a body of more than {BODY_BYTES_MAX} bytes is not read");
                return Err(ApiError { status: 413, ..ApiError::refused("RequestEntityTooLargeException", said) });
            }
            whole.extend_from_slice(data);
        }
    }
    Ok(whole.freeze())
}

/// The table that a DynamoDB request names at its top.
pub(super) fn table_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "TableName")]
        table: Option<String>,
    }
    serde_json::from_slice::<Named>(body).ok()?.table
}

pub(super) fn success(protocol: Protocol, body: Vec<u8>) -> Response<Full<Bytes>> {
    response(protocol, StatusCode::OK, if body.is_empty() { Bytes::from_static(b"{}") } else { body.into() })
}

pub(super) fn refusal(protocol: Protocol, why: &ApiError) -> Response<Full<Bytes>> {
    let body = match &why.whole {
        Some(whole) => whole.clone(),
        None => json!({"__type": why.code, "message": why.message}).to_string(),
    };
    let status = StatusCode::from_u16(why.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = response(protocol, status, body.into());
    let headers = response.headers_mut();
    let short = why.code.rsplit('#').next().unwrap_or_default();
    if let Ok(code) = HeaderValue::from_str(short) {
        headers.insert("x-amzn-errortype", code);
    }
    if let Some(Ok(code)) = why.query_code.map(HeaderValue::from_str) {
        headers.insert("x-amzn-query-error", code);
    }
    response
}

fn response(protocol: Protocol, status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let kind = match protocol {
        Protocol::Json1_0 => "application/x-amz-json-1.0",
        Protocol::Json1_1 => "application/x-amz-json-1.1",
        Protocol::Query => "text/xml",
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(id) = HeaderValue::from_str(&request_id()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// Shaped as AWS's ids are; it counts the answers of this process.
fn request_id() -> String {
    static ANSWERS: AtomicU64 = AtomicU64::new(1);
    format!("00000000-0000-4000-8000-{:012x}", ANSWERS.fetch_add(1, Ordering::Relaxed))
}

/// An answer of its own content type.
pub(super) fn page(status: u16, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
