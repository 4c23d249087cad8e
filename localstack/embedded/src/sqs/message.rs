//! Owns one message: what it says, which never changes, and where it stands, which every receive changes.
//! Never an order among messages: that is the queue's `lane`.
//! Next: `queue` keeps messages; `receiving` makes answers of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::content::Attribute;
use super::digest::Digest;
use crate::engine::UnixMs;

/// What a message says, shared with the answers that carry it. A row of `Space::Message`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) id: Uuid,
    pub(crate) body: Arc<str>,
    pub(crate) body_digest: Digest,
    pub(crate) attributes: Arc<[Attribute]>,
    pub(crate) trace_header: Option<Box<str>>,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) deduplication: Option<Box<str>>,
    pub(crate) sequence_number: Option<SequenceNumber>,
    pub(crate) sent_at: UnixMs,
    /// Later than `sent_at` by the delay.
    pub(crate) available_at: UnixMs,
    /// The queue's ARN from which SQS itself moved this message here.
    pub(crate) source: Option<Box<str>>,
    /// From queues that it came through.
    pub(crate) earlier_receives: u32,
    pub(crate) first_received_at: Option<UnixMs>,
}

/// Where a message stands. A row of `Space::Flight` once it was received.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Flight {
    pub(crate) visible_at: UnixMs,
    /// The latest receive.
    pub(crate) received_at: UnixMs,
    pub(crate) first_received_at: Option<UnixMs>,
    pub(crate) receives: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Can be received; its place in the lane.
    Ready(u64),
    /// In flight or delayed until `visible_at`.
    Later,
}

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) said: Arc<Said>,
    pub(crate) flight: Flight,
    pub(crate) standing: Standing,
}

impl Message {
    /// As it is before its delay ended, or before anyone looked whether there is one.
    pub(crate) fn new(said: Said) -> Message {
        let flight = Flight {
            visible_at: said.available_at,
            received_at: said.sent_at,
            first_received_at: said.first_received_at,
            receives: 0,
        };
        Message { said: Arc::new(said), flight, standing: Standing::Later }
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.standing == Standing::Later && self.flight.receives > 0
    }

    pub(crate) fn receives_in_all(&self) -> u32 {
        self.said.earlier_receives.saturating_add(self.flight.receives)
    }
}

/// As FIFO queues number their messages: twenty digits that grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct SequenceNumber(pub(crate) u64);

const SEQUENCE_PREFIX: &str = "1885";

impl Serialize for SequenceNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{SEQUENCE_PREFIX}{:016}", self.0))
    }
}

impl TryFrom<String> for SequenceNumber {
    type Error = String;

    fn try_from(text: String) -> Result<SequenceNumber, String> {
        let number = text.strip_prefix(SEQUENCE_PREFIX).and_then(|digits| digits.parse().ok());
        number.map(SequenceNumber).ok_or_else(|| format!("{text} is no sequence number"))
    }
}
