//! Owns randomness: owner tokens, span ids and jitter, all drawn from one seed.
//! Never the operating system's randomness behind anybody's back: a simulated world gives the seed.
//! Next: `claim` draws an owner for each delivery, `retry` and `sweep` draw their jitter.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use contract::SpanId;

#[derive(Debug)]
pub struct Chance(Mutex<fastrand::Rng>);

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
        Chance(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// For a daemon: a seed that no other process has.
    pub fn fresh() -> Chance {
        Chance(Mutex::new(fastrand::Rng::new()))
    }

    fn draw<T>(&self, with: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn token(&self) -> Token {
        Token(format!("{:032x}", self.draw(|rng| rng.u128(..))))
    }

    pub fn span(&self) -> SpanId {
        SpanId(self.draw(|rng| rng.u64(1..)))
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
