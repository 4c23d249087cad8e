//! Owns the tests of what a message may hold, what comes back of it, and what each entry of a batch is told.
//! Never order or visibility.
//! Next: `refusals` for requests that are no messages at all.

use serde_json::{Value, json};

use super::Cloud;
use crate::engine::Incoming;

fn with_queue() -> Cloud {
    let mut cloud = Cloud::new();
    cloud.queue("q", json!({}));
    cloud
}

fn message(more: &Value) -> Value {
    let mut body = json!({ "QueueUrl": "q", "MessageBody": "msg" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn attributes(attributes: &Value) -> Value {
    message(&json!({ "MessageAttributes": attributes }))
}

fn string(value: &str) -> Value {
    json!({ "DataType": "String", "StringValue": value })
}

#[test]
fn digests_are_answered_for_body_attributes_and_trace_header() {
    let mut cloud = with_queue();
    let sent = cloud.ask(
        "SendMessage",
        message(&json!({
            "MessageAttributes": { "Help.Me": string("Me"), "Hello": string("There"), "General": string("Kenobi") },
            "MessageSystemAttributes": { "AWSTraceHeader": string("Root=1-2-3") },
        })),
    );
    assert_eq!(sent["MD5OfMessageBody"], "6e2baaf3b97dbeef01c0043275f9a0e7");
    assert_eq!(sent["MD5OfMessageAttributes"], "4c360f3fdafd970e05fae2f149d997f5");
    let mut bytes = vec![];
    for part in ["AWSTraceHeader", "String", "Root=1-2-3"] {
        if part == "Root=1-2-3" {
            bytes.push(1);
        }
        bytes.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    let digest = <md5::Md5 as md5::Digest>::digest(&bytes);
    let expected: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(sent["MD5OfMessageSystemAttributes"], expected);
    assert!(sent.get("SequenceNumber").is_none());
}

/// As recorded from AWS.
#[test]
fn attribute_selectors_choose_by_name_prefix_or_all() {
    let mut cloud = with_queue();
    cloud.ask(
        "SendMessage",
        attributes(&json!({ "Help.Me": string("Me"), "Hello": string("There"), "General": string("Kenobi") })),
    );
    for (names, expected, digest) in [
        (json!([]), vec![], Value::Null),
        (json!(["All"]), vec!["General", "Hello", "Help.Me"], json!("4c360f3fdafd970e05fae2f149d997f5")),
        (json!([".*"]), vec!["General", "Hello", "Help.Me"], json!("4c360f3fdafd970e05fae2f149d997f5")),
        (json!(["Foo", "Help"]), vec![], Value::Null),
        (json!(["Hello", "General"]), vec!["General", "Hello"], json!("fca026605781cb4126a1e9044df24232")),
        (json!(["Foo", "Hello"]), vec!["Hello"], json!("a311262e065454b75da111d535b8dacd")),
        (json!(["Hel.*"]), vec!["Hello", "Help.Me"], json!("83fee93c1bcd8b9a5a923ffacdc636c7")),
    ] {
        let call = json!({ "QueueUrl": "q", "MessageAttributeNames": names, "VisibilityTimeout": 0 });
        let received = cloud.receive_with(call).remove(0);
        let keys: Vec<String> =
            received["MessageAttributes"].as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
        assert_eq!(keys, expected, "{names}");
        assert_eq!(received["MD5OfMessageAttributes"], digest, "{names}");
    }
}

#[test]
fn system_attributes_come_by_either_name_of_the_selector() {
    let mut cloud = with_queue();
    cloud.ask("SendMessage", message(&json!({ "MessageGroupId": "tenant" })));
    for selector in ["AttributeNames", "MessageSystemAttributeNames"] {
        let call = json!({ "QueueUrl": "q", "VisibilityTimeout": 0, selector: ["SentTimestamp", "MessageGroupId", "SequenceNumber"] });
        let received = cloud.receive_with(call).remove(0);
        assert_eq!(received["Attributes"], json!({ "SentTimestamp": "1800000000000", "MessageGroupId": "tenant" }));
    }
    let all = cloud.receive_with(json!({ "QueueUrl": "q", "MessageSystemAttributeNames": ["All"] })).remove(0);
    let names: Vec<_> = all["Attributes"].as_object().unwrap().keys().cloned().collect();
    let expected =
        ["ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "MessageGroupId", "SenderId", "SentTimestamp"];
    assert_eq!(names, expected);
    let wrong = json!({ "QueueUrl": "q", "MessageSystemAttributeNames": ["Nonsense"] });
    assert_eq!(cloud.refusal("ReceiveMessage", wrong).0, "InvalidAttributeName");
}

#[test]
fn illegal_characters_are_refused_and_legal_ones_kept() {
    let mut cloud = with_queue();
    for illegal in ["\u{0}", "a\u{8}b", "\u{b}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
        let (code, _) = cloud.refusal("SendMessage", message(&json!({ "MessageBody": illegal })));
        assert_eq!(code, "InvalidMessageContents", "{illegal:?}");
        let (code, _) = cloud.refusal("SendMessage", attributes(&json!({ "a": string(illegal) })));
        assert_eq!(code, "InvalidParameterValueException", "{illegal:?}");
    }
    let legal = "\t\n\r \u{7f}\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}ü";
    cloud.send("q", legal);
    assert_eq!(cloud.bodies("q"), [legal]);
}

#[test]
fn a_message_and_a_batch_end_at_a_mebibyte_with_their_attributes() {
    let mut cloud = with_queue();
    let extra = "k".len() + "String".len() + "x".len();
    let fits = "a".repeat(1_048_576 - extra);
    let send = |body: &str| message(&json!({ "MessageBody": body, "MessageAttributes": { "k": string("x") } }));
    cloud.ask("SendMessage", send(&fits));
    let (code, sentence) = cloud.refusal("SendMessage", send(&format!("{fits}a")));
    assert_eq!(code, "InvalidParameterValueException");
    assert_eq!(sentence, "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.");
    let half = "a".repeat(524_288);
    let batch = |more: &str| {
        let second = format!("{half}{more}");
        json!({ "QueueUrl": "q", "Entries": [{ "Id": "1", "MessageBody": half }, { "Id": "2", "MessageBody": second }] })
    };
    assert_eq!(cloud.ask("SendMessageBatch", batch(""))["Successful"].as_array().unwrap().len(), 2);
    let refused = cloud.try_ask("SendMessageBatch", batch("a")).unwrap_err();
    assert_eq!(refused.query_code, Some("AWS.SimpleQueueService.BatchRequestTooLong;Sender"));
    assert_eq!(refused.message, "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.");
}

#[test]
fn a_queues_own_size_limit_fails_an_entry_alone() {
    let mut cloud = Cloud::new();
    cloud.queue("q", json!({ "MaximumMessageSize": "1024" }));
    let entries =
        json!([{ "Id": "big", "MessageBody": "a".repeat(1025) }, { "Id": "small", "MessageBody": "a".repeat(1024) }]);
    let answer = cloud.ask("SendMessageBatch", json!({ "QueueUrl": "q", "Entries": entries }));
    assert_eq!(answer["Successful"][0]["Id"], "small");
    assert_eq!(answer["Failed"][0]["Id"], "big");
    assert_eq!(answer["Failed"][0]["Code"], "InvalidParameterValue");
    assert_eq!(answer["Failed"][0]["SenderFault"], true);
    assert!(answer["Failed"][0]["Message"].as_str().unwrap().contains("shorter than 1024 bytes"));
}

#[test]
fn entries_fail_one_by_one_and_the_batch_by_its_rules() {
    let mut cloud = with_queue();
    let batch = |entries: Value| json!({ "QueueUrl": "q", "Entries": entries });
    let entries = json!([
        { "Id": "good", "MessageBody": "x" },
        { "Id": "empty", "MessageBody": "" },
        { "Id": "control", "MessageBody": "\u{1}" },
        { "Id": "delay", "MessageBody": "x", "DelaySeconds": 901 },
    ]);
    let answer = cloud.ask("SendMessageBatch", batch(entries));
    assert_eq!(answer["Successful"].as_array().unwrap().len(), 1);
    let codes: Vec<_> = answer["Failed"].as_array().unwrap().iter().map(|f| f["Code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["MissingParameter", "InvalidMessageContents", "InvalidParameterValue"]);
    let many: Vec<_> = (0..11).map(|n| json!({ "Id": n.to_string(), "MessageBody": "x" })).collect();
    for (entries, code, sentence) in [
        (json!([]), "EmptyBatchRequest", "at least one SendMessageBatchRequestEntry"),
        (json!(many), "TooManyEntriesInBatchRequest", "You have sent 11."),
        (
            json!([{ "Id": "a", "MessageBody": "x" }, { "Id": "a", "MessageBody": "y" }]),
            "BatchEntryIdsNotDistinct",
            "Id a repeated.",
        ),
        (json!([{ "Id": "a b", "MessageBody": "x" }]), "InvalidBatchEntryId", "alphanumeric"),
        (json!([{ "Id": "", "MessageBody": "x" }]), "InvalidBatchEntryId", "alphanumeric"),
        (json!([{ "Id": "x".repeat(81), "MessageBody": "x" }]), "InvalidBatchEntryId", "80 letters"),
        (json!([{ "MessageBody": "x" }]), "MissingRequiredParameterException", "Id"),
    ] {
        let (found, said) = cloud.refusal("SendMessageBatch", batch(entries));
        assert_eq!(found, code);
        assert!(said.contains(sentence), "{said}");
    }
    assert_eq!(cloud.counts("q")[0], "1");
}

#[test]
fn attribute_names_types_and_values_follow_the_rules() {
    let mut cloud = with_queue();
    let long = "n".repeat(257);
    for name in ["", "a b", "a/b", ".a", "a.", "a..b", "AWS.x", "amazon.x", &long] {
        let (code, _) = cloud.refusal("SendMessage", attributes(&json!({ name: string("x") })));
        assert_eq!(code, "InvalidParameterValueException", "{name}");
    }
    for value in [
        json!({}),
        json!({ "DataType": "" , "StringValue": "x" }),
        json!({ "DataType": "Boolean", "StringValue": "x" }),
        json!({ "DataType": "Stringy", "StringValue": "x" }),
        json!({ "DataType": "String." , "StringValue": "x" }),
        json!({ "DataType": "String" }),
        json!({ "DataType": "String", "StringValue": "" }),
        json!({ "DataType": "Number", "StringValue": "abc" }),
        json!({ "DataType": "Number", "StringValue": "inf" }),
        json!({ "DataType": "Binary", "StringValue": "x" }),
        json!({ "DataType": "String", "StringListValues": ["x"] }),
    ] {
        let (code, _) = cloud.refusal("SendMessage", attributes(&json!({ "a": value })));
        assert_eq!(code, "InvalidParameterValueException", "{value}");
    }
    let (_, sentence) = cloud.refusal("SendMessage", attributes(&json!({ "ErrorDetails": string("") })));
    assert_eq!(sentence, "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.");
    let (code, _) =
        cloud.refusal("SendMessage", attributes(&json!({ "a": { "DataType": "Binary", "BinaryValue": "?" } })));
    assert_eq!(code, "SerializationException");
    let eleven: serde_json::Map<_, _> = (0..11).map(|n| (format!("a{n}"), string("x"))).collect();
    assert!(cloud.refusal("SendMessage", attributes(&eleven.into())).1.contains("[11]"));
    let fine = json!({ "a-b_c.1": string("x"), "n": { "DataType": "Number.float", "StringValue": "-1.5e3" },
        "b": { "DataType": "Binary", "BinaryValue": "AA==" } });
    cloud.ask("SendMessage", attributes(&fine));
    let wrong = message(&json!({ "MessageSystemAttributes": { "Other": string("x") } }));
    assert_eq!(cloud.refusal("SendMessage", wrong).0, "InvalidParameterValueException");
}

#[test]
fn group_and_deduplication_ids_follow_the_rules() {
    let mut cloud = with_queue();
    let long = "x".repeat(129);
    for id in ["", "a b", "ü", &long] {
        for parameter in ["MessageGroupId", "MessageDeduplicationId"] {
            let (code, sentence) = cloud.refusal("SendMessage", message(&json!({ parameter: id })));
            assert_eq!(code, "InvalidParameterValueException");
            assert!(
                sentence.ends_with("can only include alphanumeric and punctuation characters. 1 to 128 in length.")
            );
        }
    }
    let standard = message(&json!({ "MessageDeduplicationId": "d" }));
    assert!(cloud.refusal("SendMessage", standard).1.contains("not valid for this queue type"));
}

#[test]
fn a_fault_fails_the_last_entries_and_carries_out_the_others() {
    let mut cloud = with_queue();
    cloud.quirks.fail_entries = Some((2, "InternalError".to_owned()));
    let entries: Vec<_> = (0..3).map(|n| json!({ "Id": n.to_string(), "MessageBody": n.to_string() })).collect();
    let answer = cloud.ask("SendMessageBatch", json!({ "QueueUrl": "q", "Entries": entries }));
    assert_eq!(answer["Successful"][0]["Id"], "0");
    let failed = answer["Failed"].as_array().unwrap();
    assert_eq!(failed.len(), 2);
    assert_eq!((&failed[0]["Code"], &failed[0]["SenderFault"]), (&json!("InternalError"), &json!(false)));
    assert_eq!(cloud.bodies("q"), ["0"]);
}

#[test]
fn the_bus_delivers_by_arn_and_wakes_a_long_poll() {
    let mut cloud = with_queue();
    cloud.queue("q.fifo", json!({ "FifoQueue": "true" }));
    let incoming = Incoming {
        body: "event".into(),
        trace_header: Some("Root=1".into()),
        attributes: vec![("RULE_ARN".into(), "r".into()), ("ERROR_CODE".into(), "e".into())],
        ..Incoming::default()
    };
    let mut poll = cloud
        .begin("ReceiveMessage", &json!({ "QueueUrl": "q", "WaitTimeSeconds": 20, "AttributeNames": ["AWSTraceHeader"], "MessageAttributeNames": ["All"] }))
        .unwrap();
    let arn = cloud.arn("q");
    let message = incoming.clone();
    cloud.moment(|queues, at| queues.deliver(at, &arn, message)).unwrap();
    let received = poll.answer().unwrap()["Messages"][0].clone();
    assert_eq!(received["Attributes"], json!({ "AWSTraceHeader": "Root=1" }));
    assert_eq!(received["MessageAttributes"]["ERROR_CODE"]["StringValue"], "e");
    let (absent, ordered) = (cloud.arn("absent"), cloud.arn("q.fifo"));
    let elsewhere = arn.replace("us-east-1", "eu-west-1");
    for arn in [&absent, &elsewhere, &ordered, &"nonsense".to_owned()] {
        let message = incoming.clone();
        assert!(cloud.moment(|queues, at| queues.deliver(at, arn, message)).is_err(), "{arn}");
    }
    let message = Incoming { group: Some("g".into()), deduplication: Some("d".into()), ..incoming };
    cloud.moment(|queues, at| queues.deliver(at, &ordered, message)).unwrap();
    assert_eq!(cloud.receive("q.fifo")[0]["Attributes"]["MessageGroupId"], "g");
}
