//! Owns the tests of SQS over `Queues` itself: requests in their JSON, time by hand, a store where one is needed.
//! Never a socket or a sleep.
//! Next: one file for each family of rules.

mod dead_letters;
mod durability;
mod fifo;
mod management;
mod moves;
mod polling;
mod rebuilding;
mod refusals;
mod scale;
mod sending;
mod visibility;

use std::borrow::Borrow;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Queues, Request};
use crate::engine::{Answer, Moment, Quirks, ReplyTo, UnixMs};
use crate::store::{Journal, Store};
use crate::{ApiError, Place};

const START: UnixMs = UnixMs(1_800_000_000_000);

/// A cloud with its clock in the test's hand.
struct Cloud {
    queues: Queues,
    place: Place,
    journal: Journal,
    chance: fastrand::Rng,
    now: UnixMs,
    quirks: Quirks,
    store: Option<(Store, tempfile::TempDir)>,
}

/// A long poll that is under way.
struct Poll(oneshot::Receiver<Answer>);

impl Poll {
    fn answer(&mut self) -> Option<Value> {
        self.0.try_recv().ok().map(|answer| said(answer).unwrap())
    }

    fn bodies(&mut self) -> Option<Vec<String>> {
        self.answer().map(|answer| bodies(&answer))
    }
}

fn said(answer: Answer) -> Result<Value, ApiError> {
    let mut text = vec![];
    if let Some(body) = answer? {
        body.write(&mut text).unwrap();
    }
    Ok(if text.is_empty() { Value::Null } else { serde_json::from_slice(&text).unwrap() })
}

fn bodies(answer: &Value) -> Vec<String> {
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    messages.iter().map(|message| message["Body"].as_str().unwrap().to_owned()).collect()
}

impl Cloud {
    fn new() -> Cloud {
        Cloud {
            queues: Queues::default(),
            place: Place {
                region: "us-east-1".into(),
                account: "000000000000".into(),
                endpoint: "http://127.0.0.1:4566".into(),
            },
            journal: Journal::new(false),
            chance: fastrand::Rng::with_seed(7),
            now: START,
            quirks: Quirks::default(),
            store: None,
        }
    }

    fn durable() -> Cloud {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        Cloud { journal: Journal::new(true), store: Some((store, directory)), ..Cloud::new() }
    }

    /// As after a kill: everything from the rows.
    fn restart(self) -> Cloud {
        let Cloud { store, now, place, .. } = self;
        let (store, directory) = store.unwrap();
        drop(store);
        let store = Store::open(directory.path()).unwrap();
        let mut queues = Queues::default();
        store.read(|row| queues.load(&row)).unwrap();
        // Another seed: no number may be needed again.
        let chance = fastrand::Rng::with_seed(8);
        Cloud {
            queues,
            journal: Journal::new(true),
            store: Some((store, directory)),
            now,
            place,
            chance,
            ..Cloud::new()
        }
    }

    fn moment<T>(&mut self, act: impl FnOnce(&mut Queues, &mut Moment<'_>) -> T) -> T {
        let mut done = vec![];
        let mut at = Moment::new(self.now, &self.place, &mut self.journal, &mut self.chance, &mut done);
        let outcome = act(&mut self.queues, &mut at);
        if let Some((store, _)) = &mut self.store {
            store.commit(&mut self.journal).unwrap();
        }
        for (ReplyTo(reply), answer) in done {
            // A poll that hung up takes nothing.
            let _ = reply.send(answer);
        }
        outcome
    }

    fn begin(&mut self, operation: &str, body: &Value) -> Result<Poll, ApiError> {
        let request = Request::parse(operation, body.to_string().as_bytes())?;
        let (reply, answer) = oneshot::channel();
        let quirks = self.quirks.clone();
        self.moment(|queues, at| queues.perform(at, request, &quirks, ReplyTo(reply)));
        Ok(Poll(answer))
    }

    fn try_ask(&mut self, operation: &str, body: impl Borrow<Value>) -> Result<Value, ApiError> {
        let mut poll = self.begin(operation, body.borrow())?;
        said(poll.0.try_recv().expect("answered at once"))
    }

    #[track_caller]
    fn ask(&mut self, operation: &str, body: impl Borrow<Value>) -> Value {
        self.try_ask(operation, body).unwrap()
    }

    /// The code and the sentence with which it is refused.
    #[track_caller]
    fn refusal(&mut self, operation: &str, body: impl Borrow<Value>) -> (String, String) {
        let refused = self.try_ask(operation, body).expect_err("refused");
        (refused.code.rsplit('#').next().unwrap().to_owned(), refused.message)
    }

    fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.moment(|queues, at| queues.tick(at));
    }

    fn queue(&mut self, name: &str, attributes: impl Borrow<Value>) {
        self.ask("CreateQueue", json!({ "QueueName": name, "Attributes": attributes.borrow() }));
    }

    fn send(&mut self, queue: &str, body: &str) -> Value {
        self.ask("SendMessage", json!({ "QueueUrl": queue, "MessageBody": body }))
    }

    fn send_in(&mut self, queue: &str, group: &str, body: &str) -> Value {
        let token = format!("{group}-{body}");
        self.ask(
            "SendMessage",
            json!({ "QueueUrl": queue, "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": token }),
        )
    }

    fn receive(&mut self, queue: &str) -> Vec<Value> {
        self.receive_with(json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "AttributeNames": ["All"] }))
    }

    fn receive_with(&mut self, body: impl Borrow<Value>) -> Vec<Value> {
        self.ask("ReceiveMessage", body)["Messages"].as_array().cloned().unwrap_or_default()
    }

    fn bodies(&mut self, queue: &str) -> Vec<String> {
        let body = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 });
        bodies(&self.ask("ReceiveMessage", body))
    }

    fn poll(&mut self, queue: &str, wait_s: u64) -> Poll {
        let body = json!({ "QueueUrl": queue, "WaitTimeSeconds": wait_s, "MaxNumberOfMessages": 10 });
        self.begin("ReceiveMessage", &body).unwrap()
    }

    fn delete(&mut self, queue: &str, message: &Value) -> Result<Value, ApiError> {
        self.try_ask("DeleteMessage", json!({ "QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"] }))
    }

    fn change(&mut self, queue: &str, message: &Value, visibility_s: u64) -> Result<Value, ApiError> {
        self.try_ask(
            "ChangeMessageVisibility",
            json!({ "QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": visibility_s }),
        )
    }

    fn attribute(&mut self, queue: &str, name: &str) -> Option<String> {
        let answer = self.ask("GetQueueAttributes", json!({ "QueueUrl": queue, "AttributeNames": ["All"] }));
        answer["Attributes"][name].as_str().map(str::to_owned)
    }

    /// Visible, in flight, delayed.
    fn counts(&mut self, queue: &str) -> [String; 3] {
        let names = ["", "NotVisible", "Delayed"];
        names.map(|name| self.attribute(queue, &format!("ApproximateNumberOfMessages{name}")).unwrap())
    }

    fn arn(&self, name: &str) -> String {
        self.place.queue_arn(name)
    }

    fn redrive_to(&self, target: &str, most: u32) -> String {
        json!({ "deadLetterTargetArn": self.arn(target), "maxReceiveCount": most }).to_string()
    }
}
