//! Owns what becomes of each record in a fork: copied, opened anew, sent, or left; and the writes that this takes.
//! Never writes: `fork` does, each only where nothing is yet.
//! Invariant: nothing that the fork's end waits for is left with nobody at work on it.
//! Next: `rename` has the new ids, `own` what is left to the fork itself.

use std::collections::{BTreeMap, BTreeSet};

use contract::events::ArrivalStatus;
use contract::topology::{Members, Row};
use contract::{Artifacts, Choreography, Digest, Event, EventId, JoinName, PortError, RowName, Unit, UnixMs};

use super::Means;
use super::own::{Own, Record};
use super::rename::Names;
use crate::history::{Arrives, History, Origin, PastStep};
use crate::ledger::goal::Goal;
use crate::ledger::join::{Brought, JoinState, Opening};
use crate::ledger::step::State;
use crate::ledger::{self, Attr, Change, ItemKey, Mode, Value, Write, WriteName, json};
use crate::outcome;

pub(super) struct Plan<'a> {
    choreography: &'a Choreography,
    names: Names,
    deadline: UnixMs,
    /// In causal order.
    pub(super) records: Vec<Record<'a>>,
    /// Joins that close anew, with what has arrived already.
    opened: Vec<(Opening, Arrivals)>,
    terminal: Arrivals,
    /// When the goal may be looked at, where nothing of it is waited for.
    complete_at: Option<UnixMs>,
    sent: Vec<Sent>,
    pub(super) left: Vec<&'a PastStep>,
}

/// A message to a row.
struct Sent {
    row: RowName,
    event: Event,
    /// What it was called in the forked goal, and who made it there.
    was: EventId,
    from: Origin,
}

type Arrivals = BTreeMap<String, Brought>;

/// What the step leads to.
struct Downstream<'a> {
    steps: BTreeSet<&'a ItemKey>,
    /// Joins that one of them opens.
    opened: BTreeSet<&'a JoinName>,
    /// Where they arrive, and as whom.
    members: BTreeSet<(&'a JoinName, String)>,
}

impl<'a> Plan<'a> {
    pub(super) fn of(
        means: Means<'a>,
        history: &'a History,
        from: &'a PastStep,
        request: &Event,
        deadline: UnixMs,
        now: UnixMs,
    ) -> Plan<'a> {
        let choreography = means.choreography;
        let down = Downstream::of(choreography, history, from);
        let mut plan = Plan {
            choreography,
            names: Names::new(request, deadline),
            deadline,
            records: vec![],
            opened: vec![],
            terminal: BTreeMap::new(),
            complete_at: None,
            sent: vec![],
            left: vec![],
        };
        plan.names.add(history.goal.request.id, request.id);
        plan.copy_steps(history, &down, request);
        plan.reopen(history, &down, now);
        plan.terminal = plan.arrivals(history.goal.join.arrived.iter(), &down, None);
        plan.send(history, &down, from, request);
        let waits = match choreography.terminal_join().map(|join| &join.members) {
            Some(Members::Terminal { required, optional }) => {
                required.iter().chain(optional).any(|row| !plan.terminal.contains_key(row.as_str()))
            }
            _ => false,
        };
        let limits = choreography.row(&from.row).map(|row| means.settings.limits_of(row));
        let step_s = limits.map_or(0, |limits| limits.step_deadline_s + limits.lease_s);
        plan.complete_at = (!waits).then(|| now + std::time::Duration::from_secs(step_s));
        plan
    }

    pub(super) fn copied(&self) -> impl Iterator<Item = (&'a PastStep, EventId)> {
        self.records.iter().filter_map(|record| match record {
            Record::Step(step, input) => Some((*step, *input)),
            Record::Closed(..) => None,
        })
    }

    /// Joins that nothing behind the step arrives at.
    fn closed(&self) -> impl Iterator<Item = (&JoinName, &'a JoinState)> {
        self.records.iter().filter_map(|record| match record {
            Record::Closed(join, _) => match &join.key.kind {
                ledger::ItemKind::Join(name) => Some((name, *join)),
                _ => None,
            },
            Record::Step(..) => None,
        })
    }

    /// In causal order, so that each step's input has its name before the step's outputs are given theirs.
    fn copy_steps(&mut self, history: &'a History, down: &Downstream<'_>, request: &Event) {
        let mut closed = BTreeSet::new();
        for step in &history.steps {
            if let Origin::Join(name) = &step.from
                && closed.insert(name)
            {
                self.copy_closed(history, name, down, request);
            }
            if down.steps.contains(&step.step.key) {
                continue;
            }
            let Some(input) = self.names.id(step.event_id()) else {
                self.left.push(step);
                continue;
            };
            let Some(outcome) = &step.outcome else { continue };
            let mut turns = BTreeMap::new();
            for event in &outcome.emits {
                let turn: &mut usize = turns.entry(&event.kind).or_default();
                let unit = Unit::output(step.row.as_str(), input, *turn);
                self.names.add(event.id, EventId::derive(request.goal, &event.kind, &unit));
                *turn += 1;
            }
            self.records.push(Record::Step(step, input));
        }
        // Closed, and nobody has taken its event.
        for name in history.joins.keys().filter(|name| !closed.contains(name)) {
            self.copy_closed(history, name, down, request);
        }
    }

    fn copy_closed(&mut self, history: &'a History, name: &JoinName, down: &Downstream<'_>, request: &Event) {
        let Some(join) = history.joins.get(name).filter(|_| !down.touches(name)) else { return };
        let Some(event) = &join.closed else { return };
        self.names.add(event.id, EventId::derive(request.goal, &event.kind, &Unit::join(name.as_str())));
        if let Some(event) = self.names.event(event) {
            self.records.push(Record::Closed(join, Box::new(event)));
        }
    }

    fn is_closed(&self, name: &JoinName) -> bool {
        self.closed().any(|(closed, _)| closed == name)
    }

    /// Members, quorum and head as they were; a new time; what others have brought; nothing closed.
    fn reopen(&mut self, history: &'a History, down: &Downstream<'_>, now: UnixMs) {
        let none = BTreeMap::new();
        let openings: Vec<&Opening> =
            self.copied().filter_map(|(step, _)| step.outcome.as_ref()?.opens.as_ref()).collect();
        for opening in openings {
            if self.is_closed(&opening.join) {
                continue;
            }
            let arrived = history.joins.get(&opening.join).map_or(&none, |join| &join.arrived);
            let arrivals = self.arrivals(arrived.iter(), down, Some(&opening.join));
            let mut anew = self.names.opening(opening);
            if let Some(join) = self.choreography.join(&opening.join) {
                anew.due_at = outcome::due_at(self.choreography, join, self.deadline, now);
            }
            if anew.members.iter().all(|member| arrivals.contains_key(member)) {
                // Nobody will arrive any more: whoever sweeps closes it.
                anew.due_at = now;
            }
            self.opened.push((anew, arrivals));
        }
    }

    /// What copied steps have brought to a join: as it says itself, and as their records say where it does not yet. A
    /// failure is no result: its step is tried again.
    fn arrivals<'b>(
        &self,
        arrived: impl Iterator<Item = (&'b String, &'b (ArrivalStatus, Brought))>,
        down: &Downstream<'_>,
        at: Option<&JoinName>,
    ) -> Arrivals {
        let terminal = self.choreography.terminal_join().map(|join| &join.name);
        let Some(name) = at.or(terminal) else { return Arrivals::new() };
        let is_copied = |member: &str| !down.members.iter().any(|(join, other)| *join == name && other == member);
        let said = arrived.filter(|(_, (status, _))| *status == ArrivalStatus::Ok);
        let mut all: Arrivals = said
            .filter(|(member, _)| is_copied(member))
            .map(|(member, (_, brought))| (self.names.member(member), self.names.brought(brought)))
            .collect();
        for arrives in self.copied().filter_map(|(step, _)| step.outcome.as_ref()?.arrives.as_ref()) {
            if arrives.join == *name {
                let brought = || self.names.brought(&arrives.brought);
                all.entry(self.names.member(&arrives.member)).or_insert_with(brought);
            }
        }
        all
    }

    /// The step itself; and whatever was to be done with a copied event and never was.
    fn send(&mut self, history: &'a History, down: &Downstream<'_>, from: &PastStep, request: &Event) {
        let mut old: Vec<(&Event, Origin)> = vec![(&history.goal.request, Origin::Request)];
        for (step, outcome) in self.copied().filter_map(|(step, _)| Some((step, step.outcome.as_ref()?))) {
            old.extend(outcome.emits.iter().map(|event| (event, Origin::Step(step.step.key.clone()))));
        }
        old.extend(self.closed().filter_map(|(name, join)| Some((join.closed.as_ref()?, Origin::Join(name.clone())))));
        for (event, made_by) in old {
            for row in self.choreography.rows.iter().filter(|row| row.consumes.contains(&event.kind)) {
                let is_it = |step: &&PastStep| step.row == row.name && step.event_id() == event.id;
                let past = history.steps.iter().find(is_it);
                let is_from = past.is_some_and(|past| past.step.key == from.step.key);
                // One whose outcome cannot be read was not copied.
                let is_done = past.is_some_and(|past| past.outcome.is_some()) || !self.is_waited_for(row);
                if !is_from && (is_done || past.is_some_and(|past| down.steps.contains(&past.step.key))) {
                    self.keep_parked(past.filter(|past| past.step.state == State::Parked));
                    continue;
                }
                let new =
                    if event.id == history.goal.request.id { Some(request.clone()) } else { self.names.event(event) };
                let Some(new) = new else { continue };
                let new = Event { trace: request.trace.clone(), ..new };
                self.sent.push(Sent { row: row.name.clone(), event: new, was: event.id, from: made_by.clone() });
            }
        }
    }

    /// What goes to rows' queues, but for what the fork makes by itself.
    pub(super) fn messages(&self, own: &Own<'_>) -> impl Iterator<Item = (&RowName, &Event)> {
        self.sent.iter().filter(|sent| !own.makes(&sent.from)).map(|sent| (&sent.row, &sent.event))
    }

    /// Where the same key led here before, its joins and its goal may lack what others have brought since. Their steps'
    /// records are there by now: a message makes them arrive.
    pub(super) fn late(&self, join: &JoinState, request: &Event, own: &Own<'_>) -> Vec<(RowName, Event)> {
        let name = match &join.key.kind {
            ledger::ItemKind::Join(name) => Some(name),
            _ => self.choreography.terminal_join().map(|join| &join.name),
        };
        let is_late = |step: &PastStep| {
            let arrives = step.outcome.as_ref().and_then(|outcome| outcome.arrives.as_ref());
            arrives.is_some_and(|arrives: &Arrives| {
                Some(&arrives.join) == name && !join.arrived.contains_key(&self.names.member(&arrives.member))
            })
        };
        if join.closed.is_some() {
            return vec![];
        }
        let late = self.copied().filter(|(step, _)| !own.has_step(step) && is_late(step));
        late.filter_map(|(step, input)| self.again(step, input, request)).collect()
    }

    /// What makes a copied step arrive.
    fn again(&self, step: &PastStep, input: EventId, request: &Event) -> Option<(RowName, Event)> {
        let event = if input == request.id { request.clone() } else { self.names.event(step.input.as_ref()?)? };
        Some((step.row.clone(), Event { trace: request.trace.clone(), ..event }))
    }

    /// A message that no queue would take; of those, too, that are sent only where an arrival is late.
    pub(super) fn too_large(&self, request: &Event) -> Option<Event> {
        let arrives = |step: &PastStep| step.outcome.as_ref().is_some_and(|outcome| outcome.arrives.is_some());
        let late = self.copied().filter(|(step, _)| arrives(step));
        let late = late.filter_map(|(step, input)| Some(self.again(step, input, request)?.1));
        let mut all = self.sent.iter().map(|sent| sent.event.clone()).chain(late);
        all.find(|event| event.json_bytes() > contract::limits::EVENT_BYTES_MAX)
    }

    /// It gave up, and the join at which it would have arrived closed without it: that is a record, too.
    fn keep_parked(&mut self, past: Option<&'a PastStep>) {
        let Some(past) = past else { return };
        if let Some(input) = self.names.id(past.event_id()) {
            self.records.push(Record::Step(past, input));
        }
    }

    fn is_waited_for(&self, row: &Row) -> bool {
        row.arrives.as_ref().is_none_or(|at| !self.is_closed(&at.join))
    }

    /// Those too that the fork has been at work on by itself since it was asked for before.
    pub(super) fn sent_labels(&self, history: &History, own: &Own<'_>) -> Vec<String> {
        let sent = self.sent.iter().filter(|sent| !own.makes(&sent.from)).map(|sent| {
            let past = history.steps.iter().find(|past| past.row == sent.row && past.event_id() == sent.was);
            past.map_or_else(|| sent.row.to_string(), |past| history.label(past))
        });
        sent.chain(own.roots.iter().map(|step| history.label(step))).collect()
    }

    pub(super) fn copied_labels(&self, history: &History, own: &Own<'_>) -> Vec<String> {
        self.copied().filter(|(step, _)| !own.has_step(step)).map(|(step, _)| history.label(step)).collect()
    }

    // ---- writes

    /// The goal as it is accepted, with what has arrived at its end already.
    pub(super) fn goal_write(&self, mut fresh: Write, now: UnixMs) -> Write {
        let arrived = i64::try_from(self.terminal.len()).unwrap_or(i64::MAX);
        fresh.changes.retain(|change| !matches!(change, Change::Set(Attr::Version, _)));
        fresh.changes.push(Change::Set(Attr::Version, arrived.into()));
        fresh.changes.extend(arrival_changes(&self.terminal));
        if let Some(at) = self.complete_at {
            fresh.changes.retain(|change| !matches!(change, Change::Set(Attr::DueAt, _)));
            fresh.changes.push(Change::Set(Attr::DueAt, at.min(self.deadline).max(now).into()));
        }
        fresh
    }

    pub(super) async fn write(
        &self,
        record: &Record<'_>,
        goal: &Goal,
        artifacts: &dyn Artifacts,
        now: UnixMs,
    ) -> Result<Write, PortError> {
        match record {
            Record::Step(step, input) => self.step_write(step, *input, goal, artifacts, now).await,
            Record::Closed(join, event) => Ok(self.closed_write(join, event, goal, now)),
        }
    }

    /// As it was committed, or parked; a message that comes for it all the same would repeat its effects, no more.
    async fn step_write(
        &self,
        step: &PastStep,
        input: EventId,
        goal: &Goal,
        artifacts: &dyn Artifacts,
        now: UnixMs,
    ) -> Result<Write, PortError> {
        let mut attrs = step.item.attrs.clone();
        for gone in [Attr::Emitted, Attr::Unbooked, Attr::DueAt, Attr::DueShard] {
            attrs.remove(&gone);
        }
        let request = &goal.request;
        let consumed = step.input.as_ref().and_then(|event| self.names.event(event));
        let consumed = if input == request.id { Some(request.clone()) } else { consumed };
        let digest = consumed.map_or_else(|| step.step.digest.clone(), |event| Digest::of_data(&event.data));
        attrs.insert(Attr::Digest, digest.as_str().into());
        if let Some(outcome) = &step.outcome {
            let renamed = outcome::written(artifacts, &self.names.outcome(outcome)).await?;
            attrs.insert(Attr::Outcome, renamed.into());
        }
        attrs.insert(Attr::CopiedFrom, step.step.key.goal.to_string().into());
        let key = ItemKey::step(request.goal, &step.row, input);
        Ok(copy(key, attrs.into_iter().map(|(attr, value)| Change::Set(attr, value)).collect(), goal, now))
    }

    fn closed_write(&self, join: &JoinState, event: &Event, goal: &Goal, now: UnixMs) -> Write {
        let members = self.names.members(join.members.as_deref().unwrap_or_default());
        let quorum = u32::try_from(join.quorum).unwrap_or(u32::MAX);
        let required = self.names.members(&join.required);
        let mut changes = Opening::changes(&members, &required, quorum, &self.names.head(&join.head));
        changes.extend([
            Change::Set(Attr::Version, join.version.into()),
            Change::Set(Attr::Ended, json::text(event)),
            Change::Set(Attr::Emitted, true.into()),
            Change::Set(Attr::CopiedFrom, join.key.goal.to_string().into()),
        ]);
        for (member, (status, brought)) in &join.arrived {
            let word = if *status == ArrivalStatus::Ok { "ok" } else { "failed" };
            changes.extend(arrival(&self.names.member(member), word, &self.names.brought(brought)));
        }
        copy(ItemKey { goal: goal.request.goal, kind: join.key.kind.clone() }, changes, goal, now)
    }

    /// But for those that a step of the fork's own opens.
    pub(super) fn opened_writes(&self, goal: &Goal, own: &Own<'_>, now: UnixMs) -> Vec<Write> {
        let id = goal.request.goal;
        let opened = self.opened.iter().filter(|(opening, _)| !own.has_join(&opening.join));
        let write = |(opening, arrivals): &(Opening, Arrivals)| {
            let mut changes = Opening::changes(&opening.members, &opening.required, opening.quorum, &opening.head);
            let arrived = i64::try_from(arrivals.len()).unwrap_or(i64::MAX);
            changes.extend([
                Change::Set(Attr::Version, arrived.into()),
                Change::Set(Attr::DueAt, opening.due_at.into()),
                Change::Set(Attr::DueShard, ledger::due_shard(id)),
            ]);
            changes.extend(arrival_changes(arrivals));
            copy(ItemKey::join(id, &opening.join), changes, goal, now)
        };
        opened.map(write).collect()
    }
}

fn arrival_changes(arrivals: &Arrivals) -> impl Iterator<Item = Change> {
    arrivals.iter().flat_map(|(member, brought)| arrival(member, "ok", brought))
}

fn arrival(member: &str, word: &str, brought: &Brought) -> [Change; 2] {
    [
        Change::Set(Attr::Status(member.to_owned()), Value::from(word)),
        Change::Set(Attr::Arrived(member.to_owned()), json::text(brought)),
    ]
}

/// Only where there is nothing yet: whoever is at work in the fork already is not disturbed.
fn copy(key: ItemKey, mut changes: Vec<Change>, goal: &Goal, now: UnixMs) -> Write {
    changes.retain(|change| !matches!(change, Change::Set(Attr::ExpiresAt | Attr::Ttl, _)));
    changes.extend(ledger::expires(goal.expires_at));
    Write { name: WriteName::Copied, by: None, key, mode: Mode::Replace, when: ledger::absent(now), changes }
}

impl<'a> Downstream<'a> {
    fn of(choreography: &'a Choreography, history: &'a History, from: &'a PastStep) -> Downstream<'a> {
        let mut down = Downstream { steps: BTreeSet::new(), opened: BTreeSet::new(), members: BTreeSet::new() };
        down.add(choreography, from);
        loop {
            let before = down.steps.len();
            for step in &history.steps {
                let follows = match &step.from {
                    Origin::Step(key) => down.steps.contains(key),
                    Origin::Join(name) => down.touches(name),
                    Origin::Request | Origin::Nowhere => false,
                };
                if follows {
                    down.add(choreography, step);
                }
            }
            if down.steps.len() == before {
                return down;
            }
        }
    }

    fn add(&mut self, choreography: &'a Choreography, step: &'a PastStep) {
        self.steps.insert(&step.step.key);
        if let Some(arrives) = step.outcome.as_ref().and_then(|outcome| outcome.arrives.as_ref()) {
            self.members.insert((&arrives.join, arrives.member.clone()));
        }
        let Some(row) = choreography.row(&step.row) else { return };
        self.opened.extend(row.opens.as_ref());
        if let Some(at) = &row.arrives {
            self.members.insert((&at.join, row.member(at.member, step.event_id())));
        }
    }

    /// Whether anything behind the step opens this join, or arrives there.
    fn touches(&self, name: &JoinName) -> bool {
        self.opened.contains(name) || self.members.iter().any(|(join, _)| *join == name)
    }
}
