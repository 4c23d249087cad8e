//! Owns the tests of move tasks: what comes back, at what pace, and how a task ends.
//! Never how messages became dead letters.
//! Next: `durability` restarts in the middle of one.

use serde_json::{Value, json};

use super::Cloud;

/// A queue with so many dead letters.
fn with_dead(count: usize) -> Cloud {
    let mut cloud = Cloud::new();
    cloud.queue("dead", json!({}));
    let policy = cloud.redrive_to("dead", 1);
    cloud.queue("work", json!({ "VisibilityTimeout": "1", "RedrivePolicy": policy }));
    for n in 0..count {
        cloud.send("work", &n.to_string());
    }
    while !cloud.receive("work").is_empty() {}
    cloud.pass(1000);
    assert!(cloud.receive("work").is_empty());
    assert_eq!(cloud.counts("dead")[0], count.to_string());
    cloud
}

fn latest(cloud: &mut Cloud) -> Value {
    let arn = cloud.arn("dead");
    cloud.ask("ListMessageMoveTasks", json!({ "SourceArn": arn }))["Results"][0].clone()
}

#[test]
fn dead_letters_go_back_to_where_they_came_from_as_new_messages() {
    let mut cloud = with_dead(12);
    let arn = cloud.arn("dead");
    let started = cloud.ask("StartMessageMoveTask", json!({ "SourceArn": arn }));
    assert!(started["TaskHandle"].is_string());
    let mut poll = cloud.poll("work", 20);
    assert_eq!(cloud.queues.wakes_at(), Some(cloud.now));
    cloud.pass(0);
    assert_eq!(poll.bodies().unwrap().len(), 10);
    let task = latest(&mut cloud);
    assert_eq!(task["Status"], "COMPLETED");
    assert_eq!(task["ApproximateNumberOfMessagesMoved"], 12);
    assert_eq!(task["ApproximateNumberOfMessagesToMove"], 12);
    assert_eq!(task["StartedTimestamp"], cloud.now.0);
    assert!(task.get("TaskHandle").is_none() && task.get("DestinationArn").is_none());
    assert_eq!(cloud.counts("dead"), ["0", "0", "0"]);
    let back = cloud.receive("work").remove(0);
    assert_eq!(back["Attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(back["Attributes"]["SentTimestamp"], cloud.now.0.to_string());
    assert!(back["Attributes"].get("DeadLetterQueueSourceArn").is_none());
}

#[test]
fn a_message_that_was_sent_to_the_dead_letter_queue_needs_a_destination() {
    let mut cloud = with_dead(0);
    cloud.send("dead", "by hand");
    let arn = cloud.arn("dead");
    cloud.ask("StartMessageMoveTask", json!({ "SourceArn": arn }));
    cloud.pass(0);
    let task = latest(&mut cloud);
    assert_eq!(task["Status"], "FAILED");
    assert_eq!(task["FailureReason"], "CouldNotDetermineMessageSource");
    assert_eq!(cloud.counts("dead"), ["1", "0", "0"], "nothing is lost");
    let destination = cloud.arn("work");
    cloud.ask("StartMessageMoveTask", json!({ "SourceArn": arn, "DestinationArn": destination }));
    cloud.pass(0);
    assert_eq!(latest(&mut cloud)["Status"], "COMPLETED");
    assert_eq!(cloud.bodies("work"), ["by hand"]);
}

#[test]
fn a_pace_is_kept() {
    let mut cloud = with_dead(5);
    let arn = cloud.arn("dead");
    cloud.ask("StartMessageMoveTask", json!({ "SourceArn": arn, "MaxNumberOfMessagesPerSecond": 2 }));
    cloud.pass(0);
    let mut moved = vec![];
    for _ in 0..6 {
        moved.push(latest(&mut cloud)["ApproximateNumberOfMessagesMoved"].as_u64().unwrap());
        cloud.pass(500);
    }
    assert_eq!(moved, [1, 2, 3, 4, 5, 5]);
    assert_eq!(latest(&mut cloud)["Status"], "COMPLETED");
    assert_eq!(cloud.queues.wakes_at().map(|at| at > cloud.now.plus_ms(1000)), Some(true), "only retention is left");
}

#[test]
fn a_running_task_is_the_only_one_and_can_be_cancelled() {
    let mut cloud = with_dead(5);
    let arn = cloud.arn("dead");
    let start = json!({ "SourceArn": arn, "MaxNumberOfMessagesPerSecond": 1 });
    let handle = cloud.ask("StartMessageMoveTask", start.clone())["TaskHandle"].clone();
    cloud.pass(0);
    assert_eq!(latest(&mut cloud)["TaskHandle"], handle);
    assert!(cloud.refusal("StartMessageMoveTask", start).1.contains("already a task running"));
    let cancelled = cloud.ask("CancelMessageMoveTask", json!({ "TaskHandle": handle }));
    assert_eq!(cancelled, json!({ "ApproximateNumberOfMessagesMoved": 1 }));
    cloud.pass(10_000);
    assert_eq!(latest(&mut cloud)["Status"], "CANCELLED");
    assert_eq!(cloud.counts("dead")[0], "4");
    assert!(cloud.try_ask("CancelMessageMoveTask", json!({ "TaskHandle": handle })).is_err());
}

#[test]
fn a_destination_that_is_deleted_ends_the_task() {
    let mut cloud = with_dead(5);
    cloud.queue("other", json!({}));
    let (arn, destination) = (cloud.arn("dead"), cloud.arn("other"));
    let start = json!({ "SourceArn": arn, "DestinationArn": destination, "MaxNumberOfMessagesPerSecond": 1 });
    cloud.ask("StartMessageMoveTask", start);
    cloud.pass(0);
    cloud.ask("DeleteQueue", json!({ "QueueUrl": "other" }));
    cloud.pass(1000);
    let task = latest(&mut cloud);
    assert_eq!(task["FailureReason"], "AWS.SimpleQueueService.NonExistentQueue");
    assert_eq!(cloud.counts("dead")[0], "4");
}

#[test]
fn what_cannot_be_moved_is_refused() {
    let mut cloud = with_dead(1);
    let (dead, work, absent) = (cloud.arn("dead"), cloud.arn("work"), cloud.arn("absent"));
    cloud.queue("f.fifo", json!({ "FifoQueue": "true" }));
    let fifo = cloud.arn("f.fifo");
    let (_, sentence) = cloud.refusal("StartMessageMoveTask", json!({ "SourceArn": work }));
    assert_eq!(sentence, "Source queue must be configured as a Dead Letter Queue.");
    let (code, _) = cloud.refusal("StartMessageMoveTask", json!({ "SourceArn": absent }));
    assert_eq!(code, "ResourceNotFoundException");
    let (code, _) = cloud.refusal("StartMessageMoveTask", json!({ "SourceArn": dead, "DestinationArn": absent }));
    assert_eq!(code, "ResourceNotFoundException");
    for body in [
        json!({ "SourceArn": dead, "DestinationArn": dead }),
        json!({ "SourceArn": dead, "DestinationArn": fifo }),
        json!({ "SourceArn": dead, "MaxNumberOfMessagesPerSecond": 0 }),
        json!({ "SourceArn": dead, "MaxNumberOfMessagesPerSecond": 501 }),
    ] {
        assert_eq!(cloud.refusal("StartMessageMoveTask", body).0, "InvalidParameterValueException");
    }
    assert_eq!(cloud.refusal("StartMessageMoveTask", json!({})).0, "MissingRequiredParameterException");
    let (_, sentence) = cloud.refusal("CancelMessageMoveTask", json!({ "TaskHandle": "foobared" }));
    assert_eq!(sentence, "Value for parameter TaskHandle is invalid.");
    let handle = crate::sqs::tokens::task(&dead, "no-such-task");
    let (code, sentence) = cloud.refusal("CancelMessageMoveTask", json!({ "TaskHandle": handle }));
    assert_eq!((code.as_str(), sentence.as_str()), ("ResourceNotFoundException", "Task does not exist."));
}

#[test]
fn a_long_task_leaves_time_for_others() {
    let mut cloud = with_dead(1200);
    let (arn, destination) = (cloud.arn("dead"), cloud.arn("work"));
    cloud.ask("StartMessageMoveTask", json!({ "SourceArn": arn, "DestinationArn": destination }));
    cloud.pass(0);
    assert_eq!(latest(&mut cloud)["ApproximateNumberOfMessagesMoved"], 500);
    assert_eq!(cloud.queues.wakes_at(), Some(cloud.now.plus_ms(1)));
    cloud.pass(1);
    cloud.pass(1);
    assert_eq!(latest(&mut cloud)["Status"], "COMPLETED");
}
