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
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::printer::Printer;
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
/// Whoever pressed Ctrl-C waits no longer than this for a reader that may have stopped reading.
const LAST_LINES_MAX: Duration = Duration::from_secs(1);
/// Delivered twice, an event is printed once, as long as it is remembered.
const REMEMBERED: usize = 10_000;

/// Print each event as it is published, until Ctrl-C
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  murmur events follow --types goal.completed,step.failed\n  murmur events follow --for 60 --json\n\n\
                  Ctrl-C is its regular end: exit code 0."
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

pub(crate) async fn run(
    asked: &Asked,
    place: &Where,
    screen: Screen,
    stop: &CancellationToken,
) -> anyhow::Result<Exit> {
    let reach = tokio::select! {
        reach = place.reach() => reach?,
        () = stop.cancelled() => return Ok(Exit::Done),
    };
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
    let alive = following.stays_alive();
    let mut printer = Printer::start(screen);
    let told = tokio::select! {
        told = following.tell(asked, screen, &mut printer) => told,
        () = stop.cancelled() => Ok(()),
    };
    let told = match told {
        Ok(()) => last_lines(printer, stop).await,
        failed => failed,
    };
    drop(alive);
    let ended = following.end().await;
    told?;
    ended?;
    Ok(Exit::Done)
}

/// All that was received is printed, as long as somebody reads it.
async fn last_lines(printer: Printer, stop: &CancellationToken) -> anyhow::Result<()> {
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_LINES_MAX).await;
    };
    tokio::select! {
        printed = printer.end() => printed,
        () = stopped => Ok(()),
    }
}

/// For ever; a word that does not arrive is followed by the next one.
async fn beats<Said: Future<Output = ()>>(every: Duration, say: impl Fn() -> Said) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        say().await;
    }
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

    /// On a task of its own, whatever the reader of the lines does: nobody else may take it for dead.
    fn stays_alive(&self) -> JoinSet<()> {
        let (clients, url, clock) = (self.reach.clients.clone(), self.url.clone(), self.reach.ports.clock.clone());
        let say = move || {
            let (clients, url, clock) = (clients.clone(), url.clone(), clock.clone());
            async move {
                // The next one comes soon enough.
                let _ = subscriptions::still_alive(&clients, &url, clock.now().0).await;
            }
        };
        let mut alive = JoinSet::new();
        alive.spawn(beats(ALIVE_EVERY, say));
        alive
    }

    async fn tell(&self, asked: &Asked, screen: Screen, printer: &mut Printer) -> anyhow::Result<()> {
        let (queue, ports, chance) = (self.name.queue(), &self.reach.ports, Chance::fresh());
        let until = asked.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let mut left = asked.count.unwrap_or(u64::MAX);
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
                    let line = if screen.json { serde_json::to_string(&message)? } else { said::line(&message) };
                    printer.print(line).await?;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_following_says_again_and_again_that_it_lives() {
        let said = AtomicUsize::new(0);
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let say = || async {
            let _ = told.send(said.fetch_add(1, Ordering::SeqCst));
        };
        let three = async { while heard.recv().await.is_some_and(|nth| nth < 2) {} };
        tokio::select! {
            () = beats(Duration::from_millis(1), say) => {}
            () = three => {}
        }
        assert_eq!(said.load(Ordering::SeqCst), 3);
    }
}
