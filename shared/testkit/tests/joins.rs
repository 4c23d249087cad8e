//! Owns joins: whoever comes in whichever order, one joined event with one content; what failed may still come right
//! before the close, and what comes after it changes nothing.
//! Never the goal's end by other reasons: those are in `ends`.
//! Next: `ends`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use contract::events::{
    AnalysisCompleted, Evidence, GoalCompleted, GoalFailed, RecommendationsMade, ReportWritten, ResearchCompleted,
    ResearchTaskRequested,
};
use contract::{Event, EventData, EventId, Source, Unit};
use runtime::ledger::WriteName;
use runtime::ledger::join::JoinState;
use runtime::{Handled, Step, StepError};
use testkit::place::Op;
use testkit::stage::{At, Fault, Gate, Stage, Wish, evidence};

fn found(step: &Step) -> Handled {
    let task: ResearchTaskRequested = step.event.data_as().unwrap();
    Handled::nothing().arriving(&Evidence { question: task.question, summary: "found".into(), passages: None })
}

/// The n-th task of a goal's plan, as the plan will publish it.
fn task(wish: &Wish, n: usize) -> Event {
    let goal = wish.event();
    let kind = ResearchTaskRequested::TYPE;
    Event {
        id: EventId::derive(goal.goal, &kind, &Unit::output("research", goal.id, n)),
        source: Source::new("murmuration.research"),
        data: serde_json::json!({ "question": format!("question {n}") }),
        hops: 1,
        causation: Some(goal.id),
        kind,
        ..goal
    }
}

/// A goal whose task `n` meets this in its handler, so many times.
fn with_task<F>(stage: &Stage, n: usize, play: F)
where
    F: Fn(u32) -> Result<(), StepError> + Send + Sync + 'static,
{
    let (asked, play) = (Arc::new(AtomicU32::new(0)), Arc::new(play));
    stage.plays("research-tasks", move |step| {
        let (asked, play) = (Arc::clone(&asked), Arc::clone(&play));
        async move {
            let task: ResearchTaskRequested = step.event.data_as().unwrap();
            if task.question == format!("question {n}") {
                play(asked.fetch_add(1, Ordering::Relaxed))?;
            }
            Ok(found(&step))
        }
    });
}

fn evidence_of(stage: &Stage, wish: &Wish) -> JoinState {
    stage.join_of(wish.id(), "evidence").unwrap()
}

async fn told_once(stage: &Stage, wish: &Wish, place: &str) -> ResearchCompleted {
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let told = stage.told::<ResearchCompleted>(wish.id());
    assert_eq!((told.len(), stage.applied(WriteName::Close)), (1, 1), "{place}\n{stage:?}");
    told[0].data_as().unwrap()
}

/// The open and two arrivals stand at gates, which are opened in this order. Whoever then closes is either quick, or so
/// slow that a repetition of the last arrival closes before it.
async fn in_order(order: [usize; 3], slow_close: bool) {
    let place = format!("{order:?} {slow_close}");
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    let tasks = [task(&wish, 0), task(&wish, 1)];
    let arrival = |n: usize| At::write(WriteName::Arrive).about(format!("status#{}", tasks[n].id));
    let gates = [stage.hold(At::write(WriteName::Open)), stage.hold(arrival(0)), stage.hold(arrival(1))];
    let close: Option<Gate> = slow_close.then(|| stage.hold(At::write(WriteName::Close)));
    stage.goal(&wish).await;
    stage.start_all();
    gates[0].reached().await;
    // The bus is faster than the plan's own process: the tasks are at work before the join is open.
    for task in &tasks {
        stage.event_to("research-tasks", task).await;
    }
    for gate in &gates {
        gate.reached().await;
    }
    for at in order {
        let answered = stage.calls(Op::Write(WriteName::Open)).len() + stage.calls(Op::Write(WriteName::Arrive)).len();
        gates[at].open();
        stage
            .until("it was answered", |stage| {
                stage.calls(Op::Write(WriteName::Open)).len() + stage.calls(Op::Write(WriteName::Arrive)).len()
                    > answered
            })
            .await;
    }
    if let Some(close) = close {
        close.reached().await;
        // The plan's own tasks come by the bus as well: as copies, whose arrivals find the join complete.
        stage.event_to("research-tasks", &tasks[0]).await;
        stage.until("somebody else closed it", |stage| stage.applied(WriteName::Close) == 1).await;
        close.open();
        stage.until("the slow close was answered", |stage| stage.refused(WriteName::Close) >= 1).await;
    }
    let joined = told_once(&stage, &wish, &place).await;
    assert_eq!((joined.arrived.len(), joined.missing.len()), (2, 0), "{place}");
    let version = evidence_of(&stage, &wish).version;
    assert_eq!(version, 2, "{place}: a repeated arrival changes nothing");
}

#[tokio::test(start_paused = true)]
async fn two_arrivals_an_open_and_a_close_make_one_joined_event_in_every_order() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for slow_close in [false, true] {
            in_order(order, slow_close).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn arrivals_that_come_before_the_open_are_seen_by_it() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    let open = stage.hold(At::write(WriteName::Open));
    stage.goal(&wish).await;
    stage.start_all();
    open.reached().await;
    for n in 0..2 {
        stage.event_to("research-tasks", &task(&wish, n)).await;
    }
    stage.until("both have arrived", |stage| stage.applied(WriteName::Arrive) == 2).await;
    assert!(evidence_of(&stage, &wish).members.is_none() && stage.published::<ResearchCompleted>().is_empty());
    open.open();
    let joined = told_once(&stage, &wish, "open last").await;
    assert_eq!(joined.arrived.len(), 2);
    // The plan's own process found it complete when it opened it.
    assert!(stage.calls(Op::Write(WriteName::Open)).iter().all(|call| call.process.starts_with("research")));
}

#[tokio::test(start_paused = true)]
async fn a_join_without_members_closes_when_it_is_opened() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.plays("research", |_| async { Ok(evidence(0, 0)) });
    stage.goal(&wish).await;
    stage.start_all();
    let joined = told_once(&stage, &wish, "no members").await;
    assert!(joined.arrived.is_empty() && joined.missing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_comes_right_between_the_reading_of_a_complete_join_and_its_close_is_told() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.plays("research", |_| async { Ok(evidence(2, 1)) });
    with_task(&stage, 1, |asked| if asked == 0 { Err(StepError::permanent("no")) } else { Ok(()) });
    let (first, second) = (stage.hold(At::write(WriteName::Close)), stage.hold(At::write(WriteName::Close).nth(2)));
    stage.goal(&wish).await;
    stage.start_all();
    first.reached().await;
    stage.until("its letter is there", |stage| stage.dead_letters("research-tasks").len() == 1).await;
    stage.redrive("research-tasks");
    second.reached().await;
    first.open();
    stage.until("it is closed", |stage| stage.applied(WriteName::Close) == 1).await;
    second.open();
    let joined = told_once(&stage, &wish, "a close with an older state").await;
    let is_ok = |arrived: &contract::events::Arrived| arrived.status == contract::events::ArrivalStatus::Ok;
    assert!(joined.arrived.iter().all(is_ok), "{joined:?}");
    assert!(stage.refused(WriteName::Close) >= 2, "the older state was refused, and so was the slower closer");
}

#[tokio::test(start_paused = true)]
async fn a_member_that_comes_right_between_the_reading_and_the_end_is_told_by_the_end() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    let asked = AtomicU32::new(0);
    stage.plays("recommendation", move |_| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            if first { Err(StepError::permanent("no")) } else { Ok(Handled::emit(&RecommendationsMade::example())) }
        }
    });
    let (first, second) = (stage.hold(At::write(WriteName::End)), stage.hold(At::write(WriteName::End).nth(2)));
    stage.goal(&wish).await;
    stage.start_all();
    first.reached().await;
    stage.until("its letter is there", |stage| stage.dead_letters("recommendation").len() == 1).await;
    stage.redrive("recommendation");
    second.reached().await;
    first.open();
    stage.until("it has ended", |stage| stage.applied(WriteName::End) == 1).await;
    second.open();
    stage.until_quiet().await;
    let end: GoalCompleted = stage.one_end::<GoalCompleted>(wish.id()).data_as().unwrap();
    assert!(end.arrived.iter().all(|it| it.status == contract::events::ArrivalStatus::Ok), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn a_redrive_before_the_deadline_replaces_a_members_failure() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.plays("research", |_| async { Ok(evidence(2, 2)) });
    with_task(&stage, 0, |asked| if asked == 0 { Err(StepError::permanent("no")) } else { Ok(()) });
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    // All have arrived, and yet it may not close: it waits for somebody.
    assert!(stage.published::<ResearchCompleted>().is_empty() && evidence_of(&stage, &wish).missing().is_empty());
    assert_eq!(stage.redrive("research-tasks"), 1);
    let joined = told_once(&stage, &wish, "redriven").await;
    assert_eq!(joined.arrived.len(), 2);
    assert!(joined.arrived.iter().all(|it| it.status == contract::events::ArrivalStatus::Ok));
}

#[tokio::test(start_paused = true)]
async fn at_its_deadline_a_join_that_may_close_does_and_names_who_is_missing_and_who_comes_later_changes_nothing() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(3_600));
    stage.plays("research", |_| async { Ok(evidence(2, 1)) });
    stage.limits_of("research-tasks", |limits| limits.step_deadline_s = 10_000);
    let never = stage.hold(At::op(Op::Handler).about(task(&wish, 1).id.to_string()));
    stage.goal(&wish).await;
    stage.start_all();
    let writer = stage.hold(At::op(Op::Handler).about("/writer#"));
    writer.reached().await;
    let due = evidence_of(&stage, &wish).closed.unwrap().time;
    assert!(due > testkit::stage::BASE + Duration::from_secs(1_000), "{due}");
    let joined: ResearchCompleted = stage.told::<ResearchCompleted>(wish.id())[0].data_as().unwrap();
    assert_eq!((joined.arrived.len(), joined.missing), (1, vec![task(&wish, 1).id.to_string()]));
    let before = stage.item(&evidence_of(&stage, &wish).key);
    never.open();
    stage
        .until("the late one is done", |stage| stage.cloud().queue.count(&stage.queue_of("research-tasks")) == 0)
        .await;
    assert_eq!(stage.item(&evidence_of(&stage, &wish).key), before);
    assert!(stage.metrics().lines().any(|line| line.contains("late") && line.ends_with(" 1")), "{}", stage.metrics());
    writer.open();
    told_once(&stage, &wish, "late arrival").await;
    assert_eq!(stage.asked("analysis"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_join_that_may_not_close_is_looked_at_again_and_closes_when_a_redrive_made_it_closable() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(3_600));
    stage.plays("research", |_| async { Ok(evidence(3, 2)) });
    stage.limits_of("research-tasks", |limits| limits.step_deadline_s = 10_000);
    with_task(&stage, 1, |asked| if asked == 0 { Err(StepError::permanent("no")) } else { Ok(()) });
    let never = stage.hold(At::op(Op::Handler).about(task(&wish, 2).id.to_string()));
    stage.goal(&wish).await;
    stage.start_all();
    stage.until("it was put off", |stage| stage.applied(WriteName::Postpone) >= 2).await;
    assert!(stage.published::<ResearchCompleted>().is_empty());
    assert_eq!(stage.redrive("research-tasks"), 1);
    stage.until("it is told", |stage| !stage.told::<GoalCompleted>(wish.id()).is_empty()).await;
    never.open();
    let joined = told_once(&stage, &wish, "postponed").await;
    assert_eq!((joined.arrived.len(), joined.missing.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_join_that_may_not_close_ends_its_goal_at_the_joins_deadline_where_the_goal_asks_for_that() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(3_600).failing());
    stage.plays("research", |_| async { Ok(evidence(2, 2)) });
    with_task(&stage, 1, |_| Err(StepError::permanent("no")));
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    stage.until("it has ended", |stage| !stage.told::<GoalFailed>(wish.id()).is_empty()).await;
    stage.until_quiet().await;
    let end = stage.one_end::<GoalFailed>(wish.id());
    assert_eq!(end.data["cause"]["kind"], "join-incomplete");
    assert!(end.time < testkit::stage::BASE + Duration::from_secs(3_000), "{end:?}");
    // The join of an ended goal is due no more.
    let undue = |stage: &Stage| evidence_of(stage, &wish).due_at.is_none();
    stage.until("nobody looks at the join any more", undue).await;
}

#[tokio::test(start_paused = true)]
async fn a_join_that_never_may_close_ends_its_goal_at_the_goals_deadline_at_the_latest() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(3_600));
    stage.plays("research", |_| async { Ok(evidence(2, 2)) });
    with_task(&stage, 1, |_| Err(StepError::permanent("no")));
    stage.goal(&wish).await;
    stage.start_all();
    stage.until("it has ended", |stage| !stage.told::<GoalFailed>(wish.id()).is_empty()).await;
    stage.until_quiet().await;
    let end = stage.one_end::<GoalFailed>(wish.id());
    assert_eq!(end.data["cause"]["kind"], "deadline-exceeded");
    assert_eq!((stage.published::<ResearchCompleted>().len(), stage.asked("analysis")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_join_whose_closer_died_before_telling_is_told_by_the_sweep() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.limits(|limits| limits.lease_s = 7_200);
    stage.script(At::write(WriteName::Close), Fault::CrashAfter);
    stage.goal(&wish).await;
    let research = stage.start("research");
    for daemon in ["analysis", "writer", "recommendation"] {
        stage.start(daemon);
    }
    research.died().await;
    stage.until("it is told", |stage| !stage.told::<ResearchCompleted>(wish.id()).is_empty()).await;
    stage.until("the goal has ended", |stage| stage.end_of(wish.id()).is_some_and(|(_, told)| told)).await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert!(stage.elapsed() < Duration::from_secs(600));
}

#[tokio::test(start_paused = true)]
async fn a_goal_completes_without_an_optional_branch_and_says_that_it_failed() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").failing());
    stage.plays("recommendation", |_| async { Err(StepError::permanent("no")) });
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    let end: GoalCompleted = stage.one_end::<GoalCompleted>(wish.id()).data_as().unwrap();
    let failed = end.arrived.iter().find(|it| it.member == "recommendation").unwrap();
    assert_eq!(failed.status, contract::events::ArrivalStatus::Failed);
    assert_eq!(stage.dead_letters("recommendation").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_goal_does_not_complete_without_what_is_required() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    let asked = AtomicU32::new(0);
    stage.plays("writer", move |_| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        async move { if first { Err(StepError::permanent("no")) } else { Ok(Handled::emit(&ReportWritten::example())) } }
    });
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    assert!(stage.end_of(wish.id()).is_none(), "{stage:?}");
    assert_eq!(stage.redrive("writer"), 1);
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(stage.told::<AnalysisCompleted>(wish.id()).len(), 1);
}
