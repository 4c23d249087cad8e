//! Owns the way to a page: hop by hop, each judged anew, in its turn, and as its robots.txt permits.
//! Never follows a redirect that was not judged like a first address, nor reads more than was allowed.
//! Next: `mod` makes a page of what is found at the end of the way.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use contract::{Clock, PortError, UnixMs, bounded};
use jiff::fmt::rfc2822;
use moka::future::Cache;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use tokio::sync::Mutex;
use url::Url;

use super::network::{Doors, HEADER_BYTES_MAX};
use super::pace::Pace;
use super::robots::Known;
use super::settings::Settings;
use super::target::{Refusal, Target};

const SITES_MAX: u64 = 512;

/// Goes, and remembers of each site what it asked for.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) settings: Settings,
    pub(super) doors: Doors,
    pub(super) pace: Pace,
    pub(super) robots: Cache<String, Arc<Mutex<Option<Known>>>>,
}

/// Where a request led.
pub(super) enum Hop {
    Onward(Target),
    Here(Response),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{0}")]
    Unreached(String),
}

/// The end of the way.
pub(super) struct Landing {
    pub(super) url: Url,
    /// Every address before it.
    pub(super) redirects: Vec<String>,
    pub(super) response: Response,
}

impl From<Failure> for PortError {
    fn from(failure: Failure) -> PortError {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Unreached(why) => PortError::transient(why),
        }
    }
}

impl Visitor {
    pub(super) fn new(settings: Settings, doors: Doors) -> Visitor {
        let pace = Pace::of(settings.every, settings.burst, settings.patience);
        Visitor { settings, doors, pace, robots: Cache::new(SITES_MAX) }
    }

    /// `conditions`: what to send to an address, so that it need not repeat what is known.
    pub(super) async fn way(
        &self,
        first: &Target,
        conditions: impl Fn(&Url) -> HeaderMap,
        clock: &dyn Clock,
    ) -> Result<Landing, PortError> {
        let mut at = first.clone();
        let mut redirects: Vec<String> = Vec::new();
        loop {
            let delay = self.permitted(&at, clock).await?;
            self.pace.turn(&at.site(), delay).await?;
            match self.hop(&at, conditions(&at.url)).await? {
                Hop::Here(response) => {
                    self.heeded(&at, &response, clock.now()).await;
                    return Ok(Landing { url: at.url, redirects, response });
                }
                Hop::Onward(next) => {
                    redirects.push(at.url.to_string());
                    if redirects.iter().any(|before| *before == next.url.as_str()) {
                        return Err(PortError::permanent(format!("{} redirects in a circle", first.url)));
                    }
                    if redirects.len() > self.settings.redirects_max {
                        let most = self.settings.redirects_max;
                        return Err(PortError::permanent(format!("{} redirects more than {most} times", first.url)));
                    }
                    at = next;
                }
            }
        }
    }

    /// One request, without robots.txt and without waiting for a turn.
    pub(super) async fn hop(&self, target: &Target, headers: HeaderMap) -> Result<Hop, Failure> {
        let client = self.doors.to(target, &self.settings).map_err(Failure::Unreached)?;
        let sent = client.get(target.url.clone()).headers(headers).send().await;
        let response = sent.map_err(|why| failed(why, &target.url))?;
        let bytes: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if bytes > HEADER_BYTES_MAX as usize {
            return Err(Refusal(format!("{} answers with {bytes} bytes of headers", target.url)).into());
        }
        let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
        match response.headers().get(LOCATION).filter(|_| redirects) {
            Some(location) => {
                let onward =
                    Target::of(&String::from_utf8_lossy(location.as_bytes()), Some(&target.url), &self.settings);
                Ok(Hop::Onward(onward.map_err(|why| Refusal(format!("{} redirects: {why}", target.url)))?))
            }
            None => Ok(Hop::Here(response)),
        }
    }

    /// A site that says it is asked too much is left alone by all.
    async fn heeded(&self, at: &Target, response: &Response, now: UnixMs) {
        let busy = matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        if let Some(span) = retry_after(response.headers(), now).filter(|_| busy) {
            self.pace.close(&at.site(), span).await;
        }
    }
}

/// Seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: UnixMs) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(now.until(UnixMs(at.as_millisecond())))
}

/// At most `bytes_max`, and whether that was all.
pub(crate) async fn read(mut response: Response, bytes_max: usize) -> Result<(Vec<u8>, bool), Failure> {
    let url = response.url().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|why| failed(why, &url))? {
        let room = bytes_max - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok((body, false));
        }
    }
    Ok((body, true))
}

fn failed(why: reqwest::Error, url: &Url) -> Failure {
    let why = why.without_url();
    let mut causes = vec![why.to_string()];
    let mut next = why.source();
    while let Some(cause) = next {
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return refusal.clone().into();
        }
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.dedup();
    Failure::Unreached(format!("{url} cannot be fetched: {}", bounded(causes.join(": "))))
}
