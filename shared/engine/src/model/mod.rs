//! Owns what every language model is to the rest: a request, a reply that streams, tools, a schema, and what it cost.
//! Never a provider's spelling of any of it: those are in `providers`.
//! Next: `mind` asks the models that an agent was given, in order.

use std::fmt;

use async_trait::async_trait;
use contract::PortError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that answers. Adapters classify what fails by what to do about it.
#[async_trait]
pub trait Model: Send + Sync + fmt::Debug {
    /// `provider/model`, as the price table spells it.
    fn name(&self) -> &str;

    /// Asks, tells each piece of the answer as it comes, and returns the whole.
    async fn reply(&self, request: &Request, heard: &mut (dyn FnMut(&Delta) + Send)) -> Result<Reply, PortError>;
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

/// A piece of an answer, as it comes.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    Text(String),
    /// A tool's name, or a piece of its arguments.
    ToolCall(String),
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
    /// The output cap was reached.
    Truncated,
    Refused,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Of the input, what the provider had in its cache.
    #[serde(default)]
    pub cached_tokens: u64,
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
}
