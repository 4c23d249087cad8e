//! Owns what a goal's ledger tells of its steps: what each was given, what it brought, and how each of its holders ended.
//! Never asks a daemon, and never guesses: a step whose input is nowhere on record is named as such.
//! Next: `fork` goes on from a step, `murmur replay` runs steps again, `murmur diff` compares two goals.

use std::collections::BTreeMap;

use contract::{Artifacts, Event, EventId, GoalId, JoinName, PortError, RowName, Spend, UnixMs};

use crate::ledger::goal::Goal;
use crate::ledger::join::JoinState;
use crate::ledger::step::{Held, Over, State, Step};
use crate::ledger::{self, Attr, Item, ItemKey, ItemKind, json};
use crate::outcome;
pub use crate::outcome::{Arrives, Outcome};
use crate::ports::Ledger;

/// More steps behind each other than any choreography has.
const DEPTH_MAX: usize = 256;
/// As much of an event's id as tells the steps of one row apart, mostly.
const PREFIX_CHARS: usize = 8;

/// A goal, as it went.
#[derive(Clone, Debug)]
pub struct History {
    pub goal: Goal,
    /// Causes before what they led to.
    pub steps: Vec<PastStep>,
    /// Those with items of their own.
    pub joins: BTreeMap<JoinName, JoinState>,
}

/// One step, as it went.
#[derive(Clone, Debug)]
pub struct PastStep {
    pub row: RowName,
    pub step: Step,
    pub item: Item,
    pub input: Option<Event>,
    pub from: Origin,
    /// Where in the choreography it stands: the same for the same step of another goal.
    pub place: String,
    /// Of a committed step.
    pub outcome: Option<Outcome>,
    /// Why there is none although it is committed.
    pub damaged: Option<String>,
    pub attempts: Vec<Attempt>,
    pub cost: Spend,
    /// The goal that this record was copied from, by a fork: no work was done for it here.
    pub copied_from: Option<GoalId>,
}

/// Whose event a step consumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Request,
    Step(ItemKey),
    Join(JoinName),
    /// Nothing in the ledger is this event: whoever published it was no step of this goal.
    Nowhere,
}

/// One holder of a step.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub epoch: u32,
    pub held: Option<Held>,
    /// Nothing while it is at work.
    pub over: Option<Over>,
}

/// Why no step is meant by a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoStep {
    #[error("no step {name} in this goal: there are {}", .known.join(", "))]
    Unknown { name: String, known: Vec<String> },
    #[error("{name} may be any of {}: say which", .known.join(", "))]
    Several { name: String, known: Vec<String> },
}

impl History {
    /// All of it, or nothing where there is no such goal.
    pub async fn of(
        goal: GoalId,
        ledger: &dyn Ledger,
        artifacts: &dyn Artifacts,
        now: UnixMs,
    ) -> Result<Option<History>, PortError> {
        let items = ledger.story(goal).await?;
        History::read(items, artifacts, now).await
    }

    pub async fn read(items: Vec<Item>, artifacts: &dyn Artifacts, now: UnixMs) -> Result<Option<History>, PortError> {
        let (mut goal, mut joins, mut steps) = (None, BTreeMap::new(), vec![]);
        for item in items.into_iter().filter_map(|item| ledger::unexpired(Some(item), now)) {
            match item.key.kind.clone() {
                ItemKind::Goal => goal = Some(Goal::read(&item)?),
                ItemKind::Join(name) => drop(joins.insert(name, JoinState::read(&item)?)),
                ItemKind::Step { row, .. } => steps.push(PastStep::read(row, item, artifacts).await?),
            }
        }
        let Some(goal) = goal else { return Ok(None) };
        let mut history = History { goal, steps, joins };
        history.connect();
        Ok(Some(history))
    }

    /// Gives each step its input, its place, and its turn.
    fn connect(&mut self) {
        let events = self.events();
        let place = |event: EventId| place(&events, event, DEPTH_MAX);
        for step in &mut self.steps {
            let id = step.event_id();
            if let Some((event, from, _)) = events.get(&id) {
                (step.input, step.from) = (Some(event.clone()), from.clone());
            }
            step.place = format!("{} > {}", place(id), step.row);
        }
        let hops = |step: &PastStep| step.input.as_ref().map_or(u32::MAX, |event| event.hops);
        self.steps.sort_by(|one, other| (hops(one), &one.place).cmp(&(hops(other), &other.place)));
    }

    /// Every event on record, whose it is, and which one of its type and maker it is.
    fn events(&self) -> BTreeMap<EventId, (Event, Origin, usize)> {
        let request = &self.goal.request;
        let mut all = BTreeMap::from([(request.id, (request.clone(), Origin::Request, 0))]);
        for step in &self.steps {
            let emits = step.outcome.iter().flat_map(|outcome| &outcome.emits);
            let mut turns = BTreeMap::new();
            for event in emits {
                let turn: &mut usize = turns.entry(&event.kind).or_default();
                all.insert(event.id, (event.clone(), Origin::Step(step.step.key.clone()), *turn));
                *turn += 1;
            }
        }
        for (name, join) in &self.joins {
            if let Some(event) = &join.closed {
                all.insert(event.id, (event.clone(), Origin::Join(name.clone()), 0));
            }
        }
        all
    }

    /// Of each event on record, the place where it stands: the same for the same event of another goal.
    pub fn places(&self) -> BTreeMap<EventId, String> {
        let events = self.events();
        events.keys().map(|event| (*event, place(&events, *event, DEPTH_MAX))).collect()
    }

    /// By a row's name where it has one step, or by row and the beginning of the event's id: `research-tasks#3f2a`.
    pub fn step(&self, name: &str) -> Result<&PastStep, NoStep> {
        let (row, prefix) = name.split_once('#').unwrap_or((name, ""));
        let is_it = |step: &&PastStep| step.row.as_str() == row && step.event_id().to_string().starts_with(prefix);
        let found: Vec<&PastStep> = self.steps.iter().filter(is_it).collect();
        let labels = |steps: &[&PastStep]| steps.iter().map(|step| self.label(step)).collect();
        match found[..] {
            [only] => Ok(only),
            [] => Err(NoStep::Unknown { name: name.into(), known: labels(&self.steps.iter().collect::<Vec<_>>()) }),
            _ => Err(NoStep::Several { name: name.into(), known: labels(&found) }),
        }
    }

    /// The shortest name that `step` understands.
    pub fn label(&self, step: &PastStep) -> String {
        let id = step.event_id().to_string();
        let others = self.steps.iter().filter(|other| other.row == step.row && other.event_id() != step.event_id());
        let others: Vec<String> = others.map(|other| other.event_id().to_string()).collect();
        if others.is_empty() {
            return step.row.to_string();
        }
        let alike = |chars: usize| others.iter().any(|other| other[..chars] == id[..chars]);
        let chars = (PREFIX_CHARS..id.len()).find(|chars| !alike(*chars)).unwrap_or(id.len());
        format!("{}#{}", step.row, &id[..chars])
    }
}

impl PastStep {
    async fn read(row: RowName, item: Item, artifacts: &dyn Artifacts) -> Result<PastStep, PortError> {
        let step = Step::read(&item)?;
        let (mut outcome, mut damaged) = (None, None);
        if step.state == State::Committed {
            match outcome::read(artifacts, step.outcome.as_deref()).await {
                Ok(read) => outcome = Some(read),
                Err(PortError::Permanent { reason }) => damaged = Some(reason),
                Err(error) => return Err(error),
            }
        }
        let number = |attr| u64::try_from(item.number(&attr).unwrap_or(0)).unwrap_or(0);
        let attempt = |epoch: u32| {
            let held = item.text(&Attr::Held(epoch.to_string())).map(json::read).transpose()?;
            let over = item.text(&Attr::Over(epoch.to_string())).map(json::read).transpose()?;
            Ok::<_, PortError>(Attempt { epoch, held, over })
        };
        Ok(PastStep {
            row,
            input: None,
            from: Origin::Nowhere,
            place: String::new(),
            outcome,
            damaged,
            attempts: (1..=step.epoch).map(attempt).collect::<Result<_, _>>()?,
            cost: Spend { tokens: number(Attr::CostTokens), micros: number(Attr::CostMicros) },
            copied_from: item.text(&Attr::CopiedFrom).and_then(|goal| goal.parse().ok()),
            step,
            item,
        })
    }

    pub fn event_id(&self) -> EventId {
        match &self.step.key.kind {
            ItemKind::Step { event, .. } => *event,
            // Only steps are read as such.
            _ => EventId(uuid::Uuid::nil()),
        }
    }

    pub fn is_committed(&self) -> bool {
        self.step.state == State::Committed
    }

    /// The holder that committed or parked it, or has it now.
    pub fn last(&self) -> Option<&Attempt> {
        self.attempts.last()
    }
}

fn place(events: &BTreeMap<EventId, (Event, Origin, usize)>, event: EventId, depth: usize) -> String {
    match events.get(&event) {
        _ if depth == 0 => "…".into(),
        None => format!("{event}"),
        Some((event, Origin::Step(ItemKey { kind: ItemKind::Step { row, event: input }, .. }), turn)) => {
            format!("{} > {row} > {}[{turn:03}]", place(events, *input, depth - 1), event.kind)
        }
        Some((event, Origin::Join(name), _)) => format!("{name} > {}", event.kind),
        Some((event, ..)) => event.kind.to_string(),
    }
}
