//! Owns EventBridge: buses, rules, targets, archives and replays, and where each event goes.
//! Never a queue: what a target gets is handed to `sqs::Queues::deliver`; what that refuses is tried again, then dead-lettered.
//! Next: `request` reads and checks what was asked, off the engine's thread; `Buses` carries it out.

use crate::ApiError;
use crate::engine::{Moment, Quirks, ReplyTo, UnixMs};
use crate::sqs::Queues;
use crate::store::{Row, StoreError};

/// One request, read and checked as far as that needs no state.
#[derive(Debug)]
pub(crate) enum Request {}

impl Request {
    /// The bus that is meant, for faults and the operation log.
    pub(crate) fn bus(&self) -> Option<&str> {
        match *self {}
    }

    /// `operation` as in `AWSEvents.PutEvents`.
    pub(crate) fn parse(operation: &str, _body: &[u8]) -> Result<Request, ApiError> {
        Err(ApiError::not_implemented(&format!("EventBridge {operation}")))
    }
}

/// All buses.
#[derive(Debug, Default)]
pub(crate) struct Buses {}

impl Buses {
    /// One row of `Space::Bus` and later, as read from the store; rows come in order.
    pub(crate) fn load(&mut self, _row: &Row) -> Result<(), StoreError> {
        Ok(())
    }

    pub(crate) fn perform(
        &mut self,
        _at: &mut Moment<'_>,
        _queues: &mut Queues,
        request: Request,
        _quirks: &Quirks,
        _reply: ReplyTo,
    ) {
        match request {}
    }

    /// What time alone brings: deliveries that are tried again, replays that go on, archives that expire.
    pub(crate) fn tick(&mut self, _at: &mut Moment<'_>, _queues: &mut Queues) {}

    pub(crate) fn wakes_at(&self) -> Option<UnixMs> {
        None
    }
}
