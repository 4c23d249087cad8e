//! Owns replays: archived events of a stretch of time go through the rules of their bus once more, some at a time.
//! Never blocks: each tick sends a few, stores how far it came, and after a restart goes on from there.
//! Next: `Buses::dispatch` sends each of them.

use std::ops::Bound::{Excluded, Included, Unbounded};

use serde::{Deserialize, Serialize};

use super::archive::Kept;
use super::deliver::Sink;
use super::names::{self, Instant, already_exists, not_found, seconds, validation};
use super::request::{Named, Page};
use super::{Buses, Reply, body};
use crate::ApiError;
use crate::engine::{Moment, UnixMs};
use crate::place::Place;
use crate::store::Space;

/// Replays that run at the same time.
const ACTIVE_MAX: usize = 10;
/// Events of one replay in one tick.
const AT_ONCE: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Replay {
    archive: String,
    bus: String,
    description: Option<String>,
    /// Rules that get the events; none means all.
    filter: Vec<String>,
    from: UnixMs,
    to: UnixMs,
    started: UnixMs,
    ended: Option<UnixMs>,
    /// The last event that was sent.
    last: Option<Kept>,
    state: State,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum State {
    Starting,
    Running,
    Cancelling,
    Completed,
    Cancelled,
    Failed,
}

impl Replay {
    fn is_active(&self) -> bool {
        matches!(self.state, State::Starting | State::Running | State::Cancelling)
    }

    fn end(&mut self, now: UnixMs, state: State) {
        self.state = state;
        self.ended = Some(now);
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StartReplay {
    replay_name: String,
    description: Option<String>,
    event_source_arn: String,
    event_start_time: Instant,
    event_end_time: Instant,
    destination: Destination,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    arn: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    filter_arns: Vec<String>,
}

impl StartReplay {
    pub(super) fn checked(self) -> Result<StartReplay, ApiError> {
        names::name(&self.replay_name, "replayName", 64)?;
        names::description(self.description.as_deref())?;
        if self.event_start_time.0 >= self.event_end_time.0 {
            return Err(validation(
                "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.",
            ));
        }
        Ok(self)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stands {
    replay_arn: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_start_time: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    replay_name: String,
    event_source_arn: String,
    state: State,
    event_start_time: f64,
    event_end_time: f64,
    replay_start_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_end_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_last_replayed_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<Destination>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Replays {
    replays: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Replay {
    fn shown(&self, place: &Place, name: &str) -> Shown {
        Shown {
            replay_name: name.to_owned(),
            event_source_arn: place.events_arn("archive", &self.archive),
            state: self.state,
            event_start_time: seconds(self.from),
            event_end_time: seconds(self.to),
            replay_start_time: seconds(self.started),
            replay_end_time: self.ended.map(seconds),
            event_last_replayed_time: self.last.map(|Kept(came, _)| seconds(came)),
            state_reason: self.reason.clone(),
            replay_arn: None,
            description: None,
            destination: None,
        }
    }
}

impl Buses {
    pub(super) fn start_replay(&mut self, at: &mut Moment<'_>, asked: StartReplay) -> Reply {
        let name = asked.replay_name;
        let bus = names::bus_here(at.place, Some(&asked.destination.arn)).to_owned();
        self.bus(&bus)?;
        let archive = asked.event_source_arn.rsplit_once("archive/").map_or(&*asked.event_source_arn, |(_, name)| name);
        let Some(kept) = self.archives.get(archive) else {
            return Err(validation(format!(
                "Parameter EventSourceArn is not valid. Reason: Archive {archive} does not exist."
            )));
        };
        if kept.row.bus != bus {
            return Err(validation(
                "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.",
            ));
        }
        if self.replays.contains_key(&name) {
            return Err(already_exists(format!("Replay {name} already exists.")));
        }
        if self.replays.values().filter(|replay| replay.is_active()).count() >= ACTIVE_MAX {
            return Err(names::too_many());
        }
        let replay = Replay {
            archive: archive.to_owned(),
            bus,
            description: asked.description,
            filter: asked.destination.filter_arns,
            from: asked.event_start_time.0,
            to: asked.event_end_time.0,
            started: at.now,
            ended: None,
            last: None,
            state: State::Starting,
            reason: None,
        };
        at.journal.put(Space::Replay, &name, &replay);
        let answer = Stands {
            replay_arn: at.place.events_arn("replay", &name),
            state: replay.state,
            replay_start_time: Some(seconds(replay.started)),
        };
        self.replays.insert(name, replay);
        body(answer)
    }

    pub(super) fn cancel_replay(&mut self, at: &mut Moment<'_>, asked: &Named) -> Reply {
        let name = asked.name();
        let replay = self.replays.get_mut(name).ok_or_else(|| no_replay(name))?;
        if !matches!(replay.state, State::Starting | State::Running) {
            let message = format!("Replay {name} is not in a valid state for this operation.");
            return Err(ApiError::refused("IllegalStatusException", message));
        }
        replay.state = State::Cancelling;
        at.journal.put(Space::Replay, name, replay);
        body(Stands { replay_arn: at.place.events_arn("replay", name), state: replay.state, replay_start_time: None })
    }

    pub(super) fn describe_replay(&self, at: &Moment<'_>, asked: &Named) -> Reply {
        let name = asked.name();
        let replay = self.replays.get(name).ok_or_else(|| no_replay(name))?;
        let destination =
            Destination { arn: at.place.events_arn("event-bus", &replay.bus), filter_arns: replay.filter.clone() };
        body(Shown {
            replay_arn: Some(at.place.events_arn("replay", name)),
            description: replay.description.clone(),
            destination: Some(destination),
            ..replay.shown(at.place, name)
        })
    }

    pub(super) fn list_replays(&self, at: &Moment<'_>, page: &Page) -> Reply {
        let shown = self.replays.iter().map(|(name, replay)| (name.as_str(), replay.shown(at.place, name)));
        let all = shown
            .filter(|(_, shown)| page.event_source_arn.as_ref().is_none_or(|arn| *arn == shown.event_source_arn))
            .filter(|(_, shown)| {
                let state = serde_json::to_value(shown.state).unwrap_or_default();
                page.state.as_deref().is_none_or(|wanted| state == wanted)
            });
        let (replays, next_token) = names::page(page, all)?;
        body(Replays { replays, next_token })
    }

    /// At once, as long as one is under way.
    pub(super) fn replays_wake_at(&self) -> Option<UnixMs> {
        self.replays.values().any(Replay::is_active).then_some(UnixMs(0))
    }

    pub(super) fn go_on_replaying(&mut self, at: &mut Moment<'_>, queues: &mut impl Sink) {
        let active = self.replays.iter().filter(|(_, replay)| replay.is_active());
        let active: Vec<_> = active.map(|(name, replay)| (name.clone(), replay.clone())).collect();
        for (name, mut replay) in active {
            self.go_on(at, queues, &name, &mut replay);
            at.journal.put(Space::Replay, &name, &replay);
            self.replays.insert(name, replay);
        }
    }

    fn go_on(&mut self, at: &mut Moment<'_>, queues: &mut impl Sink, name: &str, replay: &mut Replay) {
        if replay.state == State::Cancelling {
            return replay.end(at.now, State::Cancelled);
        }
        replay.state = State::Running;
        let Some(archive) = self.archives.get(&replay.archive) else {
            replay.reason = Some(format!("Archive {} was deleted.", replay.archive));
            return replay.end(at.now, State::Failed);
        };
        let (from, to) = (replay.from, replay.to);
        let first = replay.last.map_or(Included(Kept::first_at(from)), Excluded);
        let due = archive.events.range((first, Unbounded)).take_while(|(Kept(came, _), _)| *came <= to).take(AT_ONCE);
        let due: Vec<_> = due.map(|(kept, event)| (*kept, event.clone())).collect();
        if due.len() < AT_ONCE {
            replay.end(at.now, State::Completed);
        }
        for (kept, mut event) in due {
            event.replay = Some(name.to_owned());
            self.dispatch(at, queues, &replay.bus, &event, &replay.filter);
            replay.last = Some(kept);
        }
    }
}

fn no_replay(name: &str) -> ApiError {
    not_found(format!("Replay {name} does not exist."))
}
