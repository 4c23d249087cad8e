//! Owns the tests of redrive: when a message is given up, where it goes, and what it keeps.
//! Never move tasks, which bring them back.
//! Next: `moves`.

use serde_json::json;

use super::Cloud;

fn with_dead_letters(most: u32) -> Cloud {
    let mut cloud = Cloud::new();
    cloud.queue("dead", json!({}));
    let policy = cloud.redrive_to("dead", most);
    cloud.queue("work", json!({ "VisibilityTimeout": "1", "RedrivePolicy": policy }));
    cloud
}

#[test]
fn a_message_that_was_received_too_often_goes_to_the_dead_letter_queue() {
    let mut cloud = with_dead_letters(2);
    let sent = cloud.send("work", "poison");
    for _ in 0..2 {
        assert_eq!(cloud.receive("work").len(), 1);
        cloud.pass(1000);
    }
    assert!(cloud.receive("dead").is_empty(), "it moves when someone would receive it");
    assert!(cloud.receive("work").is_empty());
    assert_eq!(cloud.counts("work"), ["0", "0", "0"]);
    let dead = cloud.receive("dead").remove(0);
    assert_eq!(dead["MessageId"], sent["MessageId"]);
    assert_eq!(dead["Attributes"]["SentTimestamp"], "1800000000000");
    assert_eq!(dead["Attributes"]["DeadLetterQueueSourceArn"], cloud.arn("work"));
    assert_eq!(dead["Attributes"]["ApproximateReceiveCount"], "3");
    assert_eq!(dead["Attributes"]["ApproximateFirstReceiveTimestamp"], "1800000000000");
    cloud.delete("dead", &dead).unwrap();
    assert_eq!(cloud.counts("dead"), ["0", "0", "0"]);
}

#[test]
fn a_good_message_behind_a_dead_one_is_received_at_once() {
    let mut cloud = with_dead_letters(1);
    cloud.send("work", "poison");
    cloud.receive("work");
    cloud.pass(1000);
    cloud.send("work", "good");
    assert_eq!(cloud.bodies("work"), ["good"]);
    assert_eq!(cloud.bodies("dead"), ["poison"]);
}

#[test]
fn a_long_poll_on_the_dead_letter_queue_wakes_for_a_dead_letter() {
    let mut cloud = with_dead_letters(1);
    cloud.send("work", "poison");
    cloud.receive("work");
    let mut on_work = cloud.poll("work", 20);
    let mut on_dead = cloud.poll("dead", 20);
    cloud.pass(1000);
    assert_eq!(on_dead.bodies().unwrap(), ["poison"]);
    assert!(on_work.answer().is_none(), "the source's poll goes on");
    cloud.send("work", "good");
    assert_eq!(on_work.bodies().unwrap(), ["good"]);
}

#[test]
fn a_dead_letters_retention_counts_from_when_it_was_sent() {
    let mut cloud = with_dead_letters(1);
    cloud.ask("SetQueueAttributes", json!({ "QueueUrl": "dead", "Attributes": { "MessageRetentionPeriod": "60" } }));
    cloud.send("work", "poison");
    cloud.receive("work");
    cloud.pass(50_000);
    cloud.receive("work");
    assert_eq!(cloud.counts("dead"), ["1", "0", "0"]);
    cloud.pass(10_000);
    assert_eq!(cloud.counts("dead"), ["0", "0", "0"]);
}

#[test]
fn without_the_dead_letter_queue_a_message_goes_on_being_received() {
    let mut cloud = with_dead_letters(1);
    cloud.ask("DeleteQueue", json!({ "QueueUrl": "dead" }));
    cloud.send("work", "poison");
    for _ in 0..3 {
        assert_eq!(cloud.receive("work").len(), 1);
        cloud.pass(1000);
    }
}

#[test]
fn a_queue_that_allows_no_source_or_not_this_one_cannot_be_a_target() {
    let mut cloud = Cloud::new();
    cloud.queue("closed", json!({ "RedriveAllowPolicy": r#"{"redrivePermission":"denyAll"}"# }));
    let only = json!({ "redrivePermission": "byQueue", "sourceQueueArns": [cloud.arn("friend")] }).to_string();
    cloud.queue("picky", json!({ "RedriveAllowPolicy": only }));
    for target in ["closed", "picky"] {
        let policy = cloud.redrive_to(target, 3);
        let create = json!({ "QueueName": "stranger", "Attributes": { "RedrivePolicy": policy } });
        let (code, sentence) = cloud.refusal("CreateQueue", create);
        assert_eq!(code, "InvalidParameterValueException");
        assert!(sentence.contains("RedriveAllowPolicy"), "{sentence}");
    }
    let policy = cloud.redrive_to("picky", 3);
    cloud.queue("friend", json!({ "RedrivePolicy": policy }));
    let policy = cloud.redrive_to("closed", 3);
    let set = json!({ "QueueUrl": "friend", "Attributes": { "RedrivePolicy": policy } });
    assert_eq!(cloud.refusal("SetQueueAttributes", set).0, "InvalidParameterValueException");
}

#[test]
fn a_redrive_policy_must_be_whole_and_name_a_queue_of_the_same_kind() {
    let mut cloud = Cloud::new();
    cloud.queue("dead", json!({}));
    cloud.queue("dead.fifo", json!({ "FifoQueue": "true" }));
    let arn = cloud.arn("dead");
    for policy in [
        "nothing".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        json!({ "deadLetterTargetArn": arn }).to_string(),
        json!({ "maxReceiveCount": 3 }).to_string(),
        json!({ "deadLetterTargetArn": "dummy", "maxReceiveCount": 3 }).to_string(),
        json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 0 }).to_string(),
        json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 1001 }).to_string(),
        json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 3, "more": 1 }).to_string(),
        cloud.redrive_to("absent", 3),
        cloud.redrive_to("dead.fifo", 3),
    ] {
        let create = json!({ "QueueName": "work", "Attributes": { "RedrivePolicy": policy } });
        let (code, sentence) = cloud.refusal("CreateQueue", create);
        assert_eq!(code, "InvalidParameterValueException", "{policy}");
        assert!(sentence.contains("RedrivePolicy"), "{sentence}");
    }
    let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": "5" }).to_string();
    cloud.queue("work", json!({ "RedrivePolicy": policy }));
    let sources = cloud.ask("ListDeadLetterSourceQueues", json!({ "QueueUrl": "dead" }));
    assert_eq!(sources, json!({ "queueUrls": ["http://127.0.0.1:4566/000000000000/work"] }));
    cloud.ask("SetQueueAttributes", json!({ "QueueUrl": "work", "Attributes": { "RedrivePolicy": "" } }));
    assert_eq!(cloud.attribute("work", "RedrivePolicy"), None);
    assert_eq!(cloud.ask("ListDeadLetterSourceQueues", json!({ "QueueUrl": "dead" })), json!({ "queueUrls": [] }));
}
