//! Owns what is laid over a fork, record by record, and what of it the fork has done by itself before it was asked for again.
//! Never asks the ledger: `fork` says which copies were refused, and by what.
//! Invariant: what hangs on a step or a join of the fork's own is neither copied nor sent: its contents are others.
//! Next: `plan` makes the records, `fork` writes them in this order.

use std::collections::BTreeSet;

use contract::{Choreography, Event, EventId, JoinName, PortError};

use crate::history::{Origin, PastStep};
use crate::ledger::join::JoinState;
use crate::ledger::{Attr, Item, ItemKey, ItemKind};

/// What goes along as it is.
pub(super) enum Record<'a> {
    /// With the new id of its input.
    Step(&'a PastStep, EventId),
    /// A join that nothing behind the fork's step arrives at, as it closed, with its event under its new name.
    Closed(&'a JoinState, Box<Event>),
}

/// Of the forked goal's steps and joins, those that the fork has, and not as copies. They go on by themselves.
#[derive(Debug, Default)]
pub(super) struct Own<'a> {
    steps: BTreeSet<&'a ItemKey>,
    joins: BTreeSet<JoinName>,
    /// The first of them: what hangs on these is not looked at.
    pub(super) roots: Vec<&'a PastStep>,
    /// Joins that were there before: they may lack what others have brought since.
    pub(super) there: Vec<JoinState>,
}

impl<'a> Own<'a> {
    /// Whether this event is made in the fork itself.
    pub(super) fn makes(&self, from: &Origin) -> bool {
        match from {
            Origin::Step(key) => self.steps.contains(key),
            Origin::Join(name) => self.has_join(name),
            Origin::Request | Origin::Nowhere => false,
        }
    }

    pub(super) fn has_step(&self, step: &PastStep) -> bool {
        self.steps.contains(&step.step.key)
    }

    pub(super) fn has_join(&self, name: &JoinName) -> bool {
        self.joins.contains(name)
    }

    /// Whether it hangs on what is the fork's own: then it is that, too.
    pub(super) fn has(&self, record: &Record<'_>) -> bool {
        match record {
            Record::Step(step, _) => self.makes(&step.from),
            Record::Closed(join, _) => name(join).is_some_and(|name| self.has_join(name)),
        }
    }

    pub(super) fn add(&mut self, choreography: &Choreography, record: &Record<'a>) {
        match record {
            Record::Step(step, _) => {
                self.steps.insert(&step.step.key);
                self.joins.extend(choreography.row(&step.row).and_then(|row| row.opens.clone()));
            }
            Record::Closed(join, _) => self.joins.extend(name(join).cloned()),
        }
    }

    /// Its copy was refused by this item. One that is a copy itself was written when the fork was asked for before.
    pub(super) fn refused(
        &mut self,
        choreography: &Choreography,
        record: &Record<'a>,
        by: &Item,
    ) -> Result<(), PortError> {
        if by.has(&Attr::CopiedFrom) {
            return Ok(());
        }
        self.add(choreography, record);
        match record {
            Record::Step(step, _) => self.roots.push(*step),
            Record::Closed(..) => self.there.push(JoinState::read(by)?),
        }
        Ok(())
    }
}

fn name(join: &JoinState) -> Option<&JoinName> {
    match &join.key.kind {
        ItemKind::Join(name) => Some(name),
        _ => None,
    }
}
