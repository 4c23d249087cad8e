//! Owns pages that were fetched before: a few in memory, all of them as artifacts under a name made of their URL, so that
//! they outlive the daemon and serve its replicas.
//! Never decides whether a page is too old, and never fails: what it cannot read it does not have.
//! Next: `mod` looks here before it goes anywhere, and keeps here what it brought.

use std::sync::Arc;

use contract::{Artifacts, Digest};
use moka::future::Cache;
use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use super::Page;

const SLOTS_MAX: u64 = 256;
const MEDIATYPE: &str = "application/vnd.murmuration.page.v1+json";

/// A page, and what its server knows it by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) page: Page,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

/// What is known of one URL. Whoever holds it is the only one who fetches it.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) entry: Option<Entry>,
    version: u64,
    looked: bool,
}

#[derive(Debug)]
pub(super) struct Pages(Cache<String, Arc<Mutex<Slot>>>);

impl Pages {
    pub(super) fn new() -> Pages {
        Pages(Cache::new(SLOTS_MAX))
    }

    pub(super) async fn of(&self, url: &Url) -> Arc<Mutex<Slot>> {
        self.0.get_with_by_ref(url.as_str(), async { Arc::default() }).await
    }
}

impl Slot {
    /// Looks once among the artifacts for what an earlier life of this daemon, or another one, has kept.
    pub(super) async fn look(&mut self, url: &Url, artifacts: &dyn Artifacts) {
        if std::mem::replace(&mut self.looked, true) {
            return;
        }
        let Ok(Some((version, reference))) = artifacts.latest(&name(url)).await else { return };
        self.version = version;
        let Ok(bytes) = contract::artifact::fetch(artifacts, &reference).await else { return };
        self.entry = serde_json::from_slice(&bytes).ok();
    }

    pub(super) async fn keep(&mut self, url: &Url, entry: Entry, artifacts: &dyn Artifacts) {
        let bytes = serde_json::to_vec(&entry).unwrap_or_default();
        self.entry = Some(entry);
        self.version += 1;
        let kept = async {
            let reference = artifacts.put(&bytes, MEDIATYPE).await?;
            artifacts.publish(&name(url), self.version, &reference).await
        };
        match kept.await {
            Ok(true) => {}
            // Another daemon kept this page meanwhile: the next look finds which version it made.
            Ok(false) => self.looked = false,
            Err(why) => tracing::debug!(%url, %why, "this page will be forgotten with this process"),
        }
    }
}

impl Entry {
    pub(super) fn of(page: Page, headers: &HeaderMap) -> Entry {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Entry { page, etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
    }

    /// What asks for the page only if it is another one now.
    pub(super) fn conditions(&self) -> HeaderMap {
        let marks = [(IF_NONE_MATCH, &self.etag), (IF_MODIFIED_SINCE, &self.last_modified)];
        let value = |text: &Option<String>| text.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
        marks.into_iter().filter_map(|(name, text)| Some((name, value(text)?))).collect()
    }
}

/// As long as the name of an artifact may be.
fn name(url: &Url) -> String {
    let digest = Digest::of(url.as_str().as_bytes());
    format!("web-{}", &digest.as_str()[..60])
}
