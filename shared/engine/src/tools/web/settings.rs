//! Owns what an operator may say of searching the web: by whom, where, with which key, and how often.
//! Never shows the key. Without a provider there is no search, and that is no problem.
//! Next: `providers` asks as it says here.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::tools::fetch::settings::Said;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Searxng,
    Brave,
    Tavily,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub provider: Provider,
    pub url: Url,
    /// SearXNG needs none.
    pub key: Option<SecretString>,
    pub results_max: usize,
    pub every: Duration,
    /// How long one's turn is waited for.
    pub patience: Duration,
    /// One search.
    pub whole: Duration,
    /// How long an answer is as good as given now.
    pub fresh: Duration,
}

impl Settings {
    pub fn new(provider: Provider, url: Url, key: Option<SecretString>) -> Settings {
        Settings {
            provider,
            url,
            key,
            results_max: 10,
            every: Duration::from_secs(1),
            patience: Duration::from_secs(8),
            whole: Duration::from_secs(15),
            fresh: Duration::from_secs(86_400),
        }
    }

    /// As the variables say; all problems at once. None without a provider.
    pub fn of(own: &BTreeMap<&'static str, String>) -> Result<Option<Settings>, Vec<String>> {
        let mut said = Said { own, problems: Vec::new() };
        let provider = match said.text("MURMUR_SEARCH").map(str::to_owned).as_deref() {
            Some("searxng") => Some(Provider::Searxng),
            Some("brave") => Some(Provider::Brave),
            Some("tavily") => Some(Provider::Tavily),
            Some(other) => {
                said.problems.push(format!("MURMUR_SEARCH is {other:?}: searxng, brave or tavily would do"));
                None
            }
            None => None,
        };
        let url = said.url("MURMUR_SEARCH_URL", "http://searx.corp.example:8080/search");
        let key = said.text("MURMUR_SEARCH_KEY").map(SecretString::from);
        let results_max = said.number("MURMUR_SEARCH_RESULTS", 1, 20, 10);
        let every = Duration::from_millis(said.number("MURMUR_SEARCH_EVERY_MS", 0, 60_000, 1_000));
        let url = match provider {
            Some(Provider::Brave) => url.or_else(|| Url::parse("https://api.search.brave.com/res/v1/web/search").ok()),
            Some(Provider::Tavily) => url.or_else(|| Url::parse("https://api.tavily.com/search").ok()),
            _ => url,
        };
        match provider {
            Some(Provider::Searxng) if url.is_none() && said.text("MURMUR_SEARCH_URL").is_none() => {
                let example = "http://searx.corp.example:8080/search";
                said.problems.push(format!("MURMUR_SEARCH_URL is not set: searxng needs one, such as {example}"));
            }
            Some(Provider::Brave | Provider::Tavily) if key.is_none() => {
                said.problems.push("MURMUR_SEARCH_KEY is not set: this provider answers nobody without one".into());
            }
            Some(_) => {}
            None if said.problems.is_empty() && (url.is_some() || key.is_some()) => {
                said.problems.push("MURMUR_SEARCH is not set: its address or key is for nobody without it".into());
            }
            None => {}
        }
        if !said.problems.is_empty() {
            return Err(said.problems);
        }
        let (Some(provider), Some(url)) = (provider, url) else { return Ok(None) };
        let results_max = usize::try_from(results_max).unwrap_or(10);
        Ok(Some(Settings { results_max, every, ..Settings::new(provider, url, key) }))
    }
}
