//! Owns receiving: permits before the receive, one task a message, and what is given back when the daemon stops.
//! Never looks into a message: `delivery` does.
//! Next: `delivery::process_delivery`, then `settle::settle`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contract::{Event, PortError, UnixMs};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tracing::field::display;

use crate::delivery::{Settlement, process_delivery};
use crate::lane::Lane;
use crate::ports::Received;
use crate::retry::Waits;
use crate::settle::{self, settle};
use crate::telemetry::{BatchKind, Span, SpanKind};

/// Receives until it is told to stop; returns when every delivery that it began has ended.
pub(crate) async fn consume(lane: Arc<Lane>) {
    let permits = Arc::new(Semaphore::new(lane.limits().concurrency));
    let mut deliveries = JoinSet::new();
    let mut waits: Option<Waits<'_>> = None;
    while let Some(held) = room(&lane, &permits).await {
        while let Some(ended) = deliveries.try_join_next() {
            tell_panic(&lane, ended);
        }
        match receive(&lane, held.len()).await {
            Ok(messages) => {
                waits = None;
                for (message, permit) in messages.into_iter().zip(held) {
                    deliveries.spawn(deliver(Arc::clone(&lane), message, permit));
                }
            }
            Err(error) => {
                drop(held);
                lane.context.telemetry.metrics().throttled(&lane.row.name);
                tracing::warn!(agent = %lane.row.name, %error, "the queue did not answer; receiving goes on");
                let waits =
                    waits.get_or_insert_with(|| Waits::within(Duration::from_secs(1 << 40), &lane.context.chance));
                let transient = PortError::transient("receive");
                let wait = waits.next(&transient).unwrap_or_default().max(Duration::from_millis(50));
                tokio::select! {
                    biased;
                    () = lane.drain.receives.cancelled() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
    while let Some(ended) = deliveries.join_next().await {
        tell_panic(&lane, ended);
    }
}

/// Handlers' panics are caught in `attend`. This one is ours: the message comes back, but somebody must hear of it.
fn tell_panic(lane: &Lane, ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(agent = %lane.row.name, %error, "a delivery ended without a settlement");
    }
}

/// Permits for the next receive: one at least, and a little patience for more, so that batches fill under load.
/// `None` once the daemon stops.
async fn room(lane: &Lane, permits: &Arc<Semaphore>) -> Option<Vec<OwnedSemaphorePermit>> {
    let most = contract::limits::SQS_BATCH_MAX.min(lane.limits().concurrency);
    let first = tokio::select! {
        biased;
        () = lane.drain.receives.cancelled() => return None,
        permit = Arc::clone(permits).acquire_owned() => permit.ok()?,
    };
    let mut held = vec![first];
    let patience = tokio::time::Instant::now() + lane.context.settings.linger;
    while held.len() < most {
        match Arc::clone(permits).try_acquire_owned() {
            Ok(permit) => held.push(permit),
            Err(_) => match tokio::time::timeout_at(patience, Arc::clone(permits).acquire_owned()).await {
                Ok(Ok(permit)) => held.push(permit),
                _ => break,
            },
        }
    }
    Some(held)
}

/// One receive. Once it is under way it is awaited even while stopping: what it would return must be given back.
async fn receive(lane: &Lane, max: usize) -> Result<Vec<Received>, PortError> {
    let context = &lane.context;
    let (start, asked) = (context.now(), tokio::time::Instant::now());
    let (queue, wait) = (&context.ports.queue, context.settings.receive_wait);
    let messages = queue.receive(lane.queue(), max, wait, lane.visibility_timeout()).await?;
    if messages.is_empty() && asked.elapsed() < wait / 2 {
        // At its cap of messages in flight, SQS answers a long poll at once with nothing.
        context.telemetry.metrics().empty_at_cap(&lane.row.name);
        tokio::time::sleep(context.chance.around(Duration::from_millis(500))).await;
    }
    if !messages.is_empty() {
        let metrics = context.telemetry.metrics();
        metrics.received(&lane.row.name, messages.len());
        metrics.batch(&lane.row.name, BatchKind::Receive, messages.len());
        for message in &messages {
            metrics.queue_wait(&lane.row.name, message.sent_at.until(start));
        }
    }
    Ok(messages)
}

/// One message from its receive to its settlement. The permit is its place among those at work.
async fn deliver(lane: Arc<Lane>, message: Received, permit: OwnedSemaphorePermit) {
    let context = &lane.context;
    let _unsettled = Counted::begin(&context.unsettled);
    if lane.drain.receives.is_cancelled() {
        // It arrived while stopping: back at once, and no attempt counted.
        let back = settle(&lane, &message, None, Settlement::RetryAfter(Duration::ZERO)).await;
        return log(&lane, &message, None, "given-back", back.err());
    }
    let place = (AtWork::begin(&lane), permit);
    let start = context.now();
    let mut event = None;
    let settlement = match process_delivery(&lane, &message, &mut event).await {
        Ok(settlement) => settlement,
        Err(error) => {
            log(&lane, &message, event.as_deref(), "port-error", Some(error));
            settle::after_port_error(&lane, &message)
        }
    };
    let outcome = settle::word(&settlement);
    // Nobody waits for a delete: its batch may take its time, while the place goes to the next message.
    let _place = (settlement != Settlement::Delete).then_some(place);
    let settled = settle(&lane, &message, event.as_deref(), settlement).await;
    if let Some(event) = &event {
        record_span(&lane, &message, event, start, outcome);
    }
    log(&lane, &message, event.as_deref(), outcome, settled.err());
}

/// Counts a delivery for as long as it may yet have something for a batch: no batch waits for more than these.
struct Counted<'c>(&'c AtomicUsize);

impl<'c> Counted<'c> {
    fn begin(count: &'c AtomicUsize) -> Counted<'c> {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct AtWork<'l> {
    lane: &'l Lane,
    _counted: Counted<'l>,
}

impl<'l> AtWork<'l> {
    fn begin(lane: &'l Lane) -> AtWork<'l> {
        lane.context.telemetry.metrics().in_flight(&lane.row.name, 1);
        AtWork { lane, _counted: Counted::begin(&lane.context.at_work) }
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.lane.context.telemetry.metrics().in_flight(&self.lane.row.name, -1);
    }
}

fn record_span(lane: &Lane, message: &Received, event: &Event, start: UnixMs, outcome: &'static str) {
    let context = &lane.context;
    context.telemetry.metrics().bus_latency(&lane.row.name, event.time.until(message.sent_at));
    context.telemetry.record(Span {
        kind: SpanKind::Process,
        row: lane.row.name.clone(),
        queue: Some(lane.queue().clone()),
        context: event.trace.at(context.chance.span()),
        parent: Some(event.trace.span),
        links: vec![],
        start,
        end: context.now(),
        goal: Some(event.goal),
        event: Some(event.id),
        event_kind: Some(event.kind.clone()),
        batch: 1,
        outcome,
        error: None,
    });
}

fn log(lane: &Lane, message: &Received, event: Option<&Event>, outcome: &str, error: Option<PortError>) {
    // Shown, not made into text: most daemons have no subscriber that would want it.
    let goal = event.map(|event| display(event.goal));
    let id = event.map(|event| display(event.id));
    let trace_id = event.map(|event| display(event.trace.trace));
    match error {
        Some(error) => {
            tracing::warn!(agent = %lane.row.name, goal, event = id, trace_id, message = message.message_id, outcome, %error);
        }
        None => {
            tracing::info!(agent = %lane.row.name, goal, event = id, trace_id, message = message.message_id, outcome);
        }
    }
}
