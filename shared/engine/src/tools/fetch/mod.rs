//! Owns the tool that fetches pages of the public web: judged, bounded, polite, and remembered for a day.
//! Never reaches inwards, whoever asks: an address is refused before a byte is sent. Never reads what a page says.
//! Next: `target` and `network` judge, `visit` goes, `robots` and `pace` are the manners, `cache` remembers.

mod address;
mod cache;
mod network;
mod pace;
mod robots;
pub(super) mod settings;
mod target;
pub(super) mod visit;

use std::sync::Arc;

use async_trait::async_trait;
use contract::artifact::ArtifactError;
use contract::{ArtifactRef, Artifacts, Digest, PortError, UnixMs, Workplace, bounded};
use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::timeout;

pub use address::forbidden;
pub use network::{AGENT, Network, System};
pub use pace::Pace;
pub use settings::{Allowed, Settings};
pub use target::{Refusal, Target};

use self::cache::{Entry, Pages, Slot};
use self::network::Doors;
use self::visit::{Landing, Visitor, read, retry_after};
use super::{Tool, Toolbox};
use crate::exchange::Exchanges;
use crate::model::ToolSpec;

pub const NAME: &str = "fetch";
/// Longer bodies, and those that are no UTF-8, are artifacts: the record of a step must stay small.
const TEXT_BYTES_MAX: usize = 16 * 1024;
/// What `corpus` can read.
const MEDIATYPES: &[&str] = &[
    "text/html",
    "application/xhtml+xml",
    "text/plain",
    "text/markdown",
    "text/x-markdown",
    "text/csv",
    "text/tab-separated-values",
    "application/json",
    "application/jsonl",
    "application/x-ndjson",
    "application/ndjson",
    "application/pdf",
];

/// A page as it came: the charset is the reader's business.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Where it was found in the end.
    pub url: String,
    pub status: u16,
    /// With its parameters.
    pub mediatype: String,
    /// When its server last said that this is the page.
    pub fetched_at: UnixMs,
    pub sha256: Digest,
    pub bytes: u64,
    /// Every address before `url`, the one that was asked for first.
    #[serde(default)]
    pub redirects: Vec<String>,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    Text(String),
    Kept(ArtifactRef),
}

/// Fetches, for all tasks of a daemon.
#[derive(Debug)]
pub struct Fetch {
    visitor: Visitor,
    pages: Pages,
}

/// Fetches through a step's exchanges: noted, and in a replay what was noted.
pub async fn asked(tools: &Toolbox, exchanges: &Exchanges<'_>, url: &str) -> Result<Page, PortError> {
    let answer = tools.call(exchanges, NAME, json!({"url": url})).await?;
    serde_json::from_value(answer).map_err(|why| PortError::permanent(format!("a noted page is damaged: {why}")))
}

impl Page {
    /// The bytes as they came.
    pub async fn read(&self, artifacts: &dyn Artifacts) -> Result<Vec<u8>, ArtifactError> {
        match &self.body {
            Body::Text(text) => Ok(text.clone().into_bytes()),
            Body::Kept(reference) => contract::artifact::fetch(artifacts, reference).await,
        }
    }
}

impl Fetch {
    pub fn of(settings: Settings) -> Fetch {
        Fetch::over(settings, Arc::new(System))
    }

    pub fn over(settings: Settings, network: Arc<dyn Network>) -> Fetch {
        Fetch { visitor: Visitor::new(settings, Doors::over(network)), pages: Pages::new() }
    }

    /// The page at `url`, now or from the cache. Not noted: see `asked`.
    pub async fn page(&self, url: &str, place: &dyn Workplace) -> Result<Page, PortError> {
        let settings = &self.visitor.settings;
        let target = Target::of(url, None, settings)?;
        match timeout(settings.whole, Box::pin(self.newest(&target, place))).await {
            Ok(page) => page,
            Err(_) => Err(PortError::transient(format!("{} took longer than {:?}", target.url, settings.whole))),
        }
    }

    async fn newest(&self, target: &Target, place: &dyn Workplace) -> Result<Page, PortError> {
        let artifacts = &**place.artifacts();
        let slot = self.pages.of(&target.url).await;
        let mut slot = slot.lock().await;
        slot.look(&target.url, artifacts).await;
        let now = place.clock().now();
        let fresh = |entry: &&Entry| entry.page.fetched_at.until(now) < self.visitor.settings.fresh;
        if let Some(entry) = slot.entry.as_ref().filter(fresh) {
            return Ok(entry.page.clone());
        }
        let known = slot.entry.clone();
        let conditions = |at: &url::Url| match &known {
            Some(entry) if entry.page.url == at.as_str() => entry.conditions(),
            _ => HeaderMap::new(),
        };
        let landing = self.visitor.way(target, conditions, &**place.clock()).await?;
        self.brought(target, landing, &mut slot, place).await
    }

    async fn brought(
        &self,
        target: &Target,
        landing: Landing,
        slot: &mut Slot,
        place: &dyn Workplace,
    ) -> Result<Page, PortError> {
        let Landing { url, redirects, response } = landing;
        let (now, headers) = (place.clock().now(), response.headers().clone());
        let artifacts = &**place.artifacts();
        let same = slot.entry.clone().filter(|entry| entry.page.url == url.as_str());
        let entry = match same {
            Some(mut entry) if response.status() == StatusCode::NOT_MODIFIED => {
                (entry.page.fetched_at, entry.page.redirects) = (now, redirects);
                entry
            }
            _ => {
                let (status, mediatype) = (response.status().as_u16(), welcome(&response, &url, now)?);
                let body = self.body(response, &url).await?;
                let (sha256, bytes) = (Digest::of(&body), body.len() as u64);
                let body = kept(body, &mediatype, artifacts).await?;
                let url = url.to_string();
                let page = Page { url, status, mediatype, fetched_at: now, sha256, bytes, redirects, body };
                Entry::of(page, &headers)
            }
        };
        let page = entry.page.clone();
        let secret = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
        if !secret.is_some_and(|value| value.to_ascii_lowercase().contains("no-store")) {
            slot.keep(&target.url, entry, artifacts).await;
        }
        Ok(page)
    }

    async fn body(&self, response: Response, url: &url::Url) -> Result<Vec<u8>, PortError> {
        let bytes_max = self.visitor.settings.bytes_max;
        let told = response.content_length().is_some_and(|length| length > bytes_max as u64);
        if !told {
            let (body, whole) = read(response, bytes_max).await?;
            if whole {
                return Ok(body);
            }
        }
        Err(PortError::permanent(format!("{url} is larger than {bytes_max} bytes (MURMUR_FETCH_BYTES_MAX)")))
    }
}

#[async_trait]
impl Tool for Fetch {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: NAME.to_owned(),
            description: "Fetches one page of the public web by its http or https address.".to_owned(),
            arguments: json!({
                "type": "object",
                "properties": {"url": {"type": "string", "description": "The whole address."}},
                "required": ["url"],
                "additionalProperties": false,
            }),
        }
    }

    async fn call(&self, arguments: Value, place: &dyn Workplace) -> Result<Value, PortError> {
        let Some(url) = arguments.get("url").and_then(Value::as_str) else {
            return Err(PortError::permanent("fetch wants {\"url\": \"https://…\"}"));
        };
        let page = self.page(url, place).await?;
        serde_json::to_value(page).map_err(|why| PortError::permanent(why.to_string()))
    }
}

/// The media type of an answer that is a page we can read; otherwise what to do about it.
fn welcome(response: &Response, url: &url::Url, now: UnixMs) -> Result<String, PortError> {
    let status = response.status();
    let transient = |why: &str| PortError::Transient {
        why: format!("{url} answers {status}: {why}"),
        retry_after: retry_after(response.headers(), now),
    };
    let permanent = |why: &str| Err(PortError::permanent(format!("{url} answers {status}: {why}")));
    match status.as_u16() {
        200 | 203 => {}
        401 | 403 | 407 | 451 => return permanent("it is not for everybody"),
        404 | 410 => return permanent("there is no such page"),
        408 | 425 | 429 => return Err(transient("it may be asked later")),
        500..=599 => return Err(transient("its server has a problem")),
        300..=399 => return permanent("it leads nowhere"),
        _ => return permanent("that is no page"),
    }
    let given = response.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let Some(given) = given else {
        return permanent("it does not say what kind of page it is");
    };
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !MEDIATYPES.contains(&essence.as_str()) {
        return permanent(&format!("{:?} is nothing that can be read here", bounded(&essence)));
    }
    Ok(given.trim().chars().take(200).collect())
}

async fn kept(body: Vec<u8>, mediatype: &str, artifacts: &dyn Artifacts) -> Result<Body, PortError> {
    if body.len() <= TEXT_BYTES_MAX {
        return match String::from_utf8(body) {
            Ok(text) => Ok(Body::Text(text)),
            Err(bytes) => Ok(Body::Kept(artifacts.put(bytes.as_bytes(), mediatype).await?)),
        };
    }
    Ok(Body::Kept(artifacts.put(&body, mediatype).await?))
}
