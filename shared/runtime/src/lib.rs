//! HOW IT LIVES: what happens to a message between its receive and its settlement, and what is kept of it.
//!
//! Invariant: handlers return events; only this crate publishes, acknowledges, retries and keeps time.
//! Invariant: every durable change is one conditional write of one item (`ledger`).
//! Next: `delivery` decides everything about one message; `ports` is what it needs from outside.

pub mod config;
pub mod http;
pub mod ledger;
pub mod ports;
pub mod settings;
pub mod telemetry;
