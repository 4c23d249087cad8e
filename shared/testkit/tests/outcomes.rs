//! Owns what a handler's answer may be: too large, of the wrong shape, a panic, late or never; and records that have
//! expired, which are absent whatever the server still holds.
//! Never a server's fault.
//! Next: `writes`, the conditions one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use contract::events::{
    AnalysisCompleted, Evidence, GoalCompleted, ReportWritten, ResearchCompleted, ResearchHead, ResearchTaskRequested,
};
use contract::{Artifacts, CauseKind, Digest, EventData};
use runtime::ledger::WriteName;
use runtime::{Handled, Open, Step, StepError};
use testkit::place::Op;
use testkit::stage::{At, Fault, Stage, Wish};

/// A plan whose tasks are together larger than an item may hold.
fn large() -> (Stage, Wish) {
    let stage = Stage::murmuration();
    stage.plays("research", |_| async {
        let mut handled = Handled::nothing();
        for n in 0..6 {
            let question = format!("{n} {}", "x".repeat(30_000));
            handled = handled.and_emit(&ResearchTaskRequested {
                question,
                topic: None,
                collections: vec![],
                sources: vec![],
            });
        }
        let head = ResearchHead { goal: "a goal".into(), questions: vec![] };
        Ok(handled.opening(Open::join("evidence", &head)))
    });
    stage.plays("research-tasks", |step: Step| async move {
        let question = step.event.data["question"].as_str().unwrap()[..1].to_owned();
        Ok(Handled::nothing().arriving(&Evidence { question, summary: "y".repeat(2_000), passages: None }))
    });
    (stage, Wish::new("a goal"))
}

#[tokio::test(start_paused = true)]
async fn an_outcome_too_large_for_its_item_is_kept_as_an_artifact_and_repeated_from_there() {
    let (stage, wish) = large();
    stage.script(At::write(WriteName::Commit).about("/step#research#"), Fault::CrashAfter);
    stage.goal(&wish).await;
    for daemon in ["analysis", "writer", "recommendation"] {
        stage.start(daemon);
    }
    assert_eq!(stage.until_quiet_with("research").await, 1);
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.asked("research"), stage.told::<ResearchTaskRequested>(wish.id()).len()), (1, 6));
    // What arrives and is too large to travel in the joined event is referred to by its hash.
    let joined: ResearchCompleted = stage.told::<ResearchCompleted>(wish.id())[0].data_as().unwrap();
    for arrived in joined.arrived {
        let at = arrived.reference.unwrap();
        let bytes = stage.cloud().artifacts.get(&at.uri).await.unwrap();
        assert_eq!((Digest::of(&bytes), bytes.len() as u64), (at.sha256, at.bytes));
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_whose_bytes_were_changed_is_not_published() {
    let (stage, wish) = large();
    stage.script(At::write(WriteName::Commit).about("/step#research#"), Fault::CrashAfter);
    stage.goal(&wish).await;
    stage.start("research").died().await;
    let uris = stage.cloud().artifacts.uris();
    assert!(uris.iter().all(|uri| stage.cloud().artifacts.corrupt(uri)) && !uris.is_empty());
    stage.start("research");
    stage.until("it was read", |stage| !stage.calls(Op::ArtifactGet).is_empty()).await;
    stage.pass(Duration::from_secs(60)).await;
    assert!(stage.published::<ResearchTaskRequested>().is_empty());
    // Mended before the deadline, it goes on.
    assert!(uris.iter().all(|uri| stage.cloud().artifacts.corrupt(uri)));
    for daemon in ["analysis", "writer", "recommendation"] {
        stage.start(daemon);
    }
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(stage.asked("research"), 1);
}

/// What its one handler answers is parked at once, for this reason.
async fn refused(answer: fn() -> Result<Handled, StepError>, words: &str) {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", move |_| async move { answer() });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    let note = stage.dead_letters("solo")[0].attributes.park().unwrap();
    assert_eq!((note.cause.kind, stage.asked("solo")), (CauseKind::Permanent, 1), "{note:?}");
    assert!(note.cause.detail.contains(words), "{note:?}");
    assert!(stage.published::<ReportWritten>().is_empty() && stage.published::<AnalysisCompleted>().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_said_is_parked_and_never_published() {
    let large = || Ok(Handled::emit(&ReportWritten { summary: "x".repeat(60_000), ..ReportWritten::example() }));
    refused(large, "store what is large as an artifact").await;
    refused(|| Ok(Handled::emit(&AnalysisCompleted::example())), "does not emit analysis.completed").await;
    refused(|| Ok(Handled::nothing().opening(Open::join("evidence", &()))), "does not open evidence").await;
    refused(|| Err(StepError::permanent("the source says no")), "the source says no").await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_can_never_come_together_is_parked_with_the_numbers() {
    for (tasks, quorum, words) in [(2, 3, "a quorum of 3 among 2"), (33, 0, "33 members of join evidence")] {
        let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
        stage.plays("research", move |_| async move { Ok(testkit::stage::evidence(tasks, quorum)) });
        stage.goal(&wish).await;
        stage.start("research");
        stage.until_quiet().await;
        let note = stage.dead_letters("research")[0].attributes.park().unwrap();
        assert!(note.cause.detail.contains(words), "{note:?}");
        assert!(stage.published::<ResearchTaskRequested>().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_handler_is_an_attempt_and_its_words_are_kept() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |_| async { std::panic::resume_unwind(Box::new("an index out of bounds")) });
    stage.goal(&wish).await;
    let process = stage.start("solo");
    stage.until_quiet().await;
    let note = stage.dead_letters("solo")[0].attributes.park().unwrap();
    assert_eq!((note.cause.kind, note.attempts, stage.asked("solo")), (CauseKind::AttemptsExhausted, 3, 3));
    assert!(note.cause.detail.contains("an index out of bounds"), "{note:?}");
    assert!(!process.is_dead() && !process.has_ended());
}

#[tokio::test(start_paused = true)]
async fn work_that_never_ends_is_stopped_at_the_steps_deadline_and_parks_when_its_attempts_are_over() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").due_s(100_000));
    stage.plays("solo", |_| std::future::pending());
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until("it is parked", |stage| stage.dead_letters("solo").len() == 1).await;
    let note = stage.dead_letters("solo")[0].attributes.park().unwrap();
    assert_eq!((note.cause.kind, stage.asked("solo")), (CauseKind::AttemptsExhausted, 3));
    assert!(note.cause.detail.contains("deadline"), "{note:?}");
    let asked = stage.calls(Op::Handler);
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(600), "{asked:?}");
    assert!(stage.elapsed() < Duration::from_secs(2_000), "{:?}", stage.elapsed());
    // Ten minutes of work had their heartbeats: nobody took it for dead.
    assert_eq!(stage.step(wish.id(), "solo").unwrap().crashes, 0);
}

#[tokio::test(start_paused = true)]
async fn records_that_have_expired_are_absent_though_the_server_still_holds_them() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.settings(|settings| {
        settings.goal_deadline = Duration::from_secs(600);
        settings.record_retention = Duration::from_secs(600);
    });
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    let first = stage.one_end::<GoalCompleted>(wish.id());
    stage.pass(Duration::from_secs(1_300).saturating_sub(stage.elapsed())).await;
    stage.goal(&wish).await;
    stage.until_quiet().await;
    for row in ["research", "analysis", "writer", "recommendation"] {
        assert_eq!((stage.asked(row), stage.steps(wish.id(), row).len()), (2, 1), "{row}\n{stage:?}");
    }
    assert_eq!(stage.asked("research-tasks"), 4);
    // The goal, its steps and its join have begun anew: nothing of the first run is in the second's end.
    assert_eq!(stage.applied(WriteName::Renew), 1);
    let ends = stage.told::<GoalCompleted>(wish.id());
    assert!(ends.len() == 2 && ends[0] == first && ends[1].time > first.time, "{ends:?}");
    assert_eq!((stage.told::<ResearchCompleted>(wish.id()).len(), stage.applied(WriteName::Close)), (2, 2));
}
