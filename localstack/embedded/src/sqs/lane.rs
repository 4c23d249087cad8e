//! Owns which message comes next: by the time it became available, or, in a FIFO queue, by group and sequence.
//! Never knows time or content: it is told what became visible and what did not.
//! Invariant: a FIFO group's messages are offered from its head only, up to the first that is not visible.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::message::Standing;

#[derive(Debug)]
pub(crate) enum Lane {
    Standard(Standard),
    Fifo(Fifo),
}

#[derive(Debug, Default)]
pub(crate) struct Standard {
    /// In the order in which they became visible.
    ready: BTreeMap<u64, u64>,
    next: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Fifo {
    groups: HashMap<Arc<str>, Group>,
    /// The groups whose head is visible, in the order in which it became so.
    ready: BTreeMap<u64, Arc<str>>,
    next: u64,
}

#[derive(Debug, Default)]
struct Group {
    /// Every message of the group by its number, and whether it is visible.
    members: BTreeMap<u64, bool>,
    place: Option<u64>,
}

impl Lane {
    pub(crate) fn new(fifo: bool) -> Lane {
        if fifo { Lane::Fifo(Fifo::default()) } else { Lane::Standard(Standard::default()) }
    }

    /// A message that is not visible yet.
    pub(crate) fn insert(&mut self, message: u64, group: Option<&Arc<str>>) {
        if let Lane::Fifo(lane) = self {
            let name = group.cloned().unwrap_or_default();
            lane.groups.entry(Arc::clone(&name)).or_default().members.insert(message, false);
            lane.refresh(&name);
        }
    }

    /// It can be received from now on, behind all others.
    pub(crate) fn show(&mut self, message: u64, group: Option<&Arc<str>>) -> Standing {
        match self {
            Lane::Standard(lane) => {
                let place = lane.next;
                lane.next += 1;
                lane.ready.insert(place, message);
                Standing::Ready(place)
            }
            Lane::Fifo(lane) => {
                lane.set(message, group, Some(true));
                Standing::Ready(0)
            }
        }
    }

    pub(crate) fn hide(&mut self, message: u64, group: Option<&Arc<str>>, standing: Standing) {
        match (self, standing) {
            (Lane::Standard(lane), Standing::Ready(place)) => drop(lane.ready.remove(&place)),
            (Lane::Standard(_), Standing::Later) => {}
            (Lane::Fifo(lane), _) => lane.set(message, group, Some(false)),
        }
    }

    pub(crate) fn remove(&mut self, message: u64, group: Option<&Arc<str>>, standing: Standing) {
        match self {
            Lane::Standard(_) => self.hide(message, group, standing),
            Lane::Fifo(lane) => lane.set(message, group, None),
        }
    }

    pub(crate) fn has_any(&self) -> bool {
        match self {
            Lane::Standard(lane) => !lane.ready.is_empty(),
            Lane::Fifo(lane) => !lane.ready.is_empty(),
        }
    }

    /// Up to `most` messages that may be received together, in order; of a FIFO queue those of one group.
    pub(crate) fn next(&self, most: usize) -> Vec<u64> {
        match self {
            Lane::Standard(lane) => lane.ready.values().take(most).copied().collect(),
            Lane::Fifo(lane) => lane.ready.values().next().map(|group| lane.run(group, most)).unwrap_or_default(),
        }
    }

    /// As `next`, from anywhere: one message of a standard queue, or of a FIFO queue some group's head.
    pub(crate) fn any(&self, most: usize, chance: &mut fastrand::Rng) -> Vec<u64> {
        match self {
            Lane::Standard(lane) => anywhere(&lane.ready, chance).copied().into_iter().collect(),
            Lane::Fifo(lane) => anywhere(&lane.ready, chance).map(|group| lane.run(group, most)).unwrap_or_default(),
        }
    }
}

/// Some entry, without walking to it.
fn anywhere<'a, T>(ready: &'a BTreeMap<u64, T>, chance: &mut fastrand::Rng) -> Option<&'a T> {
    let (first, last) = (ready.keys().next()?, ready.keys().next_back()?);
    ready.range(chance.u64(*first..=*last)..).next().map(|(_, found)| found)
}

impl Fifo {
    fn run(&self, group: &Arc<str>, most: usize) -> Vec<u64> {
        let members = self.groups.get(group).into_iter().flat_map(|group| &group.members);
        members.take_while(|(_, visible)| **visible).take(most).map(|(message, _)| *message).collect()
    }

    /// `None` removes it.
    fn set(&mut self, message: u64, group: Option<&Arc<str>>, visible: Option<bool>) {
        let name = group.cloned().unwrap_or_default();
        let Some(group) = self.groups.get_mut(&name) else { return };
        match visible {
            Some(visible) => drop(group.members.insert(message, visible)),
            None => drop(group.members.remove(&message)),
        }
        self.refresh(&name);
    }

    fn refresh(&mut self, name: &Arc<str>) {
        let Some(group) = self.groups.get_mut(name) else { return };
        let ready = group.members.values().next().copied();
        match (ready, group.place) {
            (Some(true), None) => {
                group.place = Some(self.next);
                self.ready.insert(self.next, Arc::clone(name));
                self.next += 1;
            }
            (Some(false) | None, Some(place)) => {
                group.place = None;
                self.ready.remove(&place);
            }
            _ => {}
        }
        if ready.is_none() {
            self.groups.remove(name);
        }
    }
}
