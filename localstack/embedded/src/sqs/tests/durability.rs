//! Owns the tests of a restart: everything is read from its rows, and nobody can tell.
//! Never a process: `Cloud::restart` drops all memory and loads the store.
//! Next: the server's own tests kill it for real.

use serde_json::json;

use super::Cloud;

#[test]
fn messages_and_their_order_survive() {
    let mut cloud = Cloud::durable();
    cloud.queue("work", json!({ "DelaySeconds": "0" }));
    for body in ["a", "b", "c"] {
        cloud.pass(1);
        cloud.send("work", body);
    }
    cloud.ask(
        "SendMessage",
        json!({ "QueueUrl": "work", "MessageBody": "d", "MessageGroupId": "tenant", "MessageAttributes": {
            "text": { "DataType": "String", "StringValue": "x" },
            "bytes": { "DataType": "Binary.gif", "BinaryValue": "AAEC" },
        }, "MessageSystemAttributes": { "AWSTraceHeader": { "DataType": "String", "StringValue": "Root=1" } } }),
    );
    let mut cloud = cloud.restart();
    let received = cloud.receive_with(
        json!({ "QueueUrl": "work", "MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"] }),
    );
    let bodies: Vec<_> = received.iter().map(|message| message["Body"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["a", "b", "c", "d"]);
    assert_eq!(received[3]["MessageAttributes"]["bytes"], json!({ "BinaryValue": "AAEC", "DataType": "Binary.gif" }));
    assert_eq!(received[3]["Attributes"]["AWSTraceHeader"], "Root=1");
    assert_eq!(received[3]["Attributes"]["MessageGroupId"], "tenant");
}

#[test]
fn receipts_visibility_and_counts_survive() {
    let mut cloud = Cloud::durable();
    cloud.queue("work", json!({ "VisibilityTimeout": "10" }));
    cloud.send("work", "held");
    cloud.send("work", "extended");
    cloud.send("work", "deleted");
    let held = cloud.receive("work");
    cloud.change("work", &held[1], 100).unwrap();
    cloud.delete("work", &held[2]).unwrap();
    let mut cloud = cloud.restart();
    assert_eq!(cloud.counts("work"), ["0", "2", "0"]);
    cloud.pass(9_999);
    assert!(cloud.receive("work").is_empty());
    cloud.pass(1);
    let again = cloud.receive("work");
    assert_eq!(again.len(), 1);
    assert_eq!(again[0]["Attributes"]["ApproximateReceiveCount"], "2");
    cloud.delete("work", &held[0]).unwrap();
    assert_eq!(cloud.counts("work"), ["0", "2", "0"], "the old receipt is still old");
    cloud.delete("work", &held[1]).unwrap();
    let mut cloud = cloud.restart();
    cloud.delete("work", &again[0]).unwrap();
    let mut cloud = cloud.restart();
    assert_eq!(cloud.counts("work"), ["0", "0", "0"]);
}

#[test]
fn a_receipt_from_before_never_means_a_message_from_after() {
    let mut cloud = Cloud::durable();
    cloud.queue("work", json!({}));
    cloud.send("work", "old");
    let old = cloud.receive("work").remove(0);
    cloud.delete("work", &old).unwrap();
    let mut cloud = cloud.restart();
    cloud.send("work", "new");
    cloud.receive("work");
    cloud.delete("work", &old).unwrap();
    assert_eq!(cloud.counts("work"), ["0", "1", "0"]);
    cloud.ask("DeleteQueue", json!({ "QueueUrl": "work" }));
    let mut cloud = cloud.restart();
    cloud.queue("work", json!({}));
    assert!(cloud.delete("work", &old).is_err());
}

#[test]
fn delays_survive() {
    let mut cloud = Cloud::durable();
    cloud.queue("work", json!({}));
    cloud.ask("SendMessage", json!({ "QueueUrl": "work", "MessageBody": "later", "DelaySeconds": 5 }));
    let mut cloud = cloud.restart();
    cloud.pass(0);
    assert_eq!(cloud.counts("work"), ["0", "0", "1"]);
    let mut poll = cloud.poll("work", 20);
    cloud.pass(5000);
    assert_eq!(poll.bodies().unwrap(), ["later"]);
}

#[test]
fn deduplication_group_locks_and_sequence_survive() {
    let mut cloud = Cloud::durable();
    cloud.queue("q.fifo", json!({ "FifoQueue": "true" }));
    let first = cloud.send_in("q.fifo", "g", "1");
    cloud.send_in("q.fifo", "g", "2");
    let held = cloud.receive_with(json!({ "QueueUrl": "q.fifo" }));
    let mut cloud = cloud.restart();
    assert_eq!(cloud.send_in("q.fifo", "g", "1"), first);
    let third = cloud.send_in("q.fifo", "g", "3");
    assert!(third["SequenceNumber"].as_str() > first["SequenceNumber"].as_str());
    assert!(cloud.receive("q.fifo").is_empty(), "the group is still locked");
    cloud.delete("q.fifo", &held[0]).unwrap();
    assert_eq!(cloud.bodies("q.fifo"), ["2", "3"]);
    cloud.pass(300_000);
    assert_ne!(cloud.send_in("q.fifo", "g", "1")["MessageId"], first["MessageId"]);
}

#[test]
fn attributes_tags_and_dead_letters_survive() {
    let mut cloud = Cloud::durable();
    cloud.queue("dead", json!({}));
    let policy = cloud.redrive_to("dead", 1);
    cloud.queue("work", json!({ "VisibilityTimeout": "3", "RedrivePolicy": policy }));
    cloud.ask("TagQueue", json!({ "QueueUrl": "work", "Tags": { "k": "v" } }));
    cloud.send("work", "poison");
    cloud.receive("work");
    let mut cloud = cloud.restart();
    assert_eq!(cloud.ask("ListQueueTags", json!({ "QueueUrl": "work" })), json!({ "Tags": { "k": "v" } }));
    cloud.pass(3000);
    assert!(cloud.receive("work").is_empty());
    let mut cloud = cloud.restart();
    let dead = cloud.receive("dead").remove(0);
    assert_eq!(dead["Attributes"]["DeadLetterQueueSourceArn"], cloud.arn("work"));
    assert_eq!(dead["Attributes"]["ApproximateReceiveCount"], "2");
}

#[test]
fn a_move_task_goes_on() {
    let mut cloud = Cloud::durable();
    cloud.queue("dead", json!({}));
    let policy = cloud.redrive_to("dead", 1);
    cloud.queue("work", json!({ "RedrivePolicy": policy }));
    for n in 0..3 {
        cloud.send("dead", &n.to_string());
    }
    let (arn, destination) = (cloud.arn("dead"), cloud.arn("work"));
    let start = json!({ "SourceArn": arn, "DestinationArn": destination, "MaxNumberOfMessagesPerSecond": 1 });
    cloud.ask("StartMessageMoveTask", start);
    cloud.pass(0);
    let mut cloud = cloud.restart();
    assert!(cloud.queues.wakes_at().is_some_and(|at| at <= cloud.now.plus_ms(1000)));
    cloud.pass(10_000);
    assert_eq!(cloud.bodies("work"), ["0", "1", "2"]);
    let tasks = cloud.ask("ListMessageMoveTasks", json!({ "SourceArn": arn }));
    assert_eq!(tasks["Results"][0]["Status"], "COMPLETED");
}

#[test]
fn purged_and_deleted_queues_leave_no_rows() {
    let mut cloud = Cloud::durable();
    for name in ["purged", "deleted.fifo"] {
        let fifo = name.ends_with(".fifo");
        cloud.queue(name, if fifo { json!({ "FifoQueue": "true" }) } else { json!({}) });
        for n in 0..3 {
            match fifo {
                true => drop(cloud.send_in(name, "g", &n.to_string())),
                false => drop(cloud.send(name, &n.to_string())),
            }
        }
        cloud.receive_with(json!({ "QueueUrl": name }));
    }
    cloud.ask("PurgeQueue", json!({ "QueueUrl": "purged" }));
    cloud.ask("DeleteQueue", json!({ "QueueUrl": "deleted.fifo" }));
    let mut keys = vec![];
    let (store, _) = cloud.store.as_ref().unwrap();
    store
        .read(|row| {
            keys.push(row.key);
            Ok(())
        })
        .unwrap();
    assert_eq!(keys, ["!next", "0000000000"]);
}

#[test]
fn everything_that_ended_leaves_no_rows() {
    let mut cloud = Cloud::durable();
    cloud.queue("work", json!({ "MessageRetentionPeriod": "60" }));
    for body in ["deleted", "expired"] {
        cloud.send("work", body);
    }
    let held = cloud.receive("work");
    cloud.delete("work", &held[0]).unwrap();
    cloud.pass(60_000);
    let mut count = 0;
    let (store, _) = cloud.store.as_ref().unwrap();
    store
        .read(|_| {
            count += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(count, 2, "the queue and the next one's number");
}
