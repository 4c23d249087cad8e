//! Owns what an agent thinks with: its models in order, how they are asked, and what happens when none of them helps.
//! Never takes an answer on trust: it fits its schema and its evidence, or it is repaired once, or it is not used.
//! Next: an agent's `prompted` asks here, and its `offline` does the work where the answer is `Instead`.

use std::collections::BTreeMap;

use contract::{Refused, Workplace};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::exchange::{Exchanges, Secrets};
use crate::prompt::{Prompt, Untrusted};

/// The `MURMUR_*` variables that choose an agent's models.
pub const VARIABLES: &[&str] = &["MURMUR_MODELS"];

/// What one agent thinks with; made once, at start.
#[derive(Debug, Default)]
pub struct Mind {
    secrets: Secrets,
}

/// A mind at the work of one step.
pub struct Sitting<'a> {
    pub exchanges: Exchanges<'a>,
    #[allow(dead_code, reason = "asked when there are models")]
    mind: &'a Mind,
}

/// One question to a model.
pub struct Ask<'a, T> {
    pub prompt: Prompt,
    pub values: Value,
    /// The best first: what does not fit is left out from the end.
    pub sources: Vec<Untrusted>,
    /// What is wrong with an answer that fits its schema: ids that do not exist, quotes that do not match.
    pub faults: &'a (dyn Fn(&T) -> Vec<String> + Sync),
}

/// Do it without a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instead {
    /// What a reader should know of it; nothing where no model was configured.
    pub note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error("without a model")]
    Instead(Instead),
    /// This attempt ends here.
    #[error(transparent)]
    Stop(#[from] Refused),
}

impl Mind {
    /// Without any model.
    pub fn offline() -> Mind {
        Mind::default()
    }

    /// As the agent's variables say; all problems at once.
    pub fn of(_agent: &str, _own: &BTreeMap<&'static str, String>) -> Result<Mind, String> {
        Ok(Mind::offline())
    }

    pub fn at<'a>(&'a self, place: &'a dyn Workplace) -> Sitting<'a> {
        Sitting { exchanges: Exchanges::at(place, &self.secrets), mind: self }
    }
}

impl Sitting<'_> {
    /// An answer that fits its schema and has no faults; or that there is none, and what to do then.
    pub async fn ask<T: DeserializeOwned + JsonSchema + Send>(&self, _ask: Ask<'_, T>) -> Result<T, Unanswered> {
        Err(Unanswered::Instead(Instead::default()))
    }
}
