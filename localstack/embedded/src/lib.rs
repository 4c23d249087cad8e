//! Owns AWS on one's own machine: SQS, EventBridge and DynamoDB on one port, as a server and as a library.
//! Never checks a signature, never leaves the machine: loopback by default, everything in one data directory or in memory.
//! Invariant: what was answered is stored; a reply goes out only after the rows behind it were committed.
//! Next: `front` reads requests, `engine` orders them, `sqs` and `events` decide, `store` keeps, `dynamodb` is dynoxide.

mod answer;
mod checkpoints;
mod cloud;
mod dynamodb;
mod engine;
mod events;
mod faults;
mod front;
mod place;
mod program;
mod sqs;
mod store;

pub use answer::ApiError;
pub use cloud::{EmbeddedCloud, Options, StartError};
pub use faults::{Ending, Fault, Faults, Held, Operation, Release, What, When};
pub use place::Place;
pub use program::program;
pub use store::StoreError;
