//! Owns forks in a topology that was extended: a row that others consume from stands beside the step that is forked.
//! Never two contents under one id: what a fork has done by itself is not laid over, nor sent beside.
//! Next: `world` does it at random.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use contract::EventData as _;
use contract::events::{GoalCompleted, ReportWritten};
use contract::topology::{Row, Topology};
use runtime::fork::{self, Forked, Means, Wanted};
use runtime::ledger::WriteName;
use runtime::ledger::step::State;
use runtime::{Chance, Handled, Settings};
use testkit::place::Op;
use testkit::stage::{At, Gate, Stage, Wish};

use super::{forked, history, ports};

const AT_ONCE: Duration = Duration::from_secs(20);

/// The four, and one that reads what the writer wrote. Nobody waits for it.
fn with_proofread() -> Stage {
    let row = Row::new("proofread").consumes::<ReportWritten>();
    let stage = Stage::new(Topology::murmuration().with_row(row));
    stage.plays("proofread", |_| async { Ok(Handled::nothing()) });
    let reports = Arc::new(AtomicU32::new(0));
    stage.plays("writer", move |_| {
        // As models do, it never says the same twice.
        let number = reports.fetch_add(1, Ordering::Relaxed);
        async move { Ok(Handled::emit(&ReportWritten { summary: format!("report {number}"), ..ReportWritten::example() })) }
    });
    stage
}

/// A goal and its fork from the recommendation, which nobody gives before the gate is opened. Both have reports of their
/// own by now, which nobody has read: when the fork was made, there was none.
async fn both_written() -> (Stage, Wish, Forked, Gate) {
    let (stage, wish) = (with_proofread(), Wish::new("a goal"));
    let advice = stage.hold(At::op(Op::Handler).about("/recommendation#").always());
    stage.goal(&wish).await;
    for daemon in ["research", "analysis", "recommendation"] {
        stage.start(daemon);
    }
    advice.reached().await;
    let mut fork = forked(&stage, wish.id(), "recommendation").await;
    fork.sent.sort();
    assert_eq!(fork.sent, ["recommendation", "writer"]);
    stage.start("writer");
    let is_written =
        |stage: &Stage, goal| stage.step(goal, "writer").is_some_and(|step| step.state == State::Committed);
    stage.until("both are written", |stage| is_written(stage, wish.id()) && is_written(stage, fork.goal)).await;
    (stage, wish, fork, advice)
}

async fn both_complete(stage: &Stage, wish: &Wish, fork: &Forked, advice: &Gate) {
    stage.pass(AT_ONCE).await;
    assert!(stage.dead_letters("proofread").is_empty(), "the same event came with two contents\n{stage:?}");
    advice.open();
    stage.until_quiet().await;
    for goal in [wish.id(), fork.goal] {
        stage.one_end::<GoalCompleted>(goal);
    }
    assert_eq!((stage.asked("writer"), stage.asked("proofread")), (2, 2), "{stage:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_fork_did_by_itself_is_not_sent_with_the_words_of_the_other_goal_when_it_is_asked_for_again() {
    let (stage, wish, fork, advice) = both_written().await;
    let mut again = forked(&stage, wish.id(), "recommendation").await;
    again.sent.sort();
    assert_eq!((again.goal, again.ended), (fork.goal, false));
    assert_eq!(again.sent, ["recommendation", "writer"], "its writer is its own: no copy, and its report is not sent");
    assert!(!again.copied.contains(&"writer".to_owned()) && again.copied.contains(&"analysis".to_owned()), "{again:?}");
    stage.start("proofread");
    both_complete(&stage, &wish, &fork, &advice).await;
}

#[tokio::test(start_paused = true)]
async fn what_hangs_on_a_step_that_a_fork_did_by_itself_is_not_copied_either() {
    let (stage, wish, fork, advice) = both_written().await;
    // It has read the other goal's report, and not yet the fork's.
    let claim = stage.hold(At::write(WriteName::Claim).about(format!("{}/step#proofread", fork.goal)));
    stage.start("proofread");
    let is_read = |stage: &Stage| stage.step(wish.id(), "proofread").is_some_and(|step| step.state == State::Committed);
    stage.until("the first report was read", is_read).await;
    claim.reached().await;
    let again = forked(&stage, wish.id(), "recommendation").await;
    assert!(again.copied.iter().all(|step| step != "proofread" && step != "writer"), "{again:?}");
    claim.open();
    both_complete(&stage, &wish, &fork, &advice).await;
    let history = history(&stage, fork.goal).await;
    let read = history.step("proofread").unwrap();
    assert!(read.is_committed() && read.copied_from.is_none(), "{read:?}");
    assert_eq!(read.input.as_ref().unwrap().kind, ReportWritten::TYPE);
}

#[tokio::test(start_paused = true)]
async fn a_goal_that_waits_for_nobody_waits_as_long_as_the_forked_step_was_configured_to_take() {
    let (stage, wish) = (with_proofread(), Wish::new("a goal"));
    let advice = stage.hold(At::op(Op::Handler).about("/recommendation#").always());
    stage.goal(&wish).await;
    stage.start_all();
    let is_read = |stage: &Stage| stage.step(wish.id(), "proofread").is_some_and(|step| step.state == State::Committed);
    stage.until("the report was read", is_read).await;
    advice.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let history = history(&stage, wish.id()).await;
    let mut settings = Settings::of(stage.choreography());
    for (row, limits) in &mut settings.limits {
        if row.as_str() == "proofread" {
            (limits.step_deadline_s, limits.lease_s) = (1_500, 100);
        }
    }
    let (chance, ports) = (Chance::seeded(1), ports(&stage));
    let means = Means { ports: &ports, choreography: stage.choreography(), settings: &settings, chance: &chance };
    let wanted = Wanted { key: "the fork".into(), model: None };
    let before = ports.clock.now();
    let fork = fork::fork(means, &history, history.step("proofread").unwrap(), &wanted).await.unwrap();
    let due_at = stage.goal_of(fork.goal).unwrap().join.due_at.unwrap();
    let waits = before.until(due_at);
    assert!((1_600..1_610).contains(&waits.as_secs()), "{waits:?}");
}
