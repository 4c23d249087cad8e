//! Owns how it touches AWS: the runtime's ports over the AWS SDK, and provisioning. The only user of `aws_sdk_*`.
//! Never a retry of its own and never an endpoint of its own: the runtime's `retry` and the environment decide those.
//! Next: `sqs`, `eventbridge`, `dynamodb` and `artifacts` are the ports; `provision` makes what the topology needs, `subscriptions` what others do.

pub mod artifacts;
#[cfg(feature = "bedrock")]
pub mod bedrock;
pub mod clients;
mod connect;
pub mod depths;
pub mod dynamodb;
mod errors;
pub mod eventbridge;
pub mod letters;
pub mod models;
pub mod provision;
pub mod sqs;
pub mod subscriptions;

pub use connect::{ConnectError, connect, connect_with};
