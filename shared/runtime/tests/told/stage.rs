//! Owns one small run: a cloud in memory, the four agents with short handlers, and mishaps that a test prepares.
//! Never random: what fails is what the test said should fail.
//! Next: `traces`, `lines` and `counts` each run one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use contract::events::{
    AnalysisCompleted, Evidence, GoalRequested, RecommendationsMade, ReportWritten, ResearchCompleted, ResearchHead,
    ResearchTaskRequested,
};
use contract::{
    Attributes, Choreography, Clock, Event, EventData, EventType, GoalId, QueueName, Tenant, Topology, TraceContext,
    UnixMs, attributes,
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};
use runtime::http::Health;
use runtime::ports::{Outbound, Ports, Queue as _};
use runtime::telemetry::Telemetry;
use runtime::{Chance, Daemon, Handled, Handler, Inputs, Open, Settings, Step, StepError, Surroundings};
use testkit::clock::TokioClock;
use testkit::memory::MemoryCloud;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

pub(crate) const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What a handler does instead of its work, once.
#[derive(Clone, Debug)]
pub(crate) enum Mishap {
    Fail(StepError),
    Panic,
    /// It hangs, so that its process can die.
    Hang,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Mishaps(Arc<Mutex<BTreeMap<&'static str, VecDeque<Mishap>>>>);

impl Mishaps {
    pub(crate) fn then(&self, row: &'static str, mishap: Mishap) {
        self.0.lock().unwrap().entry(row).or_default().push_back(mishap);
    }

    async fn happen(&self, row: &'static str) -> Result<(), StepError> {
        let next = self.0.lock().unwrap().get_mut(row).and_then(VecDeque::pop_front);
        match next {
            None => Ok(()),
            Some(Mishap::Fail(error)) => Err(error),
            Some(Mishap::Panic) => std::panic::resume_unwind(Box::new("prepared")),
            Some(Mishap::Hang) => std::future::pending().await,
        }
    }
}

/// Any row's handler: mishaps first, then a second of work.
struct Does<I> {
    row: &'static str,
    mishaps: Mishaps,
    then: fn(I) -> Handled,
}

#[async_trait]
impl<I: Inputs + Send + 'static> Handler for Does<I> {
    type Input = I;
    async fn handle(&self, input: I, _: &Step) -> Result<Handled, StepError> {
        tracing::info!("a handler at work");
        self.mishaps.happen(self.row).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok((self.then)(input))
    }
}

fn plan(goal: GoalRequested) -> Handled {
    let questions: Vec<String> = (0..3).map(|n| format!("question {n}")).collect();
    let task = |question: &String| ResearchTaskRequested {
        question: question.clone(),
        topic: None,
        collections: vec![],
        sources: vec![],
    };
    let handled = questions.iter().map(task).fold(Handled::nothing(), |all, task| all.and_emit(&task));
    handled.opening(Open::join("evidence", &ResearchHead { goal: goal.goal, questions }).quorum(3))
}

fn find(task: ResearchTaskRequested) -> Handled {
    Handled::nothing().arriving(&Evidence { question: task.question, summary: "found".into(), passages: None })
}

fn analyse(_: ResearchCompleted) -> Handled {
    Handled::emit(&AnalysisCompleted::example())
}

fn write(_: AnalysisCompleted) -> Handled {
    Handled::emit(&ReportWritten::example())
}

fn recommend(_: AnalysisCompleted) -> Handled {
    Handled::emit(&RecommendationsMade::example())
}

pub(crate) struct Stage {
    pub(crate) cloud: MemoryCloud,
    pub(crate) telemetry: Telemetry,
    pub(crate) mishaps: Mishaps,
    pub(crate) health: Arc<Health>,
    pub(crate) stop: CancellationToken,
    exporter: InMemorySpanExporter,
    choreography: Choreography,
    clock: TokioClock,
    daemons: JoinSet<()>,
    started: u64,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        let choreography = Topology::murmuration().check().unwrap();
        let clock = TokioClock::starting_at(UnixMs(1_790_000_000_000));
        let server_clock: Arc<dyn Clock> = Arc::new(clock);
        let exporter = InMemorySpanExporter::default();
        Stage {
            cloud: MemoryCloud::new(&choreography, &server_clock, 0),
            telemetry: Telemetry::with_span_exporter(exporter.clone()),
            mishaps: Mishaps::default(),
            health: Health::new(),
            stop: CancellationToken::new(),
            exporter,
            choreography,
            clock,
            daemons: JoinSet::new(),
            started: 0,
        }
    }

    /// All four agents, as one would start them.
    pub(crate) fn with_daemons(mut self) -> Stage {
        ["research", "analysis", "writer", "recommendation"].into_iter().for_each(|name| drop(self.start(name)));
        self
    }

    pub(crate) fn start(&mut self, name: &'static str) -> AbortHandle {
        let ports = self.cloud.ports(Arc::new(self.clock));
        self.start_over(name, ports)
    }

    pub(crate) fn start_over(&mut self, name: &'static str, ports: Ports) -> AbortHandle {
        self.started += 1;
        let with = Surroundings {
            ports,
            settings: Settings::of(&self.choreography),
            chance: Chance::seeded(self.started),
            telemetry: self.telemetry.clone(),
            instance: format!("test:{}", self.started),
        };
        let daemon = self.daemon(name).reporting_to(self.health.clone());
        let stop = self.stop.clone();
        self.daemons.spawn(async move { daemon.run(with, stop).await.unwrap() })
    }

    fn daemon(&self, name: &'static str) -> Daemon {
        let daemon = Daemon::new(name, self.choreography.clone());
        let mishaps = || self.mishaps.clone();
        match name {
            "research" => daemon
                .handles("research", Does { row: "research", mishaps: mishaps(), then: plan })
                .handles("research-tasks", Does { row: "research-tasks", mishaps: mishaps(), then: find }),
            "analysis" => daemon.handles("analysis", Does { row: "analysis", mishaps: mishaps(), then: analyse }),
            "writer" => daemon.handles("writer", Does { row: "writer", mishaps: mishaps(), then: write }),
            _ => daemon.handles("recommendation", Does { row: "recommendation", mishaps: mishaps(), then: recommend }),
        }
    }

    pub(crate) fn goal(&self) -> GoalId {
        GoalId::derive(&Tenant::default(), "key")
    }

    /// A person's goal, with the trace of whatever made the person send it.
    pub(crate) async fn send_goal(&self) {
        let mut attributes = Attributes::default();
        attributes.set(attributes::TRACEPARENT, TRACEPARENT);
        let body = r#"{"goal": "learn what others charge", "key": "key"}"#.into();
        self.send("murmur-research", Outbound { body, attributes, group: None }).await;
    }

    pub(crate) async fn send(&self, queue: &'static str, message: Outbound) {
        self.cloud.queue.send(&QueueName::new(queue), &[message]).await.unwrap().pop().unwrap().unwrap();
    }

    /// Until an event of this type is out, and everybody has settled.
    pub(crate) async fn until(&self, kind: EventType) {
        self.until_that(|stage| stage.events().iter().any(|event| event.kind == kind)).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }

    pub(crate) async fn until_that(&self, is: impl Fn(&Stage) -> bool) {
        for _ in 0..3_000 {
            if is(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!(
            "not within ten minutes; published: {:?}",
            self.events().iter().map(|event| &event.kind).collect::<Vec<_>>()
        );
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.cloud.bus.published()
    }

    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }

    /// The value of the one series of this name with these labels.
    pub(crate) fn count(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.telemetry.metrics().render_prometheus();
        let fits = |line: &&str| {
            line.split(['{', ' ']).next() == Some(name)
                && labels.iter().all(|label| line.contains(&format!("\"{label}\"")))
        };
        let lines: Vec<&str> = text.lines().filter(fits).collect();
        let [line] = lines[..] else { panic!("{name} {labels:?}: {lines:?} of\n{text}") };
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) async fn stopped(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.daemons.join_next().await {
            assert!(ended.as_ref().is_err_and(|why| why.is_cancelled()) || ended.is_ok());
        }
    }
}

pub(crate) fn users_place() -> TraceContext {
    TraceContext::parse(TRACEPARENT, None).unwrap()
}
