//! Owns a message that was understood: its event, and what this one delivery of it adds.
//! Never believes a body: `contract::decode` has looked at it, or there is no `Delivery`.
//! Next: `delivery` decides what becomes of it; `claim`, `attend`, `effects` and `join` are given it.

use std::sync::Arc;

use contract::decode::{self, Raw};
use contract::{Cause, Digest, Event, TraceContext, UnixMs};

use crate::chance::Token;
use crate::lane::Lane;
use crate::ledger::ItemKey;
use crate::ports::Received;

/// A message that was understood.
#[derive(Debug)]
pub(crate) struct Delivery<'m> {
    pub(crate) message: &'m Received,
    pub(crate) event: Arc<Event>,
    pub(crate) digest: Digest,
    pub(crate) key: ItemKey,
    /// Fresh for this delivery: what the ledger shows under it is mine.
    pub(crate) token: Token,
    pub(crate) received_at: UnixMs,
    /// The n of its `murmur-park` attribute, 0 without one.
    pub(crate) park_n: u32,
    /// Where this delivery's own span stands in the trace.
    pub(crate) trace: TraceContext,
}

impl<'m> Delivery<'m> {
    pub(crate) fn decode(lane: &Lane, message: &'m Received) -> Result<Delivery<'m>, Cause> {
        let context = &lane.context;
        let raw = Raw {
            body: message.body.as_bytes(),
            attributes: &message.attributes,
            message_id: &message.message_id,
            sent_at: message.sent_at,
        };
        let event = decode::decode(raw, &lane.row, &context.choreography)?;
        Ok(Delivery {
            message,
            digest: event.digest(),
            key: ItemKey::step(event.goal, &lane.row.name, event.id),
            token: context.token(),
            received_at: context.now(),
            park_n: message.attributes.park().map_or(0, |note| note.n),
            trace: event.trace.at(context.chance.span()),
            event: Arc::new(event),
        })
    }
}
