//! Owns the tool that searches the web through the provider that was configured: titles, addresses, snippets, dates.
//! Never trusts a result: it is text of strangers, bounded and cleaned, and its address is still to be judged by `fetch`.
//! Never lets its key out: not into an answer, an error or the record.
//! Next: `settings` say whom to ask, `providers` how.

mod providers;
mod settings;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::OnceLock;

use async_trait::async_trait;
use contract::{PortError, UnixMs, Workplace};
use jiff::civil::Date;
use jiff::fmt::rfc2822;
use moka::future::Cache;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;

pub use settings::{Provider, Settings};

use self::providers::{Hit, hits, request};
use super::fetch::visit::{read, retry_after};
use super::fetch::{AGENT, Pace};
use super::{Tool, Toolbox};
use crate::exchange::{Exchanges, spellings};
use crate::model::ToolSpec;

pub const NAME: &str = "search_web";
const ANSWER_BYTES_MAX: usize = 2_000_000;
/// The least that one of the providers takes.
const QUERY_CHARS_MAX: usize = 400;
const QUERY_WORDS_MAX: usize = 50;
const TITLE_CHARS_MAX: usize = 200;
const SNIPPET_CHARS_MAX: usize = 600;
const URL_BYTES_MAX: usize = 2048;
const ANSWERS_MAX: u64 = 256;

/// What a search found. Strangers wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub title: String,
    pub url: String,
    pub snippet: String,
    /// As `2026-11-20`, where the provider says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// Searches, for all tasks of a daemon.
#[derive(Debug)]
pub struct WebSearch {
    settings: Settings,
    pace: Pace,
    client: OnceLock<Result<Client, String>>,
    answers: Cache<String, (UnixMs, Vec<Found>)>,
}

/// What the tool answers.
#[derive(Serialize, Deserialize)]
struct Answer {
    results: Vec<Found>,
}

/// Searches through a step's exchanges: noted, and in a replay what was noted.
pub async fn asked(tools: &Toolbox, exchanges: &Exchanges<'_>, query: &str) -> Result<Vec<Found>, PortError> {
    let answer = tools.call(exchanges, NAME, json!({"query": query})).await?;
    let answer: Result<Answer, _> = serde_json::from_value(answer);
    answer.map(|answer| answer.results).map_err(|why| PortError::permanent(format!("a noted search is damaged: {why}")))
}

impl WebSearch {
    pub fn of(settings: Settings) -> WebSearch {
        let pace = Pace::of(settings.every, NonZeroU32::MIN, settings.patience);
        WebSearch { settings, pace, client: OnceLock::new(), answers: Cache::new(ANSWERS_MAX) }
    }

    /// What the provider finds, now or from memory. Not noted: see `asked`.
    pub async fn search(&self, query: &str, now: UnixMs) -> Result<Vec<Found>, PortError> {
        let query = bounded_query(query);
        if query.is_empty() {
            return Err(PortError::permanent("a search wants words to search for"));
        }
        if let Some((at, found)) = self.answers.get(&query).await
            && at.until(now) < self.settings.fresh
        {
            return Ok(found);
        }
        self.pace.turn(self.site(), None).await?;
        let found = match timeout(self.settings.whole, Box::pin(self.sent(&query, now))).await {
            Ok(found) => found.map_err(|error| self.without_key(error))?,
            Err(_) => return Err(PortError::transient(format!("{} took too long to search", self.site()))),
        };
        self.answers.insert(query, (now, found.clone())).await;
        Ok(found)
    }

    async fn sent(&self, query: &str, now: UnixMs) -> Result<Vec<Found>, PortError> {
        let made = self.client.get_or_init(|| client().map_err(|why| why.to_string()));
        let client = made.as_ref().map_err(|why| PortError::permanent(why.clone()))?;
        let sent = request(client, &self.settings, query).send().await;
        // Its address could hold what an operator put into it.
        let response = sent.map_err(|why| PortError::transient(format!("{}: {}", self.site(), why.without_url())))?;
        self.judged(&response, now).await?;
        let read = read(response, ANSWER_BYTES_MAX).await;
        let (body, whole) = read.map_err(|_| PortError::transient(format!("{} broke off", self.site())))?;
        let answer: Option<Value> = whole.then(|| serde_json::from_slice(&body).ok()).flatten();
        let Some(hits) = answer.and_then(|answer| hits(self.settings.provider, &answer)) else {
            return Err(PortError::transient(format!("{} answers with no results that can be read", self.site())));
        };
        Ok(self.results(hits))
    }

    async fn judged(&self, response: &Response, now: UnixMs) -> Result<(), PortError> {
        let (site, status) = (self.site(), response.status());
        let permanent = |why: &str| Err(PortError::permanent(format!("{site} answers {status}: {why}")));
        match status.as_u16() {
            200..=299 => Ok(()),
            401 | 403 => permanent("see MURMUR_SEARCH_KEY, and with searxng whether it may answer in JSON"),
            402 | 432 | 433 => permanent("the plan of this key is used up"),
            408 | 425 | 429 | 500..=599 => {
                let after = retry_after(response.headers(), now);
                if let Some(span) = after {
                    self.pace.close(site, span).await;
                }
                let why = format!("{site} answers {status}: it may be asked later");
                Err(PortError::Transient { why, retry_after: after })
            }
            _ => permanent("see MURMUR_SEARCH and MURMUR_SEARCH_URL"),
        }
    }

    fn results(&self, hits: Vec<Hit>) -> Vec<Found> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for hit in hits {
            let Some(url) = hit.url.as_deref().and_then(address) else { continue };
            if !seen.insert(url.clone()) {
                continue;
            }
            found.push(Found {
                title: self.cleaned(hit.title.as_deref(), TITLE_CHARS_MAX),
                url: self.hidden(url),
                snippet: self.cleaned(hit.snippet.as_deref(), SNIPPET_CHARS_MAX),
                date: hit.date.as_deref().and_then(day),
            });
            if found.len() == self.settings.results_max {
                break;
            }
        }
        found
    }

    /// One line, without control characters, and short.
    fn cleaned(&self, text: Option<&str>, chars_max: usize) -> String {
        let text = self.hidden(text.unwrap_or_default().to_owned());
        let spaced = text.replace(|c: char| c.is_control() || c.is_whitespace(), " ");
        let words: Vec<&str> = spaced.split(' ').filter(|word| !word.is_empty()).collect();
        words.join(" ").chars().take(chars_max).collect()
    }

    fn hidden(&self, text: String) -> String {
        match self.settings.key.as_ref().map(ExposeSecret::expose_secret) {
            Some(key) if !key.is_empty() => {
                spellings(key).iter().fold(text, |text, spelled| text.replace(spelled, "[removed]"))
            }
            _ => text,
        }
    }

    fn without_key(&self, error: PortError) -> PortError {
        match error {
            PortError::Transient { why, retry_after } => PortError::Transient { why: self.hidden(why), retry_after },
            PortError::Permanent { reason } => PortError::Permanent { reason: self.hidden(reason) },
        }
    }

    fn site(&self) -> &str {
        self.settings.url.host_str().unwrap_or_default()
    }
}

#[async_trait]
impl Tool for WebSearch {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: NAME.to_owned(),
            description: "Searches the public web: titles, addresses, snippets and dates of pages.".to_owned(),
            arguments: json!({
                "type": "object",
                "properties": {"query": {"type": "string", "description": "A few words, as into a search box."}},
                "required": ["query"],
                "additionalProperties": false,
            }),
        }
    }

    async fn call(&self, arguments: Value, place: &dyn Workplace) -> Result<Value, PortError> {
        let Some(query) = arguments.get("query").and_then(Value::as_str) else {
            return Err(PortError::permanent("search_web wants {\"query\": \"…\"}"));
        };
        let results = self.search(query, place.clock().now()).await?;
        serde_json::to_value(Answer { results }).map_err(|why| PortError::permanent(why.to_string()))
    }
}

/// The operator named the address, so it may lie anywhere; a redirect may not carry the key elsewhere.
fn client() -> reqwest::Result<Client> {
    Client::builder().user_agent(AGENT).redirect(Policy::none()).referer(false).pool_max_idle_per_host(1).build()
}

fn bounded_query(query: &str) -> String {
    let words: Vec<&str> = query.split_whitespace().take(QUERY_WORDS_MAX).collect();
    words.join(" ").chars().take(QUERY_CHARS_MAX).collect::<String>().trim().to_owned()
}

/// By this, results are told apart: the page, whatever part of it.
fn address(text: &str) -> Option<String> {
    let mut url = Url::parse(text.trim()).ok()?;
    url.set_fragment(None);
    let fits = matches!(url.scheme(), "http" | "https") && url.as_str().len() <= URL_BYTES_MAX;
    fits.then(|| url.to_string())
}

fn day(text: &str) -> Option<String> {
    let text = text.trim();
    let iso = text.get(..10).and_then(|start| start.parse::<Date>().ok());
    let day = iso.or_else(|| Some(rfc2822::parse(text).ok()?.date()));
    day.map(|day| day.to_string())
}
