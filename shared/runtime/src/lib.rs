//! HOW IT LIVES: what happens to a message between its receive and its settlement, and what is kept of it.
//!
//! Invariant: handlers return events; only this crate publishes, acknowledges, retries and keeps time.
//! Invariant: every durable change is one conditional write of one item (`ledger`).
//! Next: `delivery` decides everything about one message; `ports` is what it needs from outside.

mod attend;
mod batcher;
mod batches;
mod budget;
mod chance;
mod claim;
pub mod config;
mod consumer;
mod context;
mod daemon;
mod delivery;
mod effects;
pub mod fork;
mod gate;
mod goals;
mod handler;
pub mod history;
pub mod http;
mod join;
mod journal;
mod lane;
pub mod ledger;
pub mod listing;
mod message;
mod outcome;
pub mod ports;
pub mod replay;
mod retry;
mod service;
pub mod settings;
mod settle;
pub mod stall;
pub mod story;
mod sweep;
pub mod telemetry;
mod trail;

pub use contract::{Refused, Spend};

pub use budget::{Budget, Reservation};
pub use chance::{Chance, Token};
pub use context::Surroundings;
pub use daemon::{Daemon, DaemonError};
pub use handler::{Handled, Handler, Inputs, Open, Step, StepError};
pub use journal::Journal;
pub use retry::{Waits, retried};
pub use service::Service;
pub use settings::Settings;
