//! Owns the tests of what a full or an idle cloud costs: the same per operation with many messages as with few.
//! Never an absolute time: the benches measure those. Work is compared with work in the same run.
//! Next: `make bench-standin`.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::Cloud;

const ROUNDS: usize = 300;

/// The best of several, so that a busy machine does not decide.
fn round_trips(cloud: &mut Cloud) -> Duration {
    let once = |cloud: &mut Cloud| {
        let begin = Instant::now();
        for _ in 0..ROUNDS {
            cloud.send("q", "x");
            let held = cloud.receive_with(json!({ "QueueUrl": "q" })).remove(0);
            cloud.delete("q", &held).unwrap();
        }
        begin.elapsed()
    };
    (0..7).map(|_| once(cloud)).min().unwrap()
}

fn fill(cloud: &mut Cloud, count: usize) {
    for batch in 0..count / 10 {
        let entries: Vec<_> =
            (0..10).map(|n| json!({ "Id": n.to_string(), "MessageBody": format!("{batch}-{n}") })).collect();
        cloud.ask("SendMessageBatch", json!({ "QueueUrl": "q", "Entries": entries }));
    }
}

#[test]
fn a_hundred_thousand_messages_waiting_or_in_flight_cost_no_more_than_none() {
    let mut cloud = Cloud::new();
    cloud.queue("q", json!({ "VisibilityTimeout": "3600" }));
    let empty = round_trips(&mut cloud);
    fill(&mut cloud, 100_000);
    let waiting = round_trips(&mut cloud);
    for _ in 0..5_000 {
        assert_eq!(cloud.bodies("q").len(), 10);
    }
    assert_eq!(cloud.counts("q"), ["50000", "50000", "0"]);
    let half_in_flight = round_trips(&mut cloud);
    // A scan would be a thousand times slower; the tree's depth and the caches are a few.
    assert!(waiting < empty * 8, "{waiting:?} against {empty:?}");
    assert!(half_in_flight < empty * 8, "{half_in_flight:?} against {empty:?}");
}

#[test]
fn idle_long_polls_ask_to_be_woken_only_at_their_deadlines() {
    let mut cloud = Cloud::new();
    let mut polls = vec![];
    for n in 0..10 {
        let name = format!("q{n}");
        cloud.queue(&name, json!({}));
        polls.extend((0..8).map(|_| cloud.poll(&name, 20)));
    }
    let deadline = cloud.now.plus_ms(20_000);
    assert_eq!(cloud.queues.wakes_at(), Some(deadline));
    cloud.send("q3", "x");
    assert_eq!(cloud.queues.wakes_at(), Some(deadline), "the seven others of q3 wait as before");
    cloud.pass(20_000);
    assert_eq!(polls.iter_mut().filter_map(super::Poll::answer).count(), 80);
    assert!(cloud.queues.wakes_at() > Some(deadline), "only the visibility or retention of one message is left");
}
