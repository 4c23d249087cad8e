//! Owns what a server's faults may cost: lost replies, failed entries, throttling, states that were not read, stale
//! receipts. None of them is worth an effect, and none is worth a model's second answer.
//! Never a dead process: those are in `crashes`.
//! Next: `copies`, where two hold one message.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use contract::events::{GoalCompleted, ReportWritten, ResearchTaskRequested, StepFailed};
use contract::{EventData, PortError};
use runtime::ledger::WriteName;
use runtime::ledger::step::State;
use runtime::{Handled, StepError};
use testkit::memory::QueueSettings;
use testkit::place::Op;
use testkit::stage::{At, Fault, Outcome, Stage, Wish, evidence};

/// One goal over one process that meets this.
async fn meets(at: At, fault: Fault) -> (Stage, Wish) {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.script(at, fault);
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(stage.asked("solo"), 1, "{stage:?}");
    (stage, wish)
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_reply_was_lost_is_recognised_as_ones_own() {
    let (stage, wish) = meets(At::write(WriteName::Commit), Fault::LoseReply).await;
    assert_eq!((stage.applied(WriteName::Commit), stage.refused(WriteName::Commit)), (1, 1));
    // Recognised at once: nobody waited for a lease or for the message to come back.
    assert_eq!((stage.applied(WriteName::Emitted), stage.told::<ReportWritten>(wish.id()).len()), (0, 1));
    assert!(stage.told::<GoalCompleted>(wish.id())[0].time < testkit::stage::BASE + Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_replies_are_lost_for_good_is_found_by_giving_it_back() {
    let (stage, wish) = meets(At::write(WriteName::Commit).always(), Fault::LoseReply).await;
    // The release is refused, finds the commit under its own token, and its effects go on.
    assert_eq!((stage.refused(WriteName::Release), stage.applied(WriteName::Release)), (1, 0));
    assert_eq!(stage.told::<ReportWritten>(wish.id()).len(), 1);
    assert!(stage.told::<GoalCompleted>(wish.id())[0].time < testkit::stage::BASE + Duration::from_secs(40));
}

#[tokio::test(start_paused = true)]
async fn a_publish_whose_reply_was_lost_repeats_the_same_ids_and_has_no_second_effect() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.script(At::op(Op::Put).times(4), Fault::LoseReply);
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert!(stage.told::<ResearchTaskRequested>(wish.id()).len() > 2);
    for row in ["research", "analysis", "writer", "recommendation"] {
        assert_eq!((stage.asked(row), stage.steps(wish.id(), row).len()), (1, 1), "{row}");
    }
    assert_eq!(stage.asked("research-tasks"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_reply_was_lost_is_recognised_without_waiting_for_a_lease() {
    let (stage, wish) = meets(At::write(WriteName::Claim), Fault::LoseReply).await;
    assert_eq!(stage.step(wish.id(), "solo").unwrap().epoch, 1);
    assert!(stage.told::<GoalCompleted>(wish.id())[0].time < testkit::stage::BASE + Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn every_write_of_a_delivery_may_lose_its_reply_and_nothing_changes() {
    use WriteName::{Accept, Arrive, Claim, Commit, End, Told};
    for name in [Accept, Claim, Commit, Arrive, End, Told] {
        let (stage, wish) = meets(At::write(name), Fault::LoseReply).await;
        assert_eq!(stage.told::<ReportWritten>(wish.id()).len(), 1, "{name:?}\n{stage:?}");
        assert_eq!(stage.told::<GoalCompleted>(wish.id()).len(), 1, "{name:?}\n{stage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_join_opened_and_closed_whose_replies_are_lost_is_closed_once() {
    for name in [WriteName::Open, WriteName::Arrive, WriteName::Close] {
        let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
        stage.script(At::write(name), Fault::LoseReply);
        stage.goal(&wish).await;
        stage.start_all();
        stage.until_quiet().await;
        stage.one_end::<GoalCompleted>(wish.id());
        assert_eq!(stage.told::<contract::events::ResearchCompleted>(wish.id()).len(), 1, "{name:?}\n{stage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_failed_entries_of_a_delete_go_again() {
    let stage = Stage::solo();
    stage.settings(|settings| settings.linger = Duration::from_millis(50));
    let wishes: Vec<Wish> = (0..4).map(|n| Wish::new(&format!("goal {n}"))).collect();
    stage.script(At::op(Op::Delete), Fault::Entries(vec![1]));
    for wish in &wishes {
        stage.goal(wish).await;
    }
    stage.start("solo");
    stage.until_quiet().await;
    let deletes = stage.calls(Op::Delete);
    let entries = |at: usize| deletes[at].about.split(": ").nth(1).unwrap().split(' ').collect::<Vec<_>>();
    assert!(entries(0).len() > 1, "{deletes:?}");
    let failed = entries(0)[1];
    let again: Vec<_> = deletes[1..].iter().filter(|call| call.about.contains(failed)).collect();
    assert_eq!(again.len(), 1);
    assert!(deletes[1..].iter().all(|call| !call.about.contains(entries(0)[0])), "{deletes:?}");
    // Nothing waited for a visibility to end: the delete itself was repeated.
    assert_eq!(stage.calls(Op::Handler).len(), 4);
    assert!(deletes.last().unwrap().at < Duration::from_secs(20), "{deletes:?}");
}

#[tokio::test(start_paused = true)]
async fn only_the_failed_entries_of_a_publish_go_again_and_nothing_is_deleted_before_all_are_out() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.plays("research", |_| async { Ok(evidence(5, 0)) });
    stage.script(At::op(Op::Put).about("research.task.requested"), Fault::Entries(vec![1, 3]));
    stage.goal(&wish).await;
    stage.start("research");
    stage.until("all are out", |stage| stage.told::<ResearchTaskRequested>(wish.id()).len() == 5).await;
    stage.until("it is deleted", |stage| !stage.calls(Op::Delete).is_empty()).await;
    let puts: Vec<_> = stage.calls(Op::Put).into_iter().filter(|call| call.about.contains("research.task")).collect();
    let entries: Vec<usize> = puts.iter().map(|call| call.about.split(' ').count()).collect();
    assert_eq!(entries, [5, 2]);
    let deleted = stage.calls(Op::Delete).into_iter().find(|call| call.about.starts_with("murmur-research:")).unwrap();
    assert!(puts[1].at <= deleted.at);
    assert_eq!(stage.told::<ResearchTaskRequested>(wish.id()).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn one_entry_that_spoils_a_whole_publish_is_parted_from_the_others() {
    let stage = Stage::solo();
    stage.settings(|settings| settings.linger = Duration::from_millis(50));
    let wishes: Vec<Wish> = (0..4).map(|n| Wish::new(&format!("goal {n}"))).collect();
    let spoiler = wishes[2].id().to_string();
    let malformed = Fault::Fail(PortError::permanent("a malformed entry"));
    // Whichever call holds the spoiler's report fails whole: three times, then somebody has repaired the server.
    stage.script(At::op(Op::Put).about("report.written").about(spoiler).times(3), malformed);
    for wish in &wishes {
        stage.goal(wish).await;
    }
    stage.start("solo");
    stage
        .until("the others are told", |stage| {
            wishes.iter().filter(|wish| !stage.told::<GoalCompleted>(wish.id()).is_empty()).count() >= 3
        })
        .await;
    assert!(stage.elapsed() < Duration::from_secs(20), "the others waited for the spoiler\n{stage:?}");
    stage.until_quiet().await;
    for wish in &wishes {
        stage.one_end::<GoalCompleted>(wish.id());
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_costs_retries_with_growing_waits_within_their_budget() {
    let (stage, _) = meets(At::write(WriteName::Commit).times(5), Fault::throttled()).await;
    let calls = stage.calls(Op::Write(WriteName::Commit));
    assert_eq!(calls.iter().filter(|call| call.outcome == Outcome::Failed).count(), 5);
    assert!(calls[5].at > calls[0].at && calls[5].at - calls[0].at < Duration::from_secs(10), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn when_the_retry_budget_is_over_the_message_comes_back_and_nothing_is_lost() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.settings(|settings| settings.retry_elapsed_max = Duration::from_secs(10));
    let gate_s = 40;
    stage.script(At::write(WriteName::Claim).always(), Fault::throttled());
    stage.goal(&wish).await;
    let process = stage.start("solo");
    stage.pass(Duration::from_secs(gate_s)).await;
    let calls = stage.calls(Op::Write(WriteName::Claim));
    // Waits grow to 5 s: far fewer calls than one that never rests would make, and more than one delivery's.
    assert!((5..60).contains(&calls.len()), "{} calls", calls.len());
    process.stop();
    process.ended().await;
    assert_eq!(stage.cloud().queue.count(&stage.queue_of("solo")), 1);
    assert_eq!(stage.asked("solo"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_when_to_come_back_is_not_asked_earlier() {
    let later = PortError::Transient { why: "slow down".into(), retry_after: Some(Duration::from_secs(4)) };
    let (stage, _) = meets(At::write(WriteName::Claim), Fault::Fail(later)).await;
    let calls = stage.calls(Op::Write(WriteName::Claim));
    assert!(calls[1].at - calls[0].at >= Duration::from_secs(4), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_answer_is_asked_again_with_waits_and_counted() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.script(At::op(Op::Receive).times(6), Fault::throttled());
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let failed: Vec<_> = stage.calls(Op::Receive).into_iter().filter(|call| call.outcome == Outcome::Failed).collect();
    assert_eq!(failed.len(), 6);
    assert!(failed.windows(2).all(|two| two[1].at - two[0].at >= Duration::from_millis(50)), "{failed:?}");
    assert!(
        stage.metrics().lines().any(|line| line.contains("throttl") && line.ends_with(" 6")),
        "{}",
        stage.metrics()
    );
}

#[tokio::test(start_paused = true)]
async fn a_queue_at_its_cap_in_flight_is_not_asked_in_a_spin_and_that_is_counted() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.cloud().queue.create(&stage.queue_of("solo"), QueueSettings::default().with_in_flight_max(0));
    stage.goal(&wish).await;
    stage.start("solo");
    stage.pass(Duration::from_secs(20)).await;
    assert!((10..=80).contains(&stage.calls(Op::Receive).len()), "{} receives", stage.calls(Op::Receive).len());
    assert!(stage.metrics().contains("cap"), "{}", stage.metrics());
    stage.cloud().queue.create(&stage.queue_of("solo"), QueueSettings::default());
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
}

#[tokio::test(start_paused = true)]
async fn goal_states_that_were_not_read_are_asked_for_again_and_never_taken_for_absent() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.goal(&wish).await;
    stage.start("research");
    stage
        .until("there is work for analysis", |stage| stage.cloud().queue.count(&stage.queue_of("analysis")) == 1)
        .await;
    stage.script(At::op(Op::Goals).by("analysis-2").times(3), Fault::Unprocessed);
    for daemon in ["analysis", "writer", "recommendation"] {
        stage.start(daemon);
    }
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert!(stage.dead_letters("analysis").is_empty(), "{stage:?}");
}

#[tokio::test(start_paused = true)]
async fn goal_states_that_cannot_be_read_at_all_bring_the_message_back() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.script(At::op(Op::Goals).times(12), Fault::throttled());
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert!(stage.calls(Op::Goals).len() > 12);
}

#[tokio::test(start_paused = true)]
async fn a_stale_receipt_deletes_nothing_and_the_message_that_returns_does_no_harm() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    let writer = stage.hold(At::op(Op::Handler).about("/writer#"));
    let delete = stage.hold(At::op(Op::Delete).about("murmur-analysis:"));
    stage.goal(&wish).await;
    stage.start_all();
    delete.reached().await;
    // The visibility ends, another replica receives it and repeats it, and only then the first delete arrives.
    stage.start("analysis");
    stage.until("it came back", |stage| stage.step(wish.id(), "analysis").unwrap().emitted).await;
    delete.open();
    stage.until("it is gone", |stage| stage.cloud().queue.count(&stage.queue_of("analysis")) == 0).await;
    writer.open();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.asked("analysis"), stage.asked("writer"), stage.asked("recommendation")), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn work_whose_heartbeats_are_throttled_is_cancelled_before_its_lease_ends() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |step| async move {
        if step.event.hops == 0 {
            tokio::time::sleep(Duration::from_secs(300)).await;
        }
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.script(At::write(WriteName::Heartbeat).by("solo-1").always(), Fault::throttled());
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until("it was asked again", |stage| stage.asked("solo") == 2).await;
    let lease_s = 60;
    let beats = stage.calls(Op::Write(WriteName::Heartbeat));
    let of_first: Vec<_> = beats.iter().filter(|call| call.at < Duration::from_secs(lease_s)).collect();
    // No heartbeat is tried after the work was given up, and that is before the lease's end.
    assert!(of_first.iter().all(|call| call.at <= Duration::from_secs(lease_s * 5 / 6)), "{of_first:?}");
    assert_eq!((stage.applied(WriteName::Commit), stage.published::<ReportWritten>().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_fails_once_is_tried_again_and_the_work_goes_on() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |_| async {
        tokio::time::sleep(Duration::from_secs(200)).await;
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.script(At::write(WriteName::Heartbeat).nth(2).times(3), Fault::throttled());
    stage.script(At::op(Op::Visibility).nth(3).times(20), Fault::throttled());
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.asked("solo"), stage.holders(wish.id(), "solo")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_says_when_to_come_back_is_not_asked_earlier() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |step| async move {
        if step.attempt == 1 {
            let retry_after = Some(Duration::from_secs(90));
            return Err(StepError::Transient { why: "429".into(), retry_after });
        }
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let asked = stage.calls(Op::Handler);
    assert_eq!(asked.len(), 2);
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(90), "{asked:?}");
    assert_eq!(stage.step(wish.id(), "solo").unwrap().attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_park_whose_replies_are_lost_has_one_dead_letter() {
    for name in [WriteName::Park, WriteName::DeadLettered] {
        let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
        stage.plays("solo", |_| async { Err(StepError::permanent("no")) });
        stage.script(At::write(name), Fault::LoseReply);
        stage.goal(&wish).await;
        stage.start("solo");
        stage.until_quiet().await;
        assert_eq!((stage.dead_letters("solo").len(), stage.told::<StepFailed>(wish.id()).len()), (1, 1), "{name:?}");
        let step = stage.step(wish.id(), "solo").unwrap();
        assert_eq!((step.state, step.parks), (State::Parked, 1), "{name:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_whose_reply_was_lost_counts_one_attempt() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |_| async { Err(StepError::transient("not yet")) });
    stage.script(At::write(WriteName::Release), Fault::LoseReply);
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    assert_eq!((stage.asked("solo"), stage.step(wish.id(), "solo").unwrap().attempts), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_the_ledger_refuses_for_good_does_not_park_a_healthy_step() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.script(At::write(WriteName::Commit), Fault::Fail(PortError::permanent("AccessDenied")));
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.applied(WriteName::Park), stage.applied(WriteName::Release)), (0, 1), "{stage:?}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_for_good_does_not_park_a_healthy_step() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.plays("solo", |_| async {
        let summary = "x".repeat(20_000);
        Ok(Handled::emit(&ReportWritten { summary, ..ReportWritten::example() }))
    });
    stage.script(At::op(Op::ArtifactPut), Fault::Fail(PortError::permanent("AccessDenied")));
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!((stage.applied(WriteName::Park), stage.asked("solo")), (0, 2), "{stage:?}");
}
