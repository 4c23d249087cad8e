//! Owns what sites say of robots: read once a day and site, and obeyed as RFC 9309 has it.
//! Never fetches a page: whoever may not know whether it may, may not.
//! Next: `visit` asks here before every page and every redirect.

use std::sync::Arc;
use std::time::Duration;

use contract::{Clock, PortError, UnixMs};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use robotxt::{AccessResult, BYTE_LIMIT, Robots, robots_url};
use tokio::time::timeout;

use super::network::AGENT;
use super::settings::Settings;
use super::target::{Refusal, Target};
use super::visit::{Failure, Hop, Visitor, read};

/// The robots.txt of one site.
#[derive(Debug)]
pub(super) struct Known {
    rules: Robots,
    /// It could not be had, so nothing may.
    away: bool,
    read_at: UnixMs,
}

impl Known {
    fn lasts(&self, settings: &Settings) -> Duration {
        if self.away { settings.robots_away } else { settings.robots_fresh }
    }
}

impl Visitor {
    /// Whether a page may be fetched, and how long the site wants to be left alone between two.
    pub(super) async fn permitted(&self, target: &Target, clock: &dyn Clock) -> Result<Option<Duration>, PortError> {
        let site = target.site();
        let slot = self.robots.get_with_by_ref(&site, async { Arc::default() }).await;
        let mut held = slot.lock().await;
        let now = clock.now();
        let known = match held.take().filter(|known| known.read_at.until(now) < known.lasts(&self.settings)) {
            Some(known) => known,
            None => self.robots_of(target, now).await?,
        };
        let known = held.insert(known);
        if known.away {
            let left = (known.read_at + known.lasts(&self.settings)).0 - now.0;
            return Err(PortError::Transient {
                why: format!("the robots.txt of {site} cannot be read, and without it nothing there may be"),
                retry_after: u64::try_from(left).ok().map(Duration::from_millis),
            });
        }
        if !known.rules.is_url_allowed(&target.url) {
            return Err(PortError::permanent(format!("the robots.txt of {site} forbids {}", target.url)));
        }
        Ok(known.rules.crawl_delay().map(|delay| delay.min(self.settings.crawl_delay_max)))
    }

    async fn robots_of(&self, target: &Target, now: UnixMs) -> Result<Known, Refusal> {
        let (rules, away) = match timeout(self.settings.robots, self.robots_read(target)).await {
            Ok(Ok(rules)) => (rules, false),
            Ok(Err(Failure::Refused(refusal))) => return Err(refusal),
            Ok(Err(Failure::Unreached(why))) => {
                tracing::debug!(site = target.site(), why, "its robots.txt cannot be read");
                (Robots::from_access(AccessResult::Unreachable, AGENT), true)
            }
            Err(_) => (Robots::from_access(AccessResult::Unreachable, AGENT), true),
        };
        Ok(Known { rules, away, read_at: now })
    }

    async fn robots_read(&self, target: &Target) -> Result<Robots, Failure> {
        let place = robots_url(&target.url).map_err(|why| Refusal(why.to_string()))?;
        let mut at = Target::of(place.as_str(), None, &self.settings)?;
        for _ in 0..=self.settings.redirects_max {
            let response = match self.hop(&at, HeaderMap::new()).await? {
                Hop::Onward(next) => {
                    at = next;
                    continue;
                }
                Hop::Here(response) => response,
            };
            let status = response.status();
            if status.is_success() {
                // One byte more tells the parser that its last line was cut.
                let (text, _) = read(response, BYTE_LIMIT + 1).await?;
                return Ok(Robots::parse(&text, AGENT));
            }
            if status == StatusCode::TOO_MANY_REQUESTS || !status.is_client_error() {
                return Err(Failure::Unreached(format!("it answers {status}")));
            }
            return Ok(Robots::from_access(AccessResult::Unavailable, AGENT));
        }
        Ok(Robots::from_access(AccessResult::TooManyRedirects, AGENT))
    }
}
