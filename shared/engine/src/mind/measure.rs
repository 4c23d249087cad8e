//! Owns how far our count of tokens is from a model's own: what its answers and its refusals told, in this process.
//! Never less than our own count, and never asked by a replay: the record has what was sent.
//! Next: `packing` fills a context by it, `calling` reserves by it and tells it what came back.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{Reply, Stop};

/// Tokens of the model for each of ours, before it has told any: small models know few pieces of words.
pub(super) const BEFORE: f64 = 1.25;
/// Beyond what was seen: another text may be worse.
const MARGIN: f64 = 1.1;
/// A server that counts more than this counts something else.
const MOST: f64 = 6.0;
/// Where a refusal names no number.
const STEP: f64 = 1.5;
/// Of a shorter question, what a server puts around it is too large a part.
const COUNTED_MIN: u64 = 400;

/// What one model has told of its tokens.
#[derive(Debug, Default)]
pub(super) struct Measure(Mutex<Seen>);

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The most tokens of its own for one of ours.
    each: Option<f64>,
    /// The least context that its server named.
    context_tokens: Option<u64>,
}

impl Measure {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a count of ours is to be taken times, so that it fits.
    pub(super) fn factor(&self) -> f64 {
        self.seen().each.map_or(BEFORE, |each| (each * MARGIN).clamp(1.0, MOST))
    }

    /// What its configuration says, or less where its server said so.
    pub(super) fn context_tokens(&self, configured: u64) -> u64 {
        self.seen().context_tokens.map_or(configured, |told| told.min(configured))
    }

    /// What so many of ours were at most so far.
    pub(super) fn at_most(&self, counted: u64) -> u64 {
        let each = self.seen().each.unwrap_or(1.0).clamp(1.0, MOST);
        (counted as f64 * each).ceil() as u64
    }

    /// What came back on a question of so many tokens by our count.
    pub(super) fn hear(&self, counted: u64, reply: &Reply) {
        let used = reply.usage.input_tokens;
        let told = (used > 0 && counted > 0 && !reply.usage.estimated).then(|| used as f64 / counted as f64);
        let each = match reply.stop {
            Stop::TooLong { context_tokens: Some(_) } if told.is_some() => told,
            Stop::TooLong { .. } => Some(self.factor() * STEP),
            _ => told.filter(|_| counted >= COUNTED_MIN),
        };
        let mut seen = self.seen();
        if let Some(each) = each {
            seen.each = Some(seen.each.map_or(each, |before| before.max(each)).min(MOST));
        }
        if let Stop::TooLong { context_tokens: Some(told) } = reply.stop {
            seen.context_tokens = Some(seen.context_tokens.map_or(told, |before| before.min(told)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Usage;

    fn reply(input_tokens: u64, estimated: bool, stop: Stop) -> Reply {
        let usage = Usage { input_tokens, estimated, ..Usage::default() };
        Reply { parts: vec![], stop, usage, model: String::new() }
    }

    #[test]
    fn a_count_is_taken_times_what_the_model_counted_and_never_for_less_than_ours() {
        let measure = Measure::default();
        assert_eq!((measure.factor(), measure.at_most(1_000)), (BEFORE, 1_000));
        measure.hear(1_000, &reply(500, false, Stop::End));
        assert_eq!((measure.factor(), measure.at_most(1_000)), (1.0, 1_000));
        measure.hear(1_000, &reply(2_000, false, Stop::End));
        measure.hear(1_000, &reply(900, false, Stop::End));
        assert!((measure.factor() - 2.2).abs() < 1e-9 && measure.at_most(1_000) == 2_000);
    }

    #[test]
    fn what_was_estimated_and_what_is_short_teaches_nothing() {
        let measure = Measure::default();
        measure.hear(1_000, &reply(5_000, true, Stop::End));
        measure.hear(50, &reply(300, false, Stop::End));
        assert_eq!(measure.factor(), BEFORE);
    }

    #[test]
    fn a_refusal_tells_its_numbers_or_is_a_step() {
        let measure = Measure::default();
        measure.hear(1_000, &reply(0, false, Stop::TooLong { context_tokens: None }));
        assert!(measure.factor() > BEFORE * 1.4 && measure.context_tokens(8_000) == 8_000);
        measure.hear(1_000, &reply(3_000, false, Stop::TooLong { context_tokens: Some(4_096) }));
        assert!((measure.factor() - 3.3).abs() < 1e-9);
        assert_eq!((measure.context_tokens(8_000), measure.context_tokens(2_000)), (4_096, 2_000));
    }
}
