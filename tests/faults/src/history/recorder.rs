//! Owns a subscription that hears every event of the bus while a run goes on, over every restart of the server.
//! Never selects, and never forgets: what came twice is kept twice, unless it is the same message received again.
//! Next: `gather` puts what it heard beside the ledger.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws::provision::{Plan, Reporter};
use aws::subscriptions::{self, Name, Wanted};
use contract::limits::SQS_BATCH_MAX;
use contract::{QueueName, UnixMs};
use processes::Site;
use runtime::ports::{Ports, Received};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Seen;
use super::gather::clients;

const NAME: &str = "recorder";
const EVERYTHING: &str = r#"{"source": [{"prefix": ""}]}"#;
const RETENTION_S: u32 = 4 * 24 * 3600;
const WAIT: Duration = Duration::from_secs(1);
/// Short, so that what was received beneath a restart comes again soon.
const HIDDEN: Duration = Duration::from_secs(5);
const AFTER_AN_ERROR: Duration = Duration::from_millis(100);
/// Nothing for longer than a message stays hidden: nothing more comes.
const QUIET: Duration = Duration::from_secs(7);
const DRAIN_MAX: Duration = Duration::from_secs(120);

/// The subscription, and the task that reads it.
#[derive(Debug)]
pub struct Recorder {
    heard: Arc<Mutex<Heard>>,
    stop: CancellationToken,
    reading: JoinSet<()>,
}

#[derive(Debug)]
struct Heard {
    seen: Vec<Seen>,
    known: HashSet<String>,
    last_news: Instant,
}

impl Recorder {
    /// Subscribes, and begins to listen. The site must have been provisioned.
    pub async fn start(site: &Site) -> anyhow::Result<Recorder> {
        let name = Name::new(NAME)?;
        subscribe(site, &name).await?;
        let ports = site.ports().await?;
        let heard = Heard { seen: vec![], known: HashSet::new(), last_news: Instant::now() };
        let (heard, stop, mut reading) = (Arc::new(Mutex::new(heard)), CancellationToken::new(), JoinSet::new());
        // What was received too often beneath restarts is heard, too.
        for queue in [name.queue(), name.queue().dead_letters()] {
            reading.spawn(listen(ports.clone(), queue, heard.clone(), stop.clone()));
        }
        Ok(Recorder { heard, stop, reading })
    }

    /// So many came by now.
    pub fn count(&self) -> usize {
        lock(&self.heard).seen.len()
    }

    /// Everything, once nothing has come for a while: whoever might still put an event has ended by now.
    pub async fn finish(mut self) -> anyhow::Result<Vec<Seen>> {
        let (begun, until) = (Instant::now(), Instant::now() + DRAIN_MAX);
        loop {
            let quiet_since = lock(&self.heard).last_news.max(begun);
            if quiet_since.elapsed() >= QUIET {
                break;
            }
            anyhow::ensure!(Instant::now() < until, "events have not stopped coming for {} s", DRAIN_MAX.as_secs());
            sleep(AFTER_AN_ERROR).await;
        }
        self.stop.cancel();
        while self.reading.join_next().await.is_some() {}
        let seen = std::mem::take(&mut lock(&self.heard).seen);
        Ok(seen)
    }
}

/// As `murmur subscribe` does it, but of every event, also of a type that no topology knows.
async fn subscribe(site: &Site, name: &Name) -> anyhow::Result<()> {
    let config = site.config()?;
    let clients = clients(site).await?;
    let types = config.choreography.events.iter().map(|spec| spec.kind.clone()).collect();
    let wanted = Wanted { types, retention_s: RETENTION_S, ..Wanted::default() };
    let plan = Plan::of(&config);
    subscriptions::subscribe(&clients, &plan, name, &wanted, None, &mut Reporter::silent()).await?;
    let rule = clients.events.put_rule().name(name.rule()).event_bus_name(&config.bus);
    rule.event_pattern(EVERYTHING).send().await?;
    Ok(())
}

async fn listen(ports: Ports, queue: QueueName, heard: Arc<Mutex<Heard>>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match ports.queue.receive(&queue, SQS_BATCH_MAX, WAIT, HIDDEN).await {
            Ok(some) => {
                let receipts: Vec<_> = some.iter().map(|message| message.receipt.clone()).collect();
                keep(&heard, some, ports.clock.now());
                if !receipts.is_empty() {
                    // What stays comes again under the same id.
                    let _ = ports.queue.delete(&queue, &receipts).await;
                }
            }
            // The server is away; only what it has said counts as silence.
            Err(_) => {
                lock(&heard).last_news = Instant::now();
                sleep(AFTER_AN_ERROR).await;
            }
        }
    }
}

fn keep(heard: &Mutex<Heard>, some: Vec<Received>, at: UnixMs) {
    let mut heard = lock(heard);
    for message in some {
        heard.last_news = Instant::now();
        if heard.known.insert(message.message_id.clone()) {
            heard.seen.push(Seen::of(&message, at));
        }
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
