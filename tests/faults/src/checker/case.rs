//! Owns a history as the checks read it: goals with their steps and joins, tellings by event, letters with what they say.
//! Never judges more than whether a thing can be read at all.
//! Next: each check asks it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use contract::decode::{self, Raw};
use contract::topology::Row;
use contract::{
    Attributes, CauseKind, Choreography, Digest, Event, EventId, GoalId, JoinName, ParkNote, RowName, TraceContext,
};
use runtime::history::Outcome;
use runtime::ledger::goal::Goal;
use runtime::ledger::join::JoinState;
use runtime::ledger::step::{Held, Over, State, Step};
use runtime::ledger::{Attr, Item, ItemKind};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;

use super::verdict::{Found, Kind};
use crate::history::{Act, History, Left, Letter, Record, Seen, Wished};

pub(super) struct Case<'h> {
    pub(super) history: &'h History,
    pub(super) choreography: &'h Choreography,
    /// Every goal that was enqueued, and how often.
    pub(super) wished: BTreeMap<GoalId, usize>,
    acts: BTreeMap<GoalId, Vec<&'h Act>>,
    pub(super) goals: BTreeMap<GoalId, Past>,
    /// Those whose records cannot be read: nothing else is known of them.
    pub(super) unreadable: BTreeSet<GoalId>,
    pub(super) told: BTreeMap<EventId, Vec<Telling<'h>>>,
    pub(super) letters: Vec<Post<'h>>,
}

/// A goal's records.
pub(super) struct Past {
    pub(super) goal: Goal,
    pub(super) steps: Vec<PastStep>,
    pub(super) joins: Vec<PastJoin>,
    pub(super) events: BTreeMap<EventId, (Event, Maker)>,
}

pub(super) struct PastStep {
    pub(super) row: RowName,
    pub(super) event: EventId,
    pub(super) step: Step,
    pub(super) held: BTreeMap<u32, Held>,
    pub(super) over: BTreeMap<u32, Over>,
    pub(super) outcome: Option<Outcome>,
    /// A fork has it from another goal: nobody worked for it here.
    pub(super) is_copied: bool,
}

pub(super) struct PastJoin {
    pub(super) name: JoinName,
    pub(super) state: JoinState,
    pub(super) is_copied: bool,
}

/// Whose event it is; of a step, which one of the goal's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    Request,
    Step(usize),
    Join,
    End,
}

/// One event as somebody heard it.
pub(super) struct Telling<'h> {
    pub(super) seen: &'h Seen,
    pub(super) event: Event,
    pub(super) content: Digest,
}

/// A dead letter, read.
pub(super) struct Post<'h> {
    pub(super) letter: &'h Letter,
    pub(super) row: Option<&'h Row>,
    pub(super) note: Option<ParkNote>,
    /// What the row would make of it.
    pub(super) event: Option<Event>,
}

impl<'h> Case<'h> {
    pub(super) fn read(choreography: &'h Choreography, history: &'h History, found: &mut Found) -> Case<'h> {
        let mut case = Case {
            history,
            choreography,
            wished: BTreeMap::new(),
            acts: BTreeMap::new(),
            goals: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            told: BTreeMap::new(),
            letters: history.letters.iter().map(|letter| Post::read(choreography, letter)).collect(),
        };
        for goal in history.account.wishes.iter().map(Wished::goal) {
            *case.wished.entry(goal).or_default() += 1;
        }
        for act in &history.account.acts {
            case.acts.entry(act.goal).or_default().push(act);
        }
        for (goal, records) in &history.ledger {
            match Past::read(*goal, records) {
                Ok(past) => drop(case.goals.insert(*goal, past)),
                Err(why) => {
                    case.unreadable.insert(*goal);
                    found.add(Kind::Lost, *goal, format!("its records cannot be read: {why:#}"));
                }
            }
        }
        for seen in &history.seen {
            match Event::deserialize(&seen.detail) {
                Ok(event) => {
                    let telling = Telling { seen, content: content(&event), event };
                    case.told.entry(telling.event.id).or_default().push(telling);
                }
                Err(why) => {
                    let how = format!("message {} carries no event ({why}): {}", seen.message_id, seen.detail);
                    found.add_beside(Kind::Unexpected, how);
                }
            }
        }
        case
    }

    pub(super) fn acts_on(&self, goal: GoalId) -> impl Iterator<Item = &'h Act> {
        self.acts.get(&goal).into_iter().flatten().copied()
    }

    /// Whether a message that nobody took may be about this: then it is not lost, and its queue is told of as it is.
    pub(super) fn may_wait(&self, mut words: impl Iterator<Item = String>) -> bool {
        let unseen = |left: &Left| left.in_flight > 0 || left.visible > left.bodies.len() as u64;
        let bodies = || self.history.left.iter().flat_map(|left| &left.bodies);
        self.history.left.iter().any(unseen) || words.any(|word| bodies().any(|body| body.contains(&word)))
    }

    pub(super) fn goal_may_wait(&self, goal: GoalId) -> bool {
        let keys = self.history.account.wishes.iter().filter(move |wish| wish.goal() == goal);
        self.may_wait(keys.map(|wish| wish.key.clone()).chain([goal.to_string()]))
    }
}

impl Past {
    fn read(id: GoalId, records: &[Record]) -> anyhow::Result<Past> {
        let (mut goal, mut steps, mut joins) = (None, vec![], vec![]);
        for record in records {
            let item = record.item(id)?;
            let is_copied = item.has(&Attr::CopiedFrom);
            match &item.key.kind {
                ItemKind::Goal => goal = Some(Goal::read(&item)?),
                ItemKind::Join(name) => {
                    joins.push(PastJoin { name: name.clone(), state: JoinState::read(&item)?, is_copied });
                }
                ItemKind::Step { row, event } => {
                    let step = Step::read(&item)?;
                    let (outcome, is_done) = (record.outcome.clone(), step.state == State::Committed);
                    ensure!(outcome.is_some() || !is_done, "what step#{row}#{event} committed is not there");
                    let (held, over) = (by_epoch(&item, held)?, by_epoch(&item, over)?);
                    steps.push(PastStep { row: row.clone(), event: *event, step, held, over, outcome, is_copied });
                }
            }
        }
        let goal = goal.with_context(|| format!("there are {} records, and no goal", records.len()))?;
        let mut events = BTreeMap::from([(goal.request.id, (goal.request.clone(), Maker::Request))]);
        for (index, step) in steps.iter().enumerate() {
            let emits = step.outcome.iter().flat_map(|outcome| &outcome.emits);
            events.extend(emits.map(|event| (event.id, (event.clone(), Maker::Step(index)))));
        }
        let closed = joins.iter().filter_map(|join| join.state.closed.clone());
        events.extend(closed.map(|event| (event.id, (event, Maker::Join))));
        events.extend(goal.join.closed.clone().map(|event| (event.id, (event, Maker::End))));
        Ok(Past { goal, steps, joins, events })
    }

    pub(super) fn step(&self, row: &RowName, event: EventId) -> Option<&PastStep> {
        self.steps.iter().find(|step| step.row == *row && step.event == event)
    }

    pub(super) fn is_consumed(&self, event: EventId) -> bool {
        self.steps.iter().any(|step| step.event == event && !step.is_copied)
    }

    pub(super) fn is_fork(&self) -> bool {
        self.goal.forked_from().is_some()
    }
}

impl PastStep {
    /// The epochs that were over in that way.
    pub(super) fn over_as<'s>(&'s self, how: &'s str) -> impl Iterator<Item = (u32, &'s Over)> {
        self.over.iter().filter(move |(_, over)| over.how == how).map(|(epoch, over)| (*epoch, over))
    }
}

impl std::fmt::Display for PastStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "step#{}#{}", self.row, self.event)
    }
}

impl<'h> Post<'h> {
    fn read(choreography: &'h Choreography, letter: &'h Letter) -> Post<'h> {
        let row = choreography.rows.iter().find(|row| row.queue.as_str() == letter.queue);
        let attributes = Attributes(letter.attributes.clone());
        let raw = Raw {
            body: letter.body.as_bytes(),
            attributes: &attributes,
            message_id: &letter.message_id,
            sent_at: letter.sent_at,
        };
        let event = row.and_then(|row| decode::decode(raw, row, choreography).ok());
        Post { letter, row, note: attributes.park(), event }
    }

    pub(super) fn goal(&self) -> Option<GoalId> {
        self.event.as_ref().map(|event| event.goal).or_else(|| self.note.as_ref()?.goal)
    }

    pub(super) fn event_id(&self) -> Option<EventId> {
        self.event.as_ref().map(|event| event.id).or_else(|| self.note.as_ref()?.event)
    }

    pub(super) fn is_of(&self, row: &RowName, event: EventId) -> bool {
        self.row.is_some_and(|of| of.name == *row) && self.event_id() == Some(event)
    }

    /// Whether a redrive of it could bring its goal on.
    pub(super) fn holds_up(&self) -> bool {
        let kind = self.note.as_ref().map(|note| note.cause.kind);
        !matches!(kind, Some(CauseKind::PayloadMismatch | CauseKind::NoSuchGoal))
    }
}

fn held(attr: &Attr) -> Option<&str> {
    if let Attr::Held(epoch) = attr { Some(epoch) } else { None }
}

fn over(attr: &Attr) -> Option<&str> {
    if let Attr::Over(epoch) = attr { Some(epoch) } else { None }
}

fn by_epoch<T: DeserializeOwned>(item: &Item, epoch: fn(&Attr) -> Option<&str>) -> anyhow::Result<BTreeMap<u32, T>> {
    let all = item.attrs.keys().filter_map(|attr| Some((epoch(attr)?, item.text(attr)?)));
    all.map(|(epoch, text)| Ok((epoch.parse()?, serde_json::from_str(text)?))).collect()
}

/// All that an event says: only where in the trace it was sent differs from telling to telling.
pub(super) fn content(event: &Event) -> Digest {
    Digest::of(Event { trace: TraceContext::NONE, ..event.clone() }.to_json().as_bytes())
}
