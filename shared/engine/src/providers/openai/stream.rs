//! Owns how the chunks of chat completions become a reply: one for each piece, or the whole as one document.
//! Never takes an end for whole that gave neither a reason nor `[DONE]`: such an answer broke off.
//! Next: `wire` brings the chunks; `Answer` gathers what they hold.

use contract::PortError;
use serde::Deserialize;
use serde_json::Value;

use super::calls::{CallPiece, Calls};
use crate::model::{Delta, Hearing, Reply, Stop};
use crate::providers::answer::Answer;
use crate::providers::refusal::Refusal;
use crate::providers::wire::{Failure, Heard, Listener, nonsense};

/// The place of the words; calls come after them.
const WORDS: usize = 0;

pub(super) struct Listening<'a> {
    answer: Answer,
    heard: Hearing<'a>,
    calls: Calls,
    model: Option<String>,
    stop: Option<Stop>,
    refused: bool,
    done: bool,
    begun: bool,
    counted: Counted,
}

#[derive(Deserialize)]
struct Chunk {
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Counted>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: usize,
    #[serde(alias = "message")]
    delta: Option<Piece>,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Piece {
    content: Option<Value>,
    refusal: Option<String>,
    #[serde(alias = "reasoning")]
    reasoning_content: Option<Value>,
    tool_calls: Option<Vec<CallPiece>>,
}

#[derive(Default, Deserialize)]
struct Counted {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
}

#[derive(Default, Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
}

impl<'a> Listening<'a> {
    pub(super) fn new(answer: Answer, heard: Hearing<'a>) -> Listening<'a> {
        Listening {
            answer,
            heard,
            calls: Calls::default(),
            model: None,
            stop: None,
            refused: false,
            done: false,
            begun: false,
            counted: Counted::default(),
        }
    }

    pub(super) fn reply(self, asked_bytes: usize, name: &str) -> Result<Reply, PortError> {
        let stop = match self.stop {
            _ if self.refused => Stop::Refused,
            Some(stop) => stop,
            // Some servers never say why.
            None if self.done => Stop::End,
            None => {
                let why = format!("{name}: the answer broke off before it gave a reason to end");
                return Err(PortError::transient(why));
            }
        };
        let Counted { prompt_tokens, completion_tokens, prompt_tokens_details } = self.counted;
        let cached = prompt_tokens_details.and_then(|details| details.cached_tokens);
        let usage = self.answer.usage(asked_bytes, prompt_tokens, completion_tokens, cached);
        let (parts, stop) = self.answer.finished(stop)?;
        Ok(Reply { parts, stop, usage, model: self.model.unwrap_or_else(|| name.to_owned()) })
    }

    fn take(&mut self, piece: &Piece) -> Result<Heard, PortError> {
        let mut heard = Heard::Nothing;
        if let Some(words) = &piece.refusal {
            self.refused = true;
            self.answer.text(WORDS, words, self.heard)?;
            heard = Heard::Piece;
        }
        let content = piece.content.as_ref().map(text).unwrap_or_default();
        if !content.is_empty() {
            self.answer.text(WORDS, &content, self.heard)?;
            heard = Heard::Piece;
        }
        if let Some(thought) = piece.reasoning_content.as_ref().map(text).filter(|thought| !thought.is_empty()) {
            (self.heard)(&Delta::Thought(thought));
            heard = Heard::Piece;
        }
        for call in piece.tool_calls.iter().flatten() {
            let place = WORDS + 1 + self.calls.number(call);
            let Some(function) = &call.function else { continue };
            if let Some(name) = &function.name {
                self.answer.call(place, call.id(), name, self.heard)?;
            }
            self.answer.arguments(place, &function.arguments(), self.heard)?;
            heard = Heard::Piece;
        }
        Ok(heard)
    }
}

impl Listener for Listening<'_> {
    fn event(&mut self, data: &str) -> Result<Heard, Failure> {
        if data.trim() == "[DONE]" {
            self.done = true;
            return Ok(Heard::End);
        }
        let value: Value = serde_json::from_str(data).map_err(nonsense)?;
        if let Some(refusal) = Refusal::said(&value).filter(|_| value.get("choices").is_none_or(Value::is_null)) {
            return Err(Failure::Refused(Box::new(refusal)));
        }
        if !value.is_object() || value.get("choices").is_none() {
            return Err(nonsense("no choices in it"));
        }
        let chunk: Chunk = serde_json::from_value(value).map_err(nonsense)?;
        if !std::mem::replace(&mut self.begun, true) {
            // From here on it is at work.
            (self.heard)(&Delta::Thought(String::new()));
        }
        self.model = chunk.model.filter(|model| !model.is_empty()).or(self.model.take());
        self.counted = chunk.usage.unwrap_or(std::mem::take(&mut self.counted));
        let mut heard = Heard::Nothing;
        for choice in chunk.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
            if let Some(piece) = &choice.delta {
                heard = self.take(piece)?;
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.stop = Some(meant(&reason));
                heard = Heard::Piece;
            }
        }
        Ok(heard)
    }
}

/// Text, or a list of parts with text in them.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

/// A reason that nobody knows yet is not taken for a good end.
fn meant(reason: &str) -> Stop {
    match reason {
        "stop" | "stop_sequence" | "eos" | "eos_token" | "end_turn" | "completed" => Stop::End,
        "tool_calls" | "function_call" | "tool_use" => Stop::ToolCall,
        "content_filter" | "safety" | "refusal" => Stop::Refused,
        _ => Stop::Truncated,
    }
}
