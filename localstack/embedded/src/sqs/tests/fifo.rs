//! Owns the tests of FIFO queues: order, group locks, deduplication, attempts.
//! Never standard queues.
//! Next: `durability` asks the same across a restart.

use serde_json::{Value, json};

use super::Cloud;

fn fifo(attributes: &Value) -> Cloud {
    let mut cloud = Cloud::new();
    let mut all = json!({ "FifoQueue": "true", "VisibilityTimeout": "10" });
    all.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    cloud.queue("q.fifo", all);
    cloud
}

fn order(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["Body"].as_str().unwrap()).collect()
}

#[test]
fn a_group_comes_in_order_and_waits_for_its_head() {
    let mut cloud = fifo(&json!({}));
    for body in ["a1", "a2", "a3"] {
        cloud.send_in("q.fifo", "a", body);
    }
    cloud.send_in("q.fifo", "b", "b1");
    let one = json!({ "QueueUrl": "q.fifo", "MaxNumberOfMessages": 1 });
    let held = cloud.receive_with(one);
    assert_eq!(order(&held), ["a1"]);
    let other = cloud.receive("q.fifo");
    assert_eq!(order(&other), ["b1"], "the group of a1 is locked");
    cloud.delete("q.fifo", &held[0]).unwrap();
    assert_eq!(order(&cloud.receive("q.fifo")), ["a2", "a3"]);
}

#[test]
fn one_receive_takes_several_of_a_group_and_then_of_the_next() {
    let mut cloud = fifo(&json!({}));
    for (group, body) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2")] {
        cloud.send_in("q.fifo", group, body);
    }
    let three = cloud.receive_with(json!({ "QueueUrl": "q.fifo", "MaxNumberOfMessages": 3 }));
    assert_eq!(order(&three), ["a1", "a2", "b1"]);
    assert!(cloud.receive("q.fifo").is_empty());
}

/// As recorded from AWS: what lies before the first message that is not visible can be received.
#[test]
fn messages_before_the_first_one_in_flight_come_again() {
    for (kept, expected) in [(0, vec![]), (1, vec!["1"]), (2, vec!["1", "2"])] {
        let mut cloud = fifo(&json!({}));
        for body in ["1", "2", "3"] {
            cloud.send_in("q.fifo", "g", body);
        }
        let held = cloud.receive("q.fifo");
        assert_eq!(order(&held), ["1", "2", "3"]);
        for (place, message) in held.iter().enumerate().filter(|(place, _)| *place != kept) {
            cloud.change("q.fifo", message, 0).unwrap_or_else(|why| panic!("{place}: {why}"));
        }
        assert_eq!(order(&cloud.receive("q.fifo")), expected);
    }
}

#[test]
fn the_same_id_within_five_minutes_is_accepted_once() {
    let mut cloud = fifo(&json!({}));
    let send = |body: &str, group: &str| json!({ "QueueUrl": "q.fifo", "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": "d" });
    let first = cloud.ask("SendMessage", send("one", "a"));
    cloud.pass(299_999);
    let second = cloud.ask("SendMessage", send("another", "b"));
    assert_eq!(second["MessageId"], first["MessageId"]);
    assert_eq!(second["SequenceNumber"], first["SequenceNumber"]);
    assert_eq!(cloud.counts("q.fifo"), ["1", "0", "0"]);
    cloud.pass(1);
    let third = cloud.ask("SendMessage", send("one", "a"));
    assert_ne!(third["MessageId"], first["MessageId"]);
    assert!(third["SequenceNumber"].as_str() > first["SequenceNumber"].as_str());
    assert_eq!(first["SequenceNumber"].as_str().unwrap().len(), 20);
}

#[test]
fn a_duplicate_of_a_deleted_message_is_still_a_duplicate() {
    let mut cloud = fifo(&json!({}));
    cloud.send_in("q.fifo", "g", "x");
    let held = cloud.receive("q.fifo").remove(0);
    cloud.delete("q.fifo", &held).unwrap();
    cloud.send_in("q.fifo", "g", "x");
    assert!(cloud.receive("q.fifo").is_empty());
}

#[test]
fn content_deduplicates_where_the_queue_says_so() {
    let mut cloud = fifo(&json!({ "ContentBasedDeduplication": "true" }));
    let send = |body: &str| json!({ "QueueUrl": "q.fifo", "MessageBody": body, "MessageGroupId": "g" });
    cloud.ask("SendMessage", send("same"));
    cloud.ask("SendMessage", send("same"));
    cloud.ask("SendMessage", send("other"));
    let received = cloud.receive("q.fifo");
    assert_eq!(order(&received), ["same", "other"]);
    let id = received[0]["Attributes"]["MessageDeduplicationId"].as_str().unwrap();
    assert_eq!(id, "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5", "SHA-256 of the body");
}

#[test]
fn ids_count_in_their_group_where_that_is_the_scope() {
    let scope = json!({ "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId" });
    let mut cloud = fifo(&scope);
    for group in ["a", "b", "a"] {
        let send = json!({ "QueueUrl": "q.fifo", "MessageBody": group, "MessageGroupId": group, "MessageDeduplicationId": "d" });
        cloud.ask("SendMessage", send);
    }
    assert_eq!(order(&cloud.receive("q.fifo")), ["a", "b"]);
}

#[test]
fn a_receipt_whose_visibility_ended_deletes_nothing() {
    let mut cloud = fifo(&json!({}));
    cloud.send_in("q.fifo", "g", "x");
    let held = cloud.receive("q.fifo").remove(0);
    cloud.pass(10_000);
    let refused = cloud.delete("q.fifo", &held).unwrap_err();
    assert_eq!(refused.query_code, Some("InvalidParameterValue;Sender"));
    assert!(refused.message.contains("expired"), "{refused}");
    let again = cloud.receive("q.fifo").remove(0);
    assert!(cloud.delete("q.fifo", &held).is_err());
    cloud.change("q.fifo", &again, 100).unwrap();
    cloud.pass(50_000);
    cloud.delete("q.fifo", &again).unwrap();
    cloud.delete("q.fifo", &again).unwrap();
}

#[test]
fn what_a_fifo_queue_needs_and_does_not_take_is_said() {
    let mut cloud = fifo(&json!({}));
    let send = |more: &Value| {
        let mut body = json!({ "QueueUrl": "q.fifo", "MessageBody": "x" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let (code, sentence) = cloud.refusal("SendMessage", send(&json!({})));
    assert_eq!(code, "MissingRequiredParameterException");
    assert_eq!(sentence, "The request must contain the parameter MessageGroupId.");
    let (code, sentence) = cloud.refusal("SendMessage", send(&json!({ "MessageGroupId": "g" })));
    assert_eq!(code, "InvalidParameterValueException");
    assert!(sentence.contains("ContentBasedDeduplication"), "{sentence}");
    let delayed = json!({ "MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 2 });
    assert!(cloud.refusal("SendMessage", send(&delayed)).1.starts_with("Value 2 for parameter DelaySeconds"));
    let entries = json!([{ "Id": "1", "MessageBody": "x" }]);
    let (code, _) = cloud.refusal("SendMessageBatch", json!({ "QueueUrl": "q.fifo", "Entries": entries }));
    assert_eq!(code, "InvalidParameterValueException");
}

#[test]
fn a_fifo_queues_delay_keeps_the_order() {
    let mut cloud = fifo(&json!({ "DelaySeconds": "2" }));
    cloud.send_in("q.fifo", "g", "1");
    cloud.pass(1000);
    cloud.send_in("q.fifo", "g", "2");
    cloud.pass(1000);
    assert_eq!(order(&cloud.receive("q.fifo")), ["1"]);
    cloud.pass(1000);
    assert!(cloud.receive("q.fifo").is_empty(), "its group is locked");
}

#[test]
fn a_repeated_attempt_gets_the_same_messages_and_receipts() {
    let mut cloud = fifo(&json!({}));
    cloud.send_in("q.fifo", "g", "1");
    let attempt = json!({ "QueueUrl": "q.fifo", "ReceiveRequestAttemptId": "try", "AttributeNames": ["All"] });
    let first = cloud.receive_with(attempt.clone());
    cloud.pass(9_000);
    let again = cloud.receive_with(attempt.clone());
    assert_eq!(first, again);
    cloud.pass(9_999);
    assert!(cloud.receive("q.fifo").is_empty(), "the visibility began anew");
    cloud.delete("q.fifo", &again[0]).unwrap();
    assert!(cloud.receive_with(attempt).is_empty());
}

#[test]
fn a_fifo_dead_letter_unlocks_its_group() {
    let mut cloud = Cloud::new();
    cloud.queue("dead.fifo", json!({ "FifoQueue": "true" }));
    let policy = cloud.redrive_to("dead.fifo", 1);
    cloud.queue("q.fifo", json!({ "FifoQueue": "true", "VisibilityTimeout": "1", "RedrivePolicy": policy }));
    cloud.send_in("q.fifo", "g", "poison");
    cloud.receive("q.fifo");
    cloud.send_in("q.fifo", "g", "good");
    cloud.pass(1000);
    assert_eq!(order(&cloud.receive("q.fifo")), ["good"]);
    let dead = cloud.receive("dead.fifo");
    assert_eq!(order(&dead), ["poison"]);
    assert_eq!(dead[0]["Attributes"]["MessageGroupId"], "g");
}

#[test]
fn a_long_poll_on_a_fifo_queue_wakes_when_its_group_is_free() {
    let mut cloud = fifo(&json!({}));
    cloud.send_in("q.fifo", "g", "1");
    let held = cloud.receive("q.fifo").remove(0);
    cloud.send_in("q.fifo", "g", "2");
    let mut poll = cloud.poll("q.fifo", 20);
    assert!(poll.answer().is_none());
    cloud.delete("q.fifo", &held).unwrap();
    assert_eq!(poll.bodies().unwrap(), ["2"]);
}

#[test]
fn at_the_cap_a_fifo_queue_is_empty_and_not_refused() {
    let mut cloud = fifo(&json!({}));
    cloud.queues.limits.in_flight = 1;
    cloud.send_in("q.fifo", "a", "1");
    cloud.send_in("q.fifo", "b", "2");
    assert_eq!(cloud.receive("q.fifo").len(), 1);
    assert!(cloud.receive("q.fifo").is_empty());
}
