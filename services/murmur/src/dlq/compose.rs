//! Owns the message that a letter becomes again: body, the note with its n as it came, the goal's id, the sender's own.
//! Never more than SQS takes: ten attributes and a mebibyte; what is left out of the sender's is said.
//! Next: `redrive` and `edit` send it to the queue that the letter was for.

use contract::attributes::{GOAL_ID, IDEMPOTENCY_KEY, PARK, TENANT, TRACEPARENT, TRACESTATE};
use contract::events::GoalRequested;
use contract::limits::{SQS_ATTRIBUTES_MAX, SQS_MESSAGE_BYTES_MAX};
use contract::{Attributes, Event, EventData as _};
use runtime::ports::Outbound;
use serde_json::Value;

use super::letter::Letter;
use super::places::{Destination, is_eventbridges};

#[derive(Debug)]
pub(super) struct Composed {
    pub(super) message: Outbound,
    /// Attributes of the sender's that found no room.
    pub(super) left_out: Vec<String>,
}

/// As it came: the note's n tells the ledger which park it answers.
pub(super) fn again(letter: &Letter) -> Composed {
    let note = letter.note.is_some().then(|| letter.attributes.get(PARK)).flatten();
    composed(letter, letter.event.as_ref().ok(), letter.body.clone(), note)
}

/// With another body; a note only where it is the same event of the same step.
pub(super) fn edited(letter: &Letter, event: &Event, body: String, with_note: bool) -> Composed {
    let note = with_note.then(|| letter.attributes.get(PARK)).flatten();
    composed(letter, Some(event), body, note)
}

fn composed(letter: &Letter, event: Option<&Event>, body: String, note: Option<&str>) -> Composed {
    let own = match (&letter.destination, event) {
        // No row reads it: it goes back as it was.
        (Destination::Subscription(_), _) | (_, None) => Attributes::default(),
        // `goal-id` above all: what SQS moved has none, and a bare goal without a key had its id from a MessageId that
        // this send replaces. Its `idempotency-key`, which is that MessageId, leads to the same goal again.
        (_, Some(event)) => Attributes::of_event(event),
    };
    let is_ours = |name: &str| [IDEMPOTENCY_KEY, GOAL_ID, TENANT, TRACEPARENT, TRACESTATE].contains(&name);
    let bare = event.is_some_and(|event| event.kind == GoalRequested::TYPE);
    // An envelope says all of ours itself: where there is no room for everything, the sender's go before those.
    let traced = event.is_some_and(|event| says(&body, &event.trace.traceparent()));
    let needed = |name: &str| bare || (name == TRACEPARENT && !traced);
    let theirs = letter
        .attributes
        .0
        .iter()
        .filter(|(name, _)| *name != PARK && !is_eventbridges(name) && !(is_ours(name) && own.get(name).is_some()));
    let mut wanted: Vec<(&str, &str, bool)> = vec![];
    wanted.extend(note.map(|note| (PARK, note, false)));
    let pairs = || own.0.iter().map(|(name, value)| (name.as_str(), value.as_str(), false));
    wanted.extend(pairs().filter(|(name, ..)| needed(name)));
    wanted.extend(theirs.map(|(name, value)| (name.as_str(), value.as_str(), true)));
    wanted.extend(pairs().filter(|(name, ..)| !needed(name)));
    let mut room = SQS_MESSAGE_BYTES_MAX.saturating_sub(body.len());
    let (mut attributes, mut left_out) = (Attributes::default(), vec![]);
    for (name, value, of_sender) in wanted {
        // SQS counts the type's name too.
        let bytes = name.len() + value.len() + "String".len();
        if attributes.0.len() < SQS_ATTRIBUTES_MAX && bytes <= room {
            room -= bytes;
            attributes.set(name, value);
        } else if of_sender {
            left_out.push(name.to_owned());
        }
    }
    let group = event.map(|event| event.tenant.to_string());
    Composed { message: Outbound { body, attributes, group }, left_out }
}

/// Whether the envelope itself has this trace.
fn says(body: &str, traceparent: &str) -> bool {
    let Ok(read) = serde_json::from_str::<Value>(body) else { return false };
    [&read["traceparent"], &read["detail"]["traceparent"]].contains(&&Value::from(traceparent))
}
