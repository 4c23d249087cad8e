//! Owns the whole of what queues and buses hold, and how it is read back from a store.
//! Never half of it: a row that cannot be read refuses the start.
//! Next: `sqs::Queues` and `events::Buses`.

use super::{Moment, Quirks, ReplyTo, UnixMs};
use crate::events::{self, Buses};
use crate::sqs::{self, Limits, Queues};
use crate::store::{Store, StoreError};

/// One request for the engine.
#[derive(Debug)]
pub(crate) enum Call {
    Sqs(sqs::Request),
    Events(events::Request),
}

#[derive(Debug, Default)]
pub(super) struct State {
    queues: Queues,
    buses: Buses,
}

impl State {
    pub(super) fn read(store: Option<&Store>, limits: Limits) -> Result<State, StoreError> {
        let mut state = State::default();
        state.queues.limits = limits;
        if let Some(store) = store {
            store.read(|row| if row.is_of_sqs() { state.queues.load(&row) } else { state.buses.load(&row) })?;
        }
        Ok(state)
    }

    pub(super) fn perform(&mut self, at: &mut Moment<'_>, call: Call, quirks: &Quirks, reply: ReplyTo) {
        match call {
            Call::Sqs(request) => self.queues.perform(at, request, quirks, reply),
            Call::Events(request) => self.buses.perform(at, &mut self.queues, request, quirks, reply),
        }
    }

    pub(super) fn dismiss(&mut self, at: &mut Moment<'_>) {
        self.queues.dismiss(at);
    }

    /// Buses first: what they deliver wakes the long polls of the same moment.
    pub(super) fn tick(&mut self, at: &mut Moment<'_>) {
        self.buses.tick(at, &mut self.queues);
        self.queues.tick(at);
    }

    pub(super) fn wakes_at(&self) -> Option<UnixMs> {
        match (self.queues.wakes_at(), self.buses.wakes_at()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}
