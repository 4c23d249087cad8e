//! Owns what a goal may spend: reservations before anybody is asked, what they cost in the end, and what a dead holder
//! left open. The sum is never passed, and nothing is counted twice.
//! Never what a step without means does: its handler decides.
//! Next: `outcomes`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::events::{GoalCancelled, GoalCompleted, ReportWritten};
use contract::{CauseKind, EventData};
use runtime::ledger::{Attr, WriteName};
use runtime::{Handled, Refused, Spend, Step, StepError};
use testkit::place::Op;
use testkit::stage::{At, Fault, Stage, Wish};

const BOUND: Spend = Spend { tokens: 40, micros: 400 };
const COST: Spend = Spend { tokens: 7, micros: 70 };

/// One call within its bound, at its cost.
async fn spend(step: &Step) -> Result<Handled, StepError> {
    step.budget.reserve(BOUND).await?.settle(COST).await;
    Ok(Handled::emit(&ReportWritten::example()))
}

fn spending() -> (Stage, Wish) {
    let stage = Stage::solo();
    stage.plays("solo", |step| async move { spend(&step).await });
    (stage, Wish::new("a goal").budget(Some(100), Some(0.001)))
}

/// Tokens: spent, reserved, left; then millionths of a dollar.
fn purse(stage: &Stage, wish: &Wish) -> [i64; 6] {
    let item = stage.goal_item(wish.id()).unwrap();
    let number = |attr| item.number(&attr).unwrap_or(0);
    [
        number(Attr::TokensSpent),
        number(Attr::TokensReserved),
        number(Attr::TokensLeft),
        number(Attr::MicrosSpent),
        number(Attr::MicrosReserved),
        number(Attr::MicrosLeft),
    ]
}

async fn run(stage: &Stage, wish: &Wish) {
    stage.goal(wish).await;
    stage.until_quiet_with("solo").await;
}

#[tokio::test(start_paused = true)]
async fn a_call_is_reserved_at_its_bound_and_settled_at_its_cost_in_both_currencies() {
    let (stage, wish) = spending();
    let settle = stage.hold(At::write(WriteName::Settle));
    stage.goal(&wish).await;
    stage.start("solo");
    settle.reached().await;
    assert_eq!(purse(&stage, &wish), [0, 40, 60, 0, 400, 600]);
    settle.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(purse(&stage, &wish), [7, 0, 93, 70, 0, 930]);
    assert_eq!(stage.calls(Op::Write(WriteName::Book)).len(), 0, "there was nothing to book");
}

#[tokio::test(start_paused = true)]
async fn reserving_and_settling_twice_by_a_lost_reply_is_impossible() {
    let (stage, wish) = spending();
    stage.script(At::write(WriteName::Reserve), Fault::LoseReply);
    stage.script(At::write(WriteName::Settle), Fault::LoseReply);
    run(&stage, &wish).await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(purse(&stage, &wish), [7, 0, 93, 70, 0, 930]);
}

#[tokio::test(start_paused = true)]
async fn past_the_allowance_of_either_currency_a_step_parks_as_budget_exhausted() {
    for (tokens, usd) in [(Some(39), Some(1.0)), (Some(1_000), Some(0.000_399))] {
        let (stage, wish) = spending();
        let wish = wish.budget(tokens, usd);
        run(&stage, &wish).await;
        assert!(stage.end_of(wish.id()).is_none());
        let note = stage.dead_letters("solo")[0].attributes.park().unwrap();
        assert_eq!(note.cause.kind, CauseKind::BudgetExhausted);
        let purse = purse(&stage, &wish);
        assert_eq!((purse[0], purse[1], purse[3], purse[4]), (0, 0, 0, 0));
        assert_eq!(stage.asked("solo"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_without_means_may_end_with_what_it_has() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").budget(Some(100), None));
    stage.plays("solo", |step| async move {
        let mut calls = 0;
        while let Ok(reservation) = step.budget.reserve(BOUND).await {
            reservation.settle(BOUND).await;
            calls += 1;
        }
        Ok(Handled::emit(&ReportWritten { summary: format!("after {calls}"), ..ReportWritten::example() }))
    });
    run(&stage, &wish).await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(stage.told::<ReportWritten>(wish.id())[0].data["summary"], "after 2");
    assert_eq!(purse(&stage, &wish)[..3], [80, 0, 20]);
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_holder_reserved_is_booked_as_spent_at_the_takeover() {
    let (stage, wish) = spending();
    stage.script(At::write(WriteName::Settle), Fault::CrashBefore);
    let second = stage.hold(At::op(Op::Handler).nth(2));
    stage.goal(&wish).await;
    stage.start("solo").died().await;
    stage.start("solo");
    second.reached().await;
    // Before the second holder asks anybody.
    assert_eq!(purse(&stage, &wish), [40, 0, 60, 400, 0, 600]);
    second.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(purse(&stage, &wish), [47, 0, 53, 470, 0, 530]);
}

#[tokio::test(start_paused = true)]
async fn what_a_commit_leaves_open_is_booked_with_its_effects() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").budget(Some(100), Some(0.001)));
    stage.plays("solo", |step| async move {
        drop(step.budget.reserve(BOUND).await?);
        Ok(Handled::emit(&ReportWritten::example()))
    });
    run(&stage, &wish).await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(purse(&stage, &wish), [40, 0, 60, 400, 0, 600]);
}

#[tokio::test(start_paused = true)]
async fn what_a_park_leaves_open_is_booked_with_its_effects() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").budget(Some(100), Some(0.001)));
    stage.plays("solo", |step| async move {
        drop(step.budget.reserve(BOUND).await?);
        Err(StepError::permanent("no"))
    });
    run(&stage, &wish).await;
    assert_eq!(stage.dead_letters("solo").len(), 1);
    assert_eq!(purse(&stage, &wish), [40, 0, 60, 400, 0, 600]);
}

#[tokio::test(start_paused = true)]
async fn booking_repeated_with_the_effects_books_nothing_twice() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").budget(Some(100), Some(0.001)));
    stage.plays("solo", |step| async move {
        drop(step.budget.reserve(BOUND).await?);
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.script(At::write(WriteName::Book), Fault::LoseReply);
    stage.script(At::op(Op::Put), Fault::CrashAfter);
    run(&stage, &wish).await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(purse(&stage, &wish), [40, 0, 60, 400, 0, 600]);
}

#[tokio::test(start_paused = true)]
async fn in_an_ended_goal_nobody_may_reserve_any_more() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").budget(Some(100), None));
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&said);
    stage.plays("solo", move |step| {
        let heard = Arc::clone(&heard);
        async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            let answer = step.budget.reserve(BOUND).await.map(drop);
            heard.lock().unwrap().push(format!("{answer:?}"));
            Ok(Handled::emit(&ReportWritten::example()))
        }
    });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until("it is at work", |stage| stage.asked("solo") == 1).await;
    stage.cancel(&wish).await;
    stage.until_quiet().await;
    stage.one_end::<GoalCancelled>(wish.id());
    assert_eq!(*said.lock().unwrap(), [format!("{:?}", Err::<(), _>(Refused::Deposed))]);
    assert_eq!(purse(&stage, &wish)[..3], [0, 0, 100]);
}
