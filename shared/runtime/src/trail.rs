//! Owns the trail that a message leaves: its process, settle and send spans, its receive's span, and its one log line.
//! Never decides anything: whoever decides says here what came of it. Without an exporter no span is made.
//! Next: `telemetry` exports; `consumer` begins and ends a trail, `delivery` and `effects` add to it.

use std::sync::Arc;

use contract::{Event, PortError, RowName, SpanId, TraceContext, UnixMs};
use tracing::field::display;

use crate::context::Context;
use crate::handler::StepError;
use crate::lane::Lane;
use crate::ledger::step::{State, Step};
use crate::message::Delivery;
use crate::ports::Received;
use crate::settle;
use crate::settle::Settlement;
use crate::telemetry::{Span, SpanKind};

/// What is known of one delivery by now.
#[derive(Debug)]
pub(crate) struct Trail {
    start: UnixMs,
    /// The receive that brought it.
    brought: Option<TraceContext>,
    pub(crate) event: Option<Arc<Event>>,
    /// The process span's own place, which the emitted events name as their parent.
    trace: Option<TraceContext>,
    /// Where the message was made.
    parent: Option<SpanId>,
    attempt: Option<u32>,
    epoch: Option<u32>,
    outcome: Option<&'static str>,
    error: Option<String>,
}

impl Trail {
    pub(crate) fn begin(lane: &Lane, message: &Received, brought: Option<TraceContext>) -> Trail {
        let context = &lane.context;
        // Of what cannot be decoded, an attribute may still say where it belongs.
        let sent = context.telemetry.traces().then(|| message.attributes.trace()).flatten();
        Trail {
            start: context.now(),
            brought,
            event: None,
            parent: sent.as_ref().map(|sent| sent.span),
            trace: sent.map(|sent| sent.at(context.chance.span())),
            attempt: None,
            epoch: None,
            outcome: None,
            error: None,
        }
    }

    pub(crate) fn understood(&mut self, delivery: &Delivery<'_>) {
        let event = &delivery.event;
        let line = tracing::Span::current();
        line.record("goal", display(event.goal)).record("event", display(event.id));
        line.record("trace_id", display(event.trace.trace));
        self.event = Some(Arc::clone(event));
        self.parent = Some(event.trace.span);
        self.trace = Some(delivery.trace.clone());
    }

    /// What the step's item shows, at each turn of the delivery.
    pub(crate) fn at(&mut self, step: &Step) {
        let worked = self.attempt.is_some();
        if step.state == State::Claimed {
            self.attempt = Some(step.attempts + 1);
        }
        self.epoch = Some(step.epoch);
        let line = tracing::Span::current();
        line.record("epoch", step.epoch);
        if let Some(attempt) = self.attempt {
            line.record("attempt", attempt);
        }
        self.outcome = match step.state {
            State::Claimed => None,
            State::Released => Some("released"),
            State::Committed if worked => Some("committed"),
            State::Committed => Some("repeated"),
            State::Parked => {
                self.error = step.cause.as_ref().map(ToString::to_string).or(self.error.take());
                Some("parked")
            }
        };
    }

    pub(crate) fn failed(&mut self, error: &StepError) {
        self.error = Some(error.to_string());
    }

    /// Neither an error of the handler's nor a record: the delivery ended without either.
    pub(crate) fn left(&mut self, outcome: &'static str, why: &str) {
        (self.outcome, self.error) = (Some(outcome), Some(why.into()));
    }

    pub(crate) fn port_error(&mut self, error: &PortError) {
        (self.outcome, self.error) = (Some("port-error"), Some(error.to_string()));
    }

    /// What was decided, before it is carried out: the process span ends here.
    pub(crate) fn decided(&mut self, lane: &Lane, settlement: &Settlement) {
        if let Settlement::Reject(cause) = settlement {
            self.error = Some(cause.to_string());
        }
        let outcome = *self.outcome.get_or_insert_with(|| settle::word(settlement));
        let (context, Some(trace)) = (&lane.context, &self.trace) else { return };
        if !context.telemetry.traces() {
            return;
        }
        let span = self.span(lane, SpanKind::Process, trace.clone(), self.parent, self.start, outcome);
        let links = self.brought.iter().cloned().collect();
        context.telemetry.record(Span { links, error: self.error.clone(), ..span });
    }

    /// It was carried out, or not.
    pub(crate) fn settled(&self, lane: &Lane, word: &'static str, began: UnixMs, settled: &Result<(), PortError>) {
        let context = &lane.context;
        if let Some(trace) = self.trace.as_ref().filter(|_| context.telemetry.traces()) {
            let own = trace.at(context.chance.span());
            let span = self.span(lane, SpanKind::Settle, own, Some(trace.span), began, word);
            context.telemetry.record(Span { error: settled.as_ref().err().map(ToString::to_string), ..span });
        }
        let outcome = self.outcome.unwrap_or(word);
        match settled.as_ref().err().map(ToString::to_string).or(self.error.clone()) {
            Some(error) => tracing::warn!(outcome, settlement = word, error, "a delivery ended with an error"),
            None => tracing::info!(outcome, settlement = word, "a delivery ended"),
        }
    }

    fn span(
        &self,
        lane: &Lane,
        kind: SpanKind,
        context: TraceContext,
        parent: Option<SpanId>,
        start: UnixMs,
        outcome: &'static str,
    ) -> Span {
        let event = self.event.as_deref();
        Span {
            queue: Some(lane.queue().clone()),
            attempt: self.attempt,
            epoch: self.epoch,
            parent,
            ..bare(&lane.context, Some(&lane.row.name), kind, context, start, event, outcome)
        }
    }
}

/// One receive that brought something: a trace of its own, since its messages are of many.
pub(crate) fn received(lane: &Lane, start: UnixMs, messages: usize) -> Option<TraceContext> {
    let context = &lane.context;
    if !context.telemetry.traces() {
        return None;
    }
    let own = context.chance.trace();
    let span = bare(context, Some(&lane.row.name), SpanKind::Receive, own.clone(), start, None, "received");
    context.telemetry.record(Span { queue: Some(lane.queue().clone()), batch: messages, ..span });
    Some(own)
}

/// A step's events are about to go out: below its process span, by which they name their parent.
pub(crate) fn sending(lane: &Lane, delivery: &Delivery<'_>, events: &[Event]) -> Vec<Span> {
    let context = &lane.context;
    if !context.telemetry.traces() {
        return vec![];
    }
    let start = context.now();
    let span = |event: &Event| Span {
        parent: Some(delivery.trace.span),
        ..bare(
            context,
            Some(&lane.row.name),
            SpanKind::Send,
            delivery.trace.at(context.chance.span()),
            start,
            Some(event),
            "sent",
        )
    };
    events.iter().map(span).collect()
}

/// Where in a trace something is told, and what else led to it.
#[derive(Clone, Debug)]
pub(crate) struct Causes {
    pub(crate) parent: SpanId,
    pub(crate) links: Vec<TraceContext>,
}

/// What the choreography itself says has its send span's own place in its envelope: whoever tells it, even after its
/// writer died, makes that span.
pub(crate) fn telling(context: &Context, event: &Event, causes: Causes) -> Vec<Span> {
    if !context.telemetry.traces() {
        return vec![];
    }
    let span = bare(context, None, SpanKind::Send, event.trace.clone(), context.now(), Some(event), "sent");
    vec![Span { parent: Some(causes.parent), links: causes.links, ..span }]
}

/// They went out, or it is not known.
pub(crate) fn sent(context: &Context, spans: Vec<Span>, emitted: &Result<(), PortError>) {
    for span in spans {
        let error = emitted.as_ref().err().map(ToString::to_string);
        let outcome = if error.is_none() { span.outcome } else { "not-confirmed" };
        context.telemetry.record(Span { end: context.now(), outcome, error, ..span });
    }
}

fn bare(
    context: &Context,
    row: Option<&RowName>,
    kind: SpanKind,
    own: TraceContext,
    start: UnixMs,
    event: Option<&Event>,
    outcome: &'static str,
) -> Span {
    Span {
        kind,
        row: row.cloned(),
        queue: None,
        context: own,
        parent: None,
        links: vec![],
        start,
        end: context.now(),
        goal: event.map(|event| event.goal),
        event: event.map(|event| event.id),
        event_kind: event.map(|event| event.kind.clone()),
        batch: 1,
        outcome,
        attempt: None,
        epoch: None,
        error: None,
    }
}
