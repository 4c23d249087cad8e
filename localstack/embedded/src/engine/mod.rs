//! Owns the one thread on which queues and buses live: requests come in order, are applied, stored and only then answered.
//! Never two states at once: what could not be stored is answered with an error, and the state is read from the store anew.
//! Next: `moment` is what an operation is given; `sqs::Queues` and `events::Buses` are the state.

mod moment;

pub(crate) use moment::{Answer, Body, Incoming, Moment, Quirks, ReplyTo, UnixMs};
