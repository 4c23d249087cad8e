//! Owns what is known of the servers that speak chat completions, by their base URL, and what a user may say otherwise.
//! Never a question to a server about what it can do: the first refusal tells, and `Ways` remembers.
//! Next: `question` spells a request by `Ways`; `OpenAi::new` takes the rest.

use std::fmt;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::providers::limits::Limits;

pub const BASE_URL: &str = "https://api.openai.com/v1";
/// The last of Azure's dated versions that is no preview; a base URL that ends in `/openai/v1` needs none.
const AZURE_VERSION: &str = "2024-10-21";

#[derive(Clone)]
pub struct Settings {
    pub server: Server,
    /// Before the model's name in the price table: `openai`, `azure`, `ollama`.
    pub provider: String,
    /// At Azure, the name of the deployment.
    pub model: String,
    pub base_url: Url,
    pub key: Option<SecretString>,
    /// Azure's `api-version`.
    pub api_version: String,
    pub ways: Ways,
    pub limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    OpenAi,
    Azure,
    Ollama,
    /// vLLM, llama.cpp, and whatever else speaks it.
    Other,
}

/// How a model is asked. What a server refuses is left out from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    pub structured: Structured,
    pub cap: OutputCap,
    /// Whether temperature and top-p are sent.
    pub sampling: bool,
    /// Whether a stream is asked to end with its usage.
    pub counts: bool,
}

/// How a schema is enforced, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Structured {
    /// `response_format: json_schema`.
    JsonSchema,
    /// `response_format: json_object` with the schema in it, as llama.cpp's Python server takes it.
    SchemaInJsonObject,
    /// `response_format: json_object`; the schema is in the prompt.
    JsonObject,
    /// The prompt alone.
    Prompt,
}

/// What the output cap is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputCap {
    MaxTokens,
    MaxCompletionTokens,
}

impl Structured {
    pub(super) fn weaker(self) -> Option<Structured> {
        match self {
            Structured::JsonSchema => Some(Structured::SchemaInJsonObject),
            Structured::SchemaInJsonObject => Some(Structured::JsonObject),
            Structured::JsonObject => Some(Structured::Prompt),
            Structured::Prompt => None,
        }
    }
}

impl OutputCap {
    pub(super) fn other(self) -> OutputCap {
        match self {
            OutputCap::MaxTokens => OutputCap::MaxCompletionTokens,
            OutputCap::MaxCompletionTokens => OutputCap::MaxTokens,
        }
    }
}

impl Server {
    pub fn at(base_url: &Url) -> Server {
        let host = base_url.host_str().unwrap_or_default();
        let azure = [".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"];
        match host {
            "api.openai.com" => Server::OpenAi,
            host if azure.iter().any(|ending| host.ends_with(ending)) => Server::Azure,
            _ if base_url.port() == Some(11434) => Server::Ollama,
            _ => Server::Other,
        }
    }

    fn provider(self) -> &'static str {
        match self {
            Server::OpenAi => "openai",
            Server::Azure => "azure",
            Server::Ollama => "ollama",
            Server::Other => "openai-compatible",
        }
    }

    fn ways(self) -> Ways {
        let cap = match self {
            Server::OpenAi | Server::Azure => OutputCap::MaxCompletionTokens,
            Server::Ollama | Server::Other => OutputCap::MaxTokens,
        };
        Ways { structured: Structured::JsonSchema, cap, sampling: true, counts: true }
    }
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
    /// What is known of the server at this address.
    pub fn new(model: impl Into<String>, key: Option<SecretString>, base_url: Url) -> Settings {
        Settings::of(Server::at(&base_url), model, key, base_url)
    }

    /// The same, where its address does not tell what it is: Azure behind a gateway.
    pub fn of(server: Server, model: impl Into<String>, key: Option<SecretString>, base_url: Url) -> Settings {
        Settings {
            server,
            provider: server.provider().into(),
            model: model.into(),
            base_url,
            key,
            api_version: AZURE_VERSION.into(),
            ways: server.ways(),
            limits: Limits::default(),
        }
    }

    /// With `/chat/completions` behind it, however much of that was given.
    pub(super) fn endpoint(&self) -> Result<Url, String> {
        let mut url = self.base_url.clone();
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("a base URL begins with https:// or http://, not with {}:", url.scheme()));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if path.ends_with("/chat/completions") {
            url.set_path(&path);
        } else if self.server == Server::Azure && !path.ends_with("/openai/v1") {
            let path = path.strip_suffix("/openai").unwrap_or(&path);
            url.set_path(path);
            let deployment = ["openai", "deployments", &self.model, "chat", "completions"];
            url.path_segments_mut()
                .map_err(|()| "a base URL without a path".to_owned())?
                .pop_if_empty()
                .extend(deployment);
            if !url.query_pairs().any(|(name, _)| name == "api-version") {
                url.query_pairs_mut().append_pair("api-version", &self.api_version);
            }
        } else {
            let path = if path.is_empty() { "/v1" } else { &path };
            url.set_path(&format!("{path}/chat/completions"));
        }
        Ok(url)
    }
}

/// Azure's names for a filter that stands before the model.
pub(super) fn is_filter(kind: &str) -> bool {
    matches!(kind, "content_filter" | "ResponsibleAIPolicyViolation" | "content_policy_violation")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base: &str) -> String {
        Settings::new("m 1", None, Url::parse(base).unwrap()).endpoint().unwrap().into()
    }

    #[test]
    fn the_endpoint_is_found_from_as_much_as_was_given() {
        let openai = "https://api.openai.com/v1/chat/completions";
        for base in ["https://api.openai.com", "https://api.openai.com/v1/", openai] {
            assert_eq!(endpoint(base), openai);
        }
        assert_eq!(endpoint("http://localhost:11434"), "http://localhost:11434/v1/chat/completions");
        assert_eq!(endpoint("http://gpu:8000/team/v1"), "http://gpu:8000/team/v1/chat/completions");
        let azure = "https://x.openai.azure.com/openai/deployments/m%201/chat/completions?api-version=2024-10-21";
        assert_eq!(endpoint("https://x.openai.azure.com"), azure);
        assert_eq!(endpoint("https://x.openai.azure.com/openai/"), azure);
        let newer = "https://x.openai.azure.com/openai/v1";
        assert_eq!(endpoint(newer), format!("{newer}/chat/completions"));
    }

    #[test]
    fn a_server_is_known_by_its_address() {
        let at = |base: &str| Server::at(&Url::parse(base).unwrap());
        assert_eq!(at("https://api.openai.com/v1"), Server::OpenAi);
        assert_eq!(at("https://team.openai.azure.com"), Server::Azure);
        assert_eq!(at("http://10.0.0.3:11434/v1"), Server::Ollama);
        assert_eq!(at("http://127.0.0.1:8000"), Server::Other);
        assert_eq!(at("https://api.openai.com.evil.example"), Server::Other);
    }
}
