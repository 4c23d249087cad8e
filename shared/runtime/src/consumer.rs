//! Owns receiving: permits before the receive, one task a message, and what is given back when the daemon stops.
//! Never looks into a message: `delivery` does.
//! Next: `delivery::process_delivery`, then `settle::settle`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contract::{PortError, TraceContext};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::delivery::process_delivery;
use crate::lane::Lane;
use crate::ports::Received;
use crate::retry::Waits;
use crate::settle::Settlement;
use crate::settle::{self, settle};
use crate::telemetry::BatchKind;
use crate::trail::{self, Trail};

/// Between two receives that failed: not less, and so long where the queue refuses them for good.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_REFUSED: Duration = Duration::from_secs(30);
/// An outage is waited out, however long it lasts.
const FOR_EVER: Duration = Duration::from_secs(1 << 40);

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
            Ok((messages, brought)) => {
                waits = None;
                // All are counted before the first runs: it may be the first to ask for a batch.
                let counted: Vec<_> = messages.iter().map(|_| Underway::begin(&lane)).collect();
                for ((message, permit), underway) in messages.into_iter().zip(held).zip(counted) {
                    deliveries.spawn(deliver(Arc::clone(&lane), message, brought.clone(), (underway, permit)));
                }
            }
            Err(error) => {
                drop(held);
                let wait = pause(&lane, &error, &mut waits);
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

/// How long the queue is left alone after a receive that failed. What the server asks for is honoured.
fn pause<'l>(lane: &'l Lane, error: &PortError, waits: &mut Option<Waits<'l>>) -> Duration {
    let context = &lane.context;
    context.telemetry.metrics().throttled(&lane.row.name);
    let waits = waits.get_or_insert_with(|| Waits::within(FOR_EVER, &context.chance));
    if let Some(wait) = waits.next(error) {
        let wait = wait.max(PAUSE_MIN);
        lane.outage.failed(error, context.now(), wait);
        return wait;
    }
    let wait = context.chance.around(PAUSE_REFUSED);
    tracing::error!(
        agent = %lane.row.name, queue = %lane.queue(), %error, next_try_ms = wait.as_millis() as u64,
        "the queue refuses to be received from: provision it, or allow this agent to receive; it is tried again"
    );
    wait
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
async fn receive(lane: &Lane, max: usize) -> Result<(Vec<Received>, Option<TraceContext>), PortError> {
    let context = &lane.context;
    let (start, asked) = (context.now(), tokio::time::Instant::now());
    let (queue, wait) = (&context.ports.queue, context.settings.receive_wait);
    let messages = queue.receive(lane.queue(), max, wait, lane.visibility_timeout()).await?;
    let now = context.now();
    context.health.last_receive(now);
    lane.outage.answered(now);
    if messages.is_empty() && asked.elapsed() < wait / 2 {
        // At its cap of messages in flight, SQS answers a long poll at once with nothing.
        context.telemetry.metrics().empty_at_cap(&lane.row.name);
        tokio::time::sleep(context.chance.around(Duration::from_millis(500))).await;
    }
    if messages.is_empty() {
        return Ok((messages, None));
    }
    let metrics = context.telemetry.metrics();
    metrics.received(&lane.row.name, messages.len());
    metrics.batch(&lane.row.name, BatchKind::Receive, messages.len());
    for message in &messages {
        metrics.queue_wait(&lane.row.name, message.sent_at.until(now));
    }
    let brought = trail::received(lane, start, messages.len());
    Ok((messages, brought))
}

/// One message from its receive to its settlement. The permit is its place among those at work.
async fn deliver(
    lane: Arc<Lane>,
    message: Received,
    brought: Option<TraceContext>,
    place: (Underway, OwnedSemaphorePermit),
) {
    let line = tracing::info_span!(
        "delivery",
        agent = %lane.row.name,
        message_id = message.message_id,
        goal = Empty,
        event = Empty,
        trace_id = Empty,
        attempt = Empty,
        epoch = Empty,
    );
    decided_and_settled(&lane, &message, brought, place).instrument(line).await;
}

async fn decided_and_settled(
    lane: &Lane,
    message: &Received,
    brought: Option<TraceContext>,
    (underway, permit): (Underway, OwnedSemaphorePermit),
) {
    let Underway { unsettled: _unsettled, at_work } = underway;
    let place = (at_work, permit, InFlight::begin(lane));
    let mut trail = Trail::begin(lane, message, brought);
    let settlement = if lane.drain.receives.is_cancelled() {
        // It arrived while stopping: back at once, and no attempt counted.
        Settlement::RetryAfter(Duration::ZERO)
    } else {
        process_delivery(lane, message, &mut trail).await.unwrap_or_else(|error| {
            trail.port_error(&error);
            settle::after_port_error(lane, message)
        })
    };
    trail.decided(lane, &settlement);
    // Nobody waits for a delete: its batch may take its time, while the place goes to the next message. Too many owed
    // deletes keep their places, and with them the next receives.
    let owed = (settlement == Settlement::Delete).then(|| Arc::clone(&lane.owed).try_acquire_owned().ok()).flatten();
    let _place = owed.is_none().then_some(place);
    let (word, began) = (settle::word(&settlement), lane.context.now());
    let settled = settle(lane, message, trail.event.as_deref(), settlement).await;
    trail.settled(lane, word, began, &settled);
}

/// A message's two counts, by which batches know whom they may wait for.
struct Underway {
    /// Until its delete is confirmed.
    unsettled: Counted,
    /// Until its delete is all that is left to do.
    at_work: Counted,
}

impl Underway {
    fn begin(lane: &Lane) -> Underway {
        Underway { unsettled: Counted::begin(&lane.context.unsettled), at_work: Counted::begin(&lane.context.at_work) }
    }
}

struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn begin(count: &Arc<AtomicUsize>) -> Counted {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// For the metric of that name.
struct InFlight<'l>(&'l Lane);

impl<'l> InFlight<'l> {
    fn begin(lane: &'l Lane) -> InFlight<'l> {
        lane.context.telemetry.metrics().in_flight(&lane.row.name, 1);
        InFlight(lane)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.context.telemetry.metrics().in_flight(&self.0.row.name, -1);
    }
}
