//! Owns a stage for EventBridge: buses with a clock in the test's hand, queues that do as they are told, and a store to come back from.
//! Never a socket or a thread.
//! Next: `control` for buses and rules, `routing` for where events go, `delivering` for retries and dead letters, `replaying` for archives.

#![allow(clippy::needless_pass_by_value, reason = "what is asked is written as `json!` where it is asked")]

mod control;
mod delivering;
mod replaying;
mod routing;

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Buses, Request, Sink};
use crate::ApiError;
use crate::engine::{Incoming, Moment, Quirks, ReplyTo, UnixMs};
use crate::place::Place;
use crate::store::{Journal, Store};

/// 2026-01-02T03:04:05.678Z
const START: UnixMs = UnixMs(1_767_323_045_678);

#[derive(Debug, Default)]
struct Queue {
    policy: Option<String>,
    /// What the next deliveries are answered with, instead of being taken.
    refusals: VecDeque<ApiError>,
    taken: Vec<Incoming>,
}

#[derive(Debug, Default)]
struct Queues(BTreeMap<String, Queue>);

impl Sink for Queues {
    fn policy_of(&self, queue_arn: &str) -> Option<Option<&str>> {
        self.0.get(queue_arn).map(|queue| queue.policy.as_deref())
    }

    fn deliver(&mut self, _: &mut Moment<'_>, queue_arn: &str, message: Incoming) -> Result<(), ApiError> {
        let queue = self.0.get_mut(queue_arn).unwrap();
        match queue.refusals.pop_front() {
            Some(refusal) => Err(refusal),
            None => {
                queue.taken.push(message);
                Ok(())
            }
        }
    }
}

struct Stage {
    buses: Buses,
    queues: Queues,
    now: UnixMs,
    place: Place,
    chance: fastrand::Rng,
    journal: Journal,
    store: Option<Store>,
    directory: tempfile::TempDir,
}

impl Stage {
    fn new() -> Stage {
        let directory = tempfile::tempdir().unwrap();
        Stage {
            buses: Buses::default(),
            queues: Queues::default(),
            now: START,
            place: Place {
                region: "eu-west-1".to_owned(),
                account: "000000000000".to_owned(),
                endpoint: "http://127.0.0.1:1".to_owned(),
            },
            chance: fastrand::Rng::with_seed(7),
            journal: Journal::new(true),
            store: Some(Store::open(directory.path()).unwrap()),
            directory,
        }
    }

    /// A stage with the bus `agents`.
    fn with_bus() -> Stage {
        let mut stage = Stage::new();
        stage.ask("CreateEventBus", json!({"Name": "agents"}));
        stage
    }

    /// Makes a queue that lets every rule in, and gives its ARN.
    fn queue(&mut self, name: &str) -> String {
        let arn = self.place.queue_arn(name);
        let policy = json!({"Statement": [{
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": arn, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}},
        }]});
        self.queues.0.insert(arn.clone(), Queue { policy: Some(policy.to_string()), ..Queue::default() });
        arn
    }

    /// A rule of `agents` with one target, whose other members are `more`.
    fn route(&mut self, rule: &str, pattern: Value, queue_arn: &str, more: Value) {
        let pattern = pattern.to_string();
        self.ask("PutRule", json!({"Name": rule, "EventBusName": "agents", "EventPattern": pattern}));
        let mut target = json!({"Id": "only", "Arn": queue_arn});
        target.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let answer = self.ask("PutTargets", json!({"Rule": rule, "EventBusName": "agents", "Targets": [target]}));
        assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
    }

    fn try_ask(&mut self, operation: &str, members: Value) -> Result<Value, ApiError> {
        self.try_ask_with(operation, members, &Quirks::default())
    }

    fn try_ask_with(&mut self, operation: &str, members: Value, quirks: &Quirks) -> Result<Value, ApiError> {
        let request = Request::parse(operation, members.to_string().as_bytes())?;
        let (reply, _answer) = oneshot::channel();
        let mut done = vec![];
        let mut at = Moment::new(self.now, &self.place, &mut self.journal, &mut self.chance, &mut done);
        self.buses.perform(&mut at, &mut self.queues, request, quirks, ReplyTo(reply));
        self.commit();
        let (_, answer) = done.pop().expect("an answer");
        assert!(done.is_empty());
        answer.map(|body| {
            let mut json = vec![];
            if let Some(body) = body {
                body.write(&mut json).unwrap();
            }
            if json.is_empty() { Value::Null } else { serde_json::from_slice(&json).unwrap() }
        })
    }

    fn ask(&mut self, operation: &str, members: Value) -> Value {
        self.try_ask(operation, members.clone()).unwrap_or_else(|refusal| panic!("{operation} {members}: {refusal}"))
    }

    /// The refusal's code and sentence.
    fn refused(&mut self, operation: &str, members: Value) -> (String, String) {
        match self.try_ask(operation, members.clone()) {
            Err(refusal) => (refusal.code.into_owned(), refusal.message),
            Ok(answer) => panic!("{operation} {members} should be refused, not answered {answer}"),
        }
    }

    /// Puts one event on `agents`.
    fn put(&mut self, detail_type: &str, detail: &str) -> String {
        let entry = json!({"EventBusName": "agents", "Source": "test", "DetailType": detail_type, "Detail": detail});
        let answer = self.ask("PutEvents", json!({"Entries": [entry]}));
        assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
        answer["Entries"][0]["EventId"].as_str().unwrap().to_owned()
    }

    fn taken(&mut self, queue_arn: &str) -> Vec<Incoming> {
        std::mem::take(&mut self.queues.0.get_mut(queue_arn).unwrap().taken)
    }

    fn refuse_next(&mut self, queue_arn: &str, times: usize, refusal: &ApiError) {
        let refusals = &mut self.queues.0.get_mut(queue_arn).unwrap().refusals;
        refusals.extend(std::iter::repeat_n(refusal.clone(), times));
    }

    fn tick(&mut self) {
        let mut done = vec![];
        let mut at = Moment::new(self.now, &self.place, &mut self.journal, &mut self.chance, &mut done);
        self.buses.tick(&mut at, &mut self.queues);
        self.commit();
    }

    /// Lets time pass until nothing is left to do, or until `end`.
    fn run_until(&mut self, end: UnixMs) {
        while let Some(wakes_at) = self.buses.wakes_at().filter(|wakes_at| *wakes_at <= end) {
            self.now = self.now.max(wakes_at);
            self.tick();
        }
        self.now = end;
    }

    fn commit(&mut self) {
        self.store.as_mut().unwrap().commit(&mut self.journal).unwrap();
    }

    /// As after a killed process: only what was committed is left. The queues stay.
    fn restart(&mut self) {
        self.store = None;
        let store = Store::open(self.directory.path()).unwrap();
        let mut buses = Buses::default();
        store.read(|row| buses.load(&row)).unwrap();
        self.buses = buses;
        self.store = Some(store);
    }

    fn rows(&self) -> Vec<(i64, String)> {
        let mut rows = vec![];
        let read = self.store.as_ref().unwrap().read(|row| {
            rows.push((row.space, row.key));
            Ok(())
        });
        read.unwrap();
        rows
    }
}

fn body_of(message: &Incoming) -> Value {
    serde_json::from_str(&message.body).unwrap()
}

fn attribute<'a>(message: &'a Incoming, name: &str) -> Option<&'a str> {
    message.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
