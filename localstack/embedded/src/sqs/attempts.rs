//! Owns what FIFO receives gave out under a `ReceiveRequestAttemptId`, so that a repeated request gets the same.
//! Never stored: after a restart a repeated attempt is a new one.
//! Next: `receiving` asks before it takes messages.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::receipt::Receipt;
use crate::engine::UnixMs;

const REMEMBERED_MS: i64 = 5 * 60 * 1000;

#[derive(Debug, Default)]
pub(crate) struct Attempts {
    given: HashMap<Arc<str>, Vec<Receipt>>,
    ages: VecDeque<(UnixMs, Arc<str>)>,
}

impl Attempts {
    pub(crate) fn find(&mut self, id: &str, now: UnixMs) -> Option<&[Receipt]> {
        while let Some((at, _)) = self.ages.front() {
            if at.plus_ms(REMEMBERED_MS) > now {
                break;
            }
            if let Some((_, old)) = self.ages.pop_front() {
                self.given.remove(&old);
            }
        }
        self.given.get(id).map(Vec::as_slice)
    }

    pub(crate) fn remember(&mut self, id: &str, receipts: Vec<Receipt>, now: UnixMs) {
        let id: Arc<str> = id.into();
        if self.given.contains_key(&id) {
            self.ages.retain(|(_, known)| *known != id);
        }
        self.ages.push_back((now, Arc::clone(&id)));
        self.given.insert(id, receipts);
    }
}
