//! Owns how fast a model may be asked: requests and tokens a minute, over all steps of this process.
//! Never waits beyond an attempt's deadline: it says at once that the turn would come too late.
//! Next: `calling` takes a turn before each question; a replay takes none.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::{Instant, sleep};

type Limiter = RateLimiter<NotKeyed, InMemoryState, SinceStart, NoOpMiddleware<Duration>>;

pub(super) struct Pace {
    requests: Option<(Limiter, NonZeroU32)>,
    tokens: Option<(Limiter, NonZeroU32)>,
    clock: SinceStart,
}

/// Tokio's time, which tests pause.
#[derive(Clone, Copy, Debug)]
struct SinceStart(Instant);

impl Clock for SinceStart {
    type Instant = Duration;
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Pace {
    pub(super) fn of(requests_per_minute: Option<NonZeroU32>, tokens_per_minute: Option<NonZeroU32>) -> Pace {
        let clock = SinceStart(Instant::now());
        let limiter = |each: NonZeroU32| (RateLimiter::direct_with_clock(Quota::per_minute(each), clock), each);
        Pace { requests: requests_per_minute.map(limiter), tokens: tokens_per_minute.map(limiter), clock }
    }

    /// Waits for a turn of so many tokens, but not longer than `left`; otherwise how long it would take.
    pub(super) async fn turn(&self, tokens: u64, left: Duration) -> Result<(), Duration> {
        let end = Instant::now() + left;
        if let Some((limiter, _)) = &self.requests {
            self.cells(limiter, NonZeroU32::MIN, end).await?;
        }
        if let Some((limiter, most)) = &self.tokens {
            // One that is larger than a minute's whole allowance takes all of it.
            let cells = u32::try_from(tokens).ok().and_then(NonZeroU32::new).map_or(*most, |cells| cells.min(*most));
            self.cells(limiter, cells, end).await?;
        }
        Ok(())
    }

    async fn cells(&self, limiter: &Limiter, cells: NonZeroU32, end: Instant) -> Result<(), Duration> {
        loop {
            let wait = match limiter.check_n(cells) {
                Ok(Ok(())) | Err(_) => return Ok(()),
                Ok(Err(early)) => early.wait_time_from(self.clock.now()),
            };
            if Instant::now() + wait >= end {
                return Err(wait);
            }
            sleep(wait).await;
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = |limit: &Option<(Limiter, NonZeroU32)>| limit.as_ref().map(|(_, each)| each.get());
        f.debug_struct("Pace").field("requests", &each(&self.requests)).field("tokens", &each(&self.tokens)).finish()
    }
}
