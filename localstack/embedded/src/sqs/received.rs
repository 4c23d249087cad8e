//! Owns a received message as it is answered: only what was asked for, with the digest of just that.
//! Never runs on the engine's thread: it holds what it needs until the connection's task writes it.
//! Next: `receiving` makes these.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::content::{Attribute, Content};
use super::digest::Digest;
use super::message::Said;
use super::receipt::Receipt;
use super::selection::Selection;
use crate::engine::UnixMs;

#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) said: Arc<Said>,
    pub(crate) receipt: Receipt,
    pub(crate) receives: u32,
    pub(crate) first_received_at: UnixMs,
    pub(crate) sender: Arc<str>,
    pub(crate) selection: Arc<Selection>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReceivedMessages {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) messages: Vec<Received>,
}

impl Serialize for Received {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("MessageId", &self.said.id)?;
        map.serialize_entry("ReceiptHandle", &self.receipt)?;
        map.serialize_entry("MD5OfBody", &self.said.body_digest)?;
        map.serialize_entry("Body", &self.said.body)?;
        if self.selection.wants_any_system() {
            map.serialize_entry("Attributes", &System(self))?;
        }
        let wanted = || self.said.attributes.iter().filter(|attribute| self.selection.wants(attribute));
        if let Some(digest) = Digest::of_attributes(wanted()) {
            map.serialize_entry("MD5OfMessageAttributes", &digest)?;
            map.serialize_entry("MessageAttributes", &Wanted(self))?;
        }
        map.end()
    }
}

struct System<'a>(&'a Received);

impl Serialize for System<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Received { said, selection, receives, first_received_at, sender, .. } = self.0;
        let mut map = serializer.serialize_map(None)?;
        let mut entry = |name: &str, value: Option<&dyn std::fmt::Display>| match value {
            Some(value) if selection.wants_system(name) => map.serialize_entry(name, &Shown(value)),
            _ => Ok(()),
        };
        entry("SenderId", Some(sender))?;
        entry("SentTimestamp", Some(&said.sent_at.0))?;
        entry("ApproximateReceiveCount", Some(receives))?;
        entry("ApproximateFirstReceiveTimestamp", Some(&first_received_at.0))?;
        entry("MessageDeduplicationId", said.deduplication.as_ref().map(|id| id as _))?;
        entry("MessageGroupId", said.group.as_ref().map(|group| group as _))?;
        entry("AWSTraceHeader", said.trace_header.as_ref().map(|header| header as _))?;
        entry("DeadLetterQueueSourceArn", said.source.as_ref().map(|arn| arn as _))?;
        if let Some(number) = said.sequence_number.filter(|_| selection.wants_system("SequenceNumber")) {
            map.serialize_entry("SequenceNumber", &number)?;
        }
        map.end()
    }
}

/// Every system attribute is a string.
struct Shown<'a>(&'a dyn std::fmt::Display);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

struct Wanted<'a>(&'a Received);

impl Serialize for Wanted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Received { said, selection, .. } = self.0;
        let wanted = said.attributes.iter().filter(|attribute| selection.wants(attribute));
        serializer.collect_map(wanted.map(|attribute| (&attribute.name, Value(attribute))))
    }
}

struct Value<'a>(&'a Attribute);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        match &self.0.content {
            Content::Text(text) => map.serialize_entry("StringValue", text)?,
            Content::Binary(bytes) => map.serialize_entry("BinaryValue", &STANDARD.encode(bytes))?,
        }
        map.serialize_entry("DataType", &self.0.kind)?;
        map.end()
    }
}
