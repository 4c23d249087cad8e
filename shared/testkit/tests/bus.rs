//! Owns the proof that `MemoryBus` keeps the conduct of buses, and that its rules are the topology's.
//! Never waits for real: time is paused.
//! Next: `suites::bus` says what each check asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use contract::events::{AnalysisCompleted, ReportWritten};
use contract::{
    Clock, Event, EventData, EventId, EventType, GoalId, QueueName, Source, Tenant, Topology, TraceContext, Unit,
    UnixMs, artifact,
};
use runtime::ports::{Bus, Queue};
use testkit::memory::{ManualClock, MemoryBus, MemoryCloud, MemoryQueue, QueueSettings, Rule, TokioClock};
use testkit::suites::Failure;
use testkit::suites::bus::BusFixture;

const START: UnixMs = UnixMs(1_795_000_000_123);

struct MemoryFixture {
    queue: Arc<MemoryQueue>,
    bus: Arc<MemoryBus>,
    made: AtomicU32,
}

impl MemoryFixture {
    fn new() -> MemoryFixture {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(START));
        let queue = Arc::new(MemoryQueue::with_seed(clock.clone(), 7));
        let bus = Arc::new(MemoryBus::new(queue.clone(), clock, vec![]));
        MemoryFixture { queue, bus, made: AtomicU32::new(0) }
    }
}

#[async_trait]
impl BusFixture for MemoryFixture {
    fn bus(&self) -> Arc<dyn Bus> {
        self.bus.clone()
    }
    fn queue(&self) -> Arc<dyn Queue> {
        self.queue.clone()
    }
    async fn subscribe(&self, types: &[EventType]) -> Result<QueueName, Failure> {
        Ok(self.bus.subscribe(&format!("suite-{}", self.made.fetch_add(1, Ordering::Relaxed)), types))
    }
    fn fresh_goal(&self) -> GoalId {
        GoalId::derive(&Tenant::default(), &format!("goal {}", self.made.fetch_add(1, Ordering::Relaxed)))
    }
}

mod conduct {
    use super::MemoryFixture;

    testkit::bus_suite!(fixture: MemoryFixture::new(), gaps: &[], tokio: start_paused = true);
}

fn event<T: EventData>(unit: usize) -> Event {
    let goal = GoalId::derive(&Tenant::default(), "bus");
    Event {
        id: EventId::derive(goal, &T::TYPE, &Unit::output("test", EventId(goal.0), unit)),
        source: Source::new("murmuration.analysis"),
        kind: T::TYPE,
        version: T::VERSION,
        time: START,
        goal,
        goal_key: None,
        causation: None,
        hops: 1,
        deadline: None,
        tenant: Tenant::default(),
        trace: TraceContext::NONE,
        data: serde_json::to_value(T::example()).unwrap_or_default(),
    }
}

fn cloud() -> (Arc<ManualClock>, MemoryCloud) {
    let clock = Arc::new(ManualClock::new(START));
    let server: Arc<dyn Clock> = clock.clone();
    (clock, MemoryCloud::new(&Topology::murmuration(), &server, 1))
}

#[tokio::test]
async fn an_event_goes_to_the_queues_of_the_rows_that_consume_its_type_and_to_no_other() {
    let (_, cloud) = cloud();
    let results = cloud.bus.put(&[event::<AnalysisCompleted>(1)]).await.unwrap();
    assert_eq!(results, [Ok(())]);
    let reached: Vec<QueueName> =
        cloud.queue.queues().into_iter().filter(|queue| cloud.queue.count(queue) > 0).collect();
    let topology = Topology::murmuration();
    let consumes = |row: &&contract::topology::Row| row.consumes.contains(&AnalysisCompleted::TYPE);
    let mut wanted: Vec<QueueName> = topology.rows.iter().filter(consumes).map(|row| row.queue.clone()).collect();
    wanted.sort();
    assert_eq!(wanted.len(), 2);
    assert_eq!(reached, wanted);
}

#[tokio::test]
async fn everything_accepted_is_recorded_in_order_and_what_was_refused_is_not() {
    let (_, cloud) = cloud();
    let (first, second) = (event::<AnalysisCompleted>(1), event::<ReportWritten>(2));
    let mut oversize = event::<ReportWritten>(3);
    oversize.data["title"] = "x".repeat(1 << 20).into();
    let results = cloud.bus.put(&[first.clone(), oversize, second.clone()]).await.unwrap();
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(cloud.bus.published(), [first, second.clone()]);
    assert_eq!(*cloud.bus.published_since(1)[0], second);
    assert_eq!(cloud.bus.published_count(), 2);
}

#[tokio::test]
async fn a_target_that_is_gone_leaves_its_event_in_the_dead_letters_of_the_rule() {
    let (_, cloud) = cloud();
    let topology = Topology::murmuration();
    let writer = topology.rows.iter().find(|row| row.name.as_str() == "writer").unwrap();
    assert!(cloud.queue.destroy(&writer.queue));
    let results = cloud.bus.put(&[event::<AnalysisCompleted>(1)]).await.unwrap();
    assert_eq!(results, [Ok(())], "the publisher is not told");
    let dead = cloud.queue.messages(&MemoryBus::undelivered(&topology));
    assert_eq!(dead.len(), 1);
    let attributes = &dead[0].attributes;
    assert_eq!(attributes.get("ERROR_CODE"), Some("NO_RESOURCE"));
    assert!(attributes.get("RULE_ARN").unwrap().starts_with("arn:aws:events:"));
    assert!(attributes.get("TARGET_ARN").unwrap().ends_with(writer.queue.as_str()));
    let body: serde_json::Value = serde_json::from_str(&dead[0].body).unwrap();
    assert_eq!(serde_json::from_value::<Event>(body["detail"].clone()).unwrap(), event::<AnalysisCompleted>(1));
    assert_eq!(cloud.bus.dropped_count(), 0);
}

#[tokio::test]
async fn without_dead_letters_of_the_rule_the_event_is_dropped_and_counted() {
    let (_, cloud) = cloud();
    cloud.bus.add(Rule {
        name: "nowhere".into(),
        types: vec![ReportWritten::TYPE],
        queue: QueueName::new("nowhere"),
        dead_letters: None,
    });
    cloud.bus.put(&[event::<ReportWritten>(1)]).await.unwrap();
    assert_eq!(cloud.bus.dropped_count(), 1);
}

#[tokio::test]
async fn a_subscriber_gets_its_types_beside_everybody_else() {
    let (_, cloud) = cloud();
    let queue = cloud.bus.subscribe("subscriber", &[AnalysisCompleted::TYPE]);
    cloud.bus.put(&[event::<AnalysisCompleted>(1), event::<ReportWritten>(2)]).await.unwrap();
    assert_eq!(cloud.queue.count(&queue), 1);
    assert_eq!(cloud.queue.count(&QueueName::new("murmur-writer")), 1);
}

#[tokio::test]
async fn delayed_deliveries_come_later_and_overtake_each_other() {
    let (clock, cloud) = cloud();
    let queue = cloud.bus.subscribe("subscriber", &[AnalysisCompleted::TYPE]);
    cloud.bus.delay_deliveries(5, 1000);
    let events: Vec<Event> = (0..10).map(event::<AnalysisCompleted>).collect();
    cloud.bus.put(&events).await.unwrap();
    let at_once = cloud.queue.visible(&queue);
    clock.advance(Duration::from_millis(500));
    let half_way = cloud.queue.visible(&queue);
    assert!(at_once < half_way && half_way < 10, "{at_once}, then {half_way}");
    clock.advance(Duration::from_millis(500));
    assert_eq!(cloud.queue.visible(&queue), 10);
}

#[tokio::test]
async fn a_cloud_has_the_queues_of_its_topology_and_hands_each_daemon_its_own_clock() {
    let (clock, cloud) = cloud();
    for row in &Topology::murmuration().rows {
        assert!(cloud.queue.exists(&row.queue) && cloud.queue.exists(&row.queue.dead_letters()), "{}", row.queue);
    }
    let own = Arc::new(ManualClock::new(UnixMs(5)));
    let ports = cloud.ports(own.clone());
    assert_eq!((ports.clock.now(), clock.now()), (UnixMs(5), START));
    ports.bus.put(&[event::<ReportWritten>(1)]).await.unwrap();
    assert_eq!(cloud.bus.published_count(), 1);
    cloud.queue.create(&QueueName::new("shared"), QueueSettings::default());
    assert!(
        ports.queue.receive(&QueueName::new("shared"), 1, Duration::ZERO, Duration::ZERO).await.unwrap().is_empty()
    );
}

#[tokio::test]
async fn an_artifact_is_stored_once_and_a_corrupt_or_lost_one_is_noticed() {
    let (clock, cloud) = cloud();
    let store = cloud.ports(clock).artifacts;
    let stored = store.put(b"some bytes", "text/plain").await.unwrap();
    assert_eq!(store.put(b"some bytes", "text/plain").await.unwrap(), stored);
    assert_eq!(cloud.artifacts.uris(), [format!("artifact://{}", stored.sha256)]);
    assert_eq!(artifact::fetch(store.as_ref(), &stored).await.unwrap(), b"some bytes");
    assert!(cloud.artifacts.corrupt(&stored.uri));
    let corrupt = artifact::fetch(store.as_ref(), &stored).await;
    assert!(matches!(corrupt, Err(artifact::ArtifactError::Digest { .. })), "{corrupt:?}");
    assert!(cloud.artifacts.lose(&stored.uri));
    let lost = artifact::fetch(store.as_ref(), &stored).await;
    assert!(matches!(lost, Err(artifact::ArtifactError::Port(_))), "{lost:?}");
}
