//! Owns what becomes of dead letters: what they carry, what a redrive opens, what an old copy may do, and what a death
//! between any two effects of a park costs: one entry to a person's eye, never none while the goal is open.
//! Never the wire: `murmur` and AWS's own redrive are the same move here.
//! Next: `joins`, at which a park arrives as a failure.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use contract::events::{GoalCompleted, GoalFailed, ReportWritten, StepFailed};
use contract::{Artifacts, Attributes, CauseKind, EventData};
use runtime::ledger::WriteName;
use runtime::ledger::step::State;
use runtime::ports::Outbound;
use runtime::{Handled, StepError};
use testkit::place::Op;
use testkit::stage::{At, Fault, Stage, Wish};

/// Says no for good, so many times.
fn refusing(times: u32) -> (Stage, Wish) {
    let (stage, asked) = (Stage::solo(), Arc::new(AtomicU32::new(0)));
    stage.plays("solo", move |_| {
        let refuses = asked.fetch_add(1, Ordering::Relaxed) < times;
        async move {
            if refuses {
                return Err(StepError::permanent("no"));
            }
            Ok(Handled::emit(&ReportWritten::example()))
        }
    });
    (stage, Wish::new("a goal"))
}

async fn parked(times: u32) -> (Stage, Wish) {
    let (stage, wish) = refusing(times);
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    assert_eq!(stage.dead_letters("solo").len(), 1);
    (stage, wish)
}

/// As a person sees them: one for each step, whose latest letter counts; an older one opens nothing.
fn entries(stage: &Stage) -> usize {
    let notes = stage.dead_letters("solo").into_iter().filter_map(|letter| letter.attributes.park());
    notes.map(|note| (note.goal, note.event)).collect::<BTreeSet<_>>().len()
}

#[tokio::test(start_paused = true)]
async fn a_redrive_opens_a_new_round_of_the_same_goal_in_the_same_trace() {
    let (stage, wish) = parked(1).await;
    let letter = &stage.dead_letters("solo")[0];
    assert_eq!(letter.attributes.trace(), Some(wish.event().trace));
    assert_eq!(stage.redrive("solo"), 1);
    stage.until_quiet().await;
    let end = stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(end.trace.trace, wish.event().trace.trace);
    let step = stage.step(wish.id(), "solo").unwrap();
    assert_eq!((step.rounds, step.attempts, step.epoch, stage.asked("solo")), (1, 0, 2, 2));
    assert!(stage.dead_letters("solo").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_of_an_ended_goal_is_deleted_when_it_is_redriven() {
    let (stage, wish) = refusing(1);
    let wish = wish.failing();
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalFailed>(wish.id());
    assert_eq!(stage.redrive("solo"), 1);
    stage.until_quiet().await;
    assert_eq!((stage.asked("solo"), stage.dead_letters("solo").len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn at_the_cap_of_rounds_a_redrive_goes_back_to_the_dead_letters_with_its_n() {
    let (stage, wish) = refusing(u32::MAX);
    stage.limits(|limits| limits.rounds_max = 2);
    let wish = wish.due_s(100_000);
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    let mut told = vec![];
    for _ in 0..4 {
        let note = stage.dead_letters("solo")[0].attributes.park().unwrap();
        told.push((note.n, note.cause.kind));
        assert_eq!(stage.redrive("solo"), 1);
        stage.until_quiet().await;
        assert_eq!(stage.dead_letters("solo").len(), 1, "{stage:?}");
    }
    use CauseKind::{Permanent, RedrivenTooOften};
    assert_eq!(told, [(1, Permanent), (2, Permanent), (3, Permanent), (3, RedrivenTooOften)]);
    assert_eq!((stage.asked("solo"), stage.told::<StepFailed>(wish.id()).len()), (3, 3));
    let ids: BTreeSet<_> = stage.told::<StepFailed>(wish.id()).into_iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 3, "each park is an event of its own");
}

#[tokio::test(start_paused = true)]
async fn an_old_copy_of_a_dead_letter_is_deleted_and_opens_nothing() {
    let (stage, wish) = parked(u32::MAX).await;
    let old = stage.dead_letters("solo")[0].clone();
    stage.redrive("solo");
    stage.until_quiet().await;
    assert_eq!(stage.dead_letters("solo")[0].attributes.park().unwrap().n, 2);
    stage.redrive_copy("solo", &old).await;
    // And one that was never parked.
    stage.goal(&wish).await;
    stage.until_quiet().await;
    let step = stage.step(wish.id(), "solo").unwrap();
    assert_eq!((stage.asked("solo"), step.rounds, step.parks), (2, 1, 2));
    assert_eq!(stage.dead_letters("solo").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_redrives_of_one_letter_at_once_open_one_round() {
    let (stage, wish) = parked(u32::MAX).await;
    let letter = stage.dead_letters("solo")[0].clone();
    let slower = stage.hold(At::write(WriteName::NewRound));
    stage.redrive_copy("solo", &letter).await;
    stage.redrive("solo");
    slower.reached().await;
    stage
        .until("it is parked again", |stage| stage.step(wish.id(), "solo").is_some_and(|step| step.dead_lettered == 2))
        .await;
    slower.open();
    stage.until_quiet().await;
    let step = stage.step(wish.id(), "solo").unwrap();
    assert_eq!((step.rounds, step.parks, stage.asked("solo")), (1, 2, 2), "{stage:?}");
    assert_eq!(entries(&stage), 1);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_parker_that_thaws_after_a_later_park_writes_nothing_and_no_entry_is_lost() {
    let (stage, wish) = refusing(u32::MAX);
    let late = stage.hold(At::write(WriteName::DeadLettered));
    stage.goal(&wish).await;
    stage.start("solo");
    late.reached().await;
    stage.redrive("solo");
    stage
        .until("it is parked again", |stage| stage.step(wish.id(), "solo").is_some_and(|step| step.dead_lettered == 2))
        .await;
    late.open();
    stage
        .until("the late write was answered", |stage| stage.calls(Op::Write(WriteName::DeadLettered)).len() == 2)
        .await;
    assert_eq!(stage.refused(WriteName::DeadLettered), 1);
    assert_eq!(stage.step(wish.id(), "solo").unwrap().dead_lettered, 2);
    stage.until_quiet().await;
    assert_eq!((entries(&stage), stage.dead_letters("solo").len()), (1, 1), "{stage:?}");
}

/// Every place between the effects of a park, the park itself included.
fn places() -> Vec<(At, Fault)> {
    let ops = [
        At::write(WriteName::Park),
        At::op(Op::Put).about("step.failed"),
        At::op(Op::Send),
        At::write(WriteName::Arrive),
        At::write(WriteName::DeadLettered),
        At::op(Op::Delete),
    ];
    ops.into_iter().flat_map(|at| [(at.clone(), Fault::CrashBefore), (at, Fault::CrashAfter)]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_death_between_any_two_effects_of_a_park_leaves_one_entry() {
    for (at, fault) in places() {
        let place = format!("{fault:?} {at:?}");
        let (stage, wish) = refusing(u32::MAX);
        stage.script(at, fault);
        stage.goal(&wish).await;
        assert_eq!(stage.until_quiet_with("solo").await, 1, "{place}");
        assert_eq!(entries(&stage), 1, "{place}\n{stage:?}");
        let step = stage.step(wish.id(), "solo").unwrap();
        assert_eq!((step.state, step.parks, step.dead_lettered), (State::Parked, 1, 1), "{place}\n{stage:?}");
        let failed = stage.told::<StepFailed>(wish.id());
        assert!(failed.iter().all(|event| event.id == failed[0].id), "{place}");
        // Whatever is in the dead letters leads on.
        stage.plays("solo", |_| async { Ok(Handled::emit(&ReportWritten::example())) });
        stage.redrive("solo");
        stage.until_quiet_with("solo").await;
        stage.one_end::<GoalCompleted>(wish.id());
    }
}

/// The parker dies at this place, its letter is redriven at once, and the round that this opens gives up, too.
async fn redriven_meanwhile(at: At, fault: Fault, before_the_return: bool) {
    let place = format!("{fault:?} {at:?} {before_the_return}");
    let (stage, wish) = refusing(u32::MAX);
    stage.script(at, fault);
    stage.goal(&wish).await;
    stage.start("solo").died().await;
    if !before_the_return {
        stage.pass(Duration::from_secs(100)).await;
    }
    let moved = stage.redrive("solo");
    stage.until_quiet_with("solo").await;
    let step = stage.step(wish.id(), "solo").unwrap();
    assert_eq!((step.state, step.dead_lettered), (State::Parked, step.parks), "{place}\n{stage:?}");
    let newest = |stage: &Stage| {
        let letters = stage.dead_letters("solo");
        letters.iter().filter(|letter| letter.attributes.park().unwrap().n == step.parks).count()
    };
    assert!(newest(&stage) >= 1, "{place}: no entry while the goal is open\n{stage:?}");
    assert!(usize::try_from(step.parks).unwrap() <= 1 + moved, "{place}\n{stage:?}");
    assert_eq!(entries(&stage), 1, "{place}\n{stage:?}");
    stage.plays("solo", |_| async { Ok(Handled::emit(&ReportWritten::example())) });
    stage.redrive("solo");
    stage.until_quiet_with("solo").await;
    stage.one_end::<GoalCompleted>(wish.id());
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_is_redriven_while_its_park_is_half_done_is_never_lost() {
    for before_the_return in [true, false] {
        for (at, fault) in places() {
            redriven_meanwhile(at, fault, before_the_return).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_dead_letter_ends_the_goal_the_letter_is_there_before_the_end() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let (stage, wish) = refusing(u32::MAX);
        let wish = wish.failing();
        stage.script(At::op(Op::Send), fault);
        stage.goal(&wish).await;
        stage.until_quiet_with("solo").await;
        let end = stage.one_end::<GoalFailed>(wish.id());
        assert_eq!(end.data["cause"]["kind"], "step-failed");
        assert_eq!(entries(&stage), 1, "{stage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_keeps_its_senders_attributes_and_its_body() {
    let (stage, wish) = refusing(u32::MAX);
    let mut attributes = Attributes::of_event(&wish.event());
    attributes.set("mine", "kept");
    let body = wish.event().to_json();
    stage.message(&stage.queue_of("solo"), Outbound { body: body.clone(), attributes, group: None }).await;
    stage.start("solo");
    stage.until_quiet().await;
    let letter = &stage.dead_letters("solo")[0];
    assert_eq!((letter.attributes.get("mine"), &letter.body), (Some("kept"), &body));
    assert_eq!(letter.group.as_deref(), Some("default"));
    // A redrive carries them on, and the round after it writes them again.
    stage.redrive("solo");
    stage.until_quiet().await;
    let letter = &stage.dead_letters("solo")[0];
    assert_eq!((letter.attributes.get("mine"), &letter.body), (Some("kept"), &body));
    assert_eq!(letter.attributes.park().unwrap().n, 2);
}

#[tokio::test(start_paused = true)]
async fn more_attributes_than_a_dead_letter_can_hold_are_kept_in_an_artifact() {
    let (stage, wish) = refusing(u32::MAX);
    let mut attributes = Attributes::of_event(&wish.event());
    for n in 0..10 - attributes.0.len() {
        attributes.set(&format!("mine-{n}"), format!("value {n}"));
    }
    let all = attributes.clone();
    let message = Outbound { body: wish.event().to_json(), attributes, group: None };
    stage.message(&stage.queue_of("solo"), message).await;
    stage.start("solo");
    stage.until_quiet().await;
    let letter = &stage.dead_letters("solo")[0];
    assert!(letter.attributes.0.len() <= 10);
    let note = letter.attributes.park().unwrap();
    let bytes = stage.cloud().artifacts.get(&note.body.unwrap().uri).await.unwrap();
    let whole: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(whole["attributes"], serde_json::json!(all.0));
    stage.plays("solo", |_| async { Ok(Handled::emit(&ReportWritten::example())) });
    stage.redrive("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_rejected_with_its_bytes_kept() {
    let stage = Stage::solo();
    let bodies = ["", "no json", "{\"goal\":", "[1]", "{\"goal\":1}", "\u{fffd}"];
    for body in bodies.iter().filter(|body| !body.is_empty()) {
        let message = Outbound { body: (*body).into(), ..Outbound::default() };
        stage.message(&stage.queue_of("solo"), message).await;
    }
    stage.start("solo");
    stage.until_quiet().await;
    let letters = stage.dead_letters("solo");
    let kept: BTreeSet<&str> = letters.iter().map(|letter| letter.body.as_str()).collect();
    assert_eq!(kept, bodies.into_iter().filter(|body| !body.is_empty()).collect());
    for letter in &letters {
        let note = letter.attributes.park().unwrap();
        assert_eq!((note.n, note.cause.kind), (0, CauseKind::Undecodable));
    }
    assert_eq!((stage.asked("solo"), stage.cloud().ledger.item_count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_leaves_no_room_for_its_cause_is_kept_in_an_artifact() {
    let stage = Stage::solo();
    let body = "x".repeat(contract::limits::SQS_MESSAGE_BYTES_MAX - 10);
    stage.message(&stage.queue_of("solo"), Outbound { body: body.clone(), ..Outbound::default() }).await;
    stage.start("solo");
    stage.until_quiet().await;
    let letters = stage.dead_letters("solo");
    let note = letters[0].attributes.park().unwrap();
    assert_eq!(note.cause.kind, CauseKind::Undecodable);
    let at = note.body.unwrap();
    let whole: serde_json::Value =
        serde_json::from_slice(&stage.cloud().artifacts.get(&at.uri).await.unwrap()).unwrap();
    assert_eq!(whole["body"], body);
    assert!(letters[0].body.contains(&at.uri), "{}", letters[0].body);
}
