//! Owns how fast a model may be asked: requests and tokens a minute, over all steps of this process.
//! Never waits beyond an attempt's deadline: it says at once that the turn would come too late, and takes nothing.
//! A limiter of a library takes as soon as it is asked; a turn is one of two limits that are taken together or not at
//! all, so the two are counted here, each by the time at which it would be full again.
//! Next: `calling` takes a turn before each question; a replay takes none.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Pace {
    requests: Option<NonZeroU32>,
    tokens: Option<NonZeroU32>,
    full: Mutex<Full>,
}

/// When each allowance will be whole again. What is past is whole.
#[derive(Clone, Copy, Debug)]
struct Full {
    requests: Instant,
    tokens: Instant,
}

impl Pace {
    pub(super) fn of(requests_per_minute: Option<NonZeroU32>, tokens_per_minute: Option<NonZeroU32>) -> Pace {
        let now = Instant::now();
        let full = Mutex::new(Full { requests: now, tokens: now });
        Pace { requests: requests_per_minute, tokens: tokens_per_minute, full }
    }

    /// Waits for a turn of so many tokens, but not longer than `left`; otherwise how long it would take.
    pub(super) async fn turn(&self, tokens: u64, left: Duration) -> Result<(), Duration> {
        let end = Instant::now() + left;
        loop {
            let now = Instant::now();
            let Err(wait) = self.taken(tokens, now) else { return Ok(()) };
            if now + wait >= end {
                return Err(wait);
            }
            sleep(wait).await;
        }
    }

    /// Takes from both allowances, or from none, and says when there will be enough.
    fn taken(&self, tokens: u64, now: Instant) -> Result<(), Duration> {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Full {
            requests: filled(full.requests, self.requests, 1, now),
            tokens: filled(full.tokens, self.tokens, tokens, now),
        };
        let wait = next.requests.max(next.tokens).saturating_duration_since(now + MINUTE);
        if wait.is_zero() {
            *full = next;
            Ok(())
        } else {
            Err(wait)
        }
    }
}

/// When an allowance is whole again if so much is taken from it now. One that is larger than a minute's whole allowance
/// takes all of it.
fn filled(full: Instant, each_minute: Option<NonZeroU32>, taken: u64, now: Instant) -> Instant {
    let Some(each_minute) = each_minute.map(NonZeroU32::get) else { return now };
    let share = taken.min(each_minute.into()) as f64 / f64::from(each_minute);
    full.max(now) + MINUTE.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_comes_too_late_takes_nothing() {
        let pace = Pace::of(NonZeroU32::new(2), NonZeroU32::new(1_000));
        assert_eq!(pace.turn(900, Duration::from_secs(1)).await, Ok(()));
        for _ in 0..5 {
            // For the tokens, in 48 s.
            assert_eq!(pace.turn(900, Duration::from_secs(10)).await.map_err(|wait| wait.as_secs()), Err(48));
        }
        assert_eq!(pace.turn(100, Duration::from_secs(1)).await, Ok(()), "those that were refused took a request each");
        assert_eq!(pace.turn(1, Duration::from_secs(10)).await.map_err(|wait| wait.as_secs()), Err(30));
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_a_minutes_tokens_take_a_minute() {
        let pace = Pace::of(None, NonZeroU32::new(1_000));
        let began = Instant::now();
        for _ in 0..3 {
            assert_eq!(pace.turn(1_000_000, Duration::from_secs(600)).await, Ok(()));
        }
        assert_eq!(began.elapsed().as_secs(), 120);
    }
}
