//! Owns the tests of long polls: who is woken, when, in which order, and when one gives up.
//! Never waits for real.
//! Next: `scale` asks what they cost.

use serde_json::json;

use super::Cloud;

#[test]
fn a_long_poll_wakes_in_the_moment_in_which_a_message_arrives() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    let mut poll = cloud.poll("work", 20);
    assert!(poll.answer().is_none());
    cloud.pass(100);
    cloud.send("work", "here");
    assert_eq!(poll.bodies(), Some(vec!["here".to_owned()]));
    assert_eq!(cloud.counts("work"), ["0", "1", "0"]);
}

#[test]
fn a_long_poll_wakes_when_a_message_becomes_visible() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({ "VisibilityTimeout": "3" }));
    cloud.send("work", "again");
    cloud.receive("work");
    let mut poll = cloud.poll("work", 20);
    assert_eq!(cloud.queues.wakes_at(), Some(cloud.now.plus_ms(3000)));
    cloud.pass(2_999);
    assert!(poll.answer().is_none());
    cloud.pass(1);
    assert_eq!(poll.bodies(), Some(vec!["again".to_owned()]));
}

#[test]
fn a_long_poll_wakes_when_a_holder_gives_a_message_back() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    cloud.send("work", "again");
    let held = cloud.receive("work").remove(0);
    let mut poll = cloud.poll("work", 20);
    cloud.change("work", &held, 0).unwrap();
    assert_eq!(poll.bodies(), Some(vec!["again".to_owned()]));
}

#[test]
fn a_long_poll_answers_nothing_at_its_deadline() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({ "ReceiveMessageWaitTimeSeconds": "7" }));
    let mut by_default = cloud.begin("ReceiveMessage", &json!({ "QueueUrl": "work" })).unwrap();
    let mut longer = cloud.poll("work", 20);
    let mut short = cloud.begin("ReceiveMessage", &json!({ "QueueUrl": "work", "WaitTimeSeconds": 0 })).unwrap();
    assert_eq!(short.answer(), Some(json!({})));
    assert_eq!(cloud.queues.wakes_at(), Some(cloud.now.plus_ms(7000)));
    cloud.pass(6_999);
    assert!(by_default.answer().is_none());
    cloud.pass(1);
    assert_eq!(by_default.answer(), Some(json!({})));
    cloud.pass(12_999);
    assert!(longer.answer().is_none());
    cloud.pass(1);
    assert_eq!(longer.answer(), Some(json!({})));
    assert_eq!(cloud.queues.wakes_at(), None);
}

#[test]
fn polls_are_served_in_the_order_in_which_they_came() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    let mut first = cloud.poll("work", 20);
    let mut second = cloud.poll("work", 10);
    cloud.send("work", "one");
    assert_eq!(first.bodies(), Some(vec!["one".to_owned()]));
    assert!(second.answer().is_none());
    cloud.send("work", "two");
    assert_eq!(second.bodies(), Some(vec!["two".to_owned()]));
}

#[test]
fn a_poll_that_hung_up_gets_no_message() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    drop(cloud.poll("work", 20));
    let mut alive = cloud.poll("work", 20);
    cloud.send("work", "one");
    assert_eq!(alive.bodies(), Some(vec!["one".to_owned()]));
    drop(cloud.poll("work", 20));
    cloud.send("work", "two");
    assert_eq!(cloud.counts("work"), ["1", "1", "0"]);
}

#[test]
fn one_batch_wakes_a_poll_with_all_of_it() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    let mut poll = cloud.poll("work", 20);
    let entries: Vec<_> = (0..3).map(|n| json!({ "Id": n.to_string(), "MessageBody": n.to_string() })).collect();
    cloud.ask("SendMessageBatch", json!({ "QueueUrl": "work", "Entries": entries }));
    assert_eq!(poll.bodies().unwrap(), ["0", "1", "2"]);
}

#[test]
fn a_delayed_message_wakes_a_poll_when_its_delay_ends() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({ "DelaySeconds": "5" }));
    let mut poll = cloud.poll("work", 20);
    cloud.send("work", "by the queue");
    cloud.ask("SendMessage", json!({ "QueueUrl": "work", "MessageBody": "by itself", "DelaySeconds": 2 }));
    assert_eq!(cloud.counts("work"), ["0", "0", "2"]);
    cloud.pass(2000);
    assert_eq!(poll.bodies().unwrap(), ["by itself"]);
    cloud.pass(2999);
    assert!(cloud.receive("work").is_empty());
    cloud.pass(1);
    assert_eq!(cloud.bodies("work"), ["by the queue"]);
}

#[test]
fn deleting_a_queue_answers_its_long_polls() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    let mut poll = cloud.poll("work", 20);
    cloud.ask("DeleteQueue", json!({ "QueueUrl": "work" }));
    let refused = poll.0.try_recv().unwrap().unwrap_err();
    assert_eq!(refused.code, "com.amazonaws.sqs#QueueDoesNotExist");
    assert_eq!(cloud.queues.wakes_at(), None);
}

#[test]
fn at_the_cap_a_short_poll_is_refused_and_a_long_one_waits() {
    let mut cloud = Cloud::new();
    cloud.queues.limits.in_flight = 3;
    cloud.queue("work", json!({}));
    for n in 0..5 {
        cloud.send("work", &n.to_string());
    }
    let held = cloud.receive("work");
    assert_eq!(held.len(), 3, "no more than the cap");
    let (code, sentence) = cloud.refusal("ReceiveMessage", json!({ "QueueUrl": "work" }));
    assert_eq!(code, "OverLimit");
    assert!(sentence.contains("in flight"), "{sentence}");
    let mut patient = cloud.poll("work", 1);
    cloud.pass(1000);
    assert_eq!(patient.answer(), Some(json!({})), "no error at the end of a long poll");
    let mut woken = cloud.poll("work", 20);
    assert!(woken.answer().is_none());
    cloud.delete("work", &held[0]).unwrap();
    assert_eq!(woken.bodies().unwrap(), ["3"]);
}

#[test]
fn a_clock_that_goes_back_holds_up_no_long_poll() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    let mut poll = cloud.poll("work", 5);
    // As at the end of every round.
    cloud.pass(0);
    cloud.pass(-3_600_000);
    assert!(poll.answer().is_none());
    cloud.pass(20_000);
    assert_eq!(poll.answer(), Some(json!({})));
    assert_eq!(cloud.queues.wakes_at(), None);
}
