//! Owns how a goal is followed: its story read again and again, and each difference told once, until it ends.
//! Never a subscription: the ledger is what happened, and it is still there after a server, or the one who watches, was away.
//! Next: `watch` and `run` tell a person.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use contract::events::ArrivalStatus;
use contract::topology::Choreography;
use contract::{Event, EventId, GoalId, PortError, RowName, UnixMs};
use runtime::ledger::goal::Goal;
use runtime::ledger::join::JoinState;
use runtime::ledger::step::{State, Step};
use runtime::ledger::{Item, ItemKey, ItemKind, Standing, unexpired};
use runtime::stall::{Stall, stalls};
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout};

use super::span;
use crate::reach::Reach;

const LOOK_FIRST: Duration = Duration::from_millis(50);
/// How long nothing may have changed before looks are this far apart.
const LOOK_LAST: Duration = Duration::from_secs(2);
/// A goal that nobody takes for so long is worth a word, and another one each time that as much has passed again.
const TAKEN_MAX: Duration = Duration::from_secs(5);
const TOLD_EVERY: Duration = Duration::from_secs(30);

/// As much of an event's id as names a step beside its row.
const LABEL_CHARS: usize = 8;

/// What happened, and when.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Told {
    pub(crate) at: UnixMs,
    pub(crate) goal: GoalId,
    #[serde(flatten)]
    pub(crate) news: News,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub(crate) enum News {
    /// Nobody has taken it yet, for so long.
    Waiting {
        seconds: u64,
    },
    Accepted {
        words: String,
        deadline: UnixMs,
    },
    Step(StepNews),
    /// A join closed: so many of its members brought a result, these gave up, and nobody knows of those.
    Joined {
        join: String,
        arrived: usize,
        failed: Vec<String>,
        missing: Vec<String>,
    },
    Stalled {
        by: Vec<Stall>,
    },
    GoesOn,
    /// The ledger does not answer.
    Unanswered {
        why: String,
    },
    Answered,
    Ended {
        standing: &'static str,
        event: Box<Event>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct StepNews {
    pub(crate) row: String,
    pub(crate) event: EventId,
    pub(crate) state: &'static str,
    pub(crate) attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<UnixMs>,
}

/// How long to follow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Patience {
    /// Whatever happens.
    pub(crate) within: Option<Duration>,
    /// While nobody has accepted it.
    pub(crate) until_taken: Option<Duration>,
}

/// What was told of a goal so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    accepted: bool,
    steps: BTreeMap<String, (&'static str, u32)>,
    joins: Vec<String>,
    stalled: Vec<Stall>,
}

impl Seen {
    /// What this story has that was not told yet, in the order in which it happened. An end comes last.
    pub(crate) fn news(&mut self, story: &[Item], choreography: &Choreography, now: UnixMs) -> Vec<Told> {
        let Some(goal) = goal_of(story) else { return vec![] };
        let mut all: Vec<(UnixMs, News)> = vec![];
        if !self.accepted {
            self.accepted = true;
            all.push((goal.request.time, News::Accepted { words: goal.words(), deadline: goal.deadline }));
        }
        all.extend(story.iter().filter_map(|item| self.step(item, now)));
        all.extend(story.iter().filter_map(|item| self.join(item, story, choreography)));
        let stalled = stalls(story, choreography);
        if stalled != self.stalled && goal.join.closed.is_none() {
            all.push((now, if stalled.is_empty() { News::GoesOn } else { News::Stalled { by: stalled.clone() } }));
            self.stalled = stalled;
        }
        all.sort_by_key(|(at, _)| *at);
        if let Some(end) = &goal.join.closed {
            let standing = Standing::after(&end.kind).as_str();
            all.push((end.time, News::Ended { standing, event: Box::new(end.clone()) }));
        }
        all.into_iter().map(|(at, news)| Told { at, goal: goal.request.goal, news }).collect()
    }

    fn step(&mut self, item: &Item, now: UnixMs) -> Option<(UnixMs, News)> {
        let ItemKind::Step { row, event } = &item.key.kind else { return None };
        let step = Step::read(item).ok()?;
        let (state, at) = match step.state {
            State::Claimed => ("at-work", item.time(&runtime::ledger::Attr::ClaimedAt).unwrap_or(now)),
            State::Released => ("will-be-tried-again", now),
            State::Committed => ("done", step.finished_at),
            State::Parked => ("gave-up", step.finished_at),
        };
        let known = self.steps.insert(item.key.sort(), (state, step.epoch));
        if known == Some((state, step.epoch)) {
            return None;
        }
        let failed = matches!(step.state, State::Released | State::Parked);
        let goes_on = step.state == State::Released;
        let news = StepNews {
            row: row.to_string(),
            event: *event,
            state,
            attempt: step.attempts + u32::from(!failed),
            // Its kind says how the step ends, if no attempt does better.
            cause: step.cause.filter(|_| failed).map(|why| if goes_on { why.detail } else { why.to_string() }),
            not_before: goes_on.then_some(step.not_before),
        };
        Some((at, News::Step(news)))
    }

    fn join(&mut self, item: &Item, story: &[Item], choreography: &Choreography) -> Option<(UnixMs, News)> {
        let ItemKind::Join(name) = &item.key.kind else { return None };
        let state = JoinState::read(item).ok()?;
        let at = state.closed.as_ref()?.time;
        let join = name.to_string();
        if self.joins.contains(&join) {
            return None;
        }
        self.joins.push(join.clone());
        let arrives = |row: &RowName| {
            choreography.row(row).is_some_and(|row| row.arrives.as_ref().is_some_and(|at| at.join == *name))
        };
        let step_of = |member: &String| {
            let step = story.iter().find_map(|item| match &item.key.kind {
                ItemKind::Step { row, event } if arrives(row) && event.to_string() == *member => Some(row),
                _ => None,
            });
            step.zip(member.get(..LABEL_CHARS)).map_or_else(|| member.clone(), |(row, event)| format!("{row}#{event}"))
        };
        let (arrived, failed): (Vec<_>, Vec<_>) =
            state.arrived.iter().partition(|(_, (status, _))| *status == ArrivalStatus::Ok);
        let failed = failed.into_iter().map(|(member, _)| step_of(member)).collect();
        Some((at, News::Joined { join, arrived: arrived.len(), failed, missing: state.missing() }))
    }
}

fn goal_of(story: &[Item]) -> Option<Goal> {
    story.iter().find(|item| item.key.kind == ItemKind::Goal).and_then(|item| Goal::read(item).ok())
}

/// Until the goal ends: its terminal event. What happens meanwhile is told.
pub(crate) async fn follow(
    reach: &Reach,
    goal: GoalId,
    patience: Patience,
    tell: &mut dyn FnMut(&Told) -> anyhow::Result<()>,
) -> anyhow::Result<Event> {
    let following = until_end(reach, goal, patience.until_taken, tell);
    match patience.within {
        None => following.await,
        Some(within) => match timeout(within, following).await {
            Ok(ended) => ended,
            Err(_) => bail!("the goal has not ended within {}; it goes on", span(within)),
        },
    }
}

async fn until_end(
    reach: &Reach,
    goal: GoalId,
    until_taken: Option<Duration>,
    tell: &mut dyn FnMut(&Told) -> anyhow::Result<()>,
) -> anyhow::Result<Event> {
    let (ports, choreography) = (&reach.ports, &reach.choreography);
    let (mut seen, began, mut wait) = (Seen::default(), Instant::now(), LOOK_FIRST);
    let (mut away, mut untaken) = (false, Untaken::default());
    loop {
        let now = ports.clock.now();
        let told = |news| Told { at: now, goal, news };
        let story = match ports.ledger.story(goal).await {
            Ok(story) => unexpired_story(story, goal, now),
            Err(PortError::Permanent { reason }) => bail!("the ledger refuses: {reason}"),
            Err(PortError::Transient { why, .. }) => {
                if !std::mem::replace(&mut away, true) {
                    tell(&told(News::Unanswered { why }))?;
                }
                wait = (wait * 2).min(LOOK_LAST);
                sleep(wait).await;
                continue;
            }
        };
        if std::mem::take(&mut away) {
            tell(&told(News::Answered))?;
        }
        let news = seen.news(&story, choreography, now);
        for told in &news {
            tell(told)?;
            if let News::Ended { event, .. } = &told.news {
                return Ok(Event::clone(event));
            }
        }
        if !seen.accepted {
            let waited = began.elapsed();
            if until_taken.is_some_and(|most| waited >= most) {
                let list = format!("murmur goal list{}", reach.flags);
                bail!("no such goal: {goal} was never accepted here, or has expired; see {list}");
            }
            if untaken.is_worth_a_word(waited) {
                tell(&told(News::Waiting { seconds: waited.as_secs() }))?;
            }
        }
        wait = if news.is_empty() { (wait * 5 / 4).min(LOOK_LAST) } else { LOOK_FIRST };
        sleep(wait).await;
    }
}

/// How often it was said that nobody has taken the goal.
#[derive(Debug, Default)]
struct Untaken(u32);

impl Untaken {
    /// Never silent for long: whoever waits for nobody should know that, also when the first word has scrolled away.
    fn is_worth_a_word(&mut self, waited: Duration) -> bool {
        let is_due = waited >= TAKEN_MAX + TOLD_EVERY * self.0;
        self.0 += u32::from(is_due);
        is_due
    }
}

/// A goal that has expired is not there, whatever is left of it.
fn unexpired_story(story: Vec<Item>, goal: GoalId, now: UnixMs) -> Vec<Item> {
    let own = story.iter().find(|item| item.key == ItemKey::goal(goal)).cloned();
    if unexpired(own, now).is_some() { story } else { vec![] }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use contract::{EventType, GOAL_NAMESPACE, JoinName, Source, Tenant, Topology, TraceContext};
    use runtime::ledger::{Attr, Value};

    use super::*;

    fn event(number: u128) -> EventId {
        EventId(uuid::Uuid::from_u128(number << 96))
    }

    #[test]
    fn a_member_that_gave_up_is_no_result_and_is_told_by_the_name_of_its_step() {
        let (goal, came, gave_up, never) = (GoalId(GOAL_NAMESPACE), event(1), event(2), event(3));
        let closed = Event {
            id: event(4),
            source: Source::CHOREOGRAPHY,
            kind: EventType::new("research.completed"),
            version: 1,
            time: UnixMs(1_000),
            goal,
            goal_key: None,
            causation: None,
            hops: 2,
            deadline: None,
            tenant: Tenant::default(),
            trace: TraceContext::NONE,
            data: serde_json::json!({}),
        };
        let text = |text: String| Value::Text(text);
        let mut join = Item::new(ItemKey::join(goal, &JoinName::new("evidence")));
        let members = [came, gave_up, never].map(|member| member.to_string());
        join.attrs.extend([
            (Attr::Members, text(serde_json::to_string(&members).unwrap())),
            (Attr::Status(came.to_string()), text("ok".into())),
            (Attr::Status(gave_up.to_string()), text("failed".into())),
            (Attr::Ended, text(serde_json::to_string(&closed).unwrap())),
        ]);
        let step = |row, event| Item::new(ItemKey::step(goal, &RowName::new(row), event));
        let story = [join.clone(), step("research-tasks", came), step("research-tasks", gave_up)];
        let choreography = Topology::murmuration().check().unwrap();
        let (at, news) = Seen::default().join(&join, &story, &choreography).unwrap();
        let expected = News::Joined {
            join: "evidence".into(),
            arrived: 1,
            failed: vec!["research-tasks#00000002".into()],
            missing: vec![never.to_string()],
        };
        assert_eq!((at, news), (UnixMs(1_000), expected));
    }

    #[test]
    fn nobody_waits_in_silence_for_a_goal_that_nobody_takes() {
        let mut untaken = Untaken::default();
        let told: Vec<u64> =
            (0..=100).filter(|seconds| untaken.is_worth_a_word(Duration::from_secs(*seconds))).collect();
        assert_eq!(told, [5, 35, 65, 95]);
    }
}
