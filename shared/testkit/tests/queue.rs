//! Owns the proof that `MemoryQueue` keeps the conduct of queues, and that what tests may see of it is true.
//! Never waits for real: time is paused.
//! Next: `suites::queue` says what each check asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use contract::{Clock, PortError, QueueName, UnixMs};
use runtime::ports::{Outbound, Queue, Received};
use testkit::memory::{ManualClock, MemoryQueue, Place, QueueSettings, TokioClock};
use testkit::suites::Failure;
use testkit::suites::queue::{Fresh, QueueFixture, Wanted};

const START: UnixMs = UnixMs(1_795_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);

struct MemoryFixture {
    queue: Arc<MemoryQueue>,
    made: AtomicU32,
}

impl MemoryFixture {
    fn new() -> MemoryFixture {
        let clock = Arc::new(TokioClock::starting_at(START));
        MemoryFixture { queue: Arc::new(MemoryQueue::with_seed(clock, 7)), made: AtomicU32::new(0) }
    }
}

#[async_trait]
impl QueueFixture for MemoryFixture {
    fn queue(&self) -> Arc<dyn Queue> {
        self.queue.clone()
    }
    async fn fresh(&self, wanted: Wanted) -> Result<Fresh, Failure> {
        let queue = QueueName::from(format!("suite-{}", self.made.fetch_add(1, Ordering::Relaxed)));
        let mut settings = QueueSettings::default().with_delay_s(wanted.delay_s);
        let dead_letters = wanted.receives_max.map(|_| queue.dead_letters());
        if let (Some(receives_max), Some(dead_letters)) = (wanted.receives_max, &dead_letters) {
            self.queue.create(dead_letters, QueueSettings::default());
            settings = settings.with_dead_letters(receives_max, dead_letters);
        }
        self.queue.create(&queue, settings);
        Ok(Fresh { queue, dead_letters })
    }
}

mod conduct {
    use super::MemoryFixture;

    testkit::queue_suite!(fixture: MemoryFixture::new(), gaps: &[], tokio: start_paused = true);
}

static WORK: QueueName = QueueName::new("work");

/// One queue with a dead-letter queue, whose time is moved by hand.
fn by_hand(settings: QueueSettings) -> (Arc<ManualClock>, MemoryQueue) {
    let clock = Arc::new(ManualClock::new(START));
    let queue = MemoryQueue::new(clock.clone());
    queue.create(&WORK.dead_letters(), QueueSettings::default());
    queue.create(&WORK, settings);
    (clock, queue)
}

fn with_dead_letters(receives_max: u32) -> QueueSettings {
    QueueSettings::default().with_dead_letters(receives_max, &WORK.dead_letters())
}

fn outbound(body: &str) -> Outbound {
    Outbound { body: body.into(), ..Outbound::default() }
}

async fn send(queue: &MemoryQueue, to: &QueueName, bodies: &[&str]) {
    let batch: Vec<Outbound> = bodies.iter().map(|body| outbound(body)).collect();
    assert_eq!(queue.send(to, &batch).await, Ok(vec![Ok(()); bodies.len()]));
}

async fn receive(queue: &MemoryQueue, from: &QueueName) -> Vec<Received> {
    queue.receive(from, 10, Duration::ZERO, MINUTE).await.unwrap_or_else(|why| panic!("{why}"))
}

#[tokio::test]
async fn what_is_visible_and_what_is_in_flight_is_counted() {
    let (clock, queue) = by_hand(QueueSettings::default());
    send(&queue, &WORK, &["a", "b", "c"]).await;
    queue.send_delayed(&WORK, &outbound("d"), 2 * MINUTE).unwrap();
    assert_eq!((queue.visible(&WORK), queue.in_flight(&WORK), queue.count(&WORK)), (3, 0, 4));
    let got = queue.receive(&WORK, 2, Duration::ZERO, MINUTE).await.unwrap();
    assert_eq!((queue.visible(&WORK), queue.in_flight(&WORK), queue.count(&WORK)), (1, 2, 4));
    queue.delete(&WORK, &[got[0].receipt.clone()]).await.unwrap();
    assert_eq!((queue.visible(&WORK), queue.in_flight(&WORK), queue.count(&WORK)), (1, 1, 3));
    clock.advance(MINUTE);
    assert_eq!((queue.visible(&WORK), queue.in_flight(&WORK), queue.count(&WORK)), (2, 0, 3));
    clock.advance(MINUTE);
    assert_eq!((queue.visible(&WORK), queue.in_flight(&WORK), queue.count(&WORK)), (3, 0, 3));
}

#[tokio::test]
async fn a_message_that_outlives_its_retention_is_gone_even_in_flight() {
    let (clock, queue) = by_hand(QueueSettings::default().with_retention_s(90));
    send(&queue, &WORK, &["early"]).await;
    clock.advance(MINUTE);
    send(&queue, &WORK, &["late"]).await;
    assert_eq!(receive(&queue, &WORK).await.len(), 2);
    clock.advance(MINUTE / 2);
    let left: Vec<String> = queue.messages(&WORK).into_iter().map(|message| message.body).collect();
    assert_eq!(left, ["late"]);
    assert_eq!(queue.in_flight(&WORK), 1);
    clock.advance(MINUTE);
    assert_eq!((queue.count(&WORK), queue.in_flight(&WORK)), (0, 0));
}

#[tokio::test]
async fn a_move_by_the_queue_itself_does_not_renew_the_retention() {
    let (clock, queue) = by_hand(with_dead_letters(1));
    queue.create(&WORK.dead_letters(), QueueSettings::default().with_retention_s(150));
    send(&queue, &WORK, &["poison"]).await;
    receive(&queue, &WORK).await;
    clock.advance(MINUTE);
    assert!(receive(&queue, &WORK).await.is_empty());
    let dead = queue.messages(&WORK.dead_letters());
    assert_eq!((dead.len(), dead[0].sent_at, dead[0].moved_from.clone()), (1, START, Some(WORK.clone())));
    clock.advance(Duration::from_secs(90));
    assert_eq!(queue.count(&WORK.dead_letters()), 0);
}

#[tokio::test]
async fn without_a_dead_letter_queue_to_go_to_a_worn_out_message_stays() {
    let (clock, queue) = by_hand(with_dead_letters(1));
    assert!(queue.destroy(&WORK.dead_letters()));
    send(&queue, &WORK, &["poison"]).await;
    for count in 1..4 {
        assert_eq!(receive(&queue, &WORK).await[0].receive_count, count);
        clock.advance(MINUTE);
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_cap_of_messages_in_flight_a_long_poll_answers_empty_and_a_short_one_over_limit() {
    let (_, queue) = by_hand(QueueSettings::default().with_in_flight_max(2));
    send(&queue, &WORK, &["a", "b", "c"]).await;
    let got = receive(&queue, &WORK).await;
    assert_eq!(got.len(), 2);
    assert!(queue.receive(&WORK, 1, Duration::from_secs(20), MINUTE).await.unwrap().is_empty());
    let short = queue.receive(&WORK, 1, Duration::ZERO, MINUTE).await;
    assert!(matches!(short, Err(PortError::Transient { .. })), "{short:?}");
    queue.delete(&WORK, &[got[0].receipt.clone()]).await.unwrap();
    assert_eq!(receive(&queue, &WORK).await.len(), 1);
}

#[tokio::test]
async fn a_receipt_still_deletes_after_its_visibility_ended_if_nobody_received_since() {
    let (clock, queue) = by_hand(QueueSettings::default());
    send(&queue, &WORK, &["a"]).await;
    let got = receive(&queue, &WORK).await;
    clock.advance(2 * MINUTE);
    let changed = queue.set_visibility(&WORK, &[(got[0].receipt.clone(), MINUTE)]).await.unwrap();
    assert!(matches!(changed[0], Err(PortError::Permanent { .. })), "{changed:?}");
    queue.delete(&WORK, &[got[0].receipt.clone()]).await.unwrap();
    assert_eq!((queue.count(&WORK), queue.visible(&WORK)), (0, 0));
}

#[tokio::test]
async fn a_receipt_of_one_queue_is_none_of_another() {
    let (_, queue) = by_hand(QueueSettings::default());
    send(&queue, &WORK, &["a"]).await;
    let got = receive(&queue, &WORK).await;
    let answer = queue.delete(&WORK.dead_letters(), &[got[0].receipt.clone()]).await.unwrap();
    assert!(matches!(answer[0], Err(PortError::Permanent { .. })), "{answer:?}");
    assert_eq!(queue.count(&WORK), 1);
}

#[tokio::test]
async fn a_redrive_with_its_destination_named_comes_under_a_new_id() {
    let (clock, queue) = by_hand(with_dead_letters(1));
    let dead_letters = WORK.dead_letters();
    let mut sent = outbound("parked");
    sent.attributes.set("murmur-park", "{}");
    queue.send(&dead_letters, std::slice::from_ref(&sent)).await.unwrap();
    let before = queue.messages(&dead_letters);
    clock.advance(MINUTE);
    assert_eq!(queue.move_to(&dead_letters, &WORK), Ok(1));
    assert_eq!(queue.count(&dead_letters), 0);
    let after = queue.messages(&WORK);
    assert_eq!((&after[0].body, &after[0].attributes), (&sent.body, &sent.attributes));
    assert_ne!(after[0].message_id, before[0].message_id);
    assert_eq!((after[0].sent_at, after[0].receive_count), (START + MINUTE, 0));
}

#[tokio::test]
async fn a_redrive_to_source_is_refused_for_a_message_that_was_sent() {
    let (clock, queue) = by_hand(with_dead_letters(1));
    let dead_letters = WORK.dead_letters();
    send(&queue, &WORK, &["worn out"]).await;
    receive(&queue, &WORK).await;
    clock.advance(MINUTE);
    receive(&queue, &WORK).await;
    assert_eq!(queue.move_to_source(&dead_letters), Ok(1));
    assert_eq!((queue.count(&WORK), queue.count(&dead_letters)), (1, 0));
    send(&queue, &dead_letters, &["parked"]).await;
    let refused = queue.move_to_source(&dead_letters);
    assert!(matches!(refused, Err(PortError::Permanent { .. })), "{refused:?}");
    assert_eq!(queue.count(&dead_letters), 1);
}

#[tokio::test]
async fn only_a_dead_letter_queue_is_redriven_and_only_to_a_queue_that_is_there() {
    let (_, queue) = by_hand(with_dead_letters(1));
    send(&queue, &WORK.dead_letters(), &["parked"]).await;
    assert!(queue.move_to(&WORK, &WORK.dead_letters()).is_err());
    assert!(queue.move_to(&WORK.dead_letters(), &QueueName::new("nowhere")).is_err());
    assert_eq!(queue.count(&WORK.dead_letters()), 1);
}

#[tokio::test]
async fn all_dead_letters_are_taken_from_every_dead_letter_queue() {
    let (_, queue) = by_hand(with_dead_letters(1));
    let other = QueueName::new("other");
    queue.create(&other.dead_letters(), QueueSettings::default());
    queue.create(&other, QueueSettings::default().with_dead_letters(1, &other.dead_letters()));
    send(&queue, &WORK, &["healthy"]).await;
    send(&queue, &WORK.dead_letters(), &["one"]).await;
    send(&queue, &other.dead_letters(), &["two"]).await;
    let taken: Vec<(QueueName, String)> =
        queue.take_all_dead_letters().into_iter().map(|(queue, message)| (queue, message.body)).collect();
    assert_eq!(taken, [(other.dead_letters(), "two".into()), (WORK.dead_letters(), "one".into())]);
    assert!(queue.take_all_dead_letters().is_empty());
    assert_eq!(queue.count(&WORK), 1);
}

#[tokio::test]
async fn a_duplicate_has_the_same_id_and_outlives_the_delete_of_the_first() {
    let (_, queue) = by_hand(QueueSettings::default());
    assert_eq!(queue.duplicate_any(&WORK), None);
    send(&queue, &WORK, &["a"]).await;
    let first = receive(&queue, &WORK).await;
    assert_eq!(queue.duplicate_any(&WORK), Some(first[0].message_id.clone()));
    queue.delete(&WORK, &[first[0].receipt.clone()]).await.unwrap();
    let second = receive(&queue, &WORK).await;
    assert_eq!((&second[0].message_id, &second[0].body), (&first[0].message_id, &first[0].body));
    queue.delete(&WORK, &[second[0].receipt.clone()]).await.unwrap();
    assert_eq!(queue.count(&WORK), 0);
}

#[tokio::test]
async fn one_seed_gives_one_order_and_another_seed_another() {
    async fn order(seed: u64) -> Vec<(String, String)> {
        let queue = MemoryQueue::with_seed(Arc::new(ManualClock::new(START)), seed);
        queue.create(&WORK, QueueSettings::default());
        send(&queue, &WORK, &["a", "b", "c", "d", "e", "f", "g", "h"]).await;
        receive(&queue, &WORK).await.into_iter().map(|message| (message.body, message.message_id)).collect()
    }
    assert_eq!(order(1).await, order(1).await);
    assert_ne!(order(1).await, order(2).await);
}

#[tokio::test]
async fn a_message_taken_out_by_an_operator_is_gone() {
    let (_, queue) = by_hand(QueueSettings::default());
    send(&queue, &WORK, &["a"]).await;
    let got = receive(&queue, &WORK).await;
    assert_eq!(queue.messages(&WORK)[0].place, Place::InFlight { until: START + MINUTE });
    assert_eq!(queue.remove(&WORK, &got[0].message_id).map(|message| message.body), Some("a".into()));
    assert_eq!((queue.count(&WORK), queue.in_flight(&WORK)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_waits_on_a_queue_that_is_destroyed_learns_it() {
    let queue = MemoryQueue::new(Arc::new(TokioClock::starting_at(START)));
    queue.create(&WORK, QueueSettings::default());
    let waiting = queue.receive(&WORK, 1, Duration::from_secs(20), MINUTE);
    let (answer, gone) = futures_util::future::join(waiting, async { queue.destroy(&WORK) }).await;
    assert!(gone);
    assert!(matches!(answer, Err(PortError::Permanent { .. })), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn a_skewed_clock_is_apart_by_its_skew_and_moves_alike() {
    let clock = TokioClock::starting_at(START);
    let (ahead, behind) = (clock.skewed(30_000), clock.skewed(-30_000));
    tokio::time::advance(MINUTE).await;
    assert_eq!(clock.now(), START + MINUTE);
    assert_eq!((ahead.now().0 - clock.now().0, behind.now().0 - clock.now().0), (30_000, -30_000));
}
