//! Owns models of Amazon Bedrock: the Converse API as a stream, behind the same `Model` as every other provider.
//! Never a retry of the SDK's own, and never a key: who asks is who AWS says it is.
//! Next: `question` spells the request, `stream` reads the answer, `crate::errors` says what a failure means.

mod late;
mod question;
mod stream;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::Config;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use contract::PortError;
use engine::model::{Hearing, Model, Reply, Request};
use engine::providers::{Answer, Limits, Watch};

use crate::clients::Clients;
use crate::errors;

pub use late::maker;

const OPERATION: &str = "Bedrock ConverseStream";

#[derive(Clone, Debug)]
pub struct Settings {
    /// A model's id, an inference profile's, or the ARN of either.
    pub model: String,
    pub ways: Ways,
    pub limits: Limits,
}

/// How a model is asked. What it refuses is left out from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    pub structured: Structured,
    /// Whether temperature and top-p are sent.
    pub sampling: bool,
}

/// How a schema is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structured {
    /// `outputConfig.textFormat`, where the schema can be said strictly; a tool otherwise.
    Native,
    /// A tool that must be called, with the schema as its input.
    Tool,
    /// The prompt alone: models that know neither.
    Prompt,
}

pub struct Bedrock {
    client: Client,
    name: String,
    model: String,
    ways: Mutex<Ways>,
    limits: Limits,
    call: aws_config::timeout::TimeoutConfig,
}

impl Settings {
    pub fn new(model: impl Into<String>) -> Settings {
        let ways = Ways { structured: Structured::Native, sampling: true };
        Settings { model: model.into(), ways, limits: Limits::default() }
    }
}

impl Bedrock {
    /// On the same connections and credentials as everything else.
    pub fn new(clients: &Clients, settings: Settings) -> Bedrock {
        let Settings { model, ways, limits } = settings;
        Bedrock {
            client: Client::new(&clients.config),
            name: format!("bedrock/{model}"),
            model,
            ways: Mutex::new(ways),
            limits,
            call: clients.limits.within(limits.whole),
        }
    }

    /// How the next question is asked.
    pub fn ways(&self) -> Ways {
        *self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn asked(&self, question: question::Question, listening: &mut stream::Listening<'_>) -> Result<(), Failure> {
        let mut watch = Watch::start(self.limits);
        let call = question.call(self.client.converse_stream().model_id(&self.model));
        let limited = call.customize().config_override(Config::builder().timeout_config(self.call.clone()));
        let opened = watch.within(Box::pin(limited.send())).await?;
        let mut opened = opened.map_err(|error| Failure {
            about: error.message().filter(|_| error.code() == Some("ValidationException")).map(str::to_lowercase),
            error: errors::of_call(OPERATION, &error),
        })?;
        loop {
            let event = watch.within(Box::pin(opened.stream.recv())).await?;
            let event = event.map_err(|error| {
                let for_good = error.as_service_error().is_some_and(|error| error.is_validation_exception());
                errors::of_stream(OPERATION, &error, for_good)
            })?;
            let Some(event) = event else { return Ok(()) };
            if listening.take(event)? {
                watch.piece_came();
            }
        }
    }

    /// A refusal; and if it was of a way of asking, the other way from now on.
    fn refused(&self, failure: Failure, asked: Ways, request: &Request) -> PortError {
        let other = failure.about.and_then(|words| asked.instead(&words, request));
        let Some(other) = other else { return self.named(failure.error) };
        *self.ways.lock().unwrap_or_else(PoisonError::into_inner) = other;
        let (PortError::Transient { why, .. } | PortError::Permanent { reason: why }) = failure.error;
        let why = contract::bounded(format!("{}: {why}; the next question is asked another way", self.name));
        PortError::Transient { why, retry_after: Some(Duration::ZERO) }
    }

    fn named(&self, error: PortError) -> PortError {
        match error {
            PortError::Transient { why, retry_after } => {
                PortError::Transient { why: format!("{}: {why}", self.name), retry_after }
            }
            PortError::Permanent { reason } => PortError::Permanent {
                reason: format!(
                    "{}: {reason}; check the model's id, its region, and that this account may use it",
                    self.name
                ),
            },
        }
    }
}

#[async_trait]
impl Model for Bedrock {
    fn name(&self) -> &str {
        &self.name
    }

    async fn reply(&self, request: &Request, heard: Hearing<'_>) -> Result<Reply, PortError> {
        let ways = self.ways();
        let question = question::Question::of(ways, request).map_err(|why| self.named(PortError::permanent(why)))?;
        let answer = Answer::new(self.limits.answer_bytes_max, question.document_tool.clone());
        let asked_bytes = serde_json::to_vec(request).map_or(0, |json| json.len());
        let mut listening = stream::Listening::new(answer, heard);
        match self.asked(question, &mut listening).await {
            Ok(()) => listening.reply(asked_bytes, &self.model).map_err(|error| self.named(error)),
            Err(failure) => Err(self.refused(failure, ways, request)),
        }
    }
}

impl fmt::Debug for Bedrock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bedrock").field("name", &self.name).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A question that was not answered.
struct Failure {
    error: PortError,
    /// What a validation found wrong with the request.
    about: Option<String>,
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Failure {
        Failure { error, about: None }
    }
}

impl Ways {
    fn instead(self, words: &str, request: &Request) -> Option<Ways> {
        let about = |all: &[&str]| all.iter().any(|word| words.contains(word));
        let sampled = request.sampling.temperature.is_some() || request.sampling.top_p.is_some();
        if self.sampling && sampled && about(&["temperature", "top_p", "topp"]) {
            return Some(Ways { sampling: false, ..self });
        }
        request.schema.as_ref()?;
        let structured = match self.structured {
            Structured::Native if about(&["outputconfig", "output_config", "textformat", "structured", "schema"]) => {
                Structured::Tool
            }
            Structured::Tool if about(&["tool"]) => Structured::Prompt,
            _ => return None,
        };
        Some(Ways { structured, ..self })
    }
}
