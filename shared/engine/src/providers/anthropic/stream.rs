//! Owns how the events of the Messages API become a reply.
//! Never takes an end for whole that gave no reason: such an answer broke off.
//! Next: `wire` brings the events; `Answer` gathers what they hold.

use contract::PortError;
use serde::Deserialize;
use serde_json::Value;

use crate::model::{Delta, Hearing, Reply, Stop};
use crate::providers::answer::Answer;
use crate::providers::refusal::Refusal;
use crate::providers::wire::{Failure, Heard, Listener, nonsense};

pub(super) struct Listening<'a> {
    answer: Answer,
    heard: Hearing<'a>,
    model: Option<String>,
    stop: Option<Stop>,
    counted: Counted,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Started,
    },
    ContentBlockStart {
        index: usize,
        content_block: Block,
    },
    ContentBlockDelta {
        index: usize,
        delta: Piece,
    },
    MessageDelta {
        delta: Stopped,
        #[serde(default)]
        usage: Counted,
    },
    MessageStop,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Started {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Counted,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece {
    TextDelta {
        text: String,
    },
    InputJsonDelta {
        partial_json: String,
    },
    ThinkingDelta {
        #[serde(default)]
        thinking: String,
    },
    /// The signatures of thoughts, and whatever is new.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Stopped {
    #[serde(default)]
    stop_reason: Option<String>,
}

/// Of the input, what was read from the cache or written to it is counted apart.
#[derive(Clone, Copy, Default, Deserialize)]
struct Counted {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
}

impl<'a> Listening<'a> {
    pub(super) fn new(answer: Answer, heard: Hearing<'a>) -> Listening<'a> {
        Listening { answer, heard, model: None, stop: None, counted: Counted::default() }
    }

    pub(super) fn reply(self, asked_bytes: usize, name: &str) -> Result<Reply, PortError> {
        let Some(stop) = self.stop else {
            return Err(PortError::transient(format!("{name}: the answer broke off before it gave a reason to end")));
        };
        let Counted { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens } =
            self.counted;
        let cached = cache_read_input_tokens.unwrap_or(0);
        let written = cache_creation_input_tokens.unwrap_or(0);
        let input = input_tokens.map(|fresh| fresh.saturating_add(cached).saturating_add(written));
        let usage = self.answer.usage(asked_bytes, input, output_tokens, Some(cached));
        let (parts, stop) = self.answer.finished(stop)?;
        Ok(Reply { parts, stop, usage, model: self.model.unwrap_or_else(|| name.to_owned()) })
    }

    fn take(&mut self, event: Event) -> Result<Heard, PortError> {
        match event {
            Event::MessageStart { message } => {
                self.model = message.model;
                self.counted = message.usage;
                // From here on it is at work.
                (self.heard)(&Delta::Thought(String::new()));
                Ok(Heard::Nothing)
            }
            Event::ContentBlockStart { index, content_block } => self.begin(index, content_block),
            Event::ContentBlockDelta { index, delta } => {
                match delta {
                    Piece::TextDelta { text } => self.answer.text(index, &text, self.heard)?,
                    Piece::InputJsonDelta { partial_json } => {
                        self.answer.arguments(index, &partial_json, self.heard)?;
                    }
                    Piece::ThinkingDelta { thinking } => (self.heard)(&Delta::Thought(thinking)),
                    Piece::Other => {}
                }
                Ok(Heard::Piece)
            }
            Event::MessageDelta { delta, usage } => {
                if let Some(reason) = delta.stop_reason {
                    self.stop = Some(meant(&reason));
                }
                self.counted.update(usage);
                Ok(Heard::Piece)
            }
            Event::MessageStop => Ok(Heard::End),
            Event::Other => Ok(Heard::Nothing),
        }
    }

    fn begin(&mut self, index: usize, block: Block) -> Result<Heard, PortError> {
        match block {
            Block::Text { text } => self.answer.text(index, &text, self.heard)?,
            Block::ToolUse { id, name, input } => {
                self.answer.call(index, &id, &name, self.heard)?;
                // Some servers give the input at once.
                if input.as_object().is_some_and(|fields| !fields.is_empty()) {
                    self.answer.arguments(index, &input.to_string(), self.heard)?;
                }
            }
            Block::Other => {}
        }
        Ok(Heard::Piece)
    }
}

impl Listener for Listening<'_> {
    fn event(&mut self, data: &str) -> Result<Heard, Failure> {
        let value: Value = serde_json::from_str(data).map_err(nonsense)?;
        if let Some(refusal) = Refusal::said(&value).filter(|_| value.get("error").is_some()) {
            return Err(Failure::Refused(Box::new(refusal)));
        }
        Ok(self.take(serde_json::from_value(value).map_err(nonsense)?)?)
    }
}

impl Counted {
    /// Later figures hold for the whole answer.
    fn update(&mut self, later: Counted) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.cache_creation_input_tokens = later.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens = later.cache_read_input_tokens.or(self.cache_read_input_tokens);
    }
}

/// A reason that nobody knows yet is not taken for a good end.
fn meant(reason: &str) -> Stop {
    match reason {
        "end_turn" | "stop_sequence" => Stop::End,
        "tool_use" => Stop::ToolCall,
        "refusal" => Stop::Refused,
        _ => Stop::Truncated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_to_stop_is_known_and_a_new_one_is_no_good_end() {
        let reasons = [
            ("end_turn", Stop::End),
            ("stop_sequence", Stop::End),
            ("tool_use", Stop::ToolCall),
            ("max_tokens", Stop::Truncated),
            ("pause_turn", Stop::Truncated),
            ("model_context_window_exceeded", Stop::Truncated),
            ("refusal", Stop::Refused),
            ("of_next_year", Stop::Truncated),
        ];
        for (reason, stop) in reasons {
            assert_eq!(meant(reason), stop, "{reason}");
        }
    }
}
