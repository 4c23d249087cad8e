//! Owns the proof that failures are told apart by kind, code and status.
//! Never a server: failures are built as the SDK builds them; `tests/canned.rs` has them come over a wire.
//! Next: `errors`.

use super::*;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;

type Failure = SdkError<SendMessageBatchError, HttpResponse>;

fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
    for (name, value) in headers {
        response.headers_mut().insert(*name, *value);
    }
    response
}

fn said(code: Option<&str>, status: u16) -> Failure {
    let mut meta = ErrorMetadata::builder().message("words");
    if let Some(code) = code {
        meta = meta.code(code);
    }
    SdkError::service_error(SendMessageBatchError::generic(meta.build()), answer(status, &[]))
}

fn is_transient_error(failure: &Failure) -> bool {
    matches!(of_call("SQS SendMessageBatch", failure), PortError::Transient { .. })
}

#[test]
fn throttles_and_faults_of_the_server_may_pass() {
    for code in TRANSIENT_CODES {
        assert!(is_transient_error(&said(Some(code), 400)), "{code}");
    }
    for code in ["AWS.SimpleQueueService.OverLimit", "com.amazonaws.dynamodb.v20120810#ThrottlingException"] {
        assert!(is_transient_error(&said(Some(code), 403)), "{code}");
    }
}

#[test]
fn what_the_sender_did_wrong_stays_wrong() {
    for code in [
        "ValidationException",
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "ResourceNotFoundException",
        "AccessDenied",
        "AccessDeniedException",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "BatchRequestTooLong",
        "ItemCollectionSizeLimitExceededException",
    ] {
        assert!(!is_transient_error(&said(Some(code), 400)), "{code}");
    }
}

#[test]
fn an_unknown_code_goes_by_its_status() {
    for (status, transient) in
        [(400, false), (403, false), (404, false), (501, true), (408, true), (429, true), (503, true)]
    {
        assert_eq!(is_transient_error(&said(Some("Novel"), status)), transient, "{status}");
        assert_eq!(is_transient_error(&said(None, status)), transient, "{status} without a code");
    }
}

#[test]
fn no_connection_no_answer_and_no_credentials_may_pass() {
    let broken = || Box::new(std::io::Error::other("cut off"));
    assert!(is_transient_error(&SdkError::timeout_error(broken())));
    assert!(is_transient_error(&SdkError::dispatch_failure(ConnectorError::io(broken()))));
    assert!(is_transient_error(&SdkError::dispatch_failure(ConnectorError::timeout(broken()))));
    assert!(is_transient_error(&SdkError::dispatch_failure(ConnectorError::other(broken(), None))));
}

#[test]
fn a_request_that_cannot_be_built_never_can() {
    assert!(!is_transient_error(&SdkError::construction_failure("a header with a newline")));
}

#[test]
fn an_answer_that_is_none_goes_by_its_status() {
    // A success that broke off: it may have been applied.
    for (status, transient) in [(200, true), (502, true), (429, true), (404, false), (301, false)] {
        let failure = SdkError::response_error("no JSON", answer(status, &[]));
        assert_eq!(is_transient_error(&failure), transient, "{status}");
    }
}

#[test]
fn a_wait_that_the_server_asks_for_is_passed_on() {
    let asked = |code: &'static str, value: &'static str| {
        let err = SendMessageBatchError::generic(ErrorMetadata::builder().code(code).build());
        let failure: Failure = SdkError::service_error(err, answer(503, &[("retry-after", value)]));
        match of_call("SQS SendMessageBatch", &failure) {
            PortError::Transient { retry_after, .. } => retry_after,
            PortError::Permanent { reason } => panic!("{reason}"),
        }
    };
    assert_eq!(asked("Throttling", "7"), Some(Duration::from_secs(7)));
    assert_eq!(asked("Novel", " 3 "), Some(Duration::from_secs(3)));
    assert_eq!(asked("QueueDeletedRecently", "soon"), Some(QUEUE_NAME_FREE_AFTER));
    for none in ["", "-1", "1.5", "Fri, 20 Nov 2026 07:00:00 GMT"] {
        assert_eq!(asked("Throttling", none), None, "{none}");
    }
}

#[test]
fn both_spellings_of_an_unknown_queue_are_known() {
    assert!(is_no_such_queue(&said(Some("AWS.SimpleQueueService.NonExistentQueue"), 400)));
    assert!(is_no_such_queue(&said(Some("QueueDoesNotExist"), 400)));
    assert!(!is_no_such_queue(&said(Some("ResourceNotFoundException"), 400)));
    assert!(says(&said(Some("AccessDeniedException"), 400), ACCESS_DENIED));
}

#[test]
fn what_is_told_is_never_longer_than_a_few_lines() {
    let long = "é".repeat(10_000);
    let why = of_entry("Send", "Novel", Some(&long), true).to_string();
    assert!(why.chars().count() <= TOLD_CHARS_MAX + 2, "{} characters", why.chars().count());
    assert!(why.starts_with("Send: Novel: é"), "{why}");
}

#[test]
fn a_store_that_lacks_the_bytes_lacks_them_for_good() {
    use object_store::Error;
    let source = || "why".into();
    let gone = Error::NotFound { path: "p".into(), source: source() };
    assert!(matches!(of_store("get", &gone), PortError::Permanent { .. }));
    let denied = Error::PermissionDenied { path: "p".into(), source: source() };
    assert!(matches!(of_store("get", &denied), PortError::Transient { .. }));
    let broken = Error::Generic { store: "S3", source: source() };
    assert!(matches!(of_store("get", &broken), PortError::Transient { .. }));
}
