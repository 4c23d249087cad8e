//! Owns `murmur goal cancel`: the event that asks for an end, and the wait until the ledger shows one.
//! Never an end of its own: the agent that accepts goals performs it, and tells subscribers.
//! Next: `runtime::goals` acts on the event.

use std::time::Duration;

use anyhow::{Context as _, bail};
use contract::events::GoalCancelRequested;
use contract::topology::Choreography;
use contract::{Attributes, Event, EventData as _, EventId, Source, Unit, UnixMs};
use runtime::ledger::goal::Goal;
use runtime::ledger::{ItemKey, Standing};
use runtime::ports::{Outbound, Ports};
use runtime::{Chance, retried};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::named::Which;
use super::sending::{PATIENCE, post};
use super::{command, span};
use crate::exit::{Exit, Misused};
use crate::reach::{Reach, Where};
use crate::screen::Screen;

const LOOK_EVERY: Duration = Duration::from_millis(100);

const HELP: &str = "\
Example:\n\
\x20 murmur goal cancel 6f1c0d5e --reason \"the launch was called off\"\n\
\n\
Exit code 0 once the goal has ended, however it ended; 1 if nobody has acted\n\
within the time.";

/// End a goal that nobody wants any more; what is at work for it stops
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Asked {
    #[command(flatten)]
    which: Which,
    /// Why, for whoever reads the story later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// How long to wait for the end
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    within: Duration,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach().await?;
    let key = ItemKey::goal(asked.which.find(&reach).await?);
    let goal = read(&reach.ports, &key).await?;
    if goal.ended() {
        return told(&goal, false, screen);
    }
    send(&reach, &goal, asked.reason.clone()).await?;
    let deadline = Instant::now() + asked.within;
    loop {
        let now = read(&reach.ports, &key).await?;
        if now.ended() {
            return told(&now, true, screen);
        }
        if Instant::now() >= deadline {
            let (status, watch) = (command(place, "status"), command(place, &format!("goal watch {}", key.goal)));
            bail!(
                "the cancel was sent, but nobody has acted on it within {}: is a research agent up? See {status}; it will be \
                 done once one is, as {watch} will tell",
                span(asked.within)
            );
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn read(ports: &Ports, key: &ItemKey) -> anyhow::Result<Goal> {
    let chance = Chance::fresh();
    let item = retried(PATIENCE, &chance, || ports.ledger.read(key)).await?;
    Ok(Goal::read(&item.context("the goal has expired")?)?)
}

async fn send(reach: &Reach, goal: &Goal, reason: Option<String>) -> anyhow::Result<()> {
    let row = reach.choreography.rows.iter().find(|row| row.accepts_goals).context("nobody accepts goals")?;
    let event = request(goal, reason, &reach.choreography, reach.ports.clock.now())?;
    let group = Some(event.tenant.to_string());
    let message = Outbound { body: event.to_json(), attributes: Attributes::of_event(&event), group };
    post(&*reach.ports.queue, &row.queue, &message).await
}

/// Of the goal's own trace, and the same event however often somebody asks.
fn request(goal: &Goal, reason: Option<String>, choreography: &Choreography, now: UnixMs) -> anyhow::Result<Event> {
    let (about, kind) = (&goal.request, GoalCancelRequested::TYPE);
    let reason = reason.map(contract::bounded).filter(|reason| !reason.trim().is_empty());
    let event = Event {
        id: EventId::derive(about.goal, &kind, &Unit::goal()),
        source: Source::USER,
        version: GoalCancelRequested::VERSION,
        kind,
        time: now,
        goal: about.goal,
        goal_key: about.goal_key.clone(),
        causation: None,
        hops: 0,
        deadline: about.deadline,
        tenant: about.tenant.clone(),
        trace: about.trace.at(Chance::fresh().span()),
        data: json!(GoalCancelRequested { reason }),
    };
    choreography.validate(&event.kind, event.version, &event.data).map_err(Misused)?;
    Ok(event)
}

/// How it ended: by this cancel, or before it.
fn told(goal: &Goal, asked: bool, screen: Screen) -> anyhow::Result<Exit> {
    let (standing, id) = (goal.standing(), goal.request.goal);
    let end = goal.join.closed.as_ref().map(|end| end.time);
    if screen.json {
        screen.document(&json!({"goal": id, "state": standing.as_str(), "ended_at": end, "asked": asked}))?;
        return Ok(Exit::Done);
    }
    let at = end.map(|at| format!(" at {at}")).unwrap_or_default();
    screen.text(&match (standing, asked) {
        (Standing::Cancelled, true) => format!("goal {id} was cancelled"),
        (standing, true) => format!("goal {id} ended before it could be cancelled: {}{at}", standing.as_str()),
        (standing, false) => format!("goal {id} has ended already: {}{at}", standing.as_str()),
    })?;
    Ok(Exit::Done)
}
