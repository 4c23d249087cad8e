//! Owns what every language model is to the rest: a request, a reply that streams, tools, a schema, and what it cost.
//! Never a provider's spelling of any of it: those are in `providers`.
//! Next: `mind` asks the models that an agent was given, in order.

use std::fmt;

use async_trait::async_trait;
use contract::PortError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that answers. Adapters classify what fails by what to do about it.
///
/// With a schema in the request, the text of the reply is one JSON document, whatever way the provider took to it. Whether
/// it fits is for the caller to see.
#[async_trait]
pub trait Model: Send + Sync + fmt::Debug {
    /// `provider/model`, as the price table spells it.
    fn name(&self) -> &str;

    /// Asks, tells each piece of the answer as it comes, and returns the whole.
    async fn reply(&self, request: &Request, heard: Hearing<'_>) -> Result<Reply, PortError>;
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub system: String,
    pub messages: Vec<Message>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolSpec>,
    /// What the answer must look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<OutputSchema>,
    #[serde(default)]
    pub sampling: Sampling,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    pub output_tokens_max: u32,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling { temperature: None, top_p: None, output_tokens_max: 4096 }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputSchema {
    pub name: String,
    pub schema: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    pub parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    User,
    Assistant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Part {
    Text { text: String },
    ToolCall { id: String, name: String, arguments: Value },
    ToolResult { id: String, content: String, failed: bool },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /// JSON Schema of the arguments.
    pub arguments: Value,
}

/// Whoever listens to an answer while it comes.
pub type Hearing<'a> = &'a mut (dyn FnMut(&Delta) + Send);

/// A piece of an answer, as it comes.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    Text(String),
    /// A tool's name, or a piece of its arguments.
    ToolCall(String),
    /// What it thinks before it speaks, which is paid for and never shown; nothing where it thinks in silence.
    Thought(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub parts: Vec<Part>,
    pub stop: Stop,
    pub usage: Usage,
    /// As the provider names the model that really answered.
    pub model: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    End,
    ToolCall,
    /// Unfinished: the output cap was reached, the context is full, or the provider paused.
    Truncated,
    Refused,
    /// The question is longer than the model's context, and nobody read it; how much that takes, where the server says so.
    /// The usage then is what the server counted of the question, where it says that.
    TooLong {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context_tokens: Option<u64>,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Of the input, what the provider had in its cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// The provider did not count: these are ours, from the bytes, and rather too many than too few.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

impl Message {
    pub fn user(text: impl Into<String>) -> Message {
        Message { role: Role::User, parts: vec![Part::Text { text: text.into() }] }
    }
}

impl Reply {
    /// Its words, without its tool calls.
    pub fn text(&self) -> String {
        let words = |part: &Part| if let Part::Text { text } = part { Some(text.clone()) } else { None };
        self.parts.iter().filter_map(words).collect()
    }

    pub fn is_too_long(&self) -> bool {
        matches!(self.stop, Stop::TooLong { .. })
    }

    /// The document that a schema asked for: small models put thoughts before it, and a fence of Markdown around it.
    pub fn document(&self) -> Result<Value, String> {
        let text = self.text();
        let text = text.rsplit_once("</think>").map_or(text.as_str(), |(_, after)| after).trim();
        let whole = serde_json::from_str(text);
        whole.or_else(|why| fenced(text).and_then(|inner| serde_json::from_str(inner).ok()).ok_or(why.to_string()))
    }
}

/// What stands between the first two fences.
fn fenced(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("```")?;
    let (inner, _) = after.split_once("```")?;
    Some(inner.strip_prefix("json").unwrap_or(inner).trim())
}

/// How many tokens a text is, where nobody has counted: two for every seven bytes, which is rather too many.
pub fn estimated_tokens(text_bytes: usize) -> u64 {
    u64::try_from(text_bytes.saturating_mul(2).div_ceil(7)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(text: &str) -> Result<Value, String> {
        let parts = vec![Part::Text { text: text.into() }];
        Reply { parts, stop: Stop::End, usage: Usage::default(), model: String::new() }.document()
    }

    #[test]
    fn a_document_is_found_behind_thoughts_and_inside_of_a_fence() {
        let texts = [
            "{\"n\":1}",
            " \n{\"n\":1}\n",
            "```json\n{\"n\":1}\n```",
            "Here it is:\n```\n{\"n\":1}\n```\nAnything else?",
            "<think>{\"n\":2}? No.</think>\n\n{\"n\":1}",
        ];
        for text in texts {
            assert_eq!(document(text), Ok(json!({ "n": 1 })), "{text}");
        }
    }

    #[test]
    fn a_fence_inside_of_a_document_is_part_of_it() {
        assert_eq!(document("{\"text\":\"```json\\n{}\\n```\"}"), Ok(json!({ "text": "```json\n{}\n```" })));
    }

    #[test]
    fn what_is_no_document_is_refused_with_a_reason() {
        for text in ["", "{\"n\":", "I cannot.", "```json\n{\"n\":\n```"] {
            assert!(document(text).is_err_and(|why| !why.is_empty()), "{text}");
        }
    }

    #[test]
    fn a_usage_of_an_earlier_version_is_read() {
        let usage: Usage = serde_json::from_value(json!({ "input_tokens": 1, "output_tokens": 2 })).unwrap();
        assert_eq!(usage, Usage { input_tokens: 1, output_tokens: 2, cached_tokens: 0, estimated: false });
        assert_eq!(serde_json::to_value(usage).unwrap().get("estimated"), None);
    }
}
