//! Owns what a whole goal costs at least, in calls to servers: the sum of `docs/protocol.md` §7, computed from the table.
//! Never a measurement, and never a price: the calls that no implementation of the protocol can do without.
//! Next: a test of `testkit` holds the calls of a simulated run against it.

use super::Topology;
use crate::events::GoalRequested;
use crate::{EventData, EventType};

/// What the table does not say of one goal: how much its handlers have to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Events that each opener of a join makes members of it: for research, the tasks.
    pub members: u32,
    /// Of each step whose row may spend.
    pub model_calls: u32,
    /// Of the whole goal.
    pub heartbeats: u32,
    /// Of the whole goal.
    pub artifacts: u32,
    /// Entries of each call that takes several: ten where batches are full.
    pub batch_fill: u32,
}

/// Calls of one name; less than one where several goals share a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    pub call: &'static str,
    pub calls: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Cost(pub Vec<Term>);

#[derive(Default)]
struct Tally {
    steps: u32,
    events: u32,
    joins: u32,
    arrivals: u32,
    model_calls: u32,
}

impl Cost {
    pub fn total(&self) -> f64 {
        self.0.iter().map(|term| term.calls).sum()
    }

    pub fn of(&self, call: &str) -> f64 {
        self.0.iter().filter(|term| term.call == call).map(|term| term.calls).sum()
    }
}

impl Topology {
    /// The least that a goal costs which completes, where every row emits one event of each of its types. A loop is
    /// walked no further than to where it begins again.
    pub fn cost_of_a_goal(&self, work: &Work) -> Cost {
        let mut tally = Tally::default();
        self.walk(&GoalRequested::TYPE, 1, work, &mut vec![], &mut tally);
        // The end is an event, too.
        tally.events += 1;
        let batched = |entries: u32| f64::from(entries) / f64::from(work.batch_fill.max(1));
        let terms = [
            ("receive", batched(tally.steps)),
            ("goal-states", batched(tally.steps)),
            ("claim", tally.steps.into()),
            ("commit", tally.steps.into()),
            ("emit", batched(tally.events)),
            ("delete", batched(tally.steps)),
            ("accept", 1.0),
            ("end", 1.0),
            ("open", tally.joins.into()),
            ("close", tally.joins.into()),
            ("told", f64::from(1 + tally.joins)),
            ("arrive", tally.arrivals.into()),
            ("reserve", tally.model_calls.into()),
            ("settle", tally.model_calls.into()),
            ("heartbeat", f64::from(2 * work.heartbeats)),
            ("artifact", work.artifacts.into()),
        ];
        Cost(terms.into_iter().map(|(call, calls)| Term { call, calls }).collect())
    }

    /// What follows from so many events of a type, over all arrows.
    fn walk(&self, kind: &EventType, times: u32, work: &Work, path: &mut Vec<EventType>, tally: &mut Tally) {
        if path.contains(kind) {
            return;
        }
        path.push(kind.clone());
        for row in self.rows.iter().filter(|row| row.consumes.contains(kind)) {
            tally.steps += times;
            tally.arrivals += if row.arrives.is_some() { times } else { 0 };
            tally.model_calls += if row.spends { times * work.model_calls } else { 0 };
            let opened = self.joins.iter().find(|join| row.opens.as_ref() == Some(&join.name));
            for emitted in &row.emits {
                let is_member = opened.is_some_and(|join| {
                    let mut consumers = self.rows.iter().filter(|row| row.consumes.contains(emitted));
                    consumers.any(|row| row.arrives.as_ref().is_some_and(|at| at.join == join.name))
                });
                let events = if is_member { times * work.members } else { times };
                tally.events += events;
                self.walk(emitted, events, work, path, tally);
            }
            if let Some(join) = opened {
                tally.joins += times;
                tally.events += times;
                self.walk(&join.emits, times, work, path, tally);
            }
        }
        path.pop();
    }
}
