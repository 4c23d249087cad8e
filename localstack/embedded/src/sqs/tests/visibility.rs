//! Owns the tests of receipts and visibility: who holds a message, until when, and what an old receipt can still do.
//! Never FIFO queues: those have their own file.
//! Next: `durability` asks the same across a restart.

use serde_json::json;

use super::Cloud;

#[test]
fn a_message_is_sent_received_and_deleted() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    let sent = cloud.send("http://anything:1/000000000000/work", "hello");
    let received = cloud.receive("work");
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["Body"], "hello");
    assert_eq!(received[0]["MessageId"], sent["MessageId"]);
    assert_eq!(received[0]["MD5OfBody"], sent["MD5OfMessageBody"]);
    cloud.delete("work", &received[0]).unwrap();
    cloud.pass(60_000);
    assert!(cloud.receive("work").is_empty());
    assert_eq!(cloud.counts("work"), ["0", "0", "0"]);
}

#[test]
fn a_message_comes_again_when_its_visibility_ends_and_not_before() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({ "VisibilityTimeout": "5" }));
    cloud.send("work", "one");
    assert_eq!(cloud.receive("work").len(), 1);
    assert_eq!(cloud.counts("work"), ["0", "1", "0"]);
    cloud.pass(4_999);
    assert!(cloud.receive("work").is_empty());
    cloud.pass(1);
    let again = cloud.receive("work");
    assert_eq!(again[0]["Attributes"]["ApproximateReceiveCount"], "2");
    assert_eq!(again[0]["Attributes"]["ApproximateFirstReceiveTimestamp"], "1800000000000");
}

#[test]
fn the_visibility_of_the_call_goes_before_the_queues() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({ "VisibilityTimeout": "5" }));
    cloud.send("work", "one");
    let call = |s: u64| json!({ "QueueUrl": "work", "VisibilityTimeout": s });
    assert_eq!(cloud.receive_with(call(0)).len(), 1);
    assert_eq!(cloud.receive_with(call(100)).len(), 1, "with 0 it stays visible");
    cloud.pass(99_999);
    assert!(cloud.receive("work").is_empty());
    cloud.pass(1);
    assert_eq!(cloud.receive("work").len(), 1);
}

#[test]
fn visibility_zero_does_not_put_a_message_twice_into_one_answer() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    cloud.send("work", "one");
    cloud.send("work", "two");
    let call = json!({ "QueueUrl": "work", "VisibilityTimeout": 0, "MaxNumberOfMessages": 10 });
    assert_eq!(cloud.receive_with(call).len(), 2);
    assert_eq!(cloud.counts("work"), ["2", "0", "0"]);
}

#[test]
fn a_changed_visibility_counts_from_the_change() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({ "VisibilityTimeout": "10" }));
    cloud.send("work", "one");
    let held = cloud.receive("work").remove(0);
    cloud.pass(9_000);
    cloud.change("work", &held, 10).unwrap();
    cloud.pass(9_999);
    assert!(cloud.receive("work").is_empty());
    cloud.change("work", &held, 0).unwrap();
    assert_eq!(cloud.receive("work").len(), 1);
}

#[test]
fn an_old_receipt_deletes_nothing_and_says_yes() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({ "VisibilityTimeout": "1" }));
    cloud.send("work", "one");
    let old = cloud.receive("work").remove(0);
    cloud.pass(1000);
    let new = cloud.receive("work").remove(0);
    cloud.delete("work", &old).unwrap();
    assert_eq!(cloud.counts("work"), ["0", "1", "0"]);
    cloud.delete("work", &new).unwrap();
    cloud.delete("work", &new).unwrap();
    assert_eq!(cloud.counts("work"), ["0", "0", "0"]);
}

#[test]
fn the_latest_receipt_deletes_even_after_its_visibility() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({ "VisibilityTimeout": "1" }));
    cloud.send("work", "one");
    let held = cloud.receive("work").remove(0);
    cloud.pass(5000);
    cloud.delete("work", &held).unwrap();
    assert_eq!(cloud.counts("work"), ["0", "0", "0"]);
}

#[test]
fn an_old_receipt_changes_no_visibility() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({ "VisibilityTimeout": "10" }));
    cloud.send("work", "one");
    let old = cloud.receive("work").remove(0);
    cloud.change("work", &old, 0).unwrap();
    let gone = cloud.change("work", &old, 10).unwrap_err();
    assert_eq!(gone.query_code, Some("AWS.SimpleQueueService.MessageNotInflight;Sender"));
    let new = cloud.receive("work").remove(0);
    let refused = cloud.change("work", &old, 0).unwrap_err();
    assert_eq!(refused.query_code, Some("InvalidParameterValue;Sender"));
    assert!(cloud.receive("work").is_empty(), "the holder of the new receipt still has it");
    cloud.delete("work", &new).unwrap();
    let refused = cloud.change("work", &new, 5).unwrap_err();
    assert_eq!(refused.query_code, Some("InvalidParameterValue;Sender"));
}

#[test]
fn a_visibility_that_ended_cannot_be_extended() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({ "VisibilityTimeout": "1" }));
    cloud.send("work", "one");
    let held = cloud.receive("work").remove(0);
    cloud.pass(1000);
    let refused = cloud.change("work", &held, 30).unwrap_err();
    assert_eq!(refused.code, "com.amazonaws.sqs#MessageNotInflight");
    assert_eq!(cloud.receive("work").len(), 1);
}

#[test]
fn twelve_hours_are_the_most_from_the_receive_on() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    cloud.send("work", "one");
    let held = cloud.receive("work").remove(0);
    cloud.change("work", &held, 43_200).unwrap();
    cloud.pass(1000);
    let refused = cloud.change("work", &held, 43_200).unwrap_err();
    assert!(refused.message.contains("beyond the limit"), "{refused}");
    cloud.change("work", &held, 43_199).unwrap();
    cloud.pass(43_198_999);
    assert!(cloud.receive("work").is_empty());
    cloud.pass(1);
    assert_eq!(cloud.receive("work").len(), 1);
}

#[test]
fn a_receipt_of_another_queue_is_refused() {
    let mut cloud = Cloud::new();
    cloud.queue("one", json!({}));
    cloud.queue("other", json!({}));
    cloud.send("one", "x");
    let held = cloud.receive("one").remove(0);
    let refused = cloud.delete("other", &held).unwrap_err();
    assert_eq!(refused.query_code, Some("ReceiptHandleIsInvalid;Sender"));
    assert_eq!(cloud.counts("one"), ["0", "1", "0"]);
}

#[test]
fn a_queue_that_was_made_again_does_not_know_the_old_ones_receipts() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    cloud.send("work", "old");
    let old = cloud.receive("work").remove(0);
    cloud.ask("DeleteQueue", json!({ "QueueUrl": "work" }));
    cloud.queue("work", json!({}));
    cloud.send("work", "new");
    assert_eq!(cloud.receive("work").len(), 1);
    assert!(cloud.delete("work", &old).is_err());
    assert_eq!(cloud.counts("work"), ["0", "1", "0"]);
}

#[test]
fn a_batch_of_receipts_fails_one_by_one() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    for body in ["a", "b", "c"] {
        cloud.send("work", body);
    }
    let held = cloud.receive("work");
    let answer = cloud.ask(
        "ChangeMessageVisibilityBatch",
        json!({ "QueueUrl": "work", "Entries": [
            { "Id": "a", "ReceiptHandle": held[0]["ReceiptHandle"], "VisibilityTimeout": 0 },
            { "Id": "b", "ReceiptHandle": held[1]["ReceiptHandle"], "VisibilityTimeout": 43_201 },
            { "Id": "c", "ReceiptHandle": "garbage", "VisibilityTimeout": 0 },
        ] }),
    );
    assert_eq!(answer["Successful"], json!([{ "Id": "a" }]));
    assert_eq!(answer["Failed"][0]["Code"], "InvalidParameterValue");
    assert_eq!(answer["Failed"][1]["Code"], "ReceiptHandleIsInvalid");
    assert_eq!(answer["Failed"][1]["SenderFault"], true);
    assert_eq!(cloud.counts("work"), ["1", "2", "0"]);
    let answer = cloud.ask(
        "DeleteMessageBatch",
        json!({ "QueueUrl": "work", "Entries": [
            { "Id": "b", "ReceiptHandle": held[1]["ReceiptHandle"] },
            { "Id": "c", "ReceiptHandle": held[2]["ReceiptHandle"] },
        ] }),
    );
    assert_eq!(answer, json!({ "Successful": [{ "Id": "b" }, { "Id": "c" }] }));
    assert_eq!(cloud.counts("work"), ["1", "0", "0"]);
}

#[test]
fn retention_drops_what_is_too_old_whether_or_not_anyone_looks() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({ "MessageRetentionPeriod": "60" }));
    cloud.send("work", "waits");
    cloud.send("work", "is held");
    cloud.receive_with(json!({ "QueueUrl": "work", "VisibilityTimeout": 1000 }));
    assert_eq!(cloud.queues.wakes_at(), Some(cloud.now.plus_ms(60_000)));
    cloud.pass(59_999);
    assert_eq!(cloud.counts("work"), ["1", "1", "0"]);
    cloud.pass(1);
    assert_eq!(cloud.queues.wakes_at(), None);
    assert_eq!(cloud.counts("work"), ["0", "0", "0"]);
}

#[test]
fn deliver_twice_leaves_a_message_visible() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    cloud.send("work", "one");
    cloud.quirks.deliver_twice = true;
    let first = cloud.receive("work").remove(0);
    cloud.quirks.deliver_twice = false;
    let second = cloud.receive("work").remove(0);
    assert_eq!(first["MessageId"], second["MessageId"]);
    assert_ne!(first["ReceiptHandle"], second["ReceiptHandle"]);
    assert!(cloud.receive("work").is_empty());
    cloud.delete("work", &second).unwrap();
    assert_eq!(cloud.counts("work"), ["0", "0", "0"]);
}

#[test]
fn out_of_order_takes_from_anywhere_and_still_takes_everything() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    let sent: Vec<String> = (0..50).map(|n| format!("{n:02}")).collect();
    for body in &sent {
        cloud.send("work", body);
    }
    cloud.quirks.out_of_order = true;
    let mut received: Vec<String> = (0..5).flat_map(|_| cloud.bodies("work")).collect();
    assert_ne!(received, sent);
    received.sort();
    assert_eq!(received, sent);
}
