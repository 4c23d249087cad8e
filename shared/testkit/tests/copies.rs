//! Owns what becomes of copies: two holders of one message, a holder that was frozen, events that come twice, late, out
//! of order or with other data. One effect, one content, and no commit by one who is not the holder.
//! Never a fault of a server: those are in `replies`.
//! Next: `parks`, whose copies are redrives.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use contract::events::{
    AnalysisCompleted, GoalCompleted, ReportWritten, ResearchCompleted, ResearchTaskRequested, StepFailed,
};
use contract::{CauseKind, EventData};
use runtime::ledger::WriteName;
use runtime::ledger::step::State;
use runtime::{Handled, StepError};
use testkit::place::Op;
use testkit::stage::{At, Stage, Wish};

/// A stage whose one row says something else each time that it is asked, as models do.
fn fickle() -> (Stage, Wish) {
    let (stage, asked) = (Stage::solo(), Arc::new(AtomicU32::new(0)));
    stage.plays("solo", move |_| {
        let n = asked.fetch_add(1, Ordering::Relaxed);
        async move { Ok(Handled::emit(&ReportWritten { summary: format!("answer {n}"), ..ReportWritten::example() })) }
    });
    (stage, Wish::new("a goal"))
}

async fn gone(stage: &Stage, row: &'static str) {
    stage.until("its queue is empty", |stage| stage.cloud().queue.count(&stage.queue_of(row)) == 0).await;
}

#[tokio::test(start_paused = true)]
async fn two_copies_in_one_batch_are_one_work_and_the_other_finds_it_done() {
    let (stage, wish) = fickle();
    stage.goal(&wish).await;
    stage.goal(&wish).await;
    stage.goal_by_bus(&wish).await;
    stage.goal_bare(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.asked("solo"), stage.holders(wish.id(), "solo")), (1, 1));
    assert!(stage.dead_letters("solo").is_empty(), "the same data by other entrances is no mismatch");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_sqs_delivers_twice_has_one_effect() {
    let (stage, wish) = fickle();
    stage.goal(&wish).await;
    stage.duplicate("solo");
    stage.start("solo");
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.asked("solo"), stage.told::<ReportWritten>(wish.id()).len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_bus_delivers_twice_has_one_effect() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    let writer = stage.hold(At::op(Op::Handler).about("/writer#"));
    stage.goal(&wish).await;
    stage.start_all();
    writer.reached().await;
    for event in [&stage.told::<ResearchCompleted>(wish.id())[0], &stage.told::<AnalysisCompleted>(wish.id())[0]] {
        stage.publish(event).await;
    }
    gone(&stage, "analysis").await;
    writer.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    for row in ["analysis", "writer", "recommendation"] {
        assert_eq!((stage.asked(row), stage.steps(wish.id(), row).len()), (1, 1), "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn joins_and_steps_do_not_care_in_which_order_events_come() {
    for seed in 0..8 {
        let stage = Stage::murmuration();
        stage.cloud().bus.delay_deliveries(seed, 90_000);
        let wishes: Vec<Wish> = (0..3).map(|n| Wish::new(&format!("goal {n}"))).collect();
        for wish in &wishes {
            stage.goal_by_bus(wish).await;
        }
        stage.start_all();
        stage.until("all have ended", |stage| stage.published::<GoalCompleted>().len() == 3).await;
        stage.until_quiet().await;
        for wish in &wishes {
            stage.one_end::<GoalCompleted>(wish.id());
            assert_eq!(stage.told::<ResearchCompleted>(wish.id()).len(), 1);
        }
    }
}

/// The first holder is frozen at this write until a second one has the step; then it thaws, while that one is at work.
async fn thaws_after_a_takeover(stage: &Stage, wish: &Wish, write: WriteName) {
    let (frozen, second) = (stage.hold(At::write(write)), stage.hold(At::op(Op::Handler).nth(2)));
    stage.goal(wish).await;
    stage.start("solo");
    frozen.reached().await;
    stage.start("solo");
    second.reached().await;
    let before = stage.steps(wish.id(), "solo");
    frozen.open();
    stage.until("its write was answered", |stage| stage.refused(write) + stage.applied(write) > 0).await;
    stage.pass(Duration::from_secs(1)).await;
    assert_eq!((stage.applied(write), stage.refused(write)), (0, 1), "{stage:?}");
    assert_eq!(stage.steps(wish.id(), "solo"), before);
    second.open();
}

#[tokio::test(start_paused = true)]
async fn a_frozen_holder_that_commits_after_a_takeover_changes_and_publishes_nothing() {
    let (stage, wish) = fickle();
    thaws_after_a_takeover(&stage, &wish, WriteName::Commit).await;
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.asked("solo"), stage.applied(WriteName::Commit)), (2, 1));
    assert_eq!(stage.told::<ReportWritten>(wish.id())[0].data["summary"], "answer 1");
}

#[tokio::test(start_paused = true)]
async fn a_frozen_holder_that_fails_after_a_takeover_does_not_release_the_winners_step() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    let asked = AtomicU32::new(0);
    stage.plays("solo", move |_| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        async move { if first { Err(StepError::transient("no")) } else { Ok(Handled::emit(&ReportWritten::example())) } }
    });
    thaws_after_a_takeover(&stage, &wish, WriteName::Release).await;
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(stage.step(wish.id(), "solo").unwrap().attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_holder_that_gives_up_after_a_takeover_does_not_park_the_winners_step() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    let asked = AtomicU32::new(0);
    stage.plays("solo", move |_| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        async move { if first { Err(StepError::permanent("no")) } else { Ok(Handled::emit(&ReportWritten::example())) } }
    });
    thaws_after_a_takeover(&stage, &wish, WriteName::Park).await;
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert!(stage.dead_letters("solo").is_empty() && stage.published::<StepFailed>().is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_that_claim_a_released_step_at_once_are_one_holder() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |step| async move {
        if step.attempt == 1 {
            let retry_after = Some(Duration::from_secs(10));
            return Err(StepError::Transient { why: "later".into(), retry_after });
        }
        Ok(Handled::emit(&ReportWritten::example()))
    });
    let (first, second) = (stage.hold(At::write(WriteName::ClaimReleased)), stage.hold(At::op(Op::Handler).nth(2)));
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until("it is released", |stage| stage.applied(WriteName::Release) == 1).await;
    stage.goal(&wish).await;
    first.reached().await;
    second.reached().await;
    first.open();
    stage.until("the slower one was refused", |stage| stage.refused(WriteName::ClaimReleased) == 1).await;
    stage.pass(Duration::from_secs(5)).await;
    assert_eq!((stage.asked("solo"), stage.holders(wish.id(), "solo")), (1, 2));
    second.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(stage.asked("solo"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_takeover_of_a_step_that_was_committed_meanwhile_is_refused() {
    let (stage, wish) = fickle();
    stage.limits(|limits| limits.lease_s = 20);
    let (work, takeover) = (stage.hold(At::op(Op::Handler)), stage.hold(At::write(WriteName::Takeover)));
    stage.goal(&wish).await;
    stage.start("solo");
    work.reached().await;
    // To a clock that is half a minute ahead, the lease is over already.
    stage.goal(&wish).await;
    stage.start_skewed("solo", 30_000);
    takeover.reached().await;
    work.open();
    stage.until("it is committed", |stage| stage.applied(WriteName::Commit) == 1).await;
    takeover.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.asked("solo"), stage.holders(wish.id(), "solo")), (1, 1), "{stage:?}");
}

#[tokio::test(start_paused = true)]
async fn clocks_half_a_minute_apart_cost_work_twice_at_most_and_never_an_effect() {
    for (one, other) in [(-30_000, 30_000), (30_000, -30_000)] {
        let (stage, wish) = fickle();
        let work = stage.hold(At::op(Op::Handler));
        stage.goal(&wish).await;
        stage.start_skewed("solo", one);
        work.reached().await;
        stage.goal(&wish).await;
        stage.start_skewed("solo", other);
        stage.pass(Duration::from_secs(50)).await;
        work.open();
        stage.until_quiet().await;
        stage.one_end::<GoalCompleted>(wish.id());
        assert_eq!(stage.applied(WriteName::Commit), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_not_over_before_the_margin_by_which_clocks_may_be_apart() {
    let (stage, wish) = fickle();
    stage.script(At::op(Op::Handler), testkit::stage::Fault::CrashBefore);
    stage.goal(&wish).await;
    stage.start("solo").died().await;
    stage.start_skewed("solo", 4_000);
    // By the taker's clock the lease is over, by the holder's it is not.
    stage.pass(Duration::from_secs(58).saturating_sub(stage.elapsed())).await;
    stage.goal(&wish).await;
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let takeover = &stage.calls(Op::Write(WriteName::Takeover))[0];
    assert!(takeover.at >= Duration::from_secs(60), "{takeover:?}");
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_comes_before_a_released_step_may_be_tried_waits() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |step| async move {
        if step.attempt == 1 {
            let retry_after = Some(Duration::from_secs(90));
            return Err(StepError::Transient { why: "later".into(), retry_after });
        }
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until("it is released", |stage| stage.applied(WriteName::Release) == 1).await;
    stage.goal(&wish).await;
    stage.until_quiet().await;
    let asked = stage.calls(Op::Handler);
    assert!(asked.len() == 2 && asked[1].at >= Duration::from_secs(90), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn other_data_under_the_same_key_is_rejected_and_the_first_goal_goes_on_untouched() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    let other = Wish::new("a goal").words("something else");
    let work = stage.hold(At::op(Op::Handler));
    stage.goal(&wish).await;
    stage.start("solo");
    work.reached().await;
    let before = stage.goal_item(wish.id());
    stage.goal_by_bus(&other).await;
    stage.goal_bare(&other).await;
    stage.until("both are rejected", |stage| stage.dead_letters("solo").len() == 2).await;
    assert_eq!(stage.goal_item(wish.id()), before);
    work.open();
    stage.until_quiet().await;
    assert_eq!(stage.one_end::<GoalCompleted>(wish.id()).data["goal"], "a goal");
    // Ended or not: it still is not what was asked for.
    stage.goal(&other).await;
    stage.until_quiet().await;
    let letters = stage.dead_letters("solo");
    assert_eq!((letters.len(), stage.asked("solo")), (3, 1));
    assert!(letters.iter().all(|it| it.attributes.park().unwrap().cause.kind == CauseKind::PayloadMismatch));
}

/// A copy of analysis's input with other data.
async fn forge(stage: &Stage, wish: &Wish) {
    let mut forged = stage.told::<ResearchCompleted>(wish.id())[0].clone();
    forged.data["goal"] = "something else".into();
    stage.event_to("analysis", &forged).await;
    gone(stage, "analysis").await;
}

#[tokio::test(start_paused = true)]
async fn other_data_under_the_id_of_a_step_at_work_is_rejected() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    let work = stage.hold(At::op(Op::Handler).about("/analysis#"));
    let deleted = stage.hold(At::op(Op::Delete).about("murmur-analysis:"));
    stage.goal(&wish).await;
    stage.start_all();
    work.reached().await;
    let mut forged = stage.told::<ResearchCompleted>(wish.id())[0].clone();
    forged.data["goal"] = "something else".into();
    stage.event_to("analysis", &forged).await;
    stage.until("it is rejected", |stage| stage.dead_letters("analysis").len() == 1).await;
    assert_eq!(stage.step(wish.id(), "analysis").unwrap().state, State::Claimed);
    deleted.open();
    work.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
}

#[tokio::test(start_paused = true)]
async fn other_data_under_the_id_of_a_finished_step_is_rejected_and_not_taken_for_done() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    let writer = stage.hold(At::op(Op::Handler).about("/writer#"));
    stage.goal(&wish).await;
    stage.start_all();
    writer.reached().await;
    gone(&stage, "analysis").await;
    forge(&stage, &wish).await;
    let letters = stage.dead_letters("analysis");
    assert_eq!(letters.len(), 1, "{stage:?}");
    assert_eq!(letters[0].attributes.park().unwrap().cause.kind, CauseKind::PayloadMismatch);
    assert_eq!(stage.told::<AnalysisCompleted>(wish.id()).len(), 1);
    writer.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_at_the_head_repeats_each_steps_effects_once_and_then_never_again() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    let writer = stage.hold(At::op(Op::Handler).about("/writer#"));
    stage.goal(&wish).await;
    stage.start_all();
    writer.reached().await;
    let calm = |stage: &Stage| {
        ["research", "research-tasks", "analysis", "recommendation"]
            .iter()
            .all(|row| stage.cloud().queue.count(&stage.queue_of(row)) == 0)
    };
    let tasks = |stage: &Stage| stage.told::<ResearchTaskRequested>(wish.id()).len();
    for _ in 0..3 {
        stage.goal(&wish).await;
        stage.pass(Duration::from_secs(1)).await;
        stage.until("everybody is idle", calm).await;
        assert_eq!(tasks(&stage), 4, "{stage:?}");
    }
    writer.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(stage.told::<ResearchCompleted>(wish.id()).len(), 1);
    assert_eq!((stage.applied(WriteName::Open), stage.applied(WriteName::Close)), (1, 1));
    assert_eq!((stage.asked("research"), stage.asked("research-tasks")), (1, 2));
    assert!(stage.metrics().contains("extra"), "{}", stage.metrics());
    // After the end: nothing at all.
    let published = stage.cloud().bus.published_count();
    stage.goal(&wish).await;
    stage.until_quiet().await;
    assert_eq!(stage.cloud().bus.published_count(), published);
}

#[tokio::test(start_paused = true)]
async fn two_tenants_with_one_key_have_two_goals() {
    let stage = Stage::solo();
    let (acme, globex) = (Wish::new("a goal").of("acme"), Wish::new("a goal").of("globex").words("another"));
    stage.goal_bare(&acme).await;
    stage.goal(&globex).await;
    stage.start("solo");
    stage.until_quiet().await;
    for wish in [&acme, &globex] {
        let end = stage.one_end::<GoalCompleted>(wish.id());
        assert_eq!((end.tenant, end.goal_key), (wish.tenant.clone(), Some("a goal".into())));
    }
    assert!(stage.dead_letters("solo").is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_slow_message_among_ten_does_not_hold_up_the_nine() {
    let stage = Stage::solo();
    let slow = Wish::new("the slow one");
    let work = stage.hold(At::op(Op::Handler).about(slow.id().to_string()));
    let nine: Vec<Wish> = (0..9).map(|n| Wish::new(&format!("goal {n}"))).collect();
    stage.goal(&slow).await;
    for wish in &nine {
        stage.goal(wish).await;
    }
    stage.start("solo");
    stage.until("the nine are done", |stage| stage.published::<GoalCompleted>().len() == 9).await;
    assert!(stage.elapsed() < Duration::from_secs(2), "{:?}", stage.elapsed());
    // And so are those who come later, while there is a place.
    let later = Wish::new("a later one");
    stage.goal(&later).await;
    stage.until("it is done, too", |stage| stage.published::<GoalCompleted>().len() == 10).await;
    assert!(stage.elapsed() < Duration::from_secs(30), "{:?}", stage.elapsed());
    work.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(slow.id());
}
