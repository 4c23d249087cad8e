//! Owns what a fork keeps of the goal that it goes on from, and under which names; and what it refuses before it writes.
//! Never a daemon's own rules: they see a fork as they see any goal.
//! Next: `beside`, for topologies that were extended.

use std::time::Duration;

use contract::events::{AnalysisCompleted, Evidence, GoalCompleted};
use contract::limits::EVENT_BYTES_MAX;
use contract::{EventData as _, GoalId};
use runtime::Handled;
use runtime::fork::ForkError;
use testkit::stage::{Stage, Wish};

use super::{completed, forked, history, ports, try_fork};

/// Each task brings the name that it has in its goal.
fn with_names_brought() -> Stage {
    let stage = Stage::murmuration();
    stage.plays("research-tasks", |step| async move {
        let summary = step.event.id.to_string();
        Ok(Handled::nothing().arriving(&Evidence { question: "who?".into(), summary, passages: None }))
    });
    stage
}

#[track_caller]
fn names_are_its_own(stage: &Stage, goal: GoalId) {
    let join = stage.join_of(goal, "evidence").unwrap();
    let closed = join.closed.unwrap();
    let told = closed.data["arrived"].as_array().unwrap();
    assert_eq!((join.arrived.len(), told.len()), (2, 2));
    for (member, (_, brought)) in &join.arrived {
        assert_eq!(brought.data.as_ref().unwrap()["summary"], **member, "{goal}");
    }
    assert!(told.iter().all(|one| one["data"]["summary"] == one["member"]), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_brought_to_a_join_names_events_as_the_fork_does() {
    let (stage, wish) = (with_names_brought(), Wish::new("a goal"));
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    names_are_its_own(&stage, wish.id());
    let of_task =
        history(&stage, wish.id()).await.steps.iter().find(|step| step.row.as_str() == "research-tasks").cloned();
    let from_task = format!("research-tasks#{}", of_task.unwrap().event_id());
    // A join that is opened anew with one arrival, and one that is copied as it closed.
    for (from, key) in [(from_task.as_str(), "from a task"), ("analysis", "from the analysis")] {
        let fork = try_fork(&stage, &ports(&stage), wish.id(), from, key).await.unwrap();
        stage.until_quiet().await;
        stage.one_end::<GoalCompleted>(fork.goal);
        names_are_its_own(&stage, fork.goal);
        let child = history(&stage, fork.goal).await;
        for step in child.steps.iter().filter(|step| step.row.as_str() == "research-tasks") {
            let arrives = step.outcome.as_ref().unwrap().arrives.as_ref().unwrap();
            assert_eq!(arrives.brought.data.as_ref().unwrap()["summary"], step.event_id().to_string(), "{from}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fork_whose_messages_no_queue_would_take_is_refused_before_anything_is_written() {
    let stage = Stage::murmuration();
    let room = 100;
    // As large as it may be, with a little less room than a longer key takes.
    stage.plays("analysis", move |step| async move {
        let mut event = contract::Event::clone(&step.event);
        event.kind = AnalysisCompleted::TYPE;
        let mut done = AnalysisCompleted { summary: String::new(), ..AnalysisCompleted::example() };
        event.data = serde_json::to_value(&done).unwrap();
        // The envelope is not quite the one that it will have.
        done.summary = "x".repeat(EVENT_BYTES_MAX - event.json_bytes() - room);
        Ok(Handled::emit(&done))
    });
    let wish = Wish::new("a goal");
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let bytes = stage.told::<AnalysisCompleted>(wish.id())[0].json_bytes();
    assert!((EVENT_BYTES_MAX - 200..EVENT_BYTES_MAX - 10).contains(&bytes), "{bytes}");
    let long = "k".repeat(256);
    let before = stage.cloud().ledger.item_count();
    let refused = try_fork(&stage, &ports(&stage), wish.id(), "writer", &long).await.unwrap_err();
    assert!(matches!(&refused, ForkError::TooLarge(why) if why.contains("shorter")), "{refused:?}");
    assert_eq!(stage.cloud().ledger.item_count(), before, "a goal was left behind that nobody works on");
    let fork = forked(&stage, wish.id(), "writer").await;
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(fork.goal);
}

#[tokio::test(start_paused = true)]
async fn the_age_of_what_was_copied_is_no_latency_of_the_bus() {
    let (stage, wish) = completed().await;
    stage.pass(Duration::from_secs(6 * 3_600)).await;
    let fork = forked(&stage, wish.id(), "analysis").await;
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(fork.goal);
    let metrics = stage.metrics();
    let sums = metrics.lines().filter(|line| line.starts_with("murmur_bus_latency_seconds_sum"));
    let sums: Vec<f64> = sums.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    assert_eq!(sums.len(), 5, "one for each row: {metrics}");
    assert!(sums.iter().all(|sum| *sum < 60.0), "{sums:?}");
    // What the fork's own steps said did come by the bus.
    let counts = metrics.lines().filter(|line| line.starts_with("murmur_bus_latency_seconds_count"));
    let of = |row: &str| counts.clone().find(|line| line.contains(&format!("\"{row}\""))).unwrap().to_owned();
    assert!(of("analysis").ends_with(" 1") && of("writer").ends_with(" 2"), "{metrics}");
}
