//! Owns the bus port, in EventBridge's terms: at-least-once, unordered, each entry with its own result.
//! Never routes: rules made from the topology do that on the server.
//! Next: `emitter` puts batches.

use std::fmt;

use async_trait::async_trait;
use contract::{Event, PortError};

use super::EntryResult;

#[async_trait]
pub trait Bus: Send + Sync + fmt::Debug {
    /// Ten events at most; results come in the order of the events.
    async fn put(&self, batch: &[Event]) -> Result<Vec<EntryResult>, PortError>;
}
