//! Owns the chat completions that OpenAI began and many servers speak: OpenAI, Azure, Ollama, vLLM, llama.cpp.
//! Never a retry; a refusal that another way of asking avoids is `Transient`, and the next question goes that way.
//! Next: `settings` knows the servers, `question` spells the request, `stream` reads the answer, `wire` carries both.

mod calls;
mod question;
mod settings;
mod stream;

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use contract::PortError;
use reqwest::header::HeaderMap;

pub use settings::{BASE_URL, OutputCap, Server, Settings, Structured, Ways};

use super::answer::Answer;
use super::refusal::Refusal;
use super::wire::{Failure, KeyHeader, Wire};
use crate::model::{Hearing, Model, Part, Reply, Request, Stop, Usage};

#[derive(Debug)]
pub struct OpenAi {
    wire: Wire,
    model: String,
    learned: Mutex<Learned>,
}

/// How the next question is asked, and what was tried already.
#[derive(Clone, Copy, Debug)]
struct Learned {
    ways: Ways,
    cap_was_changed: bool,
}

impl OpenAi {
    pub fn new(settings: Settings) -> Result<OpenAi, String> {
        let url = settings.endpoint()?;
        let Settings { server, provider, model, key, ways, limits, .. } = settings;
        let header = if server == Server::Azure { KeyHeader::Named("api-key") } else { KeyHeader::Bearer };
        let key = key.as_ref().map(|key| (key, header));
        let wire = Wire::new(format!("{provider}/{model}"), url, key, HeaderMap::new(), limits)?;
        Ok(OpenAi { wire, model, learned: Mutex::new(Learned { ways, cap_was_changed: false }) })
    }

    /// How the next question is asked.
    pub fn ways(&self) -> Ways {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).ways
    }

    /// A refusal; and if it was of a way of asking, the other way from now on.
    fn refused(&self, refusal: &Refusal, asked: Ways, request: &Request) -> PortError {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(other) = learned.instead(refusal, asked, request) else { return self.wire.refused(refusal) };
        *learned = other;
        self.wire.to_ask_otherwise(refusal)
    }

    /// The server's filter stood before the model.
    fn filtered(&self, refusal: &Refusal) -> Reply {
        Reply {
            parts: vec![Part::Text { text: contract::bounded(self.wire.without_keys(&refusal.message)) }],
            stop: Stop::Refused,
            usage: Usage::default(),
            model: self.wire.name().to_owned(),
        }
    }
}

#[async_trait]
impl Model for OpenAi {
    fn name(&self) -> &str {
        self.wire.name()
    }

    async fn reply(&self, request: &Request, heard: Hearing<'_>) -> Result<Reply, PortError> {
        let ways = self.ways();
        let question = question::of(&self.model, ways, request);
        let answer = Answer::new(self.wire.limits.answer_bytes_max, None);
        let mut listening = stream::Listening::new(answer, heard);
        match self.wire.ask(&question, &mut listening).await {
            Ok(()) => listening.reply(question.to_string().len(), self.wire.name()),
            Err(Failure::Refused(refusal)) if settings::is_filter(&refusal.kind) => Ok(self.filtered(&refusal)),
            Err(Failure::Refused(refusal)) => match self.wire.too_long(&refusal) {
                Some(reply) => Ok(reply),
                None => Err(self.refused(&refusal, ways, request)),
            },
            Err(Failure::Port(error)) => Err(error),
        }
    }
}

impl Learned {
    /// `asked` is how it was asked: by now another question may have learned the same.
    fn instead(self, refusal: &Refusal, asked: Ways, request: &Request) -> Option<Learned> {
        let ways = self.ways;
        let now = |ways| Some(Learned { ways, ..self });
        if asked != ways {
            return Some(self).filter(|_| matches!(refusal.meaning(), 400 | 422));
        }
        let sampled = request.sampling.temperature.is_some() || request.sampling.top_p.is_some();
        if ways.sampling && sampled && refusal.is_about(&["temperature", "top_p"]) {
            return now(Ways { sampling: false, ..ways });
        }
        let about_cap = refusal.is_about(&["max_completion_tokens", "max_tokens"]);
        // A cap that is too large is refused under both names.
        if about_cap && !self.cap_was_changed && !refusal.is_about(&["too large", "at most", "maximum"]) {
            return Some(Learned { ways: Ways { cap: ways.cap.other(), ..ways }, cap_was_changed: true });
        }
        if ways.counts && refusal.is_about(&["stream_options", "include_usage"]) {
            return now(Ways { counts: false, ..ways });
        }
        let of_schema = ["response_format", "json_schema", "json_object", "schema", "grammar", "structured"];
        let weaker = ways.structured.weaker().filter(|_| request.schema.is_some() && refusal.is_about(&of_schema));
        weaker.and_then(|structured| now(Ways { structured, ..ways }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Message, OutputSchema, Sampling};

    const WAYS: Ways =
        Ways { structured: Structured::JsonSchema, cap: OutputCap::MaxTokens, sampling: true, counts: true };

    fn request() -> Request {
        Request {
            messages: vec![Message::user("hello")],
            schema: Some(OutputSchema { name: "plan".into(), schema: json!({ "type": "object" }) }),
            sampling: Sampling { temperature: Some(0.2), ..Sampling::default() },
            ..Request::default()
        }
    }

    fn no(param: &str, message: &str) -> Refusal {
        Refusal { status: Some(400), param: param.into(), message: message.into(), ..Refusal::default() }
    }

    #[test]
    fn what_a_server_refuses_is_left_out_from_then_on_and_learning_ends() {
        let mut learned = Learned { ways: WAYS, cap_was_changed: false };
        let no_cap = no("max_tokens", "Unsupported parameter: use 'max_completion_tokens' instead.");
        let refusals = [
            no("temperature", "Only the default (1) value is supported."),
            no_cap.clone(),
            no("", "stream_options: extra fields not permitted"),
            no("response_format", "json_schema is not supported"),
            no("response_format", "unknown field"),
            no("response_format", "'type' must be text"),
        ];
        for refusal in refusals {
            learned = learned.instead(&refusal, learned.ways, &request()).unwrap();
        }
        let cap = OutputCap::MaxCompletionTokens;
        assert_eq!(learned.ways, Ways { structured: Structured::Prompt, cap, sampling: false, counts: false });
        for refusal in [no_cap, no("response_format", "no"), no("temperature", "no")] {
            assert!(learned.instead(&refusal, learned.ways, &request()).is_none(), "{refusal:?}");
        }
    }

    #[test]
    fn a_cap_that_is_too_large_and_a_bad_key_teach_nothing() {
        let learned = Learned { ways: WAYS, cap_was_changed: false };
        let too_large = no("max_tokens", "max_tokens is too large: this model supports at most 4096");
        let bad_key = Refusal { status: Some(401), message: "temperature".into(), ..Refusal::default() };
        for refusal in [too_large, bad_key, no("", "your prompt is odd")] {
            assert!(learned.instead(&refusal, WAYS, &request()).is_none(), "{refusal:?}");
        }
    }
}
