//! Owns what a step lends to whoever thinks for it: artifacts, a clock, an allowance, and the record of what was asked.
//! Never the queue, the bus or the ledger: thinking changes nothing but what the step returns.
//! Next: `runtime::Step` is one; `engine` asks models and uses tools only through it.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Artifacts, Clock, Digest, PortError, UnixMs};

/// The means of one attempt of one step.
#[async_trait]
pub trait Workplace: Send + Sync {
    fn artifacts(&self) -> &Arc<dyn Artifacts>;
    /// The same store, for what a replay never reads: whoever asks inside of an exchange takes its answer from the
    /// record then. What is read through this is not listed there.
    fn unlisted(&self) -> &Arc<dyn Artifacts> {
        self.artifacts()
    }
    fn clock(&self) -> &Arc<dyn Clock>;
    /// The same in every attempt of this step.
    fn key(&self) -> &str;
    /// When this attempt must be done.
    fn deadline(&self) -> UnixMs;
    /// Before a model is asked: at most this much.
    async fn reserve(&self, bound: Spend) -> Result<Box<dyn Reserved>, Refused>;
    /// What was asked and answered, for the step's record. Secrets are removed before.
    fn note(&self, exchange: Exchange);
    /// Something was noted that was paid for: whoever can keeps it now, since a crash would lose it.
    async fn paid(&self) {}
    /// The model to ask first, by its configured name, where the goal's user wants one.
    fn preferred_model(&self) -> Option<&str> {
        None
    }
    /// What an earlier run was answered. Where there is some, nobody is asked: an exchange that is not in it fails.
    fn recorded(&self) -> Option<&[Exchange]>;
    /// One of these was asked for again. Those that never are show that a replay went another way.
    fn recalled(&self, _digest: &Digest) {}
}

/// The right to spend up to a bound, once. What is not settled is booked at its bound.
#[async_trait]
pub trait Reserved: Send {
    async fn settle(self: Box<Self>, cost: Spend);
}

/// Why nothing may be spent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the goal's allowance does not cover this call")]
    Exhausted,
    /// The goal has ended, or this attempt is not the holder any more: the work is being cancelled.
    #[error("this attempt may not spend any more")]
    Deposed,
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Tokens and millionths of a dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spend {
    pub tokens: u64,
    pub micros: u64,
}

impl std::ops::Add for Spend {
    type Output = Spend;
    fn add(self, other: Spend) -> Spend {
        Spend { tokens: self.tokens + other.tokens, micros: self.micros + other.micros }
    }
}

/// One question to a model or a tool, and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    pub with: Partner,
    /// The model or the tool.
    pub name: String,
    /// Of the request, of what it was asked for, and of its turn: by this a replay finds the answer.
    pub digest: Digest,
    pub request: Value,
    pub answer: Answered,
    pub began: UnixMs,
    pub took_ms: u64,
    #[serde(default)]
    pub cost: Spend,
    /// Version of the prompt file that the request was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Partner {
    Model,
    Tool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answered {
    With(Value),
    /// As the asker's own error, so that a replay meets the same one.
    Failed(Value),
}

/// What one attempt of a step asked, and which artifacts it touched: all that a replay needs beside its input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptRecord {
    pub attempt: u32,
    pub began: UnixMs,
    pub exchanges: Vec<Exchange>,
    /// The addresses of artifacts that were read.
    pub reads: Vec<String>,
}

impl crate::documents::Document for AttemptRecord {
    const MEDIATYPE: &'static str = "application/vnd.murmuration.attempt.v1+json";
}
