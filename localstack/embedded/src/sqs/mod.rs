//! Owns SQS: every queue with its messages, in memory and in the journal, and what each operation does to them.
//! Never a clock, a socket or a file: time comes with the moment, rows go into its journal.
//! Next: `request` reads and checks what was asked, off the engine's thread; `Queues` carries it out.

use crate::ApiError;
use crate::engine::{Incoming, Moment, Quirks, ReplyTo, UnixMs};
use crate::store::{Row, StoreError};

/// One request, read and checked as far as that needs no state.
#[derive(Debug)]
pub(crate) enum Request {}

impl Request {
    /// `operation` as in `AmazonSQS.SendMessage`.
    pub(crate) fn parse(operation: &str, _body: &[u8]) -> Result<Request, ApiError> {
        Err(ApiError::not_implemented(&format!("SQS {operation}")))
    }

    /// The queue that is meant, by its name, for faults and the operation log.
    pub(crate) fn queue(&self) -> Option<&str> {
        match *self {}
    }
}

/// All queues.
#[derive(Debug, Default)]
pub(crate) struct Queues {}

impl Queues {
    /// One row of `Space::Queue` to `Space::MoveTask`, as read from the store; rows come in order.
    pub(crate) fn load(&mut self, _row: &Row) -> Result<(), StoreError> {
        Ok(())
    }

    /// Carries out a request; its answer goes through `at.answer`, now or, for a long poll, in a later moment.
    pub(crate) fn perform(&mut self, _at: &mut Moment<'_>, request: Request, _quirks: &Quirks, _reply: ReplyTo) {
        match request {}
    }

    /// What time alone brings: visibility and delays that end, long polls that wake or give up, retention, moves.
    pub(crate) fn tick(&mut self, _at: &mut Moment<'_>) {}

    /// When `tick` has something to do next.
    pub(crate) fn wakes_at(&self) -> Option<UnixMs> {
        None
    }

    /// A message from the bus, by the queue's ARN.
    pub(crate) fn deliver(&mut self, _at: &mut Moment<'_>, _arn: &str, _message: Incoming) -> Result<(), ApiError> {
        Ok(())
    }

    /// The policy of a queue by its ARN: none where there is no such queue; within, none where it has no policy.
    pub(crate) fn policy_of(&self, _arn: &str) -> Option<Option<&str>> {
        None
    }
}
