//! Owns the envelope: a CloudEvents 1.0 object with the choreography's extension attributes.
//! Never holds a second spelling of anything: on the bus it is EventBridge's `detail`, on a queue the body.
//! Next: `decode` reads it, the runtime's emitter publishes it.

use std::borrow::Cow;
use std::io;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::cause::NOT_FOR_SQS;
use crate::{Digest, EventData, EventId, EventType, GoalId, Source, Tenant, TraceContext, UnixMs};

const DATASCHEMA_PREFIX: &str = "urn:murmuration:schema:";

/// One event, decoded and whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: EventId,
    pub source: Source,
    pub kind: EventType,
    pub version: u32,
    pub time: UnixMs,
    pub goal: GoalId,
    /// The user's own key, on every event of their goal.
    pub goal_key: Option<String>,
    /// The event that led to this one.
    pub causation: Option<EventId>,
    pub hops: u32,
    /// The goal's.
    pub deadline: Option<UnixMs>,
    pub tenant: Tenant,
    pub trace: TraceContext,
    pub data: Value,
}

impl Event {
    pub fn digest(&self) -> Digest {
        Digest::of_data(&self.data)
    }

    /// What a second copy of this event shares with the first: for a goal the user's key, otherwise the event's id.
    pub fn idempotency_key(&self) -> Cow<'_, str> {
        match &self.goal_key {
            Some(key) if self.kind == crate::events::GoalRequested::TYPE => key.into(),
            _ => self.id.to_string().into(),
        }
    }

    /// The `data` as the type that its schema was made from.
    pub fn data_as<T: EventData>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.data)
    }

    pub fn dataschema(&self) -> String {
        dataschema(&self.kind, self.version)
    }

    pub fn to_json(&self) -> String {
        // Strings, numbers and a `Value`: always serializes.
        let json = serde_json::to_string(self).unwrap_or_default();
        if json.contains(NOT_FOR_SQS) {
            return json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff");
        }
        json
    }

    /// How long `to_json` is, without making it.
    pub fn json_bytes(&self) -> usize {
        let mut length = Length(0);
        // As above: always serializes, and counting cannot fail.
        let _ = serde_json::to_writer(&mut length, self);
        length.0
    }
}

struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn dataschema(kind: &EventType, version: u32) -> String {
    format!("{DATASCHEMA_PREFIX}{kind}.v{version}")
}

/// The CloudEvents spelling, in the order in which a person wants to read it. Written from what an event lends.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    specversion: Cow<'a, str>,
    id: EventId,
    source: Cow<'a, Source>,
    r#type: Cow<'a, EventType>,
    time: UnixMs,
    datacontenttype: Cow<'a, str>,
    dataschema: String,
    goalid: GoalId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    goalkey: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causationid: Option<EventId>,
    idempotencykey: Cow<'a, str>,
    hops: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<UnixMs>,
    #[serde(default)]
    tenant: Cow<'a, Tenant>,
    // Any JSON is let in here and then dropped unless it parses: a bad trace is no reason to lose an event.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    traceparent: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    tracestate: Value,
    data: Cow<'a, Value>,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Wire {
            specversion: "1.0".into(),
            id: self.id,
            source: Cow::Borrowed(&self.source),
            r#type: Cow::Borrowed(&self.kind),
            time: self.time,
            datacontenttype: "application/json".into(),
            dataschema: self.dataschema(),
            goalid: self.goal,
            goalkey: self.goal_key.as_deref().map(Cow::Borrowed),
            causationid: self.causation,
            idempotencykey: self.idempotency_key(),
            hops: self.hops,
            deadline: self.deadline,
            tenant: Cow::Borrowed(&self.tenant),
            traceparent: self.trace.traceparent().into(),
            tracestate: self.trace.state.clone().map_or(Value::Null, Value::from),
            data: Cow::Borrowed(&self.data),
        }
        .serialize(to)
    }
}

/// An event whose trace may have to come from elsewhere (message attribute, `AWSTraceHeader`, or a fresh one).
#[derive(Clone, Debug)]
pub struct Enveloped {
    event: Event,
    has_trace: bool,
    pub idempotency_key: String,
}

impl Enveloped {
    pub fn event(&self) -> &Event {
        &self.event
    }
    /// The reading order of the trace: envelope first, otherwise what `fallback` finds.
    pub fn with_trace(mut self, fallback: impl FnOnce() -> TraceContext) -> Event {
        if !self.has_trace {
            self.event.trace = fallback();
        }
        self.event
    }
}

impl<'de> Deserialize<'de> for Enveloped {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Enveloped, D::Error> {
        use serde::de::Error;
        let wire = Wire::<'static>::deserialize(from)?;
        if wire.specversion != "1.0" {
            return Err(D::Error::custom("specversion must be \"1.0\""));
        }
        if wire.datacontenttype != "application/json" {
            return Err(D::Error::custom("datacontenttype must be \"application/json\""));
        }
        let version = wire
            .dataschema
            .strip_prefix(DATASCHEMA_PREFIX)
            .and_then(|name| name.strip_prefix(wire.r#type.as_str()))
            .and_then(|version| version.strip_prefix(".v")?.parse().ok())
            .ok_or_else(|| D::Error::custom(format!("dataschema must be {}<n>", dataschema_stem(&wire.r#type))))?;
        let trace = wire.traceparent.as_str().and_then(|parent| TraceContext::parse(parent, wire.tracestate.as_str()));
        Ok(Enveloped {
            has_trace: trace.is_some(),
            idempotency_key: wire.idempotencykey.into_owned(),
            event: Event {
                id: wire.id,
                source: wire.source.into_owned(),
                kind: wire.r#type.into_owned(),
                version,
                time: wire.time,
                goal: wire.goalid,
                goal_key: wire.goalkey.map(Cow::into_owned),
                causation: wire.causationid,
                hops: wire.hops,
                deadline: wire.deadline,
                tenant: wire.tenant.into_owned(),
                trace: trace.unwrap_or(TraceContext::NONE),
                data: wire.data.into_owned(),
            },
        })
    }
}

/// Events that the ledger recorded: their trace was whole when they were written.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Event, D::Error> {
        Ok(Enveloped::deserialize(from)?.with_trace(|| TraceContext::NONE))
    }
}

fn dataschema_stem(kind: &EventType) -> String {
    format!("{DATASCHEMA_PREFIX}{kind}.v")
}
