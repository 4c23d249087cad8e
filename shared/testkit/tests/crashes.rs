//! Owns what a process's death may cost: a try, a lease's time, never an effect and never somebody else's message.
//! Never a real process: a crash here ends every task of a process where it stands.
//! Next: `replies`, where the process lives and the server's answer dies.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::events::{AnalysisCompleted, GoalCompleted, ReportWritten, ResearchCompleted, StepFailed};
use contract::{CauseKind, EventData};
use runtime::ledger::WriteName;
use runtime::ledger::step::State;
use runtime::{Handled, StepError};
use testkit::place::Op;
use testkit::stage::{At, Fault, Stage, Wish};

/// One goal, whose first process meets this; another process goes on.
async fn survives(at: At, fault: Fault) -> (Stage, Wish) {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.script(at, fault);
    stage.goal(&wish).await;
    assert_eq!(stage.until_quiet_with("solo").await, 1, "{stage:?}");
    stage.one_end::<GoalCompleted>(wish.id());
    (stage, wish)
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_claim_brings_the_message_back_and_the_work_is_done_once() {
    let (stage, wish) = survives(At::write(WriteName::Claim), Fault::CrashBefore).await;
    assert_eq!((stage.asked("solo"), stage.holders(wish.id(), "solo")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_the_claim_is_taken_over_with_a_higher_epoch() {
    let (stage, wish) = survives(At::write(WriteName::Claim), Fault::CrashAfter).await;
    let step = stage.step(wish.id(), "solo").unwrap();
    assert_eq!((step.epoch, step.crashes, stage.asked("solo")), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_commit_is_worked_again_under_the_same_key() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    let keys: Arc<Mutex<Vec<(String, u32)>>> = Arc::default();
    let seen = Arc::clone(&keys);
    stage.plays("solo", move |step| {
        seen.lock().unwrap().push((step.key.clone(), step.attempt));
        async { Ok(Handled::emit(&ReportWritten::example())) }
    });
    stage.script(At::write(WriteName::Commit), Fault::CrashBefore);
    stage.goal(&wish).await;
    stage.until_quiet_with("solo").await;
    stage.one_end::<GoalCompleted>(wish.id());
    let keys = keys.lock().unwrap();
    // A crash is no attempt: only what the handler itself got wrong is counted as one.
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_the_commit_publishes_from_the_record_without_asking_again() {
    let (stage, wish) = survives(At::write(WriteName::Commit), Fault::CrashAfter).await;
    assert_eq!((stage.asked("solo"), stage.told::<ReportWritten>(wish.id()).len()), (1, 1));
    assert!(stage.step(wish.id(), "solo").unwrap().emitted);
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_the_publish_publishes_the_same_event_again_without_asking_again() {
    let (stage, wish) = survives(At::op(Op::Put).about("report.written"), Fault::CrashAfter).await;
    let told = stage.told::<ReportWritten>(wish.id());
    assert_eq!((stage.asked("solo"), told.len()), (1, 2));
    assert_eq!(told[0], told[1]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_delete_costs_one_repetition_and_no_third() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    let writer = stage.hold(At::op(Op::Handler).about("/writer#"));
    stage.script(At::op(Op::Delete).about("murmur-analysis"), Fault::CrashBefore);
    stage.goal(&wish).await;
    let analysis = stage.start("analysis");
    for daemon in ["research", "recommendation", "writer"] {
        stage.start(daemon);
    }
    analysis.died().await;
    stage.start("analysis");
    let told = |stage: &Stage| stage.told::<AnalysisCompleted>(wish.id()).len();
    stage.until("it is repeated", |stage| told(stage) == 2).await;
    stage.until("that is written", |stage| stage.step(wish.id(), "analysis").unwrap().emitted).await;
    // Another copy, after the repetition: nothing more comes of it.
    let event = stage.told::<ResearchCompleted>(wish.id())[0].clone();
    stage.event_to("analysis", &event).await;
    stage.until("the copy is gone", |stage| stage.cloud().queue.count(&stage.queue_of("analysis")) == 0).await;
    assert_eq!((stage.asked("analysis"), told(&stage)), (1, 2));
    writer.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
}

#[tokio::test(start_paused = true)]
async fn a_message_is_deleted_only_after_all_its_effects() {
    let (stage, wish) = survives(At::op(Op::Put).about("report.written"), Fault::CrashBefore).await;
    assert_eq!(stage.asked("solo"), 1);
    let first = |op| stage.log().iter().position(|call| call.op == op).unwrap();
    assert!(first(Op::Put) < first(Op::Delete), "{stage:?}");
    assert_eq!(stage.told::<ReportWritten>(wish.id()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_ended_a_goal_and_died_before_telling_is_told_for_by_the_sweep() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.script(At::write(WriteName::End), Fault::CrashAfter);
    // The message itself would have it told as well; what is proved here is the sweep.
    stage.limits(|limits| limits.lease_s = 3_600);
    stage.goal(&wish).await;
    let first = stage.start("solo");
    first.died().await;
    stage.start("solo");
    stage.until("it is told", |stage| !stage.told::<GoalCompleted>(wish.id()).is_empty()).await;
    assert!(stage.elapsed() < Duration::from_secs(300));
    stage.until("it is written that it was told", |stage| stage.end_of(wish.id()).is_some_and(|(_, told)| told)).await;
    stage.one_end::<GoalCompleted>(wish.id());
}

#[tokio::test(start_paused = true)]
async fn an_end_is_written_as_told_only_after_it_was_told() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.script(At::op(Op::Put).about("goal.completed"), Fault::CrashBefore);
    stage.goal(&wish).await;
    stage.until_quiet_with("solo").await;
    stage.one_end::<GoalCompleted>(wish.id());
}

#[tokio::test(start_paused = true)]
async fn a_poison_message_is_parked_with_its_cause_and_its_trace_when_its_attempts_are_over() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |_| async { Err(StepError::transient("the model answers nonsense")) });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    assert_eq!(stage.asked("solo"), 3);
    let letters = stage.dead_letters("solo");
    assert_eq!(letters.len(), 1);
    let note = letters[0].attributes.park().unwrap();
    assert_eq!((note.n, note.cause.kind, note.attempts), (1, CauseKind::AttemptsExhausted, 3));
    assert!(note.cause.detail.contains("nonsense"), "{note:?}");
    assert_eq!(note.trace, Some(wish.event().trace.traceparent()));
    assert_eq!((note.goal, note.event), (Some(wish.id()), Some(wish.event().id)));
    assert_eq!(stage.told::<StepFailed>(wish.id()).len(), 1);
    assert_eq!(letters[0].attributes.trace(), Some(wish.event().trace));
}

/// Ten messages at once, of which the first kills its process each time; the others take a second.
async fn killer_and_nine() -> (Stage, Wish, Vec<Wish>) {
    let stage = Stage::solo();
    let killer = Wish::new("the killer").words("kill");
    stage.plays("solo", |_| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.script(At::op(Op::Handler).about(killer.id().to_string()).always(), Fault::CrashBefore);
    let nine: Vec<Wish> = (0..9).map(|n| Wish::new(&format!("neighbour {n}"))).collect();
    stage.goal(&killer).await;
    for wish in &nine {
        stage.goal(wish).await;
    }
    (stage, killer, nine)
}

#[tokio::test(start_paused = true)]
async fn a_message_that_kills_its_process_parks_and_its_nine_neighbours_are_done() {
    let (stage, killer, nine) = killer_and_nine().await;
    let deaths = stage.until_quiet_with("solo").await;
    let step = stage.step(killer.id(), "solo").unwrap();
    assert_eq!((step.state, step.crashes, step.alone_crashes), (State::Parked, 2, 2), "{stage:?}");
    assert_eq!(deaths, 4);
    let note = stage.dead_letters("solo")[0].attributes.park().unwrap();
    assert_eq!(note.cause.kind, CauseKind::CrashesExhausted);
    for wish in &nine {
        stage.one_end::<GoalCompleted>(wish.id());
        assert_eq!(stage.step(wish.id(), "solo").unwrap().alone_crashes, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_must_be_alone_has_nothing_claimed_or_at_work_beside_it() {
    let stage = Stage::solo();
    let killer = Wish::new("the killer");
    let at_killer = At::op(Op::Handler).about(killer.id().to_string());
    stage.script(at_killer.clone().times(2), Fault::CrashBefore);
    let alone = stage.hold(at_killer.nth(3));
    stage.goal(&killer).await;
    for _ in 0..2 {
        stage.start("solo").died().await;
    }
    let third = stage.start("solo");
    alone.reached().await;
    assert!(stage.step(killer.id(), "solo").unwrap().alone);
    let nine: Vec<Wish> = (0..9).map(|n| Wish::new(&format!("neighbour {n}"))).collect();
    for wish in &nine {
        stage.goal(wish).await;
    }
    stage.pass(Duration::from_secs(50)).await;
    let others = |stage: &Stage| nine.iter().filter(|wish| stage.step(wish.id(), "solo").is_some()).count();
    assert_eq!((others(&stage), stage.asked("solo")), (0, 0), "{stage:?}");
    // It dies again: none of that is counted against those who waited.
    third.crash();
    stage.until_quiet_with("solo").await;
    for wish in nine.iter().chain([&killer]) {
        stage.one_end::<GoalCompleted>(wish.id());
    }
    assert!(nine.iter().all(|wish| stage.step(wish.id(), "solo").unwrap().crashes == 0));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_killed_once_is_still_handled_beside_others() {
    let (stage, first, second) = (Stage::solo(), Wish::new("first"), Wish::new("second"));
    stage.script(At::op(Op::Handler).about(first.id().to_string()), Fault::CrashBefore);
    stage.goal(&first).await;
    stage.goal(&second).await;
    stage.until_quiet_with("solo").await;
    for wish in [&first, &second] {
        stage.one_end::<GoalCompleted>(wish.id());
        assert!(!stage.step(wish.id(), "solo").unwrap().alone);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_the_queue_itself_gave_up_goes_on_as_a_takeover_when_it_is_redriven() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    let queue = stage.queue_of("solo");
    let settings = testkit::memory::QueueSettings::default().with_dead_letters(2, &queue.dead_letters());
    stage.cloud().queue.create(&queue, settings);
    stage.script(At::op(Op::Handler), Fault::CrashBefore);
    stage.script(At::write(WriteName::Takeover), Fault::CrashBefore);
    stage.goal(&wish).await;
    for _ in 0..2 {
        let process = stage.start("solo");
        process.died().await;
    }
    let process = stage.start("solo");
    stage.until("SQS has moved it", |stage| stage.dead_letters("solo").len() == 1).await;
    assert!(stage.dead_letters("solo")[0].attributes.park().is_none());
    assert_eq!(stage.redrive("solo"), 1);
    stage.until_quiet().await;
    assert!(!process.is_dead());
    stage.one_end::<GoalCompleted>(wish.id());
    let step = stage.step(wish.id(), "solo").unwrap();
    assert_eq!((step.epoch, step.rounds), (2, 0));
}

fn paid() -> contract::Exchange {
    contract::Exchange {
        with: contract::Partner::Model,
        name: "m/one".into(),
        digest: contract::Digest::of(b"a question"),
        request: serde_json::json!({"ask": "what?"}),
        answer: contract::Answered::With(serde_json::json!("that")),
        began: testkit::stage::BASE,
        took_ms: 5,
        cost: runtime::Spend { tokens: 7, micros: 7 },
        prompt: None,
    }
}

/// How a row's steps were over, and the records that lie with it.
fn records(stage: &Stage, wish: &Wish) -> Vec<(String, bool)> {
    let item = stage.steps(wish.id(), "solo").remove(0);
    let over = |epoch: i64| {
        let text = item.text(&runtime::ledger::Attr::Over(epoch.to_string())).unwrap();
        let over: runtime::ledger::step::Over = serde_json::from_str(text).unwrap();
        (over.how, over.record.is_some())
    };
    (1..=item.number(&runtime::ledger::Attr::Epoch).unwrap()).map(over).collect()
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_the_model_answered_keeps_what_was_paid_for_on_record() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |step| async move {
        use contract::Workplace as _;
        step.note(paid());
        step.paid().await;
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.script(At::write(WriteName::Commit), Fault::CrashBefore);
    stage.goal(&wish).await;
    assert_eq!(stage.until_quiet_with("solo").await, 1);
    stage.one_end::<GoalCompleted>(wish.id());
    let both = [("lease-over".to_owned(), true), ("committed".to_owned(), true)];
    assert_eq!(records(&stage, &wish), both, "{stage:?}");
    // One for each answer that was paid for; the end of an attempt adds none.
    assert_eq!(stage.calls(Op::ArtifactPut).len(), 2, "{stage:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_step_given_back_had_paid_for_is_on_record_although_it_was_being_stored_just_then() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.settings(|settings| settings.drain_grace = Duration::from_secs(4));
    stage.plays("solo", |step| async move {
        use contract::Workplace as _;
        step.note(paid());
        step.paid().await;
        Ok(Handled::emit(&ReportWritten::example()))
    });
    // The first attempt to store it takes for ever; the step is given back before that is given up.
    let storing = stage.hold(At::op(Op::ArtifactPut));
    stage.goal(&wish).await;
    let first = stage.start("solo");
    storing.reached().await;
    first.stop();
    first.ended().await;
    assert_eq!(stage.applied(WriteName::Release), 1, "{stage:?}");
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let both = [("given-back".to_owned(), true), ("committed".to_owned(), true)];
    assert_eq!(records(&stage, &wish), both, "{stage:?}");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_asks_nobody_stores_no_record_and_one_that_cannot_store_it_goes_on() {
    let (stage, wish) = survives(At::write(WriteName::Commit), Fault::CrashBefore).await;
    assert_eq!((records(&stage, &wish)[0].1, stage.calls(Op::ArtifactPut).len()), (false, 0));
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |step| async move {
        use contract::Workplace as _;
        step.note(paid());
        step.paid().await;
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.script(At::op(Op::ArtifactPut), Fault::throttled());
    stage.script(At::write(WriteName::Heartbeat), Fault::throttled());
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.asked("solo"), records(&stage, &wish)), (1, vec![("committed".to_owned(), true)]));
}
