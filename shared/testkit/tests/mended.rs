//! Owns what once went wrong under careful reading: deadlines long past, errors of any length, heads that nobody can
//! join, neighbours that work long, heartbeats that come late, due items that cannot be helped.
//! Never what a seed finds: that is `world`.
//! Next: `answers`, the rest of what was mended.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use contract::events::{GoalCompleted, GoalFailed, ReportWritten, ResearchHead, ResearchTaskRequested};
use contract::limits::{CAUSE_TEXT_BYTES_MAX, JOIN_HEAD_BYTES_MAX};
use contract::{CauseKind, EventData, GoalId, JoinName, PortError, Tenant};
use runtime::ledger::join::{self, Head, Opening};
use runtime::ledger::step::State;
use runtime::ledger::{Attr, DUE_SHARDS, Item, ItemKey, Write, WriteName};
use runtime::ports::{Ledger, Written};
use runtime::{Handled, Open, Spend, StepError};
use serde_json::json;
use testkit::place::Op;
use testkit::stage::{At, BASE, Fault, Gate, Stage, Wish};

const DAY_S: i64 = 24 * 3600;

#[tokio::test(start_paused = true)]
async fn a_goal_whose_deadline_is_past_its_retention_fails_once_and_copies_of_it_do_nothing() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").due_s(-40 * DAY_S));
    stage.goal_bare(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    for _ in 0..2 {
        stage.goal_bare(&wish).await;
        stage.until_quiet().await;
    }
    let end = stage.one_end::<GoalFailed>(wish.id());
    assert_eq!(end.data["cause"]["kind"], "deadline-exceeded");
    assert_eq!((stage.told::<GoalFailed>(wish.id()).len(), stage.asked("solo")), (1, 0), "{stage:?}");
    assert_eq!((stage.applied(WriteName::Accept), stage.applied(WriteName::End)), (1, 1), "{stage:?}");
}

/// What the step's item says of how each of its holders ended.
fn whys(item: &Item) -> Vec<String> {
    let over = item.attrs.keys().filter(|attr| matches!(attr, Attr::Over(_)));
    let read = |attr| serde_json::from_str::<serde_json::Value>(item.text(attr).unwrap()).unwrap();
    over.filter_map(|attr| read(attr)["why"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_error_of_half_a_megabyte_is_counted_as_an_attempt_and_kept_cut() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |_| async { Err(StepError::transient("\u{1}\n\u{ffff}x".repeat(100_000))) });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    let step = stage.step(wish.id(), "solo").unwrap();
    assert_eq!((step.state, step.attempts, stage.asked("solo")), (State::Parked, 3, 3), "{step:?}");
    let whys = whys(&stage.steps(wish.id(), "solo")[0]);
    assert_eq!(whys.len(), 4, "three tries, and the park");
    let is_cut = |why: &String| why.len() <= CAUSE_TEXT_BYTES_MAX && !why.contains(char::is_control);
    assert!(whys.iter().all(is_cut), "{:?}", whys.iter().map(String::len).collect::<Vec<_>>());
    let note = stage.dead_letters("solo")[0].attributes.park().unwrap();
    assert_eq!(note.cause.kind, CauseKind::AttemptsExhausted);
    assert!(is_cut(&note.cause.detail) && note.cause.detail.contains('x'), "{}", note.cause.detail);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_nobody_can_join_parks_its_opener_at_once() {
    let refused = json!({ "goal": 1, "questions": [] });
    let too_long = json!({ "goal": "a goal", "questions": ["x".repeat(JOIN_HEAD_BYTES_MAX)] });
    for head in [refused, too_long, json!({ "goal": "a goal" }), json!("no object")] {
        let (stage, wish, shown) = (Stage::murmuration(), Wish::new("a goal"), head.to_string());
        stage.plays("research", move |_| {
            let task =
                ResearchTaskRequested { question: "why?".into(), topic: None, collections: vec![], sources: vec![] };
            let handled = Handled::emit(&task).opening(Open::join("evidence", &head));
            async { Ok(handled) }
        });
        stage.goal(&wish).await;
        stage.start("research");
        stage.until("it is parked", |stage| stage.dead_letters("research").len() == 1).await;
        assert!(stage.elapsed() < Duration::from_secs(5), "{:.60} {:?}", shown, stage.elapsed());
        let note = stage.dead_letters("research")[0].attributes.park().unwrap();
        assert_eq!((note.cause.kind, stage.asked("research")), (CauseKind::Permanent, 1), "{shown:.60}");
        assert_eq!(stage.published::<ResearchTaskRequested>().len(), 0, "{shown:.60}");
        assert!(stage.join_of(wish.id(), "evidence").is_none(), "{shown:.60}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_must_be_alone_waits_hidden_for_a_neighbour_that_works_for_many_leases() {
    let (stage, killer, neighbour) = (Stage::solo(), Wish::new("the killer"), Wish::new("the neighbour"));
    let at_killer = At::op(Op::Handler).about(killer.id().to_string());
    stage.script(at_killer.clone().times(2), Fault::CrashBefore);
    let handled = stage.hold(at_killer.nth(3));
    let slow = neighbour.id();
    stage.plays("solo", move |step| async move {
        if step.event.goal == slow {
            tokio::time::sleep(Duration::from_secs(560)).await;
        }
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.goal(&killer).await;
    for _ in 0..2 {
        stage.start("solo").died().await;
    }
    stage.goal(&neighbour).await;
    stage.start("solo");
    handled.reached().await;
    let killers: Vec<_> = stage.cloud().queue.messages(&stage.queue_of("solo"));
    let killers: Vec<_> = killers.iter().filter(|message| message.body.contains("the killer")).collect();
    // Twice by those who died, and once by who waited.
    assert_eq!(killers.iter().map(|message| message.receive_count).collect::<Vec<_>>(), [3], "{stage:?}");
    assert!(!stage.told::<GoalCompleted>(neighbour.id()).is_empty() && stage.step(killer.id(), "solo").unwrap().alone);
    handled.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(killer.id());
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_is_still_retried_does_not_hide_what_was_released_meanwhile() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    // The heartbeat, a third of its lease after the claim, hides the message for half as long again as the lease.
    let why = PortError::Transient { why: "throttled".into(), retry_after: Some(Duration::from_secs(3)) };
    stage.script(At::op(Op::Visibility).about("=90000ms"), Fault::Fail(why));
    let asked = Arc::new(AtomicU32::new(0));
    stage.plays("solo", move |_| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            if first {
                tokio::time::sleep(Duration::from_millis(20_500)).await;
                return Err(StepError::retry_after("not now", Duration::from_secs(8)));
            }
            Ok(Handled::emit(&ReportWritten::example()))
        }
    });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let hidings: Vec<_> = stage.calls(Op::Visibility).into_iter().filter(|it| it.about.contains("=90000ms")).collect();
    assert_eq!(hidings.len(), 1, "the heartbeat failed once, and was not tried again: {hidings:?}");
    let handled = stage.calls(Op::Handler);
    let between = handled[1].at - handled[0].at;
    assert!(between > Duration::from_secs(28) && between < Duration::from_secs(60), "{between:?}\n{stage:?}");
}

async fn applied(stage: &Stage, write: &Write) {
    let written = stage.cloud().ledger.write(write).await.unwrap();
    assert!(matches!(written, Written::Applied(_)), "{written:?}");
}

/// Due an hour before the stage began.
fn due_already(key: ItemKey) -> Write {
    let opening = Opening {
        join: JoinName::new("evidence"),
        members: vec![],
        required: vec![],
        quorum: 1,
        head: Head::default(),
        due_at: BASE - Duration::from_secs(3600),
    };
    join::open(key, &opening, BASE + Duration::from_secs(3600), BASE)
}

#[tokio::test(start_paused = true)]
async fn a_due_join_whose_goal_has_expired_leaves_the_index() {
    let stage = Stage::murmuration();
    let key = ItemKey::join(Wish::new("long gone").id(), &JoinName::new("evidence"));
    applied(&stage, &due_already(key.clone())).await;
    stage.start("writer");
    stage.pass(Duration::from_secs(60)).await;
    assert!(!stage.item(&key).unwrap().has(&Attr::DueAt), "{stage:?}");
    let looked_at = || stage.log().iter().filter(|call| call.about == format!("{}/{}", key.goal, key.sort())).count();
    let before = looked_at();
    stage.pass(Duration::from_secs(300)).await;
    assert_eq!(looked_at(), before, "nobody looks at it again");
}

fn shard(goal: GoalId) -> u8 {
    goal.0.as_bytes()[15] % DUE_SHARDS
}

#[tokio::test(start_paused = true)]
async fn due_items_that_cannot_be_helped_do_not_keep_later_ones_from_being_swept() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(600));
    let damaged = (0..).map(|n| GoalId::derive(&Tenant::default(), &format!("damaged {n}")));
    for goal in damaged.filter(|goal| shard(*goal) == shard(wish.id())).take(250) {
        // A goal's item without its request: whoever finds it due can do nothing about it.
        applied(&stage, &due_already(ItemKey::goal(goal))).await;
    }
    stage.goal(&wish).await;
    stage.start("research");
    stage.pass(Duration::from_secs(700)).await;
    let end = stage.one_end::<GoalFailed>(wish.id());
    assert_eq!(end.data["cause"]["kind"], "deadline-exceeded");
}

/// Two tasks, of which the second gives up in a goal that a dead letter ends.
async fn with_a_member_that_gives_up(required: bool) -> (Stage, Wish) {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").failing());
    stage.plays("research", move |_| async move {
        let questions = vec!["question 0".to_owned(), "question 1".to_owned()];
        let task = |question: &String| ResearchTaskRequested {
            topic: None,
            question: question.clone(),
            collections: vec![],
            sources: vec![],
        };
        let handled = Handled::emit(&task(&questions[0])).and_emit(&task(&questions[1]));
        let open = Open::join("evidence", &ResearchHead { goal: "a goal".into(), questions });
        Ok(handled.opening(if required { open.all_required() } else { open }))
    });
    stage.plays("research-tasks", |step| async move {
        if step.event.data["question"] == "question 1" {
            return Err(StepError::permanent("never"));
        }
        Ok(Handled::nothing().arriving(&json!({ "question": "question 0", "summary": "found" })))
    });
    stage.goal(&wish).await;
    stage.start_all();
    stage.until("it is told", |stage| stage.end_of(wish.id()).is_some_and(|(_, told)| told)).await;
    assert!(stage.elapsed() < Duration::from_secs(60), "{:?}\n{stage:?}", stage.elapsed());
    stage.until_quiet().await;
    (stage, wish)
}

#[tokio::test(start_paused = true)]
async fn a_required_member_that_gives_up_ends_a_goal_that_does_not_hold_at_once() {
    let (stage, wish) = with_a_member_that_gives_up(true).await;
    let end = stage.one_end::<GoalFailed>(wish.id());
    assert_eq!(
        (&end.data["cause"]["kind"], &end.data["cause"]["row"]),
        (&json!("step-failed"), &json!("research-tasks"))
    );
}

#[tokio::test(start_paused = true)]
async fn an_optional_member_that_gives_up_ends_no_goal() {
    let (stage, wish) = with_a_member_that_gives_up(false).await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(stage.dead_letters("research-tasks").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_death_before_the_second_dead_letter_of_a_step_does_not_lose_it() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |_| async { Err(StepError::permanent("no")) });
    stage.script(At::op(Op::Send).nth(2), Fault::CrashBefore);
    stage.goal(&wish).await;
    let first = stage.start("solo");
    stage.until_quiet().await;
    assert_eq!(stage.redrive("solo"), 1);
    first.died().await;
    assert_eq!((stage.dead_letters("solo").len(), stage.step(wish.id(), "solo").unwrap().parks), (0, 2));
    // That the first letter was written says nothing of the second.
    stage.start("solo");
    stage.until_quiet().await;
    let letters = stage.dead_letters("solo");
    assert_eq!(letters.iter().map(|letter| letter.attributes.park().unwrap().n).collect::<Vec<_>>(), [2], "{stage:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_with_half_a_megabyte_to_say_is_counted_as_an_attempt_too() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |_| async { std::panic::panic_any("x\u{7}".repeat(250_000)) });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    let step = stage.step(wish.id(), "solo").unwrap();
    assert_eq!((step.state, step.attempts, stage.asked("solo")), (State::Parked, 3, 3));
    assert!(whys(&stage.steps(wish.id(), "solo")[0]).iter().all(|why| why.len() <= CAUSE_TEXT_BYTES_MAX));
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_a_week_that_a_server_asks_for_is_not_believed() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |_| async { Err(StepError::retry_after("throttled", Duration::from_secs(7 * 24 * 3600))) });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until("it is released", |stage| stage.applied(WriteName::Release) == 1).await;
    let wait = stage.now().until(stage.step(wish.id(), "solo").unwrap().not_before);
    assert!(wait > Duration::from_secs(3_590) && wait < Duration::from_secs(3_610), "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_recognised_late_holds_its_lease_since_it_was_written() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |step| async move {
        if step.attempt == 1 {
            return Err(StepError::transient("not yet"));
        }
        tokio::time::sleep(Duration::from_secs(40)).await;
        Ok(Handled::emit(&ReportWritten::example()))
    });
    let (gate, again) = (Gate::default(), At::write(WriteName::ClaimReleased));
    stage.script(again.clone(), Fault::HoldReply(gate.clone()));
    stage.script(again, Fault::LoseReply);
    stage.goal(&wish).await;
    stage.start("solo");
    gate.open_after(Duration::from_secs(8)).await;
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let claimed = stage.calls(Op::Write(WriteName::ClaimReleased))[0].at;
    let since = stage.calls(Op::Write(WriteName::Heartbeat))[0].at - claimed;
    assert!(since >= Duration::from_secs(19) && since < Duration::from_secs(21), "{since:?}\n{stage:?}");
}

#[tokio::test(start_paused = true)]
async fn more_open_reservations_than_one_write_holds_are_booked_by_several() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").budget(Some(1_000), None));
    stage.plays("solo", |step| async move {
        for _ in 0..250 {
            drop(step.budget.reserve(Spend { tokens: 2, micros: 0 }).await?);
        }
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let item = stage.goal_item(wish.id()).unwrap();
    let purse = [Attr::TokensSpent, Attr::TokensReserved, Attr::TokensLeft].map(|attr| item.number(&attr));
    assert_eq!(purse, [Some(500), Some(0), Some(500)]);
    let books = stage.calls(Op::Write(WriteName::Book));
    assert_eq!(books.len(), 3);
    assert!(books.iter().all(|call| call.about.split(' ').count() < 120), "{books:?}");
}
