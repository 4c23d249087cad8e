//! Owns a finished span as the runtime sees it, and its translation into OpenTelemetry's, by the messaging conventions.
//! Never draws an id or reads a clock: the caller chose both, so a replayed seed exports the same spans.
//! Next: `Telemetry::record` hands the translation to a span processor.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contract::{EventId, EventType, GoalId, QueueName, RowName, SpanId, TraceContext, UnixMs};
use opentelemetry::trace::{
    Link, SpanContext, SpanId as OtelSpanId, SpanKind as OtelSpanKind, Status, TraceFlags, TraceId as OtelTraceId,
    TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// What is done with messages, as the messaging conventions divide it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// One call that asked the queue for messages.
    Receive,
    /// One message, from its receive to what became of it.
    Process,
    /// One message's delete, or its return to the queue.
    Settle,
    /// One event, put on the bus or on a queue.
    Send,
}

impl SpanKind {
    pub const ALL: &[SpanKind] = &[SpanKind::Receive, SpanKind::Process, SpanKind::Settle, SpanKind::Send];

    /// `messaging.operation.type`, and the first word of the span's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            SpanKind::Receive => "receive",
            SpanKind::Process => "process",
            SpanKind::Settle => "settle",
            SpanKind::Send => "send",
        }
    }

    const fn otel(self) -> OtelSpanKind {
        match self {
            SpanKind::Receive | SpanKind::Settle => OtelSpanKind::Client,
            SpanKind::Process => OtelSpanKind::Consumer,
            SpanKind::Send => OtelSpanKind::Producer,
        }
    }
}

/// Every attribute that a span may have, by OpenTelemetry's messaging conventions, or under `murmur.`.
pub const SPAN_ATTRIBUTES: &[(&str, &str)] = &[
    ("messaging.system", "`aws_sqs`; of a send to the bus `aws.eventbridge`"),
    ("messaging.operation.type", "`receive`, `process`, `settle` or `send`"),
    ("messaging.operation.name", "the same"),
    ("messaging.destination.name", "the queue"),
    ("messaging.message.id", "the event's id, which outlives redeliveries and redrives; never SQS's"),
    ("messaging.batch.message_count", "messages of the call, where there are several"),
    ("error.type", "the outcome, of what failed; the words are in the span's status"),
    ("murmur.row", "the row of the topology"),
    ("murmur.goal_id", "the goal"),
    ("murmur.event_type", "the event's type"),
    ("murmur.outcome", "what became of it"),
    ("murmur.attempt", "which attempt of the step this was, from 1"),
    ("murmur.epoch", "the claim's epoch"),
];

/// A finished span, with ids and times that its maker chose.
#[derive(Clone, Debug)]
pub struct Span {
    pub kind: SpanKind,
    /// `None` where the choreography itself speaks, whichever daemon happens to do it.
    pub row: Option<RowName>,
    pub queue: Option<QueueName>,
    /// Its own place: trace and span id.
    pub context: TraceContext,
    /// In the same trace; `None` for the first span of one.
    pub parent: Option<SpanId>,
    /// Other causes: the messages of a batch, the members of a join.
    pub links: Vec<TraceContext>,
    pub start: UnixMs,
    pub end: UnixMs,
    pub goal: Option<GoalId>,
    pub event: Option<EventId>,
    pub event_kind: Option<EventType>,
    /// Messages in the call; 1 is not worth an attribute.
    pub batch: usize,
    pub outcome: &'static str,
    pub attempt: Option<u32>,
    pub epoch: Option<u32>,
    pub error: Option<String>,
}

impl Span {
    pub(super) fn into_data(self, scope: &InstrumentationScope) -> SpanData {
        let status = match &self.error {
            Some(error) => Status::error(error.clone()),
            None => Status::Unset,
        };
        let mut links = SpanLinks::default();
        links.links = self.links.iter().map(|link| Link::new(span_context(link, true), vec![], 0)).collect();
        SpanData {
            span_context: span_context(&self.context, false),
            parent_span_id: self.parent.map_or(OtelSpanId::INVALID, |parent| OtelSpanId::from(parent.0)),
            // A process span's parent was sent by another process; the others hang below a span of this one.
            parent_span_is_remote: self.parent.is_some() && self.kind == SpanKind::Process,
            span_kind: self.kind.otel(),
            name: self.name(),
            start_time: system_time(self.start),
            end_time: system_time(self.end),
            attributes: self.attributes(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status,
            instrumentation_scope: scope.clone(),
        }
    }

    /// `process murmur-research`: the operation, then where.
    fn name(&self) -> Cow<'static, str> {
        match &self.queue {
            Some(queue) => format!("{} {queue}", self.kind.as_str()).into(),
            None => self.kind.as_str().into(),
        }
    }

    fn attributes(&self) -> Vec<KeyValue> {
        let mut all = Vec::with_capacity(13);
        let mut put = |name: &'static str, value: Option<String>| {
            all.extend(value.map(|value| KeyValue::new(name, value)));
        };
        put("messaging.destination.name", self.queue.as_ref().map(ToString::to_string));
        put("messaging.message.id", self.event.map(|id| id.to_string()));
        put("murmur.row", self.row.as_ref().map(ToString::to_string));
        put("murmur.goal_id", self.goal.map(|id| id.to_string()));
        put("murmur.event_type", self.event_kind.as_ref().map(ToString::to_string));
        put("error.type", self.error.is_some().then(|| self.outcome.to_owned()));
        // On the bus rather than on a queue, where nothing says which queue.
        let system = if self.queue.is_some() { "aws_sqs" } else { "aws.eventbridge" };
        all.push(KeyValue::new("messaging.system", system));
        all.push(KeyValue::new("messaging.operation.type", self.kind.as_str()));
        all.push(KeyValue::new("messaging.operation.name", self.kind.as_str()));
        all.push(KeyValue::new("murmur.outcome", self.outcome));
        let numbers = [("murmur.attempt", self.attempt), ("murmur.epoch", self.epoch)];
        all.extend(numbers.into_iter().filter_map(|(name, of)| Some(KeyValue::new(name, i64::from(of?)))));
        if self.batch > 1 {
            let count = i64::try_from(self.batch).unwrap_or(i64::MAX);
            all.push(KeyValue::new("messaging.batch.message_count", count));
        }
        all
    }
}

fn span_context(at: &TraceContext, remote: bool) -> SpanContext {
    let flags = if at.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let state = at.state.as_deref().and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
    SpanContext::new(OtelTraceId::from(at.trace.0), OtelSpanId::from(at.span.0), flags, remote, state)
}

fn system_time(at: UnixMs) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(at.0).unwrap_or(0))
}
