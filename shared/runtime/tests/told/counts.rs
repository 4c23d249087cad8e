//! Owns the proof that every metric is fed where the thing that it counts happens.
//! Never a method call: only daemons at work, and what `/metrics` would print.
//! Next: `telemetry::INSTRUMENTS`, the list.

use std::time::Duration;

use contract::EventData;
use contract::events::{GoalCompleted, StepFailed};
use runtime::StepError;
use runtime::ports::Outbound;

use crate::stage::{Mishap, Stage};

async fn completed() -> Stage {
    let stage = Stage::new().with_daemons();
    stage.send_goal().await;
    stage.until(GoalCompleted::TYPE).await;
    stage
}

#[tokio::test(start_paused = true)]
async fn receives_waits_latencies_and_work_are_measured() {
    let stage = completed().await;
    assert_eq!(stage.count("messaging_client_consumed_messages_total", &["research-tasks"]), 3.0);
    let worked_s = stage.count("messaging_process_duration_seconds_sum", &["research-tasks"]);
    assert!((3.0..3.1).contains(&worked_s), "{worked_s}");
    assert_eq!(stage.count("murmur_queue_wait_seconds_count", &["analysis"]), 1.0);
    assert_eq!(stage.count("murmur_bus_latency_seconds_count", &["analysis"]), 1.0);
    assert_eq!(stage.count("murmur_in_flight", &["analysis"]), 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_message_in_flight_is_counted_while_it_is() {
    let mut stage = Stage::new();
    stage.start("research");
    stage.mishaps.then("research", Mishap::Hang);
    stage.send_goal().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(stage.count("murmur_in_flight", &["research"]), 1.0);
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_batch_says_how_full_it_was() {
    let mut stage = Stage::new();
    stage.start("research");
    stage.mishaps.then("research", Mishap::Fail(StepError::transient("busy")));
    stage.send_goal().await;
    stage.until(contract::events::ResearchCompleted::TYPE).await;
    let fill = |of: &str, kind: &str| stage.count("murmur_batch_fill_sum", &[of, kind]);
    assert_eq!((fill("research", "receive"), fill("research-tasks", "receive")), (2.0, 3.0));
    // By daemon: three tasks and the joined event; the goal's state for each of five deliveries.
    assert_eq!((fill("research", "emit"), fill("research", "goal-states")), (4.0, 5.0));
    assert_eq!((fill("research", "delete"), fill("research", "visibility")), (1.0, 1.0));
}

#[tokio::test(start_paused = true)]
async fn claims_count_by_outcome_and_attempts_and_crashes_by_themselves() {
    let mut stage = Stage::new();
    let first = stage.start("research");
    stage.mishaps.then("research", Mishap::Hang);
    stage.mishaps.then("research", Mishap::Fail(StepError::transient("busy")));
    stage.send_goal().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    first.abort();
    stage.start("research");
    stage.until(contract::events::ResearchCompleted::TYPE).await;
    let claims = |outcome: &str| stage.count("murmur_claims_total", &["research", outcome]);
    assert_eq!((claims("fresh"), claims("takeover"), claims("released")), (1.0, 1.0, 1.0));
    assert_eq!(stage.count("murmur_crashes_total", &["research"]), 1.0);
    assert_eq!(stage.count("murmur_attempts_failed_total", &["research"]), 1.0);
}

#[tokio::test(start_paused = true)]
async fn parks_and_rejects_count_by_cause_and_a_stalled_goal_counts() {
    let stage = Stage::new().with_daemons();
    stage.mishaps.then("analysis", Mishap::Fail(StepError::permanent("nonsense")));
    stage.send_goal().await;
    stage.send("murmur-writer", Outbound { body: "no JSON".into(), ..Outbound::default() }).await;
    stage.until(StepFailed::TYPE).await;
    assert_eq!(stage.count("murmur_parks_total", &["analysis", "permanent"]), 1.0);
    assert_eq!(stage.count("murmur_rejects_total", &["writer", "undecodable"]), 1.0);
    assert_eq!(stage.count("murmur_goals_stalled_total", &[]), 1.0);
}

#[tokio::test(start_paused = true)]
async fn joins_are_open_until_they_close_and_ends_count_by_type() {
    let mut stage = Stage::new();
    stage.start("research");
    (0..9).for_each(|_| stage.mishaps.then("research-tasks", Mishap::Hang));
    stage.send_goal().await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(stage.count("murmur_joins_open", &["evidence"]), 1.0);
    let ended = completed().await;
    assert_eq!(ended.count("murmur_joins_open", &["evidence"]), 0.0);
    assert_eq!(ended.count("murmur_goals_ended_total", &["goal.completed"]), 1.0);
}
