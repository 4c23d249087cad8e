//! Owns how far events lead from the goal: loops, and the longest way without one.
//! Never forbids a loop: agents may feed each other, as long as a hop limit ends it.
//! Next: `decode` rejects what has gone further than `hops_max`.

use std::collections::BTreeMap;

use super::super::{Problem, Topology};
use crate::EventType;

pub(super) fn problems(topology: &Topology) -> Vec<Problem> {
    let mut walk = Walk { topology, done: BTreeMap::new(), under_way: vec![], cycle: None };
    let entrances = topology.entrances.iter().map(|kind| walk.from(kind)).max_by_key(|way| way.hops);
    let farthest = entrances.unwrap_or(Way { hops: 0, end: EventType::new("") });
    // Loops that no entrance leads to are loops all the same.
    for spec in &topology.events {
        walk.from(&spec.kind);
    }
    let mut found = vec![];
    if let Some(cycle) = walk.cycle.filter(|_| topology.hops_max == 0) {
        let hops_min = farthest.hops.max(cycle.len() as u32);
        found.push(Problem::CycleWithoutHopLimit { cycle, hops_min });
    }
    if farthest.hops > topology.hops_max {
        let (path_end, hops_min) = (farthest.end, farthest.hops);
        found.push(Problem::HopsBelowPath { path_end, hops_min, hops_max: topology.hops_max });
    }
    found
}

#[derive(Clone, Debug)]
struct Way {
    hops: u32,
    end: EventType,
}

struct Walk<'a> {
    topology: &'a Topology,
    done: BTreeMap<EventType, Way>,
    under_way: Vec<EventType>,
    cycle: Option<Vec<EventType>>,
}

impl Walk<'_> {
    /// The longest way on from here, not counting arrows that lead back to where we came from.
    fn from(&mut self, kind: &EventType) -> Way {
        if let Some(way) = self.done.get(kind) {
            return way.clone();
        }
        self.under_way.push(kind.clone());
        let mut longest = Way { hops: 0, end: kind.clone() };
        for next in self.topology.leads_to(kind) {
            if let Some(start) = self.under_way.iter().position(|earlier| *earlier == next) {
                self.cycle.get_or_insert_with(|| self.under_way[start..].to_vec());
                continue;
            }
            let way = self.from(&next);
            if way.hops + 1 > longest.hops {
                longest = Way { hops: way.hops + 1, end: way.end };
            }
        }
        self.under_way.pop();
        self.done.insert(kind.clone(), longest.clone());
        longest
    }
}
