//! Owns how often a site is asked: so many requests in a while, a short wait for one's turn, and none before a site that
//! was asked too much said that it may be asked again.
//! Never sleeps longer than its patience: whoever would have to wait longer comes back later.
//! Next: `visit` waits here before each page, `web` before each search.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contract::PortError;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::future::Cache;
use tokio::time::{Instant, sleep};

const SITES_MAX: u64 = 1024;
/// However long a site wants to be left alone: nobody's goal lives to see more.
const CLOSED_MAX: Duration = Duration::from_secs(3600);

/// A pace for every site.
pub struct Pace {
    every: Duration,
    burst: NonZeroU32,
    patience: Duration,
    sites: Cache<String, Arc<Site>>,
}

struct Site {
    limiter: Mutex<(Duration, Arc<Limiter>)>,
    closed_until: Mutex<Option<Instant>>,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>;

/// Tokio's time, so that pausing it pauses this.
#[derive(Clone, Copy, Debug)]
struct Ticks(Instant);

impl Clock for Ticks {
    type Instant = Duration;
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Pace {
    /// One request `every` so long, `burst` at once, and at most `patience` of waiting. An `every` of zero is no limit.
    pub fn of(every: Duration, burst: NonZeroU32, patience: Duration) -> Pace {
        Pace { every, burst, patience, sites: Cache::new(SITES_MAX) }
    }

    /// Waits for one's turn. `slower`: what the site itself asks for, from one request to the next.
    pub async fn turn(&self, site: &str, slower: Option<Duration>) -> Result<(), PortError> {
        let period = self.every.max(slower.unwrap_or_default());
        let known = self.site(site).await;
        let mut waited = Duration::ZERO;
        loop {
            let Some(wait) = known.wait(period, if slower > Some(self.every) { NonZeroU32::MIN } else { self.burst })
            else {
                return Ok(());
            };
            waited += wait;
            if waited > self.patience {
                let why = format!("{site} is asked as often as it may be; come back in {} ms", wait.as_millis());
                return Err(PortError::Transient { why, retry_after: Some(wait) });
            }
            sleep(wait).await;
        }
    }

    /// Nobody asks the site for so long.
    pub async fn close(&self, site: &str, span: Duration) {
        let until = Instant::now() + span.min(CLOSED_MAX);
        let known = self.site(site).await;
        *known.closed_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    async fn site(&self, site: &str) -> Arc<Site> {
        let limiter = Mutex::new((self.every, limiter(self.every, self.burst)));
        let unknown = async { Arc::new(Site { limiter, closed_until: Mutex::default() }) };
        self.sites.get_with_by_ref(site, unknown).await
    }
}

impl Site {
    /// How long until one's turn may come; nothing if it is now, and then it is taken.
    fn wait(&self, period: Duration, burst: NonZeroU32) -> Option<Duration> {
        let closed_until = *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) =
            closed_until.map(|until| until.duration_since(Instant::now())).filter(|wait| !wait.is_zero())
        {
            return Some(wait);
        }
        if period.is_zero() {
            return None;
        }
        let mut held = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        if held.0 != period {
            *held = (period, limiter(period, burst));
        }
        let refused = held.1.check().err()?;
        // Never zero: the loop must not spin.
        Some(refused.wait_time_from(held.1.clock().now()).max(Duration::from_millis(1)))
    }
}

fn limiter(period: Duration, burst: NonZeroU32) -> Arc<Limiter> {
    let period = period.max(Duration::from_millis(1));
    let quota = Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    Arc::new(RateLimiter::direct_with_clock(quota.allow_burst(burst), Ticks(Instant::now())))
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one in {:?}, {} at once", self.every, self.burst)
    }
}
