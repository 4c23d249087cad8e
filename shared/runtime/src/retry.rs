//! Owns how a port call is repeated: exponential backoff with full jitter, within a budget of time.
//! Never repeats what is permanent, and is the only module that knows the crate `backoff` (ADR 0004).
//! Next: every call of the runtime to a port goes through `retried`; `shared/aws` connects and provisions with it.

use std::future::Future;
use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;
use contract::PortError;
use tokio::time::Instant;

use crate::chance::Chance;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);
/// A server may ask for any wait; more than this is not believed.
const ASKED_MAX: Duration = Duration::from_secs(3_600);

/// The waits between the tries of one call.
#[derive(Debug)]
pub struct Waits<'c> {
    steps: ExponentialBackoff,
    until: Instant,
    chance: &'c Chance,
}

impl<'c> Waits<'c> {
    /// For at most `budget` from now.
    pub fn within(budget: Duration, chance: &'c Chance) -> Waits<'c> {
        let steps = ExponentialBackoff {
            current_interval: FIRST,
            initial_interval: FIRST,
            randomization_factor: 0.0,
            multiplier: 2.0,
            max_interval: LONGEST,
            // Its own clock is not ours: `until` keeps the budget, on a clock that paused time moves.
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        Waits { steps, until: Instant::now() + budget, chance }
    }

    /// How long to wait before the next try, or that there is no next try.
    pub fn next(&mut self, error: &PortError) -> Option<Duration> {
        let PortError::Transient { retry_after, .. } = error else { return None };
        let wait = self.chance.up_to(self.steps.next_backoff()?).max(believed(*retry_after));
        (Instant::now() + wait < self.until).then_some(wait)
    }
}

/// Calls until it succeeds, fails for good, or the budget is over.
pub async fn retried<T, F>(budget: Duration, chance: &Chance, mut call: impl FnMut() -> F) -> Result<T, PortError>
where
    F: Future<Output = Result<T, PortError>>,
{
    let mut waits = Waits::within(budget, chance);
    loop {
        match call().await {
            Ok(done) => return Ok(done),
            Err(error) => match waits.next(&error) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            },
        }
    }
}

/// How long a released message stays away after its `attempts`-th failure: exponential with full jitter.
pub(crate) fn step_backoff(attempts: u32, asked: Option<Duration>, chance: &Chance) -> Duration {
    let most = Duration::from_secs(2).saturating_mul(1 << attempts.min(7));
    chance.up_to(most).max(believed(asked)) + Duration::from_millis(500)
}

fn believed(asked: Option<Duration>) -> Duration {
    asked.unwrap_or_default().min(ASKED_MAX)
}
