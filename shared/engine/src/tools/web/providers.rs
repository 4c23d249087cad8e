//! Owns the spelling of each provider: how SearXNG, Brave and Tavily are asked, and where their answers have what we want.
//! Never sends, and never judges what they found.
//! Next: `mod` sends, and makes results of what is found here.

use reqwest::{Client, RequestBuilder};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::settings::{Provider, Settings};

/// One hit, as its provider has it.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Hit {
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) url: Option<String>,
    #[serde(default, alias = "content", alias = "description")]
    pub(super) snippet: Option<String>,
    #[serde(default, alias = "publishedDate", alias = "page_age", alias = "published_date")]
    pub(super) date: Option<String>,
}

pub(super) fn request(client: &Client, settings: &Settings, query: &str) -> RequestBuilder {
    let (url, count) = (settings.url.clone(), settings.results_max);
    let key = settings.key.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
    match settings.provider {
        Provider::Searxng => {
            let asked = client.get(with(url, &[("q", query), ("format", "json")]));
            if key.is_empty() { asked } else { asked.bearer_auth(key) }
        }
        Provider::Brave => {
            let count = count.to_string();
            client
                .get(with(url, &[("q", query), ("count", &count), ("text_decorations", "false")]))
                .header("X-Subscription-Token", key)
        }
        Provider::Tavily => client.post(url).bearer_auth(key).json(&json!({"query": query, "max_results": count})),
    }
}

/// The hits of an answer; none if it is no answer of this provider.
pub(super) fn hits(provider: Provider, answer: &Value) -> Option<Vec<Hit>> {
    let list = match provider {
        Provider::Searxng | Provider::Tavily => answer.get("results")?,
        // Without a single hit, the whole part is missing.
        Provider::Brave => match answer.get("web") {
            Some(web) => web.get("results")?,
            None if answer.get("type").and_then(Value::as_str) == Some("search") => return Some(Vec::new()),
            None => return None,
        },
    };
    // One that is damaged costs none of the others.
    Some(list.as_array()?.iter().filter_map(|hit| Hit::deserialize(hit).ok()).collect())
}

fn with(mut url: url::Url, pairs: &[(&str, &str)]) -> url::Url {
    url.query_pairs_mut().extend_pairs(pairs);
    url
}
