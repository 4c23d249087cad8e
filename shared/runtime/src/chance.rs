//! Owns randomness: owner tokens, span ids and jitter, all drawn from one seed.
//! Never the operating system's randomness behind anybody's back: a simulated world gives the seed.
//! Next: `claim` draws an owner for each delivery, `retry` and `sweep` draw their jitter.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use contract::{SpanId, TraceContext, TraceId};

#[derive(Debug)]
pub struct Chance {
    /// Half of every token: drawn once, so that two processes would have to collide twice.
    process: u64,
    rng: Mutex<fastrand::Rng>,
}

/// Who writes: fresh for every delivery and every sweep, so that a lost reply is recognised as one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Token {
    /// From the ledger, which holds only what `token` made.
    fn from(text: &str) -> Token {
        Token(text.into())
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Chance {
    pub fn seeded(seed: u64) -> Chance {
        Chance { process: seed, rng: Mutex::new(fastrand::Rng::with_seed(seed)) }
    }

    /// For a daemon: from the operating system's randomness. Nothing fences two processes that draw the same owner.
    pub fn fresh() -> Chance {
        use std::hash::BuildHasher as _;
        let random = std::collections::hash_map::RandomState::new();
        Chance {
            process: random.hash_one("process"),
            rng: Mutex::new(fastrand::Rng::with_seed(random.hash_one("seed"))),
        }
    }

    fn draw<T>(&self, with: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        with(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn token(&self) -> Token {
        Token(format!("{:016x}{:016x}", self.draw(|rng| rng.u64(..)), self.process))
    }

    pub fn span(&self) -> SpanId {
        SpanId(self.draw(|rng| rng.u64(1..)))
    }

    /// Where a trace of its own begins.
    pub fn trace(&self) -> TraceContext {
        let trace = TraceId(self.draw(|rng| rng.u128(1..)));
        TraceContext { trace, span: self.span(), sampled: true, state: None }
    }

    pub(crate) fn below(&self, end: u8) -> u8 {
        self.draw(|rng| rng.u8(..end))
    }

    /// Anything from nothing to all of it: "full jitter".
    pub fn up_to(&self, most: Duration) -> Duration {
        most.mul_f64(self.draw(fastrand::Rng::f64))
    }

    /// Half of it to one and a half: for what repeats and must not march in step.
    pub fn around(&self, usual: Duration) -> Duration {
        usual.mul_f64(0.5 + self.draw(fastrand::Rng::f64))
    }
}
