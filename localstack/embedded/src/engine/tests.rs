//! Owns the tests of the engine's thread itself: how it stops, and how it goes on after what must not happen.
//! Never what an operation means: that is tested with its service.
//! Next: `Round::serve`.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Wake, Waker};

use super::*;
use crate::sqs;

fn round(data: Option<&Path>) -> Round {
    let store = data.map(|data| Store::open(data).unwrap());
    Round {
        journal: Journal::new(store.is_some()),
        state: Some(State::read(store.as_ref(), Limits::default()).unwrap()),
        store,
        limits: Limits::default(),
        place: Place {
            region: "us-east-1".into(),
            account: "000000000000".into(),
            endpoint: "http://127.0.0.1:4566".into(),
        },
        clock: Clock::default(),
        chance: fastrand::Rng::with_seed(7),
        done: vec![],
        failed: false,
    }
}

fn asking(operation: &str, body: &str) -> (Ask, oneshot::Receiver<Answer>) {
    let (reply, answer) = oneshot::channel();
    let call = Call::Sqs(sqs::Request::parse(operation, body.as_bytes()).unwrap());
    (Ask::Call(Box::new(call), Quirks::default(), ReplyTo(reply)), answer)
}

/// In one round, without a thread.
fn ask(round: &mut Round, operation: &str, body: &str) -> Answer {
    let (Ask::Call(call, quirks, reply), mut answer) = asking(operation, body) else { unreachable!() };
    round.perform(*call, &quirks, reply);
    round.conclude();
    answer.try_recv().unwrap()
}

#[test]
fn a_stop_behind_a_full_round_is_heard() {
    let (asks, asked) = channel();
    for _ in 0..ROUND_MAX {
        asks.send(Ask::Look).unwrap();
    }
    asks.send(Ask::Stop).unwrap();
    let thread = std::thread::spawn(move || round(None).serve(&asked));
    thread.join().unwrap();
    // Whoever still asks is told so, instead of waiting.
    assert!(asks.send(Ask::Look).is_err());
}

#[test]
fn a_goodbye_answers_the_long_polls_that_wait() {
    let mut round = round(None);
    ask(&mut round, "CreateQueue", r#"{"QueueName": "q"}"#).unwrap();
    let (poll, mut answer) = asking("ReceiveMessage", r#"{"QueueUrl": "q", "WaitTimeSeconds": 20}"#);
    let (asks, asked) = channel();
    for ask in [poll, Ask::Dismiss, Ask::Stop] {
        asks.send(ask).unwrap();
    }
    round.serve(&asked);
    let mut said = vec![];
    answer.try_recv().unwrap().unwrap().unwrap().write(&mut said).unwrap();
    assert_eq!(said, b"{}");
}

/// Breaks whoever sends the answer.
struct Trap;

impl Wake for Trap {
    fn wake(self: Arc<Trap>) {
        panic!("a trap that a test has set");
    }
}

#[test]
fn a_round_that_breaks_off_does_not_end_the_thread_and_loses_nothing_that_was_answered() {
    let data = tempfile::tempdir().unwrap();
    let round = round(Some(data.path()));
    let (asks, asked) = channel();
    let thread = std::thread::spawn(move || round.serve(&asked));
    let say = |operation: &str, body: &str| {
        let (ask, answer) = asking(operation, body);
        asks.send(ask).unwrap();
        answer.blocking_recv().unwrap()
    };
    say("CreateQueue", r#"{"QueueName": "q"}"#).unwrap();
    let (poll, mut answer) = asking("ReceiveMessage", r#"{"QueueUrl": "q", "WaitTimeSeconds": 20}"#);
    asks.send(poll).unwrap();
    let trap = Waker::from(Arc::new(Trap));
    let set = std::pin::Pin::new(&mut answer).poll(&mut Context::from_waker(&trap));
    assert!(set.is_pending());
    // Behind its own answer comes the poll's, which springs the trap.
    say("SendMessage", r#"{"QueueUrl": "q", "MessageBody": "x"}"#).unwrap();
    say("GetQueueUrl", r#"{"QueueName": "q"}"#).unwrap();
    asks.send(Ask::Stop).unwrap();
    thread.join().unwrap();
}

#[test]
fn what_time_brings_and_the_store_refuses_is_not_tried_without_a_pause() {
    let data = tempfile::tempdir().unwrap();
    let mut round = round(Some(data.path()));
    let queue = r#"{"QueueName": "q", "Attributes": {"MessageRetentionPeriod": "60"}}"#;
    ask(&mut round, "CreateQueue", queue).unwrap();
    ask(&mut round, "SendMessage", r#"{"QueueUrl": "q", "MessageBody": "x"}"#).unwrap();
    let other = rusqlite::Connection::open(data.path().join("cloud.sqlite")).unwrap();
    other.execute_batch("CREATE TRIGGER full BEFORE DELETE ON row BEGIN SELECT RAISE(ABORT, 'full'); END").unwrap();
    round.clock.shift(61_000);
    assert_eq!(round.due_in(), Some(Duration::ZERO));
    round.conclude();
    assert_eq!(round.due_in(), Some(REREAD), "the message is still there, and still too old");
    other.execute_batch("DROP TRIGGER full").unwrap();
    round.conclude();
    assert_eq!(round.due_in(), None);
}
