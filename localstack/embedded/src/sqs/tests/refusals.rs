//! Owns the tests of bad requests: each is answered with AWS's code and a sentence, and nothing panics.
//! Never a good request.
//! Next: the server's own tests send them over a socket.

use serde_json::json;

use super::Cloud;
use crate::sqs::Request;

const OPERATIONS: [&str; 23] = [
    "CreateQueue",
    "GetQueueUrl",
    "ListQueues",
    "ListDeadLetterSourceQueues",
    "GetQueueAttributes",
    "SetQueueAttributes",
    "DeleteQueue",
    "PurgeQueue",
    "TagQueue",
    "UntagQueue",
    "ListQueueTags",
    "AddPermission",
    "RemovePermission",
    "StartMessageMoveTask",
    "ListMessageMoveTasks",
    "CancelMessageMoveTask",
    "SendMessage",
    "SendMessageBatch",
    "ReceiveMessage",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
];

#[test]
fn an_unknown_operation_is_named() {
    let refused = Request::parse("FlyAway", b"{}").unwrap_err();
    assert_eq!(refused.code, "com.amazon.coral.service#UnknownOperationException");
    assert!(refused.message.contains("FlyAway"));
}

#[test]
fn what_is_no_json_object_is_refused_by_every_operation() {
    for operation in OPERATIONS {
        for body in [
            "{",
            "[]",
            "null",
            "7",
            "\"text\"",
            "{\"QueueUrl\":}",
            "{\"QueueUrl\":7,\"QueueName\":7,\"SourceArn\":7,\"TaskHandle\":7,\"QueueNamePrefix\":7}",
            "\u{1}",
        ] {
            let refused = Request::parse(operation, body.as_bytes()).unwrap_err();
            assert_eq!(refused.code, "com.amazon.coral.service#SerializationException", "{operation} {body}");
            assert_eq!(refused.status, 400);
        }
        assert!(Request::parse(operation, b"\xff\xfe").is_err());
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("{{\"QueueUrl\":{}", "[".repeat(100_000));
    for operation in OPERATIONS {
        assert!(Request::parse(operation, deep.as_bytes()).is_err(), "{operation}");
    }
}

#[test]
fn a_missing_parameter_is_named() {
    for operation in OPERATIONS {
        if operation != "ListQueues" {
            for body in ["{}", ""] {
                let refused = Request::parse(operation, body.as_bytes()).unwrap_err();
                assert_eq!(refused.query_code, Some("MissingParameter;Sender"), "{operation}");
            }
        }
    }
    let refused = Request::parse("SendMessage", br#"{"QueueUrl":"q"}"#).unwrap_err();
    assert_eq!(refused.message, "The request must contain the parameter MessageBody.");
    let refused = Request::parse("ChangeMessageVisibility", br#"{"QueueUrl":"q","ReceiptHandle":"x"}"#).unwrap_err();
    assert_eq!(refused.message, "The request must contain the parameter VisibilityTimeout.");
}

#[test]
fn every_operation_on_an_absent_queue_says_so() {
    let mut cloud = Cloud::new();
    let receipt = crate::sqs::receipt::Receipt { queue: 0, message: 0, receive: 1 }.encode();
    for operation in OPERATIONS {
        let body = json!({
            "QueueUrl": "absent", "QueueName": "absent", "Attributes": {}, "Tags": { "k": "v" }, "TagKeys": ["k"], "Label": "l",
            "AWSAccountIds": ["111111111111"], "Actions": ["*"], "MessageBody": "x", "ReceiptHandle": receipt, "VisibilityTimeout": 1,
            "Entries": [{ "Id": "1", "MessageBody": "x", "ReceiptHandle": receipt, "VisibilityTimeout": 1 }],
            "SourceArn": cloud.arn("absent"), "TaskHandle": crate::sqs::tokens::task(&cloud.arn("absent"), "t"),
        });
        let expected = match operation {
            "CreateQueue" | "ListQueues" => continue,
            "StartMessageMoveTask" | "ListMessageMoveTasks" | "CancelMessageMoveTask" => "ResourceNotFoundException",
            _ => "QueueDoesNotExist",
        };
        assert_eq!(cloud.refusal(operation, body).0, expected, "{operation}");
    }
}

#[test]
fn numbers_out_of_range_are_refused_with_the_range() {
    let mut cloud = Cloud::new();
    cloud.queue("q", json!({}));
    for (parameter, value, reason) in [
        ("MaxNumberOfMessages", 0, "Must be between 1 and 10, if provided."),
        ("MaxNumberOfMessages", 11, "Must be between 1 and 10, if provided."),
        ("WaitTimeSeconds", -1, "Must be >= 0 and <= 20, if provided."),
        ("WaitTimeSeconds", 21, "Must be >= 0 and <= 20, if provided."),
        ("VisibilityTimeout", -1, "Must be >= 0 and <= 43200, if provided."),
        ("VisibilityTimeout", 43_201, "Must be >= 0 and <= 43200, if provided."),
    ] {
        let (code, sentence) = cloud.refusal("ReceiveMessage", json!({ "QueueUrl": "q", parameter: value }));
        assert_eq!(code, "InvalidParameterValueException");
        assert_eq!(sentence, format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"));
    }
    let body = json!({ "QueueUrl": "q", "MessageBody": "x", "DelaySeconds": 901 });
    assert!(cloud.refusal("SendMessage", body).1.contains("DelaySeconds must be >= 0 and <= 900."));
    let attempt = json!({ "QueueUrl": "q", "ReceiveRequestAttemptId": "a" });
    assert_eq!(cloud.refusal("ReceiveMessage", attempt).0, "InvalidParameterValueException");
}

#[test]
fn the_queue_a_request_means_is_known_before_it_is_carried_out() {
    let name =
        |operation: &str, body: &str| Request::parse(operation, body.as_bytes()).unwrap().queue().map(str::to_owned);
    assert_eq!(name("ReceiveMessage", r#"{"QueueUrl":"http://h:1/0/work"}"#).as_deref(), Some("work"));
    assert_eq!(name("CreateQueue", r#"{"QueueName":"work"}"#).as_deref(), Some("work"));
    assert_eq!(name("StartMessageMoveTask", r#"{"SourceArn":"arn:aws:sqs:r:0:work"}"#).as_deref(), Some("work"));
    assert_eq!(name("ListQueues", "{}"), None);
}
