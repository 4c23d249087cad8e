//! Owns the configuration of models: the file that `MURMUR_MODELS` names, and the keys that it names variables of.
//! Never a half-read file: all problems are listed at once, each with its line and with what would do.
//! Invariant: keys are read here and nowhere else, at start, and live only in `SecretString`s.
//! Next: `read` reads tables, `making` makes the models.

mod problems;
mod read;
mod table;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;

use super::prices::Price;
pub(super) use problems::Problems;
pub(super) use read::{price_table, read};

/// The whole file.
#[derive(Clone, Debug, Default)]
pub struct ModelsFile {
    pub models: BTreeMap<String, ModelSettings>,
    pub agents: BTreeMap<String, AgentSettings>,
    pub prices: BTreeMap<String, Price>,
    pub cache: Option<CacheSettings>,
}

/// One model, as `[models.<name>]` says.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// What agents call it.
    pub name: String,
    pub provider: Provider,
    /// What its provider calls it.
    pub model: String,
    pub base_url: Option<url::Url>,
    /// The variable that has the key, and what it has.
    pub key: Option<SecretString>,
    /// Where the server is Azure's: `model` is then the deployment.
    pub azure_api_version: Option<String>,
    /// Bedrock's region, where it is not the environment's.
    pub region: Option<String>,
    pub first_token: Duration,
    pub whole: Duration,
    pub requests_per_minute: Option<NonZeroU32>,
    pub tokens_per_minute: Option<NonZeroU32>,
    /// Question and answer together.
    pub context_tokens: u32,
    pub structured: Structured,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Anthropic,
    OpenAi,
    Bedrock,
}

/// How a model is told what its answer must look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Structured {
    /// By the provider's own schemas.
    #[default]
    Native,
    /// By the provider's JSON mode; the schema is told in words.
    Json,
    /// In words only.
    Prompt,
}

/// What one agent does with models, as `[agents.<agent>]` says.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentSettings {
    /// In the order of fallback.
    pub models: Vec<String>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub output_tokens_max: u32,
    /// Tools that a model may call; none unless named.
    pub tools: Vec<String>,
    /// How often a model may call tools before it must answer.
    pub tool_rounds_max: u32,
    /// How often one model is asked one question that fails in a way that may pass.
    pub tries_max: u32,
    pub if_unusable: IfUnusable,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfUnusable {
    /// The work is done without a model, with a note.
    #[default]
    Offline,
    /// The step is parked, for a person to look at.
    Park,
}

/// Answers that are given again to the same question, in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    pub expires: Duration,
    pub bytes_max: u64,
}

impl ModelSettings {
    /// With every default.
    pub fn new(name: &str, provider: Provider, model: &str) -> ModelSettings {
        ModelSettings {
            name: name.into(),
            provider,
            model: model.into(),
            base_url: None,
            key: None,
            azure_api_version: None,
            region: None,
            first_token: Duration::from_secs(60),
            whole: Duration::from_secs(300),
            requests_per_minute: None,
            tokens_per_minute: None,
            context_tokens: 32_000,
            structured: Structured::default(),
        }
    }
}

impl Provider {
    pub fn name(self) -> &'static str {
        match self {
            Provider::Anthropic => "anthropic",
            Provider::OpenAi => "openai",
            Provider::Bedrock => "bedrock",
        }
    }
}

impl Default for AgentSettings {
    fn default() -> AgentSettings {
        AgentSettings {
            models: vec![],
            temperature: None,
            top_p: None,
            output_tokens_max: 4096,
            tools: vec![],
            tool_rounds_max: 6,
            tries_max: 3,
            if_unusable: IfUnusable::default(),
        }
    }
}
