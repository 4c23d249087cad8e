//! Owns what a fork is worth: what was done is not done again, what was not is, and every fork ends once.
//! Never a seed: `world` forks at random.
//! Next: `beside` has what stands beside the forked step; `tests/processes` does it with the real agents.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod beside;
mod kept;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use contract::events::{AnalysisCompleted, GoalCompleted, GoalFailed, ReportWritten, ResearchCompleted};
use contract::{Clock, EventData as _, EventId, GoalId, UnixMs};
use runtime::fork::{self, ForkError, Forked, Means, Wanted};
use runtime::history::{History, Origin};
use runtime::ledger::step::State;
use runtime::ports::Ports;
use runtime::{Chance, Handled, Settings, StepError};
use testkit::stage::{Stage, Wish};
use testkit::tired::Tired;

const ROWS: [&str; 5] = ["research", "research-tasks", "analysis", "writer", "recommendation"];

struct Time(Stage);

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("time")
    }
}

impl Clock for Time {
    fn now(&self) -> UnixMs {
        self.0.now()
    }
}

fn ports(stage: &Stage) -> Ports {
    stage.cloud().ports(Arc::new(Time(stage.clone())))
}

async fn history(stage: &Stage, goal: GoalId) -> History {
    let ports = ports(stage);
    History::of(goal, &*ports.ledger, &*ports.artifacts, stage.now()).await.unwrap().unwrap()
}

async fn try_fork(stage: &Stage, ports: &Ports, goal: GoalId, from: &str, key: &str) -> Result<Forked, ForkError> {
    let history = history(stage, goal).await;
    let settings = Settings::of(stage.choreography());
    let chance = Chance::seeded(1);
    let means = Means { ports, choreography: stage.choreography(), settings: &settings, chance: &chance };
    let wanted = Wanted { key: key.into(), model: None };
    fork::fork(means, &history, history.step(from).unwrap(), &wanted).await
}

async fn forked(stage: &Stage, goal: GoalId, from: &str) -> Forked {
    try_fork(stage, &ports(stage), goal, from, "the fork").await.unwrap()
}

fn asked(stage: &Stage) -> [usize; 5] {
    ROWS.map(|row| stage.asked(row))
}

/// A goal that completed, and how often each row was asked for it.
async fn completed() -> (Stage, Wish) {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    assert_eq!(asked(&stage), [1, 2, 1, 1, 1]);
    (stage, wish)
}

#[tokio::test(start_paused = true)]
async fn a_completed_goal_forked_from_any_step_does_that_and_what_follows_again_and_nothing_else() {
    let task = |stage: &Stage, goal| {
        let id = stage.steps(goal, "research-tasks")[0].key.sort();
        id.trim_start_matches("step#").to_owned()
    };
    for (from, again) in [
        ("research", [1, 2, 1, 1, 1]),
        ("research-tasks", [0, 1, 1, 1, 1]),
        ("analysis", [0, 0, 1, 1, 1]),
        ("writer", [0, 0, 0, 1, 0]),
        ("recommendation", [0, 0, 0, 0, 1]),
    ] {
        let (stage, wish) = completed().await;
        let from = if from == "research-tasks" { task(&stage, wish.id()) } else { from.to_owned() };
        let before = asked(&stage);
        let fork = forked(&stage, wish.id(), &from).await;
        stage.until_quiet().await;
        let end = stage.one_end::<GoalCompleted>(fork.goal);
        assert_eq!(end.data["missing"], serde_json::json!([]), "{from}: {end:?}");
        assert_eq!(end.data["arrived"].as_array().map(Vec::len), Some(2), "{from}");
        let after = asked(&stage);
        let done: Vec<usize> = after.iter().zip(before).map(|(after, before)| after - before).collect();
        assert_eq!(done, again, "{from}: {stage:?}");
        assert_eq!(fork.sent.len(), 1, "{from}: {:?}", fork.sent);
        stage.one_end::<GoalCompleted>(wish.id());
    }
}

#[tokio::test(start_paused = true)]
async fn every_id_of_a_fork_is_its_own_and_its_history_is_whole() {
    let (stage, wish) = completed().await;
    let fork = forked(&stage, wish.id(), "analysis").await;
    stage.until_quiet().await;
    let (parent, child) = (history(&stage, wish.id()).await, history(&stage, fork.goal).await);
    let ids = |history: &History| -> BTreeSet<EventId> { history.places().into_keys().collect() };
    assert!(ids(&parent).is_disjoint(&ids(&child)));
    let places = |history: &History| history.steps.iter().map(|step| step.place.clone()).collect::<Vec<_>>();
    assert_eq!(places(&parent), places(&child));
    assert!(child.steps.iter().all(|step| step.from != Origin::Nowhere && step.input.is_some()), "{child:?}");
    let copied: Vec<_> = child.steps.iter().map(|step| step.copied_from.is_some()).collect();
    assert_eq!(copied, [true, true, true, false, false, false]);
    let lineage = child.goal.forked_from().unwrap();
    assert_eq!((lineage.goal, lineage.row.as_str()), (wish.id(), "analysis"));
    assert!(child.goal.deadline > parent.goal.deadline, "its limits are fresh");
    // The joined event names its members as this goal does.
    let analysis = child.step("analysis").unwrap().input.clone().unwrap();
    assert_eq!(analysis.kind, ResearchCompleted::TYPE);
    let members: BTreeSet<String> = child
        .steps
        .iter()
        .filter(|step| step.row.as_str() == "research-tasks")
        .map(|step| step.event_id().to_string())
        .collect();
    let named = analysis.data["arrived"].as_array().unwrap().iter().map(|one| one["member"].as_str().unwrap().into());
    assert_eq!(named.collect::<BTreeSet<String>>(), members);
}

#[tokio::test(start_paused = true)]
async fn a_failed_goal_goes_on_from_the_step_that_gave_up() {
    for wish in [Wish::new("a goal").failing(), Wish::new("a goal")] {
        let stage = Stage::murmuration();
        stage.plays("analysis", |_| async { Err(StepError::permanent("no idea")) });
        stage.goal(&wish).await;
        stage.start_all();
        stage.until("it gave up", |stage| stage.dead_letters("analysis").len() == 1).await;
        stage.plays("analysis", |_| async { Ok(Handled::emit(&AnalysisCompleted::example())) });
        let fork = forked(&stage, wish.id(), "analysis").await;
        stage.until_quiet().await;
        stage.one_end::<GoalCompleted>(fork.goal);
        assert_eq!(asked(&stage), [1, 2, 2, 1, 1], "{stage:?}");
        assert_eq!(stage.dead_letters("analysis").len(), 1, "the letter stays where it is");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_had_finished_is_done_again_beside_the_step() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").failing());
    stage.plays("writer", |_| async { Err(StepError::permanent("no words")) });
    stage.goal(&wish).await;
    for daemon in ["research", "analysis", "writer"] {
        stage.start(daemon);
    }
    stage.until("it failed", |stage| stage.end_of(wish.id()).is_some()).await;
    stage.one_end::<GoalFailed>(wish.id());
    stage.start("recommendation");
    stage.until_quiet().await;
    assert_eq!(stage.asked("recommendation"), 0, "its message was one of an ended goal");
    stage.plays("writer", |_| async { Ok(Handled::emit(&ReportWritten::example())) });
    let mut fork = forked(&stage, wish.id(), "writer").await;
    fork.sent.sort();
    assert_eq!(fork.sent, ["recommendation", "writer"]);
    stage.until_quiet().await;
    let end = stage.one_end::<GoalCompleted>(fork.goal);
    assert_eq!(end.data["missing"], serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_fork_that_is_asked_for_twice_is_one() {
    let (stage, wish) = completed().await;
    let once = forked(&stage, wish.id(), "analysis").await;
    let again = forked(&stage, wish.id(), "analysis").await;
    assert_eq!((once.goal, once.deadline), (again.goal, again.deadline));
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(once.goal);
    assert_eq!(asked(&stage), [1, 2, 2, 2, 2], "{stage:?}");
    assert!(forked(&stage, wish.id(), "analysis").await.ended);
    stage.until_quiet().await;
    assert_eq!(asked(&stage), [1, 2, 2, 2, 2], "{stage:?}");
    let other = try_fork(&stage, &ports(&stage), wish.id(), "writer", "the fork").await;
    assert_eq!(other.unwrap_err(), ForkError::KeyTaken("the fork".into()));
}

#[tokio::test(start_paused = true)]
async fn a_fork_that_dies_after_any_of_its_writes_is_completed_by_the_same_key() {
    let mut died = 0;
    for writes in 0.. {
        let (stage, wish) = completed().await;
        let healthy = ports(&stage);
        let tired = Ports { ledger: Arc::new(Tired::after(writes, healthy.ledger.clone())), ..healthy.clone() };
        let first = try_fork(&stage, &tired, wish.id(), "analysis", "the fork").await;
        // Between the two, nobody works on what is only half there.
        stage.until_quiet().await;
        if first.is_err() {
            assert_eq!(asked(&stage), [1, 2, 1, 1, 1], "{writes}: {stage:?}");
            died += 1;
        }
        let fork = forked(&stage, wish.id(), "analysis").await;
        stage.until_quiet().await;
        stage.one_end::<GoalCompleted>(fork.goal);
        assert_eq!(asked(&stage), [1, 2, 2, 2, 2], "{writes}: {stage:?}");
        if first.is_ok() {
            break;
        }
    }
    assert!(died >= 5, "a goal, three steps and a join: {died}");
}

#[tokio::test(start_paused = true)]
async fn what_others_brought_since_a_fork_died_half_way_arrives_when_it_is_asked_for_again() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.goal(&wish).await;
    for daemon in ["research", "analysis", "recommendation"] {
        stage.start(daemon);
    }
    let is_done =
        |stage: &Stage| stage.step(wish.id(), "recommendation").is_some_and(|step| step.state == State::Committed);
    stage.until("advice was given", is_done).await;
    let healthy = ports(&stage);
    let tired = Ports { ledger: Arc::new(Tired::after(1, healthy.ledger.clone())), ..healthy };
    let first = try_fork(&stage, &tired, wish.id(), "recommendation", "the fork").await;
    assert!(first.is_err(), "only its goal was written: {first:?}");
    stage.start("writer");
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let fork = forked(&stage, wish.id(), "recommendation").await;
    stage.until_quiet().await;
    let end = stage.one_end::<GoalCompleted>(fork.goal);
    assert_eq!(end.data["missing"], serde_json::json!([]));
    assert_eq!(asked(&stage), [1, 2, 1, 1, 2], "{stage:?}");
}

#[tokio::test(start_paused = true)]
async fn a_fork_of_a_fork_is_a_fork_like_any() {
    let (stage, wish) = completed().await;
    let first = forked(&stage, wish.id(), "analysis").await;
    stage.until_quiet().await;
    let second = try_fork(&stage, &ports(&stage), first.goal, "writer", "another").await.unwrap();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(second.goal);
    assert_eq!(asked(&stage), [1, 2, 2, 3, 2], "{stage:?}");
    assert_eq!(history(&stage, second.goal).await.goal.forked_from().unwrap().goal, first.goal);
}

#[tokio::test(start_paused = true)]
async fn the_model_that_a_fork_asks_for_is_the_one_that_its_steps_prefer() {
    let (stage, wish) = completed().await;
    let preferred: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let seen = Arc::clone(&preferred);
    stage.plays("writer", move |step| {
        seen.lock().unwrap().push(contract::Workplace::preferred_model(&step).map(str::to_owned));
        async { Ok(Handled::emit(&ReportWritten::example())) }
    });
    let history = history(&stage, wish.id()).await;
    let (settings, chance, ports) = (Settings::of(stage.choreography()), Chance::seeded(1), ports(&stage));
    let means = Means { ports: &ports, choreography: stage.choreography(), settings: &settings, chance: &chance };
    let wanted = Wanted { key: "large".into(), model: Some("large".into()) };
    let fork = fork::fork(means, &history, history.step("analysis").unwrap(), &wanted).await.unwrap();
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(fork.goal);
    assert_eq!(*preferred.lock().unwrap(), [Some("large".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_step_is_named_by_its_row_or_by_its_row_and_the_beginning_of_its_event() {
    let (stage, wish) = completed().await;
    let history = history(&stage, wish.id()).await;
    assert!(history.step("writer").is_ok());
    let several = history.step("research-tasks").unwrap_err().to_string();
    let labels: Vec<String> = history.steps.iter().map(|step| history.label(step)).collect();
    assert!(labels.iter().all(|label| history.step(label).is_ok()), "{labels:?}");
    let of_tasks = labels.iter().filter(|label| label.contains('#') && several.contains(label.as_str()));
    assert_eq!(of_tasks.count(), 2, "{several}");
    assert!(history.step("nobody").unwrap_err().to_string().contains("writer"));
}
