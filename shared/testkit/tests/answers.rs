//! Owns what else was mended under careful reading: whose cancel counts, what an answer that was paid for is worth, who
//! is deposed, what a row must say, which characters and which seconds reach the servers, and who notices a dead part.
//! Never a fault by chance.
//! Next: `world`, where all of it happens at once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contract::events::{GoalCancelRequested, GoalCancelled, GoalCompleted, GoalRequested, ReportWritten};
use contract::limits::CAUSE_TEXT_BYTES_MAX;
use contract::{CauseKind, Clock, EventData, GoalId, PortError, QueueName, UnixMs};
use runtime::ledger::{Attr, Item, ItemKey, Listed, Mark, Shelf, Write, WriteName};
use runtime::ports::{EntryResult, GoalStates, Ledger, Outbound, Ports, Queue, Receipt, Received, Written};
use runtime::telemetry::Telemetry;
use runtime::{Chance, Daemon, DaemonError, Handled, Handler, Settings, Spend, Step, StepError, Surroundings};
use serde_json::json;
use testkit::clock::TokioClock;
use testkit::memory::MemoryLedger;
use testkit::place::Op;
use testkit::stage::{At, BASE, Fault, Stage, Wish};
use tokio_util::sync::CancellationToken;

const BOUND: Spend = Spend { tokens: 40, micros: 400 };
const COST: Spend = Spend { tokens: 7, micros: 70 };

/// A goal at work, and what opens the gate before its handler.
async fn at_work() -> (Stage, Wish, testkit::stage::Gate) {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    let work = stage.hold(At::op(Op::Handler));
    stage.goal(&wish).await;
    stage.start("solo");
    work.reached().await;
    (stage, wish, work)
}

#[tokio::test(start_paused = true)]
async fn a_cancel_by_another_tenant_is_rejected_and_the_goal_goes_on() {
    let (stage, wish, work) = at_work().await;
    let mut cancel = wish.cancel();
    cancel.tenant = "another".parse().unwrap();
    stage.publish(&cancel).await;
    stage.until("it is rejected", |stage| stage.dead_letters("solo").len() == 1).await;
    assert_eq!(stage.dead_letters("solo")[0].attributes.park().unwrap().cause.kind, CauseKind::NoSuchGoal);
    work.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_a_cancel_is_cut() {
    let (stage, wish, work) = at_work().await;
    let mut cancel = wish.cancel();
    cancel.data = json!(GoalCancelRequested { reason: Some(format!("because\u{1b} {}", "x".repeat(30_000))) });
    stage.publish(&cancel).await;
    stage.until("it is told", |stage| stage.end_of(wish.id()).is_some_and(|(_, told)| told)).await;
    work.open();
    stage.until_quiet().await;
    let end = stage.one_end::<GoalCancelled>(wish.id());
    let reason = end.data["reason"].as_str().unwrap();
    assert!(reason.len() <= CAUSE_TEXT_BYTES_MAX && reason.starts_with("because  x"), "{} {reason:.20}", reason.len());
}

/// A goal of 100 tokens and 1000 millionths of a dollar, whose step makes one call.
fn spending() -> (Stage, Wish) {
    let stage = Stage::solo();
    stage.plays("solo", |step| async move {
        step.budget.reserve(BOUND).await?.settle(COST).await;
        Ok(Handled::emit(&ReportWritten::example()))
    });
    (stage, Wish::new("a goal").budget(Some(100), Some(0.001)))
}

/// Spent, reserved, left; of either currency.
fn purse(stage: &Stage, wish: &Wish) -> [[i64; 3]; 2] {
    let item = stage.goal_item(wish.id()).unwrap();
    let number = |attr| item.number(&attr).unwrap_or(0);
    [
        [Attr::TokensSpent, Attr::TokensReserved, Attr::TokensLeft].map(number),
        [Attr::MicrosSpent, Attr::MicrosReserved, Attr::MicrosLeft].map(number),
    ]
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_settling_fails_is_kept_and_its_bound_is_booked() {
    for fault in [Fault::Fail(PortError::permanent("no")), Fault::throttled()] {
        let (stage, wish) = spending();
        stage.script(At::write(WriteName::Settle).always(), fault.clone());
        stage.goal(&wish).await;
        stage.start("solo");
        stage.until_quiet().await;
        stage.one_end::<GoalCompleted>(wish.id());
        let step = stage.step(wish.id(), "solo").unwrap();
        assert_eq!((stage.asked("solo"), step.attempts, step.epoch), (1, 0, 1), "{fault:?}\n{stage:?}");
        assert_eq!(purse(&stage, &wish), [[40, 0, 60], [400, 0, 600]], "{fault:?}\n{stage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_keeps_what_its_attempt_really_cost() {
    for unsettled in [false, true] {
        let (stage, wish) = spending();
        if unsettled {
            stage.script(At::write(WriteName::Settle).always(), Fault::Fail(PortError::permanent("no")));
        }
        stage.goal(&wish).await;
        stage.start("solo");
        stage.until_quiet().await;
        let step = &stage.steps(wish.id(), "solo")[0];
        assert_eq!(
            (step.number(&Attr::CostTokens), step.number(&Attr::CostMicros)),
            (Some(7), Some(70)),
            "{unsettled}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_deposed_in_an_ended_goal_has_failed_nothing_and_its_message_is_soon_gone() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").budget(Some(100), None));
    stage.plays("solo", |step| async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        step.budget.reserve(BOUND).await?.settle(COST).await;
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until("it is at work", |stage| stage.asked("solo") == 1).await;
    stage.cancel(&wish).await;
    stage.until("its message is gone", |stage| stage.cloud().queue.count(&stage.queue_of("solo")) == 0).await;
    assert!(stage.elapsed() < Duration::from_secs(15), "{:?}\n{stage:?}", stage.elapsed());
    stage.until_quiet().await;
    stage.one_end::<GoalCancelled>(wish.id());
    assert_eq!(stage.step(wish.id(), "solo").unwrap().attempts, 0, "{stage:?}");
    assert_eq!((stage.applied(WriteName::Release), stage.applied(WriteName::Park), stage.asked("solo")), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_row_with_two_events_that_does_not_say_what_it_brings_parks_as_permanent() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    let report = |n| ReportWritten { summary: format!("report {n}"), ..ReportWritten::example() };
    stage.plays("solo", move |_| async move { Ok(Handled::emit(&report(1)).and_emit(&report(2))) });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    let note = stage.dead_letters("solo")[0].attributes.park().unwrap();
    assert_eq!((note.cause.kind, stage.asked("solo")), (CauseKind::Permanent, 1));
    assert_eq!((stage.published::<ReportWritten>().len(), stage.end_of(wish.id())), (0, None));
    // Saying it is enough.
    stage.plays("solo", move |_| async move {
        Ok(Handled::emit(&report(1)).and_emit(&report(2)).arriving(&json!({ "reports": 2 })))
    });
    stage.redrive("solo");
    stage.until_quiet().await;
    let end = stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(end.data["arrived"][0]["data"], json!({ "reports": 2 }));
    assert_eq!(stage.published::<ReportWritten>().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn words_with_characters_that_sqs_refuses_reach_the_row_by_bus_and_by_queue() {
    let stage = Stage::solo();
    let words = "a goal \u{fffe} with \u{ffff} in it";
    let (by_bus, by_queue) = (Wish::new("by bus").words(words), Wish::new("by queue").words(words));
    stage.goal_by_bus(&by_bus).await;
    stage.goal(&by_queue).await;
    stage.start("solo");
    stage.until_quiet().await;
    for wish in [&by_bus, &by_queue] {
        assert_eq!(stage.one_end::<GoalCompleted>(wish.id()).data["goal"], words);
    }
}

#[tokio::test(start_paused = true)]
async fn the_servers_own_clean_up_is_told_in_seconds_and_never_before_a_reader_lets_go() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(600));
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let items = stage.cloud().ledger.items();
    assert!(items.len() > 5, "the goal, its join and its steps: {items:?}");
    for item in items {
        let expires_ms = item.time(&Attr::ExpiresAt).unwrap().0;
        let ttl_s = item.number(&Attr::Ttl).unwrap();
        let retention = i64::try_from(Settings::default().record_retention.as_millis()).unwrap();
        assert_eq!(expires_ms, BASE.0 + 600_000 + retention, "{:?}", item.key);
        assert!((0..=1_000).contains(&(ttl_s * 1_000 - expires_ms)), "{:?}: {ttl_s} s, {expires_ms} ms", item.key);
    }
    assert_eq!(Attr::Ttl.name(), "ttl", "as the table is provisioned");
}

#[test]
fn two_fresh_chances_have_no_half_of_a_token_in_common() {
    let halves = |chance: &Chance| {
        let tokens: Vec<String> = (0..1_000).map(|_| chance.token().to_string()).collect();
        let drawn: BTreeSet<String> = tokens.iter().map(|token| token[..16].to_owned()).collect();
        let processes: BTreeSet<String> = tokens.iter().map(|token| token[16..].to_owned()).collect();
        assert_eq!((drawn.len(), processes.len()), (1_000, 1));
        (drawn, processes)
    };
    let all: Vec<_> = (0..20).map(|_| halves(&Chance::fresh())).collect();
    let drawn: BTreeSet<_> = all.iter().flat_map(|(drawn, _)| drawn).collect();
    let processes: BTreeSet<_> = all.iter().flat_map(|(_, processes)| processes).collect();
    assert_eq!((drawn.len(), processes.len()), (20_000, 20));
}

/// A queue of which every receive is a defect.
#[derive(Debug)]
struct Panicking;

#[async_trait]
impl Queue for Panicking {
    async fn receive(&self, _: &QueueName, _: usize, _: Duration, _: Duration) -> Result<Vec<Received>, PortError> {
        panic!("a defect in a port");
    }
    async fn delete(&self, _: &QueueName, _: &[Receipt]) -> Result<Vec<EntryResult>, PortError> {
        Ok(vec![])
    }
    async fn set_visibility(&self, _: &QueueName, _: &[(Receipt, Duration)]) -> Result<Vec<EntryResult>, PortError> {
        Ok(vec![])
    }
    async fn send(&self, _: &QueueName, _: &[Outbound]) -> Result<Vec<EntryResult>, PortError> {
        Ok(vec![])
    }
}

struct Nothing;

#[async_trait]
impl Handler for Nothing {
    type Input = GoalRequested;
    async fn handle(&self, _: GoalRequested, _: &Step) -> Result<Handled, StepError> {
        Ok(Handled::nothing())
    }
}

/// A ledger of which every look for what is due is a defect.
#[derive(Debug)]
struct Undue(Arc<MemoryLedger>);

#[async_trait]
impl Ledger for Undue {
    async fn write(&self, write: &Write) -> Result<Written, PortError> {
        self.0.write(write).await
    }
    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, PortError> {
        self.0.read(key).await
    }
    async fn goals(&self, ids: &[GoalId]) -> Result<GoalStates, PortError> {
        self.0.goals(ids).await
    }
    async fn due(&self, _: u8, _: UnixMs, _: usize) -> Result<Vec<ItemKey>, PortError> {
        panic!("a defect in a port");
    }
    async fn listed(&self, shelf: Shelf, after: Option<Mark>, max: usize) -> Result<Vec<Listed>, PortError> {
        self.0.listed(shelf, after, max).await
    }
    async fn story(&self, goal: GoalId) -> Result<Vec<Item>, PortError> {
        self.0.story(goal).await
    }
}

/// How a daemon ends whose ports are those, if anything ends it.
async fn ran(change: impl FnOnce(&mut Ports)) -> Option<Result<(), DaemonError>> {
    let stage = Stage::solo();
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(BASE));
    let mut with = Surroundings {
        ports: stage.cloud().ports(clock),
        settings: Settings::of(stage.choreography()),
        chance: Chance::seeded(1),
        telemetry: Telemetry::off(),
        instance: "it".into(),
    };
    change(&mut with.ports);
    let daemon = Daemon::new("solo", stage.choreography().clone()).handles("solo", Nothing);
    tokio::time::timeout(Duration::from_secs(120), daemon.run(with, CancellationToken::new())).await.ok()
}

#[tokio::test(start_paused = true)]
async fn a_daemon_of_which_a_part_has_died_ends_and_says_so() {
    assert_eq!(ran(|_| ()).await, None, "a whole one goes on");
    let died = |part| Some(Err(DaemonError::Died(part)));
    assert_eq!(ran(|ports| ports.queue = Arc::new(Panicking)).await, died("a row's receiving"));
    let ledger = Arc::new(Undue(Arc::default()));
    assert_eq!(ran(|ports| ports.ledger = ledger).await, died("the sweep"));
}
