//! Owns the questions that every renderer and check asks of the table: who may say what, and what leads to what.
//! Never a second list: each answer is computed from rows and joins.
//! Next: `check`, `iam`, `resources`, `asyncapi` and `mermaid`; `decode` asks `may_publish` of each event.

use std::collections::BTreeSet;

use super::{Join, Row, RowLimits, Topology};
use crate::events::{GoalCancelled, GoalCompleted, GoalFailed, GoalRequested, StepFailed};
use crate::{DaemonName, EventData, EventType, JoinName, Source};

impl Topology {
    /// Whether this source may say that: the consumer's side of what the IAM policies allow.
    pub fn may_publish(&self, source: &Source, kind: &EventType) -> bool {
        let from_rows =
            self.rows.iter().any(|row| source.is_of(&row.daemon) && self.said_by(row).any(|said| said == kind));
        from_rows
            || (*source == Source::CHOREOGRAPHY && self.joined_or_ended().any(|said| said == kind))
            || (self.entrances.contains(kind) && *source == Source::USER)
            || self.anybody_may_say(kind)
    }

    /// A goal may come from any application of a user's, under a source of its own.
    pub fn anybody_may_say(&self, kind: &EventType) -> bool {
        *kind == GoalRequested::TYPE && self.entrances.contains(kind)
    }

    /// What a row's daemon publishes under its own source: its outputs, and that a step of it gave up.
    pub fn said_by<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = &'a EventType> {
        let failed = self.declared(&StepFailed::TYPE);
        row.emits.iter().chain(failed)
    }

    /// What a join or a goal's end says, by whichever daemon happens to close it.
    pub fn said_by_choreography(&self) -> BTreeSet<EventType> {
        self.joined_or_ended().cloned().collect()
    }

    fn joined_or_ended(&self) -> impl Iterator<Item = &EventType> {
        const ENDS: [EventType; 3] = [GoalCompleted::TYPE, GoalFailed::TYPE, GoalCancelled::TYPE];
        let ends = ENDS.into_iter().filter_map(|kind| self.declared(&kind));
        self.joins.iter().map(|join| &join.emits).chain(ends)
    }

    /// Who may say this, in the order of the table.
    pub fn sources_of(&self, kind: &EventType) -> Vec<Source> {
        let daemons = self.daemons().into_iter().map(|daemon| Source::of_daemon(&daemon));
        let all = [Source::USER].into_iter().chain(daemons).chain([Source::CHOREOGRAPHY]);
        all.filter(|source| self.may_publish(source, kind)).collect()
    }

    /// Each once, in the order of the table.
    pub fn daemons(&self) -> Vec<DaemonName> {
        let mut all: Vec<DaemonName> = vec![];
        for row in &self.rows {
            if !all.contains(&row.daemon) {
                all.push(row.daemon.clone());
            }
        }
        all
    }

    pub fn rows_of(&self, daemon: &DaemonName) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.daemon == *daemon)
    }

    /// The least that a ledger's record must outlive its goal's deadline by, so that a redrive still finds it.
    pub fn record_s_min(&self) -> u64 {
        let longest = self.rows.iter().map(|row| row.limits.dead_letter_retention_s.max(row.limits.retention_s)).max();
        longest.unwrap_or(0).saturating_add(24 * 3600)
    }

    /// The types that one of this type may lead to, one hop further.
    pub(super) fn leads_to(&self, kind: &EventType) -> Vec<EventType> {
        let mut all = vec![];
        for row in self.rows.iter().filter(|row| row.consumes.contains(kind)) {
            let joins = row.opens.iter().chain(row.arrives.as_ref().map(|arrival| &arrival.join));
            let joined = joins.filter_map(|join| self.joined(join)).map(|join| &join.emits);
            for next in self.said_by(row).chain(joined) {
                if !all.contains(next) {
                    all.push(next.clone());
                }
            }
        }
        all
    }

    fn joined(&self, name: &JoinName) -> Option<&Join> {
        self.joins.iter().find(|join| join.name == *name)
    }

    fn declared(&self, kind: &EventType) -> Option<&EventType> {
        self.events.iter().map(|spec| &spec.kind).find(|declared| *declared == kind)
    }
}

impl RowLimits {
    /// How long after its enqueue SQS may still hand out a message: every receive may last as long as a step may,
    /// and a lease more until the message is seen again.
    pub fn last_redelivery_s(&self) -> u64 {
        u64::from(self.receives_max).saturating_mul(self.step_deadline_s.saturating_add(self.lease_s))
    }
}
