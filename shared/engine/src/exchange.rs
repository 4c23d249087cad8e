//! Owns every question to a model or a tool: asked and noted, or answered from what an earlier run noted.
//! Never goes live in a replay: what was not recorded fails. Never notes a secret.
//! Next: `mind` asks models through this, `tools` everything else; the step's record has what was noted.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use contract::{Answered, Digest, Exchange, Partner, PortError, Spend, Workplace};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The exchanges of one attempt of one step.
pub struct Exchanges<'a> {
    pub place: &'a dyn Workplace,
    secrets: &'a Secrets,
    /// How often each request was made so far: equal ones are told apart by their turn.
    turns: Mutex<BTreeMap<Digest, usize>>,
}

/// What must never be written down. What has none of our keys in it passes through unchanged.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

/// One question, before it is asked.
#[derive(Clone, Debug)]
pub struct Question {
    pub with: Partner,
    pub name: String,
    pub request: Value,
    pub prompt: Option<String>,
}

/// An answer, and what it cost.
#[derive(Clone, Debug)]
pub struct Costing {
    pub answer: Value,
    pub cost: Spend,
}

/// A `PortError`, as it is written down.
#[derive(Serialize, Deserialize)]
struct Failure {
    why: String,
    again: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after_ms: Option<u64>,
}

impl<'a> Exchanges<'a> {
    pub fn at(place: &'a dyn Workplace, secrets: &'a Secrets) -> Exchanges<'a> {
        Exchanges { place, secrets, turns: Mutex::default() }
    }

    /// Asks by `live`, and notes question and answer; in a replay, the answer that was noted.
    pub async fn made<F>(&self, question: Question, live: impl FnOnce() -> F) -> Result<Value, PortError>
    where
        F: Future<Output = Result<Costing, PortError>>,
    {
        let request = self.secrets.removed(question.request.clone());
        let digest = digest(&question, &request);
        if let Some(recorded) = self.place.recorded() {
            return self.recalled(recorded, &digest, &question);
        }
        let began = self.place.clock().now();
        let made = live().await;
        let (answer, cost) = match &made {
            Ok(costing) => (Answered::With(self.secrets.removed(costing.answer.clone())), costing.cost),
            Err(error) => (Answered::Failed(self.secrets.removed(failure(error))), Spend::default()),
        };
        let took = began.until(self.place.clock().now());
        self.place.note(Exchange {
            with: question.with,
            name: question.name,
            digest,
            request,
            answer,
            began,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            cost,
            prompt: question.prompt,
        });
        made.map(|costing| costing.answer)
    }

    fn recalled(&self, recorded: &[Exchange], digest: &Digest, question: &Question) -> Result<Value, PortError> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns.entry(digest.clone()).or_default();
        let found = recorded.iter().filter(|exchange| exchange.digest == *digest).nth(*turn);
        *turn += 1;
        match found.map(|exchange| exchange.answer.clone()) {
            Some(Answered::With(answer)) => Ok(answer),
            Some(Answered::Failed(failed)) => Err(failed_as(failed)),
            None => Err(PortError::permanent(format!(
                "a replay asks nobody, and this question to {} was not recorded: {}",
                question.name,
                contract::bounded(&question.request.to_string())
            ))),
        }
    }
}

fn digest(question: &Question, request: &Value) -> Digest {
    let with = if question.with == Partner::Model { "model" } else { "tool" };
    Digest::of(format!("{with}\n{}\n{request}", question.name).as_bytes())
}

fn failure(error: &PortError) -> Value {
    let failure = match error {
        PortError::Transient { why, retry_after } => Failure {
            why: why.clone(),
            again: true,
            after_ms: retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        },
        PortError::Permanent { reason } => Failure { why: reason.clone(), again: false, after_ms: None },
    };
    serde_json::to_value(failure).unwrap_or_default()
}

fn failed_as(value: Value) -> PortError {
    match serde_json::from_value(value) {
        Ok(Failure { why, again: true, after_ms }) => {
            PortError::Transient { why, retry_after: after_ms.map(Duration::from_millis) }
        }
        Ok(Failure { why, .. }) => PortError::Permanent { reason: why },
        Err(why) => PortError::permanent(format!("a recorded failure is damaged: {why}")),
    }
}

impl Secrets {
    /// Words of fewer than eight characters are no secrets: removing them would only damage the record.
    pub fn of(secrets: impl IntoIterator<Item = String>) -> Secrets {
        Secrets(secrets.into_iter().filter(|secret| secret.len() >= 8).collect())
    }

    fn removed(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.removed_from(text)),
            Value::Array(all) => all.into_iter().map(|one| self.removed(one)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| (self.removed_from(name), self.removed(value))).collect()
            }
            plain => plain,
        }
    }

    fn removed_from(&self, text: String) -> String {
        self.0.iter().fold(
            text,
            |text, secret| {
                if text.contains(secret) { text.replace(secret, "[removed]") } else { text }
            },
        )
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}
