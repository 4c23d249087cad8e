//! Owns the proof that subscriptions are made once, changed where asked, removed once, and never somebody else's.
//! Never AWS: the stand-in goes wrong on demand. The printed Rust program is compiled here, and reads an event.
//! Next: `make test-clients` runs the other printed programs.

#![allow(clippy::unwrap_used, reason = "what a test cannot make is a test that fails")]

mod fixture;

use aws::eventbridge::EventBridgeBus;
use aws::provision::{Outcome, Plan, Reporter, Step, Trouble};
use aws::subscriptions::{self, Name, Wanted};
use contract::events::{GoalFailed, StepFailed};
use contract::{Event, EventData, EventId, EventType, GoalId, Source, Tenant, Unit};
use embedded_cloud::{Fault, What, When};
use fixture::{Server, provisioned};
use runtime::ports::Bus as _;

/// As `murmur subscribe` prints it; `main` is the reader's own.
mod printed {
    #![allow(dead_code, clippy::print_stdout, reason = "it is printed as it is: its main never ends")]
    include!("../../../services/murmur/src/subscribe/snippets/rust.txt");

    pub(super) async fn once(sqs: &Client, queue_url: &str) -> Result<usize, String> {
        receive_once(sqs, queue_url).await.map_err(|why| why.to_string())
    }
}

struct Scene {
    server: Server,
    plan: Plan,
}

impl Scene {
    async fn open() -> Scene {
        let scene = Scene { server: Server::standin().await, plan: provisioned::fresh_plan() };
        provisioned::run(&scene.server, &scene.plan).await;
        scene
    }

    async fn subscribe(&self, name: &str, wanted: &Wanted) -> Result<(String, Vec<Step>), Trouble> {
        let mut reporter = Reporter::silent();
        let name = Name::new(name).unwrap();
        let made = subscriptions::subscribe(&self.server.clients, &self.plan, &name, wanted, None, &mut reporter).await;
        made.map(|url| (url, reporter.steps().to_vec())).map_err(|failed| failed.trouble)
    }

    async fn unsubscribe(&self, name: &str) -> Result<Vec<Step>, Trouble> {
        let mut reporter = Reporter::silent();
        let name = Name::new(name).unwrap();
        let gone = subscriptions::unsubscribe(&self.server.clients, &self.plan, &name, &mut reporter).await;
        gone.map(|()| reporter.steps().to_vec()).map_err(|failed| failed.trouble)
    }

    async fn put(&self, event: Event) {
        let bus = EventBridgeBus::new(&self.server.clients, &self.plan.topology.bus);
        bus.put(&[event]).await.unwrap().remove(0).unwrap();
    }
}

fn wanted(types: &[EventType]) -> Wanted {
    Wanted { types: types.to_vec(), retention_s: 3_600, ..Wanted::default() }
}

fn failed(key: &str) -> Event {
    let goal = GoalId::derive(&Tenant::default(), key);
    Event {
        id: EventId::derive(goal, &GoalFailed::TYPE, &Unit::goal()),
        source: Source::CHOREOGRAPHY,
        kind: GoalFailed::TYPE,
        version: 1,
        time: contract::UnixMs(1_795_000_000_000),
        goal,
        goal_key: Some(key.into()),
        causation: None,
        hops: 1,
        deadline: None,
        tenant: Tenant::default(),
        trace: runtime::Chance::fresh().trace(),
        data: serde_json::to_value(GoalFailed::example()).unwrap(),
    }
}

fn all_are(steps: &[Step], wanted: &Outcome) {
    let others: Vec<&Step> = steps.iter().filter(|step| step.outcome != *wanted).collect();
    assert!(others.is_empty(), "not {wanted:?}: {others:?}");
}

#[tokio::test]
async fn a_subscription_is_made_once_changed_where_asked_and_removed_once() {
    let scene = Scene::open().await;
    let ends = wanted(&[GoalFailed::TYPE]);
    let (url, made) = scene.subscribe("billing", &ends).await.unwrap();
    all_are(&made, &Outcome::Created);
    assert_eq!(made.len(), 3, "{made:?}");
    let (again_url, again) = scene.subscribe("billing", &ends).await.unwrap();
    all_are(&again, &Outcome::Unchanged);
    assert_eq!((again_url, again.len()), (url, 3));
    let (_, changed) = scene.subscribe("billing", &wanted(&[GoalFailed::TYPE, StepFailed::TYPE])).await.unwrap();
    assert_eq!(changed[2].outcome, Outcome::Changed { what: vec!["pattern".into()] });
    let listed = subscriptions::list(&scene.server.clients, &scene.plan.topology).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].name.as_str(), listed[0].types.len()), ("billing", 2));
    all_are(&scene.unsubscribe("billing").await.unwrap(), &Outcome::Removed);
    all_are(&scene.unsubscribe("billing").await.unwrap(), &Outcome::Absent);
    assert!(subscriptions::list(&scene.server.clients, &scene.plan.topology).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_subscription_whose_making_broke_off_is_completed_by_the_next_run() {
    for operation in ["CreateQueue", "PutRule", "PutTargets"] {
        let scene = Scene::open().await;
        let cloud = scene.server.cloud.as_ref().unwrap();
        let denied = What::Fail { code: "AccessDeniedException".into(), status: 400 };
        cloud.faults().add(Fault::on(operation, denied).when(When::Nth(1)));
        scene.subscribe("broken", &wanted(&[GoalFailed::TYPE])).await.unwrap_err();
        let (_, made) = scene.subscribe("broken", &wanted(&[GoalFailed::TYPE])).await.unwrap();
        assert_eq!(made.len(), 3, "{operation}: {made:?}");
        all_are(&scene.unsubscribe("broken").await.unwrap(), &Outcome::Removed);
    }
}

#[tokio::test]
async fn a_name_of_somebody_elses_resources_is_refused_and_they_stay() {
    let scene = Scene::open().await;
    let sqs = &scene.server.clients.sqs;
    for queue in ["murmur-sub-theirs", "murmur-sub-dead-dlq"] {
        sqs.create_queue().queue_name(queue).send().await.unwrap();
    }
    let events = &scene.server.clients.events;
    let bus = &scene.plan.topology.bus;
    let rule = events.put_rule().event_bus_name(bus).name("sub.ruled").event_pattern(r#"{"source": ["theirs"]}"#);
    rule.send().await.unwrap();
    let elsewhere = aws_sdk_eventbridge::types::Target::builder().id("t");
    let elsewhere = elsewhere.arn("arn:aws:sqs:us-east-1:000000000000:elsewhere").build().unwrap();
    events.put_targets().event_bus_name(bus).rule("sub.ruled").targets(elsewhere).send().await.unwrap();
    for name in ["theirs", "dead", "ruled"] {
        let refused = scene.subscribe(name, &wanted(&[GoalFailed::TYPE])).await.unwrap_err();
        assert!(matches!(refused, Trouble::Conflict { .. }), "{name}: {refused}");
        let refused = scene.unsubscribe(name).await.unwrap_err();
        assert!(matches!(refused, Trouble::Conflict { .. }), "{name}: {refused}");
    }
    assert!(sqs.get_queue_url().queue_name("murmur-sub-theirs").send().await.is_ok());
    assert!(events.describe_rule().event_bus_name(bus).name("sub.ruled").send().await.is_ok());
    let listed = subscriptions::list(&scene.server.clients, &scene.plan.topology).await.unwrap();
    assert!(listed.is_empty(), "{listed:?}");
}

#[tokio::test]
async fn the_printed_rust_program_reads_each_event_once() {
    let scene = Scene::open().await;
    let narrow = Wanted { goals: vec![failed("mine").goal.to_string()], ..wanted(&[GoalFailed::TYPE]) };
    let (url, _) = scene.subscribe("reader", &narrow).await.unwrap();
    for key in ["somebody's", "mine"] {
        scene.put(failed(key)).await;
    }
    let sqs = &scene.server.clients.sqs;
    assert_eq!(printed::once(sqs, &url).await, Ok(1));
    let left = sqs.receive_message().queue_url(&url).wait_time_seconds(0).send().await.unwrap();
    assert!(left.messages.unwrap_or_default().is_empty());
}
