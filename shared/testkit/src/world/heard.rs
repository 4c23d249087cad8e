//! Owns what queues delivered under each event's id, beside what the bus was given: a fork's messages go past the bus.
//! Never what somebody forged, or what a user sent under a key that was used before: those are refused by whoever gets them.
//! Next: the witness, for whom one id with two contents is a broken promise.

use std::collections::BTreeMap;

use contract::{Digest, Event, EventId, Source};

#[derive(Debug, Default)]
pub(crate) struct Heard(BTreeMap<EventId, Digest>);

impl Heard {
    /// Whether it says something else than the first one of its id, or than what was published.
    pub(crate) fn is_other(&mut self, event: &Event, published: Option<&Digest>) -> bool {
        if event.source == Source::USER || event.data.get("forged").is_some() {
            return false;
        }
        let digest = event.digest();
        let first = self.0.entry(event.id).or_insert_with(|| digest.clone());
        *first != digest || published.is_some_and(|published| *published != digest)
    }
}
