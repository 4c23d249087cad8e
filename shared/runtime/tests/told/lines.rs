//! Owns the proof that a log says of each delivery what it was, and of what went wrong, what.
//! Never the process's own log: each test has a buffer.
//! Next: `docs/telemetry.md`, whose list of fields is asked for here.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::EventData;
use contract::events::{GoalCompleted, StepFailed};
use runtime::StepError;
use runtime::ports::SystemClock;
use runtime::telemetry::{LOG_FIELDS_OF_A_DELIVERY, json_logs};
use serde_json::Value;
use tracing::subscriber::DefaultGuard;

use crate::stage::{Mishap, Stage, users_place};

#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Of this thread, which is all that a test with paused time has.
    pub(crate) fn captured() -> (Lines, DefaultGuard) {
        let lines = Lines::default();
        let logs = json_logs("info".parse().unwrap(), Arc::new(SystemClock), lines.clone());
        let guard = tracing::subscriber::set_default(logs);
        (lines, guard)
    }

    pub(crate) fn that_say(&self, words: &str) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|line| line["message"].as_str().unwrap().contains(words)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn each_delivery_is_one_line_with_everything_that_it_is_about() {
    let (lines, _guard) = Lines::captured();
    let stage = Stage::new().with_daemons();
    stage.send_goal().await;
    stage.until(GoalCompleted::TYPE).await;
    let told = lines.that_say("a delivery ended");
    assert_eq!(told.len(), 7);
    for line in &told {
        for (field, _) in LOG_FIELDS_OF_A_DELIVERY {
            assert!(!line[*field].is_null(), "{field} of {line}");
        }
        assert_eq!(line["goal"], stage.goal().to_string());
        assert_eq!(line["trace_id"], users_place().trace.to_string());
        let of_it = ["level", "outcome", "settlement", "message"].map(|field| line[field].as_str().unwrap());
        assert_eq!(of_it, ["INFO", "committed", "delete", "a delivery ended"]);
        assert!(line["message_id"].as_str().is_some() && line["attempt"] == 1 && line["epoch"] == 1, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_says_names_its_delivery() {
    let (lines, _guard) = Lines::captured();
    let stage = Stage::new().with_daemons();
    stage.send_goal().await;
    stage.until(GoalCompleted::TYPE).await;
    let said = lines.that_say("a handler at work");
    assert_eq!(said.len(), 7);
    for line in said {
        assert_eq!((&line["goal"], &line["attempt"]), (&stage.goal().to_string().into(), &1.into()), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_park_is_a_warning_with_its_cause_and_names_its_goal() {
    let (lines, _guard) = Lines::captured();
    let stage = Stage::new().with_daemons();
    stage.mishaps.then("writer", Mishap::Fail(StepError::permanent("nonsense")));
    stage.send_goal().await;
    stage.until(StepFailed::TYPE).await;
    let [park] = &lines.that_say("the step gave up")[..] else { panic!() };
    let of_it = ["level", "agent", "cause", "why"].map(|field| park[field].as_str().unwrap());
    assert_eq!(of_it, ["WARN", "writer", "permanent", "nonsense"]);
    assert_eq!(park["goal"], stage.goal().to_string());
    let [ended] = &lines.that_say("ended with an error")[..] else { panic!() };
    assert_eq!((ended["outcome"].as_str(), ended["error"].as_str()), (Some("parked"), Some("permanent: nonsense")));
}

#[tokio::test(start_paused = true)]
async fn a_takeover_is_a_warning_that_says_from_which_epoch() {
    let (lines, _guard) = Lines::captured();
    let mut stage = Stage::new();
    let first = stage.start("research");
    stage.mishaps.then("research", Mishap::Hang);
    stage.send_goal().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    first.abort();
    stage.start("research");
    stage.until_that(|_| !lines.that_say("it is taken over").is_empty()).await;
    let [takeover] = &lines.that_say("it is taken over")[..] else { panic!() };
    assert_eq!((&takeover["level"], &takeover["agent"]), (&"WARN".into(), &"research".into()));
    assert_eq!((&takeover["from"], &takeover["epoch"]), (&1.into(), &2.into()));
}

#[tokio::test(start_paused = true)]
async fn a_lost_heartbeat_is_a_warning() {
    let (lines, _guard) = Lines::captured();
    let mut stage = Stage::new();
    let first = stage.start("research");
    stage.mishaps.then("research", Mishap::Hang);
    stage.send_goal().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    // Somebody else's token stands where this holder's did.
    let key = stage.cloud.ledger.items().into_iter().find(|item| item.key.sort().starts_with("step#")).unwrap().key;
    stage.cloud.ledger.expire(&key);
    stage.until_that(|_| !lines.that_say("heartbeat").is_empty()).await;
    assert_eq!(lines.that_say("heartbeat")[0]["level"], "WARN");
    first.abort();
}

#[tokio::test(start_paused = true)]
async fn what_a_handlers_panic_leads_to_is_told_with_its_words() {
    let (lines, _guard) = Lines::captured();
    let stage = Stage::new().with_daemons();
    stage.mishaps.then("analysis", Mishap::Panic);
    stage.send_goal().await;
    stage.until(GoalCompleted::TYPE).await;
    let [line] = &lines.that_say("ended with an error")[..] else { panic!() };
    assert_eq!(line["error"], "the handler panicked: prepared");
}
