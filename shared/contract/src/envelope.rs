//! Owns the envelope: a CloudEvents 1.0 object with the choreography's extension attributes.
//! Never holds a second spelling of anything: on the bus it is EventBridge's `detail`, on a queue the body.
//! Next: `decode` reads it, the runtime's emitter publishes it.

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
    pub fn idempotency_key(&self) -> String {
        match &self.goal_key {
            Some(key) if self.kind == crate::events::GoalRequested::TYPE => key.clone(),
            _ => self.id.to_string(),
        }
    }

    /// The `data` as the type that its schema was made from.
    pub fn data_as<T: EventData>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.data.clone())
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
}

pub fn dataschema(kind: &EventType, version: u32) -> String {
    format!("{DATASCHEMA_PREFIX}{kind}.v{version}")
}

/// The CloudEvents spelling, in the order in which a person wants to read it.
#[derive(Serialize, Deserialize)]
struct Wire {
    specversion: String,
    id: EventId,
    source: Source,
    r#type: EventType,
    time: UnixMs,
    datacontenttype: String,
    dataschema: String,
    goalid: GoalId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    goalkey: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causationid: Option<EventId>,
    idempotencykey: String,
    hops: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<UnixMs>,
    #[serde(default)]
    tenant: Tenant,
    // Any JSON is let in here and then dropped unless it parses: a bad trace is no reason to lose an event.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    traceparent: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    tracestate: Value,
    data: Value,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Wire {
            specversion: "1.0".into(),
            id: self.id,
            source: self.source.clone(),
            r#type: self.kind.clone(),
            time: self.time,
            datacontenttype: "application/json".into(),
            dataschema: self.dataschema(),
            goalid: self.goal,
            goalkey: self.goal_key.clone(),
            causationid: self.causation,
            idempotencykey: self.idempotency_key(),
            hops: self.hops,
            deadline: self.deadline,
            tenant: self.tenant.clone(),
            traceparent: self.trace.traceparent().into(),
            tracestate: self.trace.state.clone().map_or(Value::Null, Value::from),
            data: self.data.clone(),
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
        let wire = Wire::deserialize(from)?;
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
            idempotency_key: wire.idempotencykey,
            event: Event {
                id: wire.id,
                source: wire.source,
                kind: wire.r#type,
                version,
                time: wire.time,
                goal: wire.goalid,
                goal_key: wire.goalkey,
                causation: wire.causationid,
                hops: wire.hops,
                deadline: wire.deadline,
                tenant: wire.tenant,
                trace: trace.unwrap_or(TraceContext::NONE),
                data: wire.data,
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
