//! Owns the spend that lives in the goal item: reservations, what they cost in the end, and what is left.
//! Never lets a goal pass its allowance: `left` falls with the reservation, before anybody is asked.
//! Next: `budget` sends these writes for handlers, claims and effects.

use std::collections::BTreeMap;

use contract::guard::{self, Guard};
use contract::{PortError, Spend};

use super::{Attr, Change, Condition, Item, ItemKey, ItemKind, Mode, Write, WriteName};

/// One write has room for so many removals; whoever books asks until there is nothing left.
pub(crate) const AT_ONCE: usize = 100;

fn render(spend: Spend) -> String {
    format!("{}:{}", spend.tokens, spend.micros)
}

fn parse(text: &str) -> Option<Spend> {
    let (tokens, micros) = text.split_once(':')?;
    Some(Spend { tokens: tokens.parse().ok()?, micros: micros.parse().ok()? })
}

/// As the ledger counts.
pub(super) fn counted(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

/// One call of one attempt of one step: reserving it twice is impossible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub step: ItemKey,
    pub epoch: u32,
    pub number: u32,
}

impl Call {
    fn step_name(key: &ItemKey) -> String {
        match &key.kind {
            ItemKind::Step { row, event } => format!("{row}:{event}"),
            other => other.to_string(),
        }
    }
    fn open(&self) -> Attr {
        Attr::Open(format!("{}:{}:{}", Call::step_name(&self.step), self.epoch, self.number))
    }
    fn floor(step: &ItemKey) -> Attr {
        Attr::Floor(Call::step_name(step))
    }
}

pub fn reserve(call: &Call, bound: Spend) -> Write {
    let floor = Call::floor(&call.step);
    let reach = Condition::Any(vec![Condition::Absent(floor.clone()), Condition::AtMost(floor, call.epoch.into())]);
    let enough = Condition::All(vec![
        Condition::AtLeast(Attr::TokensLeft, counted(bound.tokens)),
        Condition::AtLeast(Attr::MicrosLeft, counted(bound.micros)),
    ]);
    let when = Condition::All(vec![
        Condition::ItemExists,
        Condition::Absent(Attr::Ended).guarded(Guard::ReserveEnded),
        Condition::Absent(call.open()).guarded(Guard::ReserveKey),
        reach.guarded(Guard::ReserveFloor),
        enough.guarded(Guard::ReserveAllowance),
    ]);
    let changes = vec![
        Change::Set(call.open(), render(bound).into()),
        Change::Add(Attr::TokensReserved, counted(bound.tokens)),
        Change::Add(Attr::TokensLeft, -counted(bound.tokens)),
        Change::Add(Attr::MicrosReserved, counted(bound.micros)),
        Change::Add(Attr::MicrosLeft, -counted(bound.micros)),
        Change::Add(Attr::SpendVersion, 1),
    ];
    Write { name: WriteName::Reserve, by: None, key: ItemKey::goal(call.step.goal), mode: Mode::Update, when, changes }
}

/// What a refused reservation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was applied before, and only its reply was lost.
    Mine,
    /// The goal has ended, or somebody else holds the step.
    Deposed,
    Exhausted,
}

pub fn refusal(call: &Call, goal: &Item) -> Refusal {
    if goal.has(&call.open()) {
        Refusal::Mine
    } else if goal.has(&Attr::Ended) || goal.number(&Call::floor(&call.step)).is_some_and(|at| at > call.epoch.into()) {
        Refusal::Deposed
    } else {
        Refusal::Exhausted
    }
}

/// The real cost instead of the bound.
pub fn settle(call: &Call, bound: Spend, cost: Spend) -> Write {
    let changes = vec![
        Change::Remove(call.open()),
        Change::Add(Attr::TokensReserved, -counted(bound.tokens)),
        Change::Add(Attr::TokensSpent, counted(cost.tokens)),
        Change::Add(Attr::TokensLeft, counted(bound.tokens) - counted(cost.tokens)),
        Change::Add(Attr::MicrosReserved, -counted(bound.micros)),
        Change::Add(Attr::MicrosSpent, counted(cost.micros)),
        Change::Add(Attr::MicrosLeft, counted(bound.micros) - counted(cost.micros)),
        Change::Add(Attr::SpendVersion, 1),
    ];
    let when = Condition::All(vec![Condition::ItemExists, Condition::Exists(call.open()).guarded(Guard::SettleKey)]);
    Write { name: WriteName::Settle, by: None, key: ItemKey::goal(call.step.goal), mode: Mode::Update, when, changes }
}

/// Every open key of the step's earlier epochs (and `own`, of this one) is spent at its bound, and no earlier holder
/// may reserve any more. `None`: there is nothing to book.
pub fn book(goal: &Item, step: &ItemKey, epoch: u32, own: bool) -> Result<Option<Write>, PortError> {
    let last = if own && guard::stands(Guard::BookOwn) { epoch } else { epoch.saturating_sub(1) };
    let floor = goal.number(&Call::floor(step)).unwrap_or(0);
    let dead = open_calls(goal, step)?;
    let dead: Vec<_> = dead.into_iter().filter(|((epoch, _), _)| *epoch <= last).take(AT_ONCE).collect();
    let rises = i64::from(epoch) > floor;
    if dead.is_empty() && !rises && guard::stands(Guard::FloorRises) {
        return Ok(None);
    }
    let sum = dead.iter().fold(Spend::default(), |sum, (_, (_, bound))| sum + *bound);
    let to = if guard::stands(Guard::FloorRises) { i64::from(epoch).max(floor) } else { i64::from(epoch) };
    let mut changes = vec![
        Change::Add(Attr::TokensReserved, -counted(sum.tokens)),
        Change::Add(Attr::TokensSpent, counted(sum.tokens)),
        Change::Add(Attr::MicrosReserved, -counted(sum.micros)),
        Change::Add(Attr::MicrosSpent, counted(sum.micros)),
        Change::Add(Attr::SpendVersion, 1),
        Change::Set(Call::floor(step), to.into()),
    ];
    changes.extend(dead.into_iter().map(|(_, (attr, _))| Change::Remove(attr)));
    let version = goal.number(&Attr::SpendVersion).unwrap_or(0);
    let when = Condition::All(vec![Condition::ItemExists, Condition::Equals(Attr::SpendVersion, version.into())]);
    Ok(Some(Write {
        name: WriteName::Book,
        by: None,
        key: ItemKey::goal(step.goal),
        mode: Mode::Update,
        when,
        changes,
    }))
}

/// By epoch and number.
pub type OpenCalls = BTreeMap<(u32, u32), (Attr, Spend)>;

/// A step's open reservations: by epoch and number, the attribute and its bound.
pub fn open_calls(goal: &Item, step: &ItemKey) -> Result<OpenCalls, PortError> {
    let mine = format!("{}:", Call::step_name(step));
    let mut open = BTreeMap::new();
    for attr in goal.attrs.keys() {
        let Attr::Open(name) = attr else { continue };
        let Some((epoch, number)) = name.strip_prefix(&mine).and_then(|call| call.split_once(':')) else { continue };
        let damaged = || PortError::permanent(format!("the reservation {name} is damaged"));
        let bound = goal.text(attr).and_then(parse).ok_or_else(damaged)?;
        let call = (epoch.parse().map_err(|_| damaged())?, number.parse().map_err(|_| damaged())?);
        open.insert(call, (attr.clone(), bound));
    }
    Ok(open)
}
