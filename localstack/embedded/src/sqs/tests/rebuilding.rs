//! Owns one test: whatever is asked in whatever order, memory holds what the rows would make anew.
//! Never what an operation should do: only that nothing of it is forgotten.
//! Next: `load`, which makes the state of rows.

use serde_json::{Value, json};

use super::*;
use crate::sqs::message::Standing;
use crate::sqs::queue::Queue;

const NAMES: [&str; 4] = ["work", "dead", "work.fifo", "dead.fifo"];

/// What a queue is, in words that do not depend on how it came to be.
fn shown(queue: &Queue) -> Vec<String> {
    let mut shown: Vec<String> = queue
        .messages
        .iter()
        .map(|(number, message)| {
            let later = message.standing == Standing::Later;
            format!("{number:05} later={later} {:?} {:?}", message.flight, message.said)
        })
        .collect();
    shown.sort();
    shown.push(format!("{:?}", queue.identity));
    shown.push(format!("{} {} {}", queue.in_flight, queue.delayed(), queue.visible()));
    shown.push(format!("{:?} {:?}", queue.moves, queue.wakes_at()));
    shown
}

fn check(cloud: &mut Cloud, step: usize) {
    cloud.pass(0);
    let mut anew = Queues::default();
    cloud.store.as_ref().unwrap().0.read(|row| anew.load(&row)).unwrap();
    assert_eq!(anew.names, cloud.queues.names, "step {step}");
    assert_eq!(anew.next_queue, cloud.queues.next_queue, "step {step}");
    let (now, mut journal) = (cloud.now, Journal::new(false));
    for (number, known) in &mut cloud.queues.queues {
        let again = anew.queues.get_mut(number).unwrap();
        let mut done = vec![];
        let mut at = Moment::new(now, &cloud.place, &mut journal, &mut cloud.chance, &mut done);
        // A poll is no row, and a queue that waits for nobody need not look at its messages.
        known.advance(&mut at);
        again.advance(&mut at);
        assert_eq!(shown(again), shown(known), "step {step}");
        let tokens = |queue: &Queue| format!("{:?}", queue.deduplication.tokens());
        assert_eq!(tokens(again), tokens(known), "step {step}");
    }
}

fn set_up(cloud: &mut Cloud) {
    cloud.queues.limits.purge_pause_ms = 0;
    for (source, dead, fifo) in [("work", "dead", false), ("work.fifo", "dead.fifo", true)] {
        let mut attributes = json!({ "MessageRetentionPeriod": "60" });
        if fifo {
            attributes["FifoQueue"] = json!("true");
        }
        cloud.queue(dead, &attributes);
        attributes["RedrivePolicy"] = cloud.redrive_to(dead, 2).into();
        cloud.queue(source, &attributes);
    }
}

fn one(cloud: &mut Cloud, chance: &mut fastrand::Rng, held: &mut Vec<Value>) {
    let name = NAMES[chance.usize(..NAMES.len())];
    let queue = |rest: Value| {
        let mut body = json!({ "QueueUrl": name });
        body.as_object_mut().unwrap().extend(rest.as_object().cloned().unwrap());
        body
    };
    let some = held.get(chance.usize(..held.len().max(1))).cloned().unwrap_or_default();
    let arn = cloud.arn(if name.ends_with(".fifo") { "dead.fifo" } else { "dead" });
    // Much of it is refused: that must leave no trace either.
    let said = match chance.u32(..100) {
        0..35 if name.ends_with(".fifo") => {
            let (group, id) = (chance.u32(..3).to_string(), chance.u32(..200).to_string());
            let message = json!({ "MessageBody": "x", "MessageGroupId": group, "MessageDeduplicationId": id });
            cloud.try_ask("SendMessage", queue(message))
        }
        0..35 => cloud.try_ask("SendMessage", queue(json!({ "MessageBody": "x", "DelaySeconds": chance.u32(..3) }))),
        35..60 => {
            let asked = json!({ "MaxNumberOfMessages": 3, "VisibilityTimeout": chance.u32(..4) });
            let said = cloud.try_ask("ReceiveMessage", queue(asked));
            let messages = said.iter().flat_map(|said| said["Messages"].as_array().cloned()).flatten();
            held.extend(messages.map(|message| message["ReceiptHandle"].clone()));
            said
        }
        60..72 => cloud.try_ask("DeleteMessage", queue(json!({ "ReceiptHandle": some }))),
        72..82 => {
            let change = json!({ "ReceiptHandle": some, "VisibilityTimeout": chance.u32(..5) });
            cloud.try_ask("ChangeMessageVisibility", queue(change))
        }
        82..86 => {
            let rate = chance.bool().then(|| chance.u32(1..5));
            cloud.try_ask("StartMessageMoveTask", json!({ "SourceArn": arn, "MaxNumberOfMessagesPerSecond": rate }))
        }
        86 => cloud.try_ask("PurgeQueue", queue(json!({}))),
        87 => cloud.try_ask("DeleteQueue", queue(json!({}))).inspect(|_| set_up(cloud)),
        88 => cloud.try_ask("TagQueue", queue(json!({ "Tags": { "a": chance.u32(..9).to_string() } }))),
        89 => {
            cloud.pass(20_000);
            Ok(Value::Null)
        }
        _ => {
            cloud.pass(chance.i64(1..1500));
            Ok(Value::Null)
        }
    };
    drop(said);
}

#[test]
fn memory_holds_what_the_rows_would_make_anew() {
    for seed in 0..12 {
        let mut cloud = Cloud::durable();
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut held = vec![];
        set_up(&mut cloud);
        for step in 0..400 {
            one(&mut cloud, &mut chance, &mut held);
            if step % 20 == 0 {
                check(&mut cloud, step);
            }
        }
    }
}
