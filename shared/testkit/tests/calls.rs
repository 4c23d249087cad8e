//! Owns the proof of what the protocol costs: calls of a plain step and of a whole goal, counted at the ports.
//! Never compares with a number that the topology could have told: the floor is computed from the table.
//! Next: `contract::topology::cost` is that floor, `testkit::calls` counts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "the figures are what a person runs this for")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use contract::events::{
    AnalysisCompleted, Evidence, GoalRequested, RecommendationsMade, ReportWritten, ResearchCompleted, ResearchHead,
    ResearchTaskRequested,
};
use contract::topology::RowLimits;
use contract::topology::cost::{Cost, Work};
use contract::{Attributes, Choreography, Clock, EventData, QueueName, Topology, UnixMs};
use runtime::ports::{Outbound, Queue};
use runtime::telemetry::Telemetry;
use runtime::{Chance, Daemon, Handled, Handler, Inputs, Open, Settings, Spend, Step, StepError, Surroundings};
use testkit::calls::{Calls, counting};
use testkit::memory::{MemoryCloud, TokioClock};
use testkit::plain::Plain;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const PLAIN_STEP_CALLS_MAX: f64 = 2.4;
const TASKS: u32 = 3;
const MODEL_CALLS: u32 = 2;
/// What all the steps of one goal are, with three tasks: plan, tasks, analysis, writer, recommendation.
const STEPS: usize = 7;

fn choreography() -> Choreography {
    Topology::murmuration().check().unwrap()
}

/// Calls a message, over so many messages and with so many at a time; each call takes so many milliseconds.
async fn plain_step(messages: usize, concurrency: usize, calls: Calls) -> f64 {
    let plain = Plain::waiting(&choreography(), messages).await.unwrap();
    let calls = Arc::new(calls);
    plain.run(counting(plain.ports(), &calls), concurrency, &Telemetry::off()).await.unwrap();
    assert!(plain.all_done());
    let of_steps = |(name, _): &(&str, _)| !["idle-poll", "sweep"].contains(name);
    let all = calls.all();
    let total: u64 =
        all.iter().map(|(name, count)| (*name, count.calls)).filter(of_steps).map(|(_, calls)| calls).sum();
    let terms: Vec<String> = all.iter().map(|(name, count)| format!("{name} {}", count.calls)).collect();
    let each = total as f64 / messages as f64;
    println!(
        "plain step, {messages} messages, {concurrency} at a time: {each:.2} calls a message ({})",
        terms.join(", ")
    );
    each
}

#[tokio::test(start_paused = true)]
async fn a_plain_step_at_full_batches_makes_at_most_two_point_four_calls() {
    let each = plain_step(100, 10, Calls::default()).await;
    assert!(each <= PLAIN_STEP_CALLS_MAX + 1e-9, "{each} calls a message");
}

/// Each call takes 3 to 12 ms. The more is at work at once, the fuller the batches.
#[tokio::test(start_paused = true)]
async fn batches_fill_under_load_although_servers_take_their_time() {
    for (concurrency, most) in [(10, 3.3), (30, 2.65), (100, 2.45)] {
        let each = plain_step(1000, concurrency, Calls::taking(3..=12, 7)).await;
        assert!(each <= most, "{each} calls a message, {concurrency} at a time");
    }
}

/// All agents of the choreography, doing nothing but what costs calls.
#[derive(Clone)]
struct Agents {
    left: Arc<AtomicUsize>,
    stop: CancellationToken,
}

struct Agent<T> {
    agents: Agents,
    says: fn(T) -> Handled,
}

#[async_trait]
impl<T: Inputs + 'static> Handler for Agent<T> {
    type Input = T;

    async fn handle(&self, input: T, step: &Step) -> Result<Handled, StepError> {
        for _ in 0..MODEL_CALLS {
            let reservation = step.budget.reserve(Spend { tokens: 10, micros: 10 }).await?;
            reservation.settle(Spend { tokens: 7, micros: 7 }).await;
        }
        if step.event.kind == ResearchTaskRequested::TYPE {
            step.artifacts.put(step.event.id.to_string().as_bytes(), "text/plain").await?;
        }
        if self.agents.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.agents.stop.cancel();
        }
        Ok((self.says)(input))
    }
}

fn plan(goal: GoalRequested) -> Handled {
    let mut questions = vec![];
    let mut handled = Handled::nothing();
    for task in 0..TASKS {
        let question = format!("question {task}");
        questions.push(question.clone());
        handled =
            handled.and_emit(&ResearchTaskRequested { question, topic: None, collections: vec![], sources: vec![] });
    }
    handled.opening(Open::join("evidence", &ResearchHead { goal: goal.goal, questions }).all_required())
}

fn evidence(task: ResearchTaskRequested) -> Handled {
    Handled::nothing().arriving(&Evidence { question: task.question, summary: "found".into(), passages: None })
}

impl Agents {
    fn agent<T>(&self, says: fn(T) -> Handled) -> Agent<T> {
        Agent { agents: self.clone(), says }
    }

    fn daemons(&self, choreography: &Choreography) -> [Daemon; 4] {
        let daemon = |name| Daemon::new(name, choreography.clone());
        [
            daemon("research").handles("research", self.agent(plan)).handles("research-tasks", self.agent(evidence)),
            daemon("analysis")
                .handles("analysis", self.agent(|_: ResearchCompleted| Handled::emit(&AnalysisCompleted::example()))),
            daemon("writer")
                .handles("writer", self.agent(|_: AnalysisCompleted| Handled::emit(&ReportWritten::example()))),
            daemon("recommendation").handles(
                "recommendation",
                self.agent(|_: AnalysisCompleted| Handled::emit(&RecommendationsMade::example())),
            ),
        ]
    }
}

/// So many goals at once through one process of each agent, every port call counted.
async fn whole_goals(goals: usize, concurrency: usize, calls: Calls) -> Calls {
    let choreography = choreography();
    let clock = TokioClock::starting_at(UnixMs(1_795_000_000_000));
    let server_clock: Arc<dyn Clock> = Arc::new(clock);
    let cloud = MemoryCloud::new(&choreography, &server_clock, 1);
    let queue = QueueName::from("murmur-research".to_owned());
    for number in 0..goals {
        let body = format!("{{\"goal\":\"find out\",\"key\":\"goal-{number}\"}}");
        cloud.queue.send(&queue, &[Outbound { body, attributes: Attributes::default(), group: None }]).await.unwrap();
    }
    let calls = Arc::new(calls);
    let agents = Agents { left: Arc::new(AtomicUsize::new(goals * STEPS)), stop: CancellationToken::new() };
    let limits = RowLimits { concurrency, ..RowLimits::DEFAULT };
    let rows = choreography.rows.iter().map(|row| (row.name.clone(), limits));
    let settings = Settings { limits: rows.collect(), ..Settings::default() };
    let mut daemons = JoinSet::new();
    for (number, daemon) in agents.daemons(&choreography).into_iter().enumerate() {
        let with = Surroundings {
            ports: counting(cloud.ports(Arc::new(clock)), &calls),
            settings: settings.clone(),
            chance: Chance::seeded(number as u64),
            telemetry: Telemetry::off(),
            instance: "counted".into(),
        };
        daemons.spawn(daemon.run(with, agents.stop.clone()));
    }
    while let Some(ended) = daemons.join_next().await {
        ended.unwrap().unwrap();
    }
    let completed = cloud.bus.published().iter().filter(|event| event.kind.as_str() == "goal.completed").count();
    assert_eq!(completed, goals, "each goal completes, once");
    Arc::try_unwrap(calls).unwrap()
}

fn floor(batch_fill: u32) -> Cost {
    let work = Work { members: TASKS, model_calls: MODEL_CALLS, heartbeats: 0, artifacts: TASKS, batch_fill };
    Topology::murmuration().cost_of_a_goal(&work)
}

/// Term by term, and what was counted that no term of the floor names.
fn compare(calls: &Calls, goals: usize, floor: &Cost) -> f64 {
    let counted = |calls: u64| calls as f64 / goals as f64;
    for term in &floor.0 {
        println!("{:>12}: floor {:6.2}, counted {:6.2}", term.call, term.calls, counted(calls.of(term.call).calls));
    }
    let mut total = 0.0;
    for (name, count) in calls.all() {
        if ["idle-poll", "sweep"].contains(&name) {
            println!("{name:>12}: not owed to any goal, counted {:6.2}", counted(count.calls));
            continue;
        }
        assert!(floor.of(name) > 0.0, "{name} is in no term of the floor");
        total += counted(count.calls);
    }
    println!(
        "whole goal, {goals} at once: {total:.2} calls a goal, floor {:.2}, {:+.1} %",
        floor.total(),
        (total / floor.total() - 1.0) * 100.0
    );
    total
}

/// Only batches may make a difference: every other call is made exactly as often as the table says.
fn assert_unbatched_calls_are_exact(calls: &Calls, goals: usize, floor: &Cost) {
    for term in floor.0.iter().filter(|term| !["receive", "goal-states", "emit", "delete"].contains(&term.call)) {
        assert_eq!(calls.of(term.call).calls as f64, term.calls * goals as f64, "{}", term.call);
    }
}

#[test]
fn the_floor_of_a_goal_follows_from_the_table() {
    let floor = floor(10);
    let expected = [
        ("receive", 0.7),
        ("goal-states", 0.7),
        ("claim", 7.0),
        ("commit", 7.0),
        // Three tasks, research.completed, analysis.completed, the report, the recommendations, goal.completed.
        ("emit", 0.8),
        ("delete", 0.7),
        ("accept", 1.0),
        ("end", 1.0),
        ("open", 1.0),
        ("close", 1.0),
        ("told", 2.0),
        // Three tasks, writer, recommendation.
        ("arrive", 5.0),
        ("reserve", 14.0),
        ("settle", 14.0),
        ("heartbeat", 0.0),
        // One for each task.
        ("artifact", 3.0),
    ];
    let found: Vec<(&str, f64)> = floor.0.iter().map(|term| (term.call, (term.calls * 1e6).round() / 1e6)).collect();
    assert_eq!(found, expected);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_goals_at_once_cost_no_more_than_a_tenth_above_their_floor() {
    let goals = 100;
    let calls = whole_goals(goals, 10, Calls::default()).await;
    let floor = floor(10);
    let total = compare(&calls, goals, &floor);
    // Model calls are exact, and many: they must not hide what the rest costs.
    let model = floor.of("reserve") + floor.of("settle");
    let above = (total - model) / (floor.total() - model) - 1.0;
    println!("without the {model} calls for models: {:+.1} %", above * 100.0);
    assert!(above <= 0.1, "{total:.2} calls a goal, floor {:.2}", floor.total());
    assert_unbatched_calls_are_exact(&calls, goals, &floor);
}

#[tokio::test(start_paused = true)]
async fn a_goal_by_itself_costs_no_more_than_its_floor_without_batches() {
    let calls = whole_goals(1, 10, Calls::default()).await;
    let floor = floor(1);
    let total = compare(&calls, 1, &floor);
    assert!(total <= floor.total() + 1e-9, "{total} calls, floor {}", floor.total());
    assert_unbatched_calls_are_exact(&calls, 1, &floor);
}
