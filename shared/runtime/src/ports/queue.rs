//! Owns the queue port, in SQS's terms: at-least-once, unordered, with visibility and receipts.
//! Never promises what SQS does not: a delete by a stale receipt "succeeds" and deletes nothing.
//! Next: `consumer` receives, `settler` deletes and changes visibility in batches.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use contract::{Attributes, PortError, QueueName, UnixMs};

use super::EntryResult;

/// Names one receive of one message; a later receive makes it stale.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt(pub String);

/// One message, as one receive returned it.
#[derive(Clone, Debug)]
pub struct Received {
    pub message_id: String,
    pub receipt: Receipt,
    pub body: String,
    pub attributes: Attributes,
    /// `SentTimestamp`.
    pub sent_at: UnixMs,
    /// `ApproximateReceiveCount`, this receive included.
    pub receive_count: u32,
}

/// One message to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbound {
    pub body: String,
    pub attributes: Attributes,
    /// `MessageGroupId`, which on a standard queue makes it fair between tenants.
    pub group: Option<String>,
}

/// Batches hold ten entries at most; results come in the order of the entries.
#[async_trait]
pub trait Queue: Send + Sync + fmt::Debug {
    /// At most `max` messages, invisible to others for `visibility`; waits up to `wait` for the first.
    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Received>, PortError>;

    async fn delete(&self, queue: &QueueName, batch: &[Receipt]) -> Result<Vec<EntryResult>, PortError>;

    /// Zero makes a message visible at once.
    async fn set_visibility(
        &self,
        queue: &QueueName,
        batch: &[(Receipt, Duration)],
    ) -> Result<Vec<EntryResult>, PortError>;

    async fn send(&self, queue: &QueueName, batch: &[Outbound]) -> Result<Vec<EntryResult>, PortError>;
}
