//! Owns the proof that a daemon whose queue does not answer waits, says so, and goes on by itself.
//! Never a server: one that is away is a port that says so.
//! Next: `telemetry::Outage` and `http::Health`, which are told.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use contract::{PortError, QueueName};
use runtime::ports::{EntryResult, Outbound, Ports, Queue, Receipt, Received};
use tokio::time::Instant;

use crate::lines::Lines;
use crate::stage::Stage;

/// A queue that refuses so many receives, and remembers when it was asked.
#[derive(Debug)]
struct Away {
    error: PortError,
    left: Mutex<u32>,
    asked: Mutex<Vec<Instant>>,
    behind: Arc<dyn Queue>,
}

#[async_trait]
impl Queue for Away {
    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Received>, PortError> {
        self.asked.lock().unwrap().push(Instant::now());
        let refused = {
            let mut left = self.left.lock().unwrap();
            let refused = *left > 0;
            *left = left.saturating_sub(1);
            refused
        };
        if refused { Err(self.error.clone()) } else { self.behind.receive(queue, max, wait, visibility).await }
    }
    async fn delete(&self, queue: &QueueName, batch: &[Receipt]) -> Result<Vec<EntryResult>, PortError> {
        self.behind.delete(queue, batch).await
    }
    async fn set_visibility(
        &self,
        queue: &QueueName,
        batch: &[(Receipt, Duration)],
    ) -> Result<Vec<EntryResult>, PortError> {
        self.behind.set_visibility(queue, batch).await
    }
    async fn send(&self, queue: &QueueName, batch: &[Outbound]) -> Result<Vec<EntryResult>, PortError> {
        self.behind.send(queue, batch).await
    }
}

/// A writer whose queue fails so often; the waits between its first receives.
async fn waits(stage: &mut Stage, error: PortError, times: u32) -> Vec<Duration> {
    let ports =
        stage.cloud.ports(Arc::new(testkit::clock::TokioClock::starting_at(contract::UnixMs(1_790_000_000_000))));
    let (left, asked) = (Mutex::new(times), Mutex::default());
    let away = Arc::new(Away { error, left, asked, behind: ports.queue.clone() });
    stage.start_over("writer", Ports { queue: away.clone(), ..ports });
    let enough = times as usize + 1;
    stage.until_that(|_| away.asked.lock().unwrap().len() >= enough).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let asked = away.asked.lock().unwrap();
    asked.windows(2).take(times as usize).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_time_is_given_it() {
    let error = PortError::Transient { why: "slow down".into(), retry_after: Some(Duration::from_secs(7)) };
    for wait in waits(&mut Stage::new(), error, 4).await {
        assert!(wait >= Duration::from_secs(7), "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_queue_is_told_at_its_beginning_and_at_its_end_and_counted() {
    let (lines, _guard) = Lines::captured();
    let mut stage = Stage::new();
    let waited = waits(&mut stage, PortError::transient("connection refused"), 5).await;
    assert!(waited.iter().all(|wait| (50..5_100).contains(&wait.as_millis())), "{waited:?}");
    assert_eq!(lines.that_say("does not answer; it is tried").len(), 1);
    assert_eq!(lines.that_say("answers again")[0]["server"], "queue murmur-writer");
    assert_eq!(stage.count("murmur_throttled_total", &["writer"]), 5.0);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_exist_is_asked_seldom_and_the_line_says_what_to_do() {
    let (lines, _guard) = Lines::captured();
    let waited = waits(&mut Stage::new(), PortError::permanent("QueueDoesNotExist"), 2).await;
    assert!(waited.iter().all(|wait| *wait >= Duration::from_secs(15)), "{waited:?}");
    let told = lines.that_say("provision it");
    assert_eq!((told.len(), &told[0]["level"]), (2, &"ERROR".into()));
    assert_eq!(told[0]["queue"], "murmur-writer");
}

#[tokio::test(start_paused = true)]
async fn a_daemon_says_when_it_is_ready_when_it_last_received_and_when_it_drains() {
    let mut stage = Stage::new();
    assert!(stage.health.ready().is_err());
    stage.start("writer");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.health.ready().unwrap(), None, "the first long poll is still under way");
    tokio::time::sleep(Duration::from_secs(21)).await;
    assert!(stage.health.ready().unwrap().is_some());
    let health = stage.health.clone();
    stage.stop.cancel();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(health.ready(), Err(runtime::http::NotReady::Draining));
    stage.stopped().await;
}
