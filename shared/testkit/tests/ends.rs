//! Owns the ends of goals: one each, whoever comes first, and told even if its writer dies; cancels, deadlines, loops,
//! and messages of goals that nobody knows or that are over.
//! Never what completes a goal step by step: those are in `joins`.
//! Next: `budgets`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use contract::events::{
    AnalysisCompleted, GoalCancelRequested, GoalCancelled, GoalCompleted, GoalFailed, GoalRequested,
    RecommendationsMade, ReportWritten, StepFailed,
};
use contract::topology::{Join, Member, Members, Row};
use contract::{CauseKind, EventData, JoinName, RowName, Source, Topology};
use runtime::ledger::WriteName;
use runtime::{Handled, StepError};
use testkit::place::Op;
use testkit::stage::{At, BASE, Fault, Stage, Wish};

#[tokio::test(start_paused = true)]
async fn a_backlog_past_its_deadline_ends_without_asking_anybody_and_two_sweepers_do_no_harm() {
    let stage = Stage::solo();
    let wishes: Vec<Wish> = (0..25).map(|n| Wish::new(&format!("goal {n}")).due_s(30)).collect();
    for wish in &wishes {
        stage.goal(wish).await;
    }
    stage.pass(Duration::from_secs(100)).await;
    stage.start("solo");
    stage.start("solo");
    stage.until_quiet().await;
    for wish in &wishes {
        let end = stage.one_end::<GoalFailed>(wish.id());
        assert_eq!(end.data["cause"]["kind"], "deadline-exceeded");
    }
    assert_eq!(stage.asked("solo"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_goal_whose_messages_are_lost_ends_at_its_deadline_by_the_sweep() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(600));
    stage.goal(&wish).await;
    stage.start("research");
    stage
        .until("there is work for analysis", |stage| stage.cloud().queue.count(&stage.queue_of("analysis")) == 1)
        .await;
    let lost = stage.cloud().queue.messages(&stage.queue_of("analysis"))[0].message_id.clone();
    stage.cloud().queue.remove(&stage.queue_of("analysis"), &lost);
    // Two sweepers find it; both ends stand at a gate, and one of them is refused.
    stage.start("analysis");
    let gate = stage.hold(At::write(WriteName::End).times(2));
    gate.open_after(Duration::from_secs(40)).await;
    stage.until("it is told", |stage| !stage.told::<GoalFailed>(wish.id()).is_empty()).await;
    stage.until_quiet().await;
    let end = stage.one_end::<GoalFailed>(wish.id());
    assert_eq!(stage.applied(WriteName::End), 1);
    assert!(end.time >= BASE + Duration::from_secs(600), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn at_its_deadline_a_goal_with_all_that_is_required_completes_and_names_what_is_missing() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(300));
    let never = stage.hold(At::op(Op::Handler).about("/recommendation#"));
    stage.goal(&wish).await;
    stage.start_all();
    never.reached().await;
    stage.until("it is told", |stage| stage.end_of(wish.id()).is_some_and(|(_, told)| told)).await;
    never.open();
    stage.until_quiet().await;
    let end: GoalCompleted = stage.one_end::<GoalCompleted>(wish.id()).data_as().unwrap();
    assert_eq!(end.missing, ["recommendation"]);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_was_read_before_the_last_arrival_does_not_fail_the_goal() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(600));
    let writer = stage.hold(At::op(Op::Handler).about("/writer#"));
    let sweep = stage.hold(At::write(WriteName::End));
    stage.goal(&wish).await;
    stage.start_all();
    writer.reached().await;
    sweep.reached().await;
    // The sweep has read that the report is missing, and now it comes.
    writer.open();
    stage.until("it has arrived", |stage| stage.goal_of(wish.id()).unwrap().join.arrived.len() == 2).await;
    sweep.open();
    stage.until("it is told", |stage| stage.end_of(wish.id()).is_some_and(|(_, told)| told)).await;
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
}

#[tokio::test(start_paused = true)]
async fn a_cancel_stops_the_work_within_a_heartbeat_and_nobody_acts_on_what_still_comes() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.plays("recommendation", |_| async {
        tokio::time::sleep(Duration::from_secs(500)).await;
        Ok(Handled::emit(&RecommendationsMade::example()))
    });
    // The writer has its answer, and is about to commit it.
    let committing = stage.hold(At::write(WriteName::Commit).about("/step#writer#"));
    stage.goal(&wish).await;
    stage.start_all();
    committing.reached().await;
    let cancelled = stage.elapsed();
    stage.cancel(&wish).await;
    stage.until("it is told", |stage| !stage.told::<GoalCancelled>(wish.id()).is_empty()).await;
    committing.open();
    let idle = |stage: &Stage| stage.cloud().queue.count(&stage.queue_of("recommendation")) == 0;
    stage.until("the work was stopped", idle).await;
    assert!(stage.elapsed() - cancelled < Duration::from_secs(30), "{:?}", stage.elapsed());
    stage.until_quiet().await;
    let end = stage.one_end::<GoalCancelled>(wish.id());
    assert_eq!((end.data["reason"].as_str(), end.data["goal"].as_str()), (Some("a user did"), Some("a goal")));
    assert_eq!(stage.told::<ReportWritten>(wish.id()).len(), 1, "the step in flight may publish once more");
    assert_eq!((stage.told::<RecommendationsMade>(wish.id()).len(), stage.asked("recommendation")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_message_of_an_ended_goal_is_deleted_without_work() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.goal(&wish).await;
    stage.start("research");
    stage
        .until("there is work for analysis", |stage| stage.cloud().queue.count(&stage.queue_of("analysis")) == 1)
        .await;
    stage.cancel(&wish).await;
    stage.until("it is told", |stage| !stage.told::<GoalCancelled>(wish.id()).is_empty()).await;
    stage.start("analysis");
    stage.until_quiet().await;
    assert_eq!((stage.asked("analysis"), stage.steps(wish.id(), "analysis").len()), (0, 0));
    stage.one_end::<GoalCancelled>(wish.id());
}

/// A cancel, a completion and a deadline stand at gates before their write; the gates are opened in this order, and
/// whoever wins dies before telling, or not.
async fn at_once(order: [usize; 3], dies: bool) {
    let place = format!("{order:?} {dies}");
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").due_s(600));
    stage.limits(|limits| limits.step_deadline_s = 2_000);
    let end = At::write(WriteName::End);
    let gates = [stage.hold(end.clone()), stage.hold(end.clone().nth(2)), stage.hold(end.nth(3))];
    // The completion and the cancel come first; each sweeps, so the deadline comes last.
    stage.goal(&wish).await;
    stage.start("solo");
    gates[0].reached().await;
    stage.start("solo");
    stage.cancel(&wish).await;
    gates[1].reached().await;
    gates[2].reached().await;
    if dies {
        stage.script(At::op(Op::Put).about(wish.id().to_string()), Fault::CrashBefore);
    }
    for at in order {
        let answered = stage.calls(Op::Write(WriteName::End)).len();
        gates[at].open();
        let is_answered = |stage: &Stage| stage.calls(Op::Write(WriteName::End)).len() > answered;
        // The winner's death may have taken others along, who stood in the same process.
        let patience = tokio::time::timeout(Duration::from_secs(30), stage.until("it is answered", is_answered));
        assert!(patience.await.is_ok() || dies, "{place}");
    }
    stage.until_quiet_with("solo").await;
    let kinds = [
        stage.told::<GoalCompleted>(wish.id()).len(),
        stage.told::<GoalCancelled>(wish.id()).len(),
        stage.told::<GoalFailed>(wish.id()).len(),
    ];
    assert_eq!(kinds.iter().filter(|told| **told > 0).count(), 1, "{place}: {kinds:?}\n{stage:?}");
    assert_eq!(stage.applied(WriteName::End), 1, "{place}\n{stage:?}");
    assert!(stage.end_of(wish.id()).is_some_and(|(_, told)| told), "{place}\n{stage:?}");
    if !dies {
        assert_eq!(kinds.iter().sum::<usize>(), 1, "{place}: the losers publish nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_cancel_a_completion_and_a_deadline_at_once_one_is_told_whoever_wins() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for dies in [false, true] {
            at_once(order, dies).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_of_a_goal_that_nobody_knows_is_rejected_and_creates_nothing() {
    let stage = Stage::solo();
    stage.cancel(&Wish::new("nobody's")).await;
    stage.start("solo");
    stage.until_quiet().await;
    let note = stage.dead_letters("solo")[0].attributes.park().unwrap();
    assert_eq!(note.cause.kind, CauseKind::NoSuchGoal);
    assert_eq!((stage.cloud().ledger.item_count(), stage.published::<GoalCancelled>().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_goal_that_nobody_knows_is_rejected_and_creates_nothing() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("nobody's"));
    let mut event = wish.event();
    event.kind = AnalysisCompleted::TYPE;
    event.source = Source::new("murmuration.analysis");
    event.data = serde_json::json!(AnalysisCompleted::example());
    stage.publish(&event).await;
    stage.start("writer");
    stage.start("recommendation");
    stage.until_quiet().await;
    for row in ["writer", "recommendation"] {
        assert_eq!(stage.dead_letters(row)[0].attributes.park().unwrap().cause.kind, CauseKind::NoSuchGoal);
    }
    assert_eq!(
        (stage.cloud().ledger.item_count(), stage.log().iter().filter(|it| it.op == Op::Handler).count()),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_forged_event_on_the_bus_is_rejected_by_its_consumer() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    let work = stage.hold(At::op(Op::Handler).about("/research#"));
    stage.goal(&wish).await;
    stage.start_all();
    work.reached().await;
    let mut event = wish.event();
    event.kind = AnalysisCompleted::TYPE;
    event.source = Source::new("murmuration.writer");
    event.data = serde_json::json!(AnalysisCompleted::example());
    stage.publish(&event).await;
    stage.until("it is rejected", |stage| stage.dead_letters("writer").len() == 1).await;
    assert_eq!(stage.dead_letters("writer")[0].attributes.park().unwrap().cause.kind, CauseKind::ForgedSource);
    work.open();
    stage.until_quiet().await;
    assert_eq!(stage.asked("writer"), 1);
}

/// `solo` begins, `ping` and `pong` feed each other, and `end` never gets to its end.
fn loop_between_agents() -> Topology {
    let solo = Row::new("solo").consumes::<GoalRequested>().consumes::<GoalCancelRequested>().accepts_goals();
    Topology::empty()
        .with_entrance::<GoalRequested>()
        .with_entrance::<GoalCancelRequested>()
        .with_event::<AnalysisCompleted>()
        .with_result::<RecommendationsMade>()
        .with_result::<StepFailed>()
        .with_result::<GoalCompleted>()
        .with_result::<GoalFailed>()
        .with_result::<GoalCancelled>()
        .with_row(solo.emits::<AnalysisCompleted>())
        .with_row(Row::new("ping").consumes::<AnalysisCompleted>().emits::<RecommendationsMade>())
        .with_row(Row::new("pong").consumes::<RecommendationsMade>().emits::<AnalysisCompleted>())
        .with_row(Row::new("end").consumes::<AnalysisCompleted>().arrives_at("result", Member::Row))
        .with_join(Join {
            name: JoinName::new("result"),
            emits: GoalCompleted::TYPE,
            members: Members::Terminal { required: vec![RowName::new("end")], optional: vec![] },
            inline_bytes_max: 1024,
        })
}

#[tokio::test(start_paused = true)]
async fn agents_that_feed_each_other_are_stopped_at_the_hop_limit_and_the_goal_ends_at_its_deadline() {
    let (stage, wish) = (Stage::new(loop_between_agents()), Wish::new("a goal").due_s(900));
    for row in ["solo", "pong"] {
        stage.plays(row, |_| async { Ok(Handled::emit(&AnalysisCompleted::example())) });
    }
    stage.plays("ping", |_| async { Ok(Handled::emit(&RecommendationsMade::example())) });
    stage.plays("end", |_| async { Err(StepError::permanent("never")) });
    stage.goal(&wish).await;
    stage.start_all();
    stage.until("it is told", |stage| stage.end_of(wish.id()).is_some_and(|(_, told)| told)).await;
    stage.until_quiet().await;
    stage.one_end::<GoalFailed>(wish.id());
    let hops: u32 = stage.cloud().bus.published().iter().map(|event| event.hops).max().unwrap();
    assert_eq!(hops, contract::limits::HOPS_MAX + 1);
    let letters = [stage.dead_letters("ping"), stage.dead_letters("pong")].concat();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].attributes.park().unwrap().cause.kind, CauseKind::HopsExhausted);
    assert_eq!(u32::try_from(stage.asked("ping") + stage.asked("pong")).unwrap(), contract::limits::HOPS_MAX);
}
