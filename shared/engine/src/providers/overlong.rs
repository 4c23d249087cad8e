//! Owns knowing a refusal of a question that is longer than the model's context, and the numbers that it names.
//! Never a number that stands nowhere: servers that name none have none.
//! Next: an adapter makes a reply of it that says so; `mind` asks once more with less.

use super::refusal::Refusal;

/// What a server said of a question that was too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TooLong {
    /// What it counted of the question alone.
    pub asked_tokens: Option<u64>,
    pub context_tokens: Option<u64>,
}

/// Servers' own names for it.
const KINDS: &[&str] = &["context_length_exceeded", "exceed_context_size_error"];
/// What those say that have no name for it: vLLM, older versions of llama.cpp, Anthropic, gateways.
const WORDS: &[&str] = &[
    "context length",
    "context size",
    "context window",
    "context limit",
    "maximum model length",
    "prompt is too long",
    "input is too long",
];
/// Before the context, the surer ones first.
const BEFORE_CONTEXT: &[&str] = &[
    "maximum context length is",
    "maximum context length of",
    "maximum model length of",
    "context window of",
    "context size (",
    "> ",
];
const BEFORE_ASKED: &[&str] =
    &["resulted in", "prompt is too long:", "context limit:", "request (", "requested tokens (", "(length"];
const BEHIND_ASKED: &[&str] = &[" in the messages", " input tokens"];

impl Refusal {
    /// None where it is about anything else.
    pub(crate) fn too_long(&self) -> Option<TooLong> {
        let is_named = KINDS.contains(&self.kind.as_str());
        if !is_named && !self.is_about(WORDS) {
            return None;
        }
        let said = self.message.to_lowercase();
        let asked = BEFORE_ASKED.iter().find_map(|mark| behind(&said, mark));
        let asked = asked.or_else(|| BEHIND_ASKED.iter().find_map(|mark| before(&said, mark)));
        let context = BEFORE_CONTEXT.iter().find_map(|mark| behind(&said, mark));
        Some(TooLong {
            asked_tokens: self.asked_tokens.or(asked),
            context_tokens: self.context_tokens.or(context).filter(|tokens| *tokens > 0),
        })
    }
}

/// The number that follows these words.
fn behind(said: &str, mark: &str) -> Option<u64> {
    let rest = said.get(said.find(mark)? + mark.len()..)?.trim_start();
    number(&rest[..rest.find(|c: char| !(c.is_ascii_digit() || c == ',')).unwrap_or(rest.len())])
}

/// The number that these words follow.
fn before(said: &str, mark: &str) -> Option<u64> {
    let head = said.get(..said.find(mark)?)?;
    number(&head[head.rfind(|c: char| !(c.is_ascii_digit() || c == ',')).map_or(0, |at| at + 1)..])
}

fn number(digits: &str) -> Option<u64> {
    digits.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(status: u16, body: &Value) -> Option<(Option<u64>, Option<u64>)> {
        let refusal = Refusal { status: Some(status), ..Refusal::said(body)? };
        refusal.too_long().map(|told| (told.asked_tokens, told.context_tokens))
    }

    #[test]
    fn every_servers_way_to_say_that_a_question_is_too_long_is_known_with_its_numbers() {
        let of_openai = |message: &str| {
            json!({ "error": { "message": message, "type": "invalid_request_error", "param": "messages",
                               "code": "context_length_exceeded" } })
        };
        let openai = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9015 tokens. \
                      Please reduce the length of the messages.";
        assert_eq!(told(400, &of_openai(openai)), Some((Some(9015), Some(8192))));
        let python = "This model's maximum context length is 8192 tokens. However, you requested 9315 tokens (9015 in the \
                      messages, 300 in the completion). Please reduce the length of the messages or completion.";
        assert_eq!(told(400, &of_openai(python)), Some((Some(9015), Some(8192))));
        assert_eq!(
            told(400, &of_openai("Requested tokens (9015) exceed context window of 8192")),
            Some((Some(9015), Some(8192)))
        );
        let vllm =
            json!({ "object": "error", "message": python, "type": "BadRequestError", "param": null, "code": 400 });
        assert_eq!(told(400, &vllm), Some((Some(9015), Some(8192))));
        let cap = "'max_tokens' or 'max_completion_tokens' is too large: 300. This model's maximum context length is 8192 \
                   tokens and your request has 8000 input tokens (300 > 8192 - 8000).";
        let newer = json!({ "error": { "message": cap, "type": "BadRequestError", "param": null, "code": 400 } });
        assert_eq!(told(400, &newer), Some((Some(8000), Some(8192))));
        let decoder = "The decoder prompt (length 9015) is longer than the maximum model length of 8192.";
        let other = json!({ "error": { "message": decoder, "type": "BadRequestError", "code": 400 } });
        assert_eq!(told(400, &other), Some((Some(9015), Some(8192))));
        let cpp = json!({ "error": { "code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 9015, "n_ctx": 8192,
            "message": "the request exceeds the available context size. try increasing the context size" } });
        assert_eq!(told(400, &cpp), Some((Some(9015), Some(8192))));
        let older = json!({ "error": { "code": 500, "type": "server_error",
            "message": "the request exceeds the available context size. try increasing the context size" } });
        assert_eq!(told(500, &older), Some((None, None)));
        let anthropic = |message: &str| json!({ "type": "error", "error": { "type": "invalid_request_error", "message": message } });
        assert_eq!(
            told(400, &anthropic("prompt is too long: 210000 tokens > 200000 maximum")),
            Some((Some(210_000), Some(200_000)))
        );
        let with_cap =
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length";
        assert_eq!(told(400, &anthropic(with_cap)), Some((Some(190_000), Some(200_000))));
    }

    #[test]
    fn another_refusal_is_none_of_it() {
        let error = |message: &str| json!({ "error": { "message": message, "type": "invalid_request_error" } });
        assert_eq!(told(400, &error("max_tokens is too large: this model supports at most 4096")), None);
        assert_eq!(told(401, &error("no key for this context length")), None);
        assert_eq!(told(429, &error("slow down: 9000 > 8000 tokens a minute")), None);
    }
}
