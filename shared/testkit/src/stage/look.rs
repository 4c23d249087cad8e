//! Owns what a test may see of its stage: the log of calls, items of the ledger, events that were published.
//! Never changes anything.
//! Next: the tests.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::events::{GoalCancelled, GoalCompleted, GoalFailed};
use contract::{Choreography, Event, EventData, GoalId, JoinName, RowName, UnixMs};
use runtime::ledger::goal::Goal;
use runtime::ledger::join::JoinState;
use runtime::ledger::step::Step;
use runtime::ledger::{Attr, Item, ItemKey, ItemKind, WriteName};

use super::{Call, Outcome, Stage, locked};
use crate::memory::MemoryCloud;
use crate::place::Op;

impl Stage {
    pub fn cloud(&self) -> &MemoryCloud {
        &self.0.cloud
    }

    pub fn choreography(&self) -> &Choreography {
        &self.0.choreography
    }

    /// The servers' time.
    pub fn now(&self) -> UnixMs {
        contract::Clock::now(&self.0.clock)
    }

    /// Every call so far of that kind.
    pub fn calls(&self, op: Op) -> Vec<Call> {
        locked(&self.0.log).iter().filter(|call| call.op == op).cloned().collect()
    }

    pub fn log(&self) -> Vec<Call> {
        locked(&self.0.log).clone()
    }

    pub(super) fn calls_but_looking(&self) -> usize {
        let looks = |op| matches!(op, Op::Receive | Op::Due | Op::Read);
        locked(&self.0.log).iter().filter(|call| !looks(call.op)).count()
    }

    /// How many writes of that name were applied.
    pub fn applied(&self, name: WriteName) -> usize {
        self.written(name, Outcome::Applied)
    }

    /// How many writes of that name were refused.
    pub fn refused(&self, name: WriteName) -> usize {
        self.written(name, Outcome::Refused)
    }

    fn written(&self, name: WriteName, outcome: Outcome) -> usize {
        self.calls(Op::Write(name)).iter().filter(|call| call.outcome == outcome).count()
    }

    /// How often a row's handler was asked.
    pub fn asked(&self, row: &str) -> usize {
        let name = format!("/{row}#");
        self.calls(Op::Handler).iter().filter(|call| call.about.contains(&name)).count()
    }

    /// Everything published of that type, repetitions included.
    pub fn published<T: EventData>(&self) -> Vec<Event> {
        self.0.cloud.bus.published().into_iter().filter(|event| event.kind == T::TYPE).collect()
    }

    /// The same of one goal.
    pub fn told<T: EventData>(&self, goal: GoalId) -> Vec<Event> {
        self.published::<T>().into_iter().filter(|event| event.goal == goal).collect()
    }

    pub fn item(&self, key: &ItemKey) -> Option<Item> {
        self.0.cloud.ledger.item(key)
    }

    pub fn goal_of(&self, goal: GoalId) -> Option<Goal> {
        Goal::read(&self.item(&ItemKey::goal(goal))?).ok()
    }

    pub fn goal_item(&self, goal: GoalId) -> Option<Item> {
        self.item(&ItemKey::goal(goal))
    }

    /// How the goal ended, and whether that was told.
    pub fn end_of(&self, goal: GoalId) -> Option<(Event, bool)> {
        let goal = self.goal_of(goal)?;
        goal.join.closed.map(|event| (event, goal.join.told))
    }

    pub fn join_of(&self, goal: GoalId, join: &'static str) -> Option<JoinState> {
        JoinState::read(&self.item(&ItemKey::join(goal, &JoinName::new(join)))?).ok()
    }

    /// The items of a row's steps in a goal.
    pub fn steps(&self, goal: GoalId, row: &'static str) -> Vec<Item> {
        let row = RowName::new(row);
        let is_its = |item: &Item| matches!(&item.key.kind, ItemKind::Step { row: of, .. } if *of == row);
        self.0.cloud.ledger.items().into_iter().filter(|item| item.key.goal == goal && is_its(item)).collect()
    }

    /// The first of them, read.
    pub fn step(&self, goal: GoalId, row: &'static str) -> Option<Step> {
        Step::read(self.steps(goal, row).first()?).ok()
    }

    /// How many holders a step had, by what its item recorded of each epoch.
    pub fn holders(&self, goal: GoalId, row: &'static str) -> usize {
        let held = |item: &Item| item.attrs.keys().filter(|attr| matches!(attr, Attr::Held(_))).count();
        self.steps(goal, row).first().map_or(0, held)
    }

    pub fn elapsed(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// What the daemons counted, as Prometheus is shown it.
    pub fn metrics(&self) -> String {
        self.0.telemetry.metrics().render_prometheus()
    }
}

/// What tests demand of every goal.
impl Stage {
    /// The goal's one end: told at least once, always in the same words, and no other end beside it.
    #[track_caller]
    pub fn one_end<T: EventData>(&self, goal: GoalId) -> Event {
        let told = self.told::<T>(goal);
        let all = self.told::<GoalCompleted>(goal).len()
            + self.told::<GoalFailed>(goal).len()
            + self.told::<GoalCancelled>(goal).len();
        assert!(!told.is_empty() && all == told.len(), "{} of {goal}: {told:?} of {all} ends\n{self:?}", T::TYPE);
        assert!(told.iter().all(|event| *event == told[0]), "an end told in two ways: {told:?}");
        assert!(self.end_of(goal).is_some_and(|(event, told)| told && event == self.told::<T>(goal)[0]), "{self:?}");
        told[0].clone()
    }

    /// No event was ever published with two contents.
    #[track_caller]
    pub fn one_content(&self) {
        let mut contents: BTreeMap<contract::EventId, contract::Digest> = BTreeMap::new();
        for event in self.0.cloud.bus.published() {
            let first = contents.entry(event.id).or_insert_with(|| event.digest());
            assert_eq!(*first, event.digest(), "{} {} has two contents\n{self:?}", event.kind, event.id);
        }
    }
}
