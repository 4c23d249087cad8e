//! Owns one dead letter, read: where it lies, what it carries, why it is there.
//! Never believes it: the body passes the decoder of the row that would get it, and a goal is the ledger's to confirm.
//! Next: `groups` puts those of one cause together, `verdict` says what a redrive of one would do.

use contract::decode::{self, Raw};
use contract::topology::Choreography;
use contract::{
    ArtifactRef, Artifacts, Attributes, Cause, CauseKind, Event, EventId, GoalId, ParkNote, UnixMs, artifact,
};
use runtime::ports::{Receipt, Received};
use serde::Deserialize;
use serde_json::{Value, json};

use super::places::{Destination, ERROR_CODE, ERROR_MESSAGE, Place};

/// So many digits of an id are shown.
const SHORT: usize = 8;

/// Why it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) kind: String,
    pub(super) detail: String,
}

#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) place: Place,
    pub(super) destination: Destination,
    /// SQS's: it stays while the letter lies there.
    pub(super) id: String,
    pub(super) receipt: Receipt,
    pub(super) at: UnixMs,
    /// As it lies there; nothing of a letter that was only seen.
    pub(super) body: String,
    pub(super) attributes: Attributes,
    /// Of both.
    pub(super) bytes: usize,
    pub(super) is_whole: bool,
    pub(super) note: Option<ParkNote>,
    /// What the row that it is for makes of it; without its data until it is `restored`.
    pub(super) event: Result<Event, Cause>,
    pub(super) why: Why,
}

/// Of what SQS moved by itself.
const MOVED: &str = "moved-by-sqs";
/// Of what EventBridge could not deliver.
const UNDELIVERED: &str = "undelivered";

/// Every kind of cause that a letter may have.
pub(super) fn kinds() -> Vec<&'static str> {
    CauseKind::ALL.iter().map(|kind| kind.as_str()).chain([MOVED, UNDELIVERED]).collect()
}

/// What a letter that did not fit left in an artifact.
#[derive(Deserialize)]
struct Whole {
    body: String,
    attributes: std::collections::BTreeMap<String, String>,
}

impl Letter {
    pub(super) fn read(place: &Place, message: Received, choreography: &Choreography) -> Letter {
        let destination = place.destination(&message.attributes, choreography);
        let note = message.attributes.park();
        let mut event = decoded(&message, &message.body, &message.attributes, &destination, choreography);
        // They would be in memory twice, and as values they are several times as large.
        if let Ok(event) = &mut event {
            event.data = Value::Null;
        }
        let of_attributes = message.attributes.0.iter().map(|(name, value)| name.len() + value.len());
        Letter {
            bytes: message.body.len() + of_attributes.sum::<usize>(),
            is_whole: true,
            place: place.clone(),
            why: why(note.as_ref(), &message.attributes),
            destination,
            id: message.message_id,
            receipt: message.receipt,
            at: message.sent_at,
            body: message.body,
            attributes: message.attributes,
            note,
            event,
        }
    }

    /// Leaves what only those need who act upon it.
    pub(super) fn seen_only(mut self) -> Letter {
        self.is_whole = false;
        self.body = String::new();
        self.attributes = Attributes::default();
        // Its words are in `why`.
        self.note.iter_mut().for_each(|note| note.cause.detail = String::new());
        self
    }

    /// With its event's data.
    pub(super) fn with_its_event(mut self, choreography: &Choreography) -> Letter {
        self.event = self.decode(&self.body, choreography);
        self
    }

    /// Likewise, with body and attributes as they came, where they had not fitted the letter.
    pub(super) async fn restored(
        mut self,
        artifacts: &dyn Artifacts,
        choreography: &Choreography,
    ) -> Result<Letter, String> {
        let Some(at) = self.note.as_ref().and_then(|note| note.body.clone()) else {
            return Ok(self.with_its_event(choreography));
        };
        let whole = whole(&at, artifacts).await?;
        self.body = whole.body;
        // What stands on the letter beside them is the note, and what the event itself says.
        self.attributes.0.extend(whole.attributes.into_iter().filter(|(name, _)| name != contract::attributes::PARK));
        Ok(self.with_its_event(choreography))
    }

    /// What the row that it is for would make of another body.
    pub(super) fn decode(&self, body: &str, choreography: &Choreography) -> Result<Event, Cause> {
        let message = Received {
            message_id: self.id.clone(),
            receipt: self.receipt.clone(),
            body: String::new(),
            attributes: Attributes::default(),
            sent_at: self.at,
            receive_count: 1,
        };
        decoded(&message, body, &self.attributes, &self.destination, choreography)
    }

    pub(super) fn short(&self) -> &str {
        self.id.get(..SHORT).unwrap_or(&self.id)
    }

    /// Not yet known to the ledger, perhaps.
    pub(super) fn goal(&self) -> Option<GoalId> {
        let said = self.event.as_ref().ok().map(|event| event.goal);
        said.or(self.note.as_ref()?.goal)
    }

    pub(super) fn event_id(&self) -> Option<EventId> {
        let said = self.event.as_ref().ok().map(|event| event.id);
        said.or(self.note.as_ref()?.event)
    }

    /// The n with which it would come back.
    pub(super) fn n(&self) -> u32 {
        self.note.as_ref().map_or(0, |note| note.n)
    }

    /// For a program.
    pub(super) fn told(&self) -> Value {
        let event = self.event.as_ref().ok();
        json!({
            "id": self.id,
            "queue": self.place.queue,
            "for": self.destination.name(),
            "since": self.at,
            "bytes": self.bytes,
            "cause": {"kind": self.why.kind, "detail": self.why.detail},
            "goal": self.goal(),
            "event": self.event_id(),
            "type": event.map(|event| &event.kind),
            "attempts": self.note.as_ref().map(|note| note.attempts),
            "n": self.note.as_ref().map(|note| note.n),
            "undecodable": self.event.as_ref().err().map(|cause| &cause.detail),
        })
    }
}

fn decoded(
    message: &Received,
    body: &str,
    attributes: &Attributes,
    destination: &Destination,
    choreography: &Choreography,
) -> Result<Event, Cause> {
    let Some(row) = destination.row() else {
        let nobody = "no agent's message: it goes back as it is, or is discarded";
        return Err(Cause::new(CauseKind::Undecodable, nobody));
    };
    let raw = Raw { body: body.as_bytes(), attributes, message_id: &message.message_id, sent_at: message.sent_at };
    decode::decode(raw, row, choreography)
}

async fn whole(at: &ArtifactRef, artifacts: &dyn Artifacts) -> Result<Whole, String> {
    let said = |why: &dyn std::fmt::Display| format!("what it could not hold is in {}: {why}", at.uri);
    let bytes = artifact::fetch(artifacts, at).await.map_err(|why| said(&why))?;
    serde_json::from_slice(&bytes).map_err(|why| said(&why))
}

fn why(note: Option<&ParkNote>, attributes: &Attributes) -> Why {
    if let Some(note) = note {
        return Why { kind: note.cause.kind.as_str().into(), detail: contract::bounded(&note.cause.detail) };
    }
    if let Some(code) = attributes.get(ERROR_CODE) {
        let message = attributes.get(ERROR_MESSAGE).unwrap_or("no words");
        return Why { kind: UNDELIVERED.into(), detail: contract::bounded(format!("{code}: {message}")) };
    }
    // A daemon that gives up says why: without a note, nobody was left to say it.
    let detail = "SQS moved it after its last receive: whoever received it died each time before it could say why";
    Why { kind: MOVED.into(), detail: detail.into() }
}
