//! Owns `murmur events follow`: a passing subscription, and a line for each event as it is published.
//! Never leaves it behind: it goes when the command ends; that of a killed one goes with the next that is started.
//! Next: `said` makes the lines, `aws::subscriptions` the queue.

use std::collections::HashSet;
use std::time::Duration;

use aws::provision::Reporter;
use aws::subscriptions::{self, Name, Wanted};
use contract::limits::SQS_BATCH_MAX;
use contract::{Event, EventId, EventType, Tenant};
use runtime::ports::Received;
use runtime::{Chance, retried};
use serde_json::Value;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::{Instant, timeout};

use super::said;
use crate::exit::Exit;
use crate::reach::{Reach, Where};
use crate::screen::Screen;
use crate::subscribe::{known_goals, known_types, plan};

const PREFIX: &str = "follow-";
/// Whoever follows says so this often; one that has been silent for so much longer is dead.
const ALIVE_EVERY: Duration = Duration::from_secs(120);
const DEAD_AFTER: Duration = Duration::from_secs(15 * 60);
/// Nobody reads it later.
const RETENTION_S: u32 = 300;
const POLL_MAX: Duration = Duration::from_secs(5);
const VISIBILITY: Duration = Duration::from_secs(30);
const CALL_MAX: Duration = Duration::from_secs(30);
const FAREWELL_MAX: Duration = Duration::from_secs(10);
/// Delivered twice, an event is printed once, as long as it is remembered.
const REMEMBERED: usize = 10_000;

/// Print each event as it is published, until Ctrl-C
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  murmur events follow --types goal.completed,step.failed\n  murmur events follow --for 60 --json"
)]
pub(crate) struct Asked {
    /// Types of events; without it, all
    #[arg(long, value_name = "TYPE,…", value_delimiter = ',')]
    types: Vec<String>,
    /// Only of this goal; the beginning of its id will do; may be repeated
    #[arg(long = "goal", value_name = "GOAL")]
    goals: Vec<String>,
    /// Only of this tenant
    #[arg(long)]
    tenant: Option<Tenant>,
    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// End after so many events
    #[arg(long, value_name = "COUNT")]
    count: Option<u64>,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach().await?;
    let all: Vec<EventType> = reach.config.choreography.events.iter().map(|spec| spec.kind.clone()).collect();
    let wanted = Wanted {
        types: known_types(&asked.types, &reach.config.choreography, &all)?,
        goals: known_goals(&asked.goals)?,
        tenant: asked.tenant.as_ref().map(ToString::to_string),
        retention_s: RETENTION_S,
    };
    clear_up(&reach).await;
    let following = Following::begin(&reach, &wanted).await?;
    screen.progress("following; a rule may take a minute to begin at AWS. Ctrl-C ends it");
    let told = following.tell(asked, screen).await;
    let ended = following.end().await;
    told?;
    ended?;
    Ok(Exit::Done)
}

/// What killed ones left, by name and age. Theirs is no reason for this one to fail.
async fn clear_up(reach: &Reach) {
    let plan = plan(reach);
    let Ok(all) = subscriptions::list(&reach.clients, &plan.topology).await else { return };
    let dead_since = reach.ports.clock.now() - DEAD_AFTER;
    for left in all.iter().filter(|one| one.name.starts_with(PREFIX)) {
        let dead = left.alive_ms.is_some_and(|alive_ms| alive_ms < dead_since.0);
        if let (true, Ok(name)) = (dead, Name::new(&left.name)) {
            // The next one tries again.
            let _ = subscriptions::unsubscribe(&reach.clients, &plan, &name, &mut Reporter::silent()).await;
        }
    }
}

/// A passing subscription of this process.
struct Following<'r> {
    reach: &'r Reach,
    name: Name,
    url: String,
    gone: bool,
}

impl<'r> Following<'r> {
    async fn begin(reach: &'r Reach, wanted: &Wanted) -> anyhow::Result<Following<'r>> {
        let (now, token) = (reach.ports.clock.now().0, Chance::fresh().token());
        let name = Name::new(&format!("{PREFIX}{now}-{}", token.as_str().get(..8).unwrap_or_default()))?;
        // Owned before it is made: a signal in between removes what is there by then.
        let mut following = Following { reach, name, url: String::new(), gone: false };
        let mut reporter = Reporter::silent();
        let plan = plan(reach);
        let made =
            subscriptions::subscribe(&reach.clients, &plan, &following.name, wanted, Some(now), &mut reporter).await;
        following.url = made?;
        Ok(following)
    }

    async fn tell(&self, asked: &Asked, screen: Screen) -> anyhow::Result<()> {
        let (queue, ports, chance) = (self.name.queue(), &self.reach.ports, Chance::fresh());
        let until = asked.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let (mut alive_at, mut left) = (Instant::now(), asked.count.unwrap_or(u64::MAX));
        let mut seen: HashSet<EventId> = HashSet::new();
        while left > 0 {
            let wait = until.map_or(POLL_MAX, |until| until.saturating_duration_since(Instant::now()).min(POLL_MAX));
            if until.is_some() && wait.is_zero() {
                return Ok(());
            }
            let receive = || ports.queue.receive(&queue, SQS_BATCH_MAX, wait, VISIBILITY);
            let some = retried(CALL_MAX, &chance, receive).await?;
            for message in some.iter().filter_map(event) {
                if left > 0 && seen.insert(message.id) {
                    left -= 1;
                    if screen.json { screen.record(&message)? } else { screen.text(&said::line(&message))? }
                }
            }
            if !some.is_empty() {
                let receipts: Vec<_> = some.into_iter().map(|message| message.receipt).collect();
                // What stays is printed once all the same.
                let _ = ports.queue.delete(&queue, &receipts).await;
            }
            if seen.len() > REMEMBERED {
                seen.clear();
            }
            if alive_at.elapsed() > ALIVE_EVERY {
                subscriptions::still_alive(&self.reach.clients, &self.url, ports.clock.now().0).await?;
                alive_at = Instant::now();
            }
        }
        Ok(())
    }

    async fn end(mut self) -> anyhow::Result<()> {
        self.gone = true;
        self.remove().await
    }

    async fn remove(&self) -> anyhow::Result<()> {
        let plan = plan(self.reach);
        subscriptions::unsubscribe(&self.reach.clients, &plan, &self.name, &mut Reporter::silent()).await?;
        Ok(())
    }
}

impl Drop for Following<'_> {
    /// After an error or a signal.
    fn drop(&mut self) {
        let Ok(executor) = Handle::try_current() else { return };
        if self.gone || executor.runtime_flavor() != RuntimeFlavor::MultiThread {
            return;
        }
        // What cannot be removed now goes with the next one that is started.
        let _ = tokio::task::block_in_place(|| executor.block_on(timeout(FAREWELL_MAX, self.remove())));
    }
}

/// Out of EventBridge's wrapper.
fn event(message: &Received) -> Option<Event> {
    let wrapper: Value = contract::json::parse(&message.body).ok()?;
    serde_json::from_value(wrapper.get("detail")?.clone()).ok()
}
