//! Owns what a SIGTERM may cost: nothing but time. Receives stop, work ends or is given back uncounted, and the process
//! is gone within its grace, wherever in a delivery it was told.
//! Never SIGKILL: that is `crashes`.
//! Next: `outcomes`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use contract::EventData;
use contract::events::{GoalCompleted, ReportWritten};
use runtime::Handled;
use runtime::ledger::WriteName;
use testkit::place::Op;
use testkit::stage::{At, Fault, Stage, Wish};

const GRACE: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn told_to_stop_in_any_phase_of_a_delivery_a_process_ends_in_time_and_nothing_is_lost() {
    use WriteName::{Accept, Arrive, Claim, Commit, End, Told};
    let writes = [Accept, Claim, Commit, Arrive, End, Told].map(Op::Write);
    for op in writes.into_iter().chain([Op::Receive, Op::Goals, Op::Handler, Op::Put, Op::Delete]) {
        for fault in [Fault::Stop, Fault::StopAfter] {
            let place = format!("{fault:?} {op}");
            let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
            stage.script(At::op(op), fault);
            stage.goal(&wish).await;
            let began = stage.elapsed();
            let first = stage.start("solo");
            first.ended().await;
            assert!(stage.elapsed() - began <= GRACE, "{place}: {:?}\n{stage:?}", stage.elapsed());
            stage.start("solo");
            stage.until_quiet().await;
            stage.one_end::<GoalCompleted>(wish.id());
            let step = stage.step(wish.id(), "solo").unwrap();
            assert_eq!((step.attempts, step.crashes, stage.asked("solo")), (0, 0, 1), "{place}\n{stage:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_receive_returns_after_the_signal_is_given_back_at_once_and_not_counted() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    let process = stage.start("solo");
    stage.pass(Duration::from_secs(1)).await;
    process.stop();
    stage.pass(Duration::from_secs(1)).await;
    assert!(!process.has_ended(), "the receive that is under way is waited for");
    stage.goal(&wish).await;
    process.ended().await;
    assert!(stage.elapsed() < Duration::from_secs(4), "{:?}", stage.elapsed());
    assert_eq!(stage.cloud().queue.visible(&stage.queue_of("solo")), 1, "{stage:?}");
    assert_eq!((stage.asked("solo"), stage.cloud().ledger.item_count()), (0, 0));
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.step(wish.id(), "solo").unwrap().epoch, stage.step(wish.id(), "solo").unwrap().attempts), (1, 0));
}

/// Work that takes so long, told to stop after a second. How long the process then takes.
async fn stopped_at_work(work: Duration) -> (Stage, Wish, Duration) {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", move |_| async move {
        tokio::time::sleep(work).await;
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.goal(&wish).await;
    let process = stage.start("solo");
    stage.until("it is at work", |stage| stage.asked("solo") == 1).await;
    stage.pass(Duration::from_secs(1)).await;
    let told = stage.elapsed();
    process.stop();
    process.ended().await;
    let took = stage.elapsed() - told;
    (stage, wish, took)
}

#[tokio::test(start_paused = true)]
async fn work_that_ends_within_the_grace_is_finished() {
    let (stage, wish, took) = stopped_at_work(Duration::from_secs(15)).await;
    assert!(took < Duration::from_secs(20), "{took:?}");
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(stage.cloud().queue.count(&stage.queue_of("solo")), 0);
}

#[tokio::test(start_paused = true)]
async fn work_that_would_outlast_the_grace_is_given_back_without_counting_an_attempt() {
    let (stage, wish, took) = stopped_at_work(Duration::from_secs(100)).await;
    assert!(took >= GRACE * 4 / 5 && took <= GRACE, "{took:?}");
    assert_eq!((stage.applied(WriteName::Release), stage.applied(WriteName::Commit)), (1, 0));
    assert_eq!(stage.cloud().queue.visible(&stage.queue_of("solo")), 1);
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let step = stage.step(wish.id(), "solo").unwrap();
    assert_eq!((step.attempts, step.crashes, step.epoch), (0, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_reply_is_lost_in_a_shutdown_stands_and_its_effects_are_done_by_whoever_comes_next() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    // The commit is applied; from then on no answer reaches the process, which is told to stop.
    stage.script(At::write(WriteName::Commit).by("solo-1").always(), Fault::LoseReply);
    stage.script(At::write(WriteName::Commit).by("solo-1"), Fault::StopAfter);
    stage.script(At::write(WriteName::Release).by("solo-1").always(), Fault::throttled());
    stage.goal(&wish).await;
    let first = stage.start("solo");
    first.ended().await;
    assert_eq!((stage.applied(WriteName::Commit), stage.published::<ReportWritten>().len()), (1, 0));
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let step = stage.step(wish.id(), "solo").unwrap();
    assert_eq!((stage.asked("solo"), step.epoch, step.attempts), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_finds_its_own_commit_when_it_gives_back_goes_on_with_the_effects() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.script(At::write(WriteName::Commit).always(), Fault::LoseReply);
    stage.script(At::write(WriteName::Commit), Fault::StopAfter);
    stage.goal(&wish).await;
    let first = stage.start("solo");
    first.ended().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.refused(WriteName::Release), stage.applied(WriteName::Release)), (1, 0));
}
