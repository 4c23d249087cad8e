//! Owns Anthropic's Messages API: a question to it, its stream of events, and what its refusals mean.
//! Never a retry; a refusal that another way of asking avoids is `Transient`, and the next question goes that way.
//! Next: `question` spells the request, `stream` reads the answer, `wire` carries both.

mod question;
mod stream;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use contract::PortError;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::answer::Answer;
use super::limits::Limits;
use super::refusal::Refusal;
use super::wire::{Failure, KeyHeader, Wire};
use crate::model::{Hearing, Model, Reply, Request};

pub const BASE_URL: &str = "https://api.anthropic.com";
const VERSION: &str = "2023-06-01";

#[derive(Clone)]
pub struct Settings {
    /// Before the model's name in the price table: `anthropic`.
    pub provider: String,
    pub model: String,
    pub base_url: Url,
    pub key: SecretString,
    pub ways: Ways,
    pub limits: Limits,
}

/// How a model is asked. What a server refuses is left out from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    pub structured: Structured,
    /// Whether temperature and top-p are sent; some models refuse both.
    pub sampling: bool,
}

/// How a schema is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Structured {
    /// `output_config.format`, where the schema can be said strictly; a tool otherwise.
    Native,
    /// A tool that must be called, with the schema as its input: older models, and servers that speak this API.
    Tool,
}

#[derive(Debug)]
pub struct Anthropic {
    wire: Wire,
    model: String,
    ways: Mutex<Ways>,
}

/// Without its base URL, which may hold a password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Settings");
        shown.field("provider", &self.provider).field("model", &self.model);
        shown.field("ways", &self.ways).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Settings {
    pub fn new(model: impl Into<String>, key: SecretString, base_url: Url) -> Settings {
        Settings {
            provider: "anthropic".into(),
            model: model.into(),
            base_url,
            key,
            ways: Ways { structured: Structured::Native, sampling: true },
            limits: Limits::default(),
        }
    }
}

impl Anthropic {
    pub fn new(settings: Settings) -> Result<Anthropic, String> {
        let Settings { provider, model, base_url, key, ways, limits } = settings;
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("anthropic-version"), HeaderValue::from_static(VERSION));
        let key = Some((&key, KeyHeader::Named("x-api-key")));
        let wire = Wire::new(format!("{provider}/{model}"), endpoint(base_url)?, key, headers, limits)?;
        Ok(Anthropic { wire, model, ways: Mutex::new(ways) })
    }

    /// How the next question is asked.
    pub fn ways(&self) -> Ways {
        *self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A refusal; and if it was of a way of asking, the other way from now on.
    fn refused(&self, refusal: &Refusal, asked: Ways, request: &Request) -> PortError {
        let Some(other) = asked.instead(refusal, request) else { return self.wire.refused(refusal) };
        *self.ways.lock().unwrap_or_else(PoisonError::into_inner) = other;
        self.wire.to_ask_otherwise(refusal)
    }
}

#[async_trait]
impl Model for Anthropic {
    fn name(&self) -> &str {
        self.wire.name()
    }

    async fn reply(&self, request: &Request, heard: Hearing<'_>) -> Result<Reply, PortError> {
        let ways = self.ways();
        let question = question::of(&self.model, ways, request);
        let answer = Answer::new(self.wire.limits.answer_bytes_max, question.document_tool);
        let mut listening = stream::Listening::new(answer, heard);
        match self.wire.ask(&question.body, &mut listening).await {
            Ok(()) => listening.reply(question.body.to_string().len(), self.wire.name()),
            Err(Failure::Refused(refusal)) => match self.wire.too_long(&refusal) {
                Some(reply) => Ok(reply),
                None => Err(self.refused(&refusal, ways, request)),
            },
            Err(Failure::Port(error)) => Err(error),
        }
    }
}

impl Ways {
    fn instead(self, refusal: &Refusal, request: &Request) -> Option<Ways> {
        let sampled = request.sampling.temperature.is_some() || request.sampling.top_p.is_some();
        if self.sampling && sampled && refusal.is_about(&["temperature", "top_p"]) {
            return Some(Ways { sampling: false, ..self });
        }
        let of_schema = ["output_config", "output_format", "structured output", "schema"];
        let native = self.structured == Structured::Native && request.schema.is_some();
        (native && refusal.is_about(&of_schema)).then_some(Ways { structured: Structured::Tool, ..self })
    }
}

/// With `/v1/messages` behind it, however much of that was given.
fn endpoint(mut base: Url) -> Result<Url, String> {
    if !matches!(base.scheme(), "http" | "https") {
        return Err(format!("a base URL begins with https:// or http://, not with {}:", base.scheme()));
    }
    let path = base.path().trim_end_matches('/');
    let path = path.strip_suffix("/messages").unwrap_or(path);
    let path = path.strip_suffix("/v1").unwrap_or(path);
    base.set_path(&format!("{path}/v1/messages"));
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_found_from_as_much_as_was_given() {
        for given in ["https://a.b", "https://a.b/", "https://a.b/v1", "https://a.b/v1/", "https://a.b/v1/messages"] {
            assert_eq!(endpoint(Url::parse(given).unwrap()).unwrap().as_str(), "https://a.b/v1/messages");
        }
        assert_eq!(endpoint(Url::parse("http://a/x").unwrap()).unwrap().as_str(), "http://a/x/v1/messages");
        assert!(endpoint(Url::parse("file:///x").unwrap()).is_err());
    }
}
