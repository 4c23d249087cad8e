//! Owns the plainest load: messages waiting for one row, each of a goal of its own, for a handler that does nothing and
//! emits one event.
//! Never a fault, never two of anything: what it costs is what a delivery costs.
//! Next: `tests/calls` counts its calls, `bench` its nanoseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use contract::events::{AnalysisCompleted, GoalRequested, ResearchCompleted};
use contract::topology::RowLimits;
use contract::{
    Choreography, Clock, Event, EventData, EventId, GoalId, PortError, RowName, Source, SpanId, Tenant, TraceContext,
    TraceId, Unit, UnixMs,
};
use runtime::ledger::{Write, goal};
use runtime::ports::{Bus, Ledger, Ports};
use runtime::telemetry::Telemetry;
use runtime::{Chance, Daemon, DaemonError, Handled, Handler, Settings, Step, StepError, Surroundings};
use tokio_util::sync::CancellationToken;

use crate::clock::TokioClock;
use crate::memory::MemoryCloud;

/// The row that they wait for; its name is its daemon's, too.
pub const ROW: &str = "analysis";
const START: UnixMs = UnixMs(1_795_000_000_000);

/// Messages that wait. One run takes them all.
#[derive(Debug)]
pub struct Plain {
    pub cloud: MemoryCloud,
    pub clock: TokioClock,
    choreography: Choreography,
    messages: usize,
}

/// Says the same to everything, and stops its daemon after so many messages.
struct Nothing {
    said: AnalysisCompleted,
    left: AtomicUsize,
    stop: CancellationToken,
}

#[async_trait]
impl Handler for Nothing {
    type Input = ResearchCompleted;

    async fn handle(&self, _: ResearchCompleted, _: &Step) -> Result<Handled, StepError> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            // What is at work is ended all the same.
            self.stop.cancel();
        }
        Ok(Handled::emit(&self.said))
    }
}

impl Plain {
    pub async fn waiting(choreography: &Choreography, messages: usize) -> Result<Plain, PortError> {
        let clock = TokioClock::starting_at(START);
        let server_clock: Arc<dyn Clock> = Arc::new(clock);
        let cloud = MemoryCloud::new(choreography, &server_clock, 1);
        for number in 0..messages {
            cloud.ledger.write(&accept(number, choreography)).await?;
            let entries = cloud.bus.put(&[input(number)]).await?;
            entries.into_iter().collect::<Result<(), PortError>>()?;
        }
        Ok(Plain { cloud, clock, choreography: choreography.clone(), messages })
    }

    pub fn ports(&self) -> Ports {
        self.cloud.ports(Arc::new(self.clock))
    }

    /// One daemon, so many at a time, until all are done.
    pub async fn run(&self, ports: Ports, concurrency: usize, telemetry: &Telemetry) -> Result<(), DaemonError> {
        let stop = CancellationToken::new();
        let left = AtomicUsize::new(self.messages);
        let handler = Nothing { said: AnalysisCompleted::example(), left, stop: stop.clone() };
        let limits = RowLimits { concurrency, ..RowLimits::DEFAULT };
        let settings = Settings { limits: [(RowName::new(ROW), limits)].into(), ..Settings::default() };
        let telemetry = telemetry.clone();
        let with = Surroundings { ports, settings, chance: Chance::seeded(1), telemetry, instance: "plain".into() };
        Daemon::new(ROW, self.choreography.clone()).handles(ROW, handler).run(with, stop).await
    }

    /// Whether every message led to its event, and is gone.
    pub fn all_done(&self) -> bool {
        let queue = contract::QueueName::from(format!("murmur-{ROW}"));
        // Each was published when it was sent, and led to one event more.
        self.cloud.queue.count(&queue) == 0 && self.cloud.bus.published_count() == 2 * self.messages
    }
}

/// A goal's request.
pub fn request(number: usize) -> Event {
    let (tenant, key) = (Tenant::default(), format!("plain-{number}"));
    let goal = GoalId::derive(&tenant, &key);
    let data = GoalRequested { deadline: None, ..GoalRequested::example() };
    let made = event(goal, EventId::derive(goal, &GoalRequested::TYPE, &Unit::goal()), &data);
    Event { goal_key: Some(key), source: Source::USER, tenant, ..made }
}

/// What the row is sent, of the `number`-th goal.
pub fn input(number: usize) -> Event {
    let request = request(number);
    let id = EventId::derive(request.goal, &ResearchCompleted::TYPE, &Unit::join("evidence"));
    let made = event(request.goal, id, &ResearchCompleted::example());
    Event { causation: Some(request.id), goal_key: request.goal_key, hops: 2, ..made }
}

fn event<T: EventData>(goal: GoalId, id: EventId, data: &T) -> Event {
    let trace = TraceContext { trace: TraceId(goal.0.as_u128()), span: SpanId(7), sampled: true, state: None };
    Event {
        id,
        source: Source::CHOREOGRAPHY,
        kind: T::TYPE,
        version: T::VERSION,
        time: START,
        goal,
        goal_key: None,
        causation: None,
        hops: 0,
        deadline: None,
        tenant: Tenant::default(),
        trace,
        data: serde_json::to_value(data).unwrap_or_default(),
    }
}

/// The goal exists before its messages do.
pub fn accept(number: usize, choreography: &Choreography) -> Write {
    let settings = Settings::default();
    let data = GoalRequested { deadline: None, ..GoalRequested::example() };
    goal::accept(&request(number), &data, START + settings.goal_deadline, START, choreography, &settings)
}
