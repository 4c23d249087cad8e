//! Owns the end of a delivery: carrying out its settlement, and the form of a dead letter.
//! Never decides: `delivery` said what should become of the message.
//! Next: `batches` delete and change visibility together with other deliveries' messages.

use std::time::Duration;

use contract::limits::{SQS_ATTRIBUTES_MAX, SQS_MESSAGE_BYTES_MAX};
use contract::{Attributes, Cause, CauseKind, Event, ParkNote, PortError, attributes};

use crate::lane::Lane;
use crate::ports::{Outbound, Received};

/// What should become of the message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// Everything it led to is done, or nobody wants it any more.
    Delete,
    RetryAfter(Duration),
    /// To the dead letters, with no healthy record to change.
    Reject(Cause),
    /// Somebody else holds the step: the message comes back by itself.
    Leave,
}

/// Carries out what was decided.
pub(crate) async fn settle(
    lane: &Lane,
    message: &Received,
    event: Option<&Event>,
    settlement: Settlement,
) -> Result<(), PortError> {
    match settlement {
        Settlement::Delete => lane.delete(&message.receipt).await,
        Settlement::RetryAfter(wait) => lane.set_visibility(&message.receipt, wait.max(Duration::ZERO)).await,
        Settlement::Reject(cause) => reject(lane, message, event, cause).await,
        Settlement::Leave => Ok(()),
    }
}

/// Of what has no healthy record to change: a dead letter with the cause, then the delete.
async fn reject(lane: &Lane, message: &Received, event: Option<&Event>, cause: Cause) -> Result<(), PortError> {
    let came_with = message.attributes.park();
    lane.context.telemetry.metrics().rejected(&lane.row.name, cause.kind);
    let note = ParkNote {
        n: came_with.as_ref().map_or(0, |note| note.n),
        attempts: came_with.as_ref().map_or(0, |note| note.attempts),
        goal: event.map(|event| event.goal).or_else(|| message.attributes.goal()),
        event: event.map(|event| event.id),
        trace: event.map(|event| event.trace.traceparent()),
        cause,
        body: None,
    };
    dead_letter(lane, message, event, note).await?;
    lane.delete(&message.receipt).await
}

/// The message as it came, with the cause beside it; what does not fit becomes an artifact.
pub(crate) async fn dead_letter(
    lane: &Lane,
    message: &Received,
    event: Option<&Event>,
    mut note: ParkNote,
) -> Result<(), PortError> {
    let context = &lane.context;
    let mut own = event.map(Attributes::of_event).unwrap_or_default();
    let others = message.attributes.0.iter().filter(|(name, _)| *name != attributes::PARK);
    let others: Vec<_> = others.filter(|(name, _)| own.get(name).is_none()).collect();
    let room = SQS_ATTRIBUTES_MAX - 1 - own.0.len();
    let small = message_bytes(message) + note.render().len() <= SQS_MESSAGE_BYTES_MAX - 4096;
    let fits = small && others.len() <= room;
    let mut body = message.body.clone();
    if !fits {
        let whole = serde_json::json!({ "body": message.body, "attributes": message.attributes.0 }).to_string();
        let artifacts = &context.ports.artifacts;
        let at = context.retried(|| artifacts.put(whole.as_bytes(), "application/json")).await?;
        if message.body.len() > contract::limits::BODY_BYTES_MAX {
            body = serde_json::json!({ "murmur-body": at }).to_string();
        }
        note.body = Some(at);
    }
    // Of a message too large for its cause, the artifact has the sender's attributes.
    for (name, value) in others.into_iter().take(if small { room } else { 0 }) {
        own.set(name, value);
    }
    own.set(attributes::PARK, note.render());
    let group = event.map(|event| event.tenant.to_string());
    let letter = [Outbound { body, attributes: own, group }];
    let queue = lane.queue().dead_letters();
    let send = || context.ports.queue.send(&queue, &letter);
    context
        .retried(|| async {
            send().await?.pop().unwrap_or_else(|| Err(PortError::transient("no answer for the dead letter")))
        })
        .await
}

fn message_bytes(message: &Received) -> usize {
    message.body.len() + message.attributes.0.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
}

/// What a message that could not be processed at all comes back after.
pub(crate) fn after_port_error(lane: &Lane, message: &Received) -> Settlement {
    Settlement::RetryAfter(lane.context.step_backoff(message.receive_count, None))
}

/// As the log, the metrics and the span spell it.
pub(crate) fn word(settlement: &Settlement) -> &'static str {
    match settlement {
        Settlement::Delete => "delete",
        Settlement::RetryAfter(_) => "retry-after",
        Settlement::Reject(cause) => CauseKind::as_str(cause.kind),
        Settlement::Leave => "leave",
    }
}
