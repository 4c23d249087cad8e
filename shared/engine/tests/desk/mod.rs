//! Owns the desk at which minds are tried: a workplace with an allowance and a clock, and models that do as they are told.
//! Never a queue, a ledger or a server: `runtime::Step` is the real workplace.
//! Next: the tests `mind_*` and `injections`.
#![allow(clippy::unwrap_used, reason = "what a test cannot make is a test that fails")]
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use contract::{ArtifactRef, Artifacts, Clock, Exchange, PortError, Refused, Reserved, Spend, UnixMs, Workplace};
use engine::exchange::Secrets;
use engine::mind::config::{AgentSettings, CacheSettings, ModelSettings, Provider};
use engine::mind::{Mind, Price, Thinker};
use engine::model::{Delta, Hearing, Model, Part, Reply, Request, Stop, Usage};
use engine::prompt::{Prompt, Untrusted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A millionth of a dollar for each token of either kind.
pub(crate) const PRICE: Price = Price { input: 1.0, output: 1.0, cached: 1.0 };
pub(crate) const PROMPT: Prompt = Prompt { version: "try.v1", text: "You compare prices.\n---\nGoal: {{ goal }}" };

/// Tokio's time as a clock, so that a paused test moves both.
#[derive(Debug)]
pub(crate) struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn now(&self) -> UnixMs {
        UnixMs(1_800_000_000_000) + self.0.elapsed()
    }
}

/// A mind asks; what is stored is its agent's.
#[derive(Debug)]
struct NoArtifacts;

#[async_trait]
impl Artifacts for NoArtifacts {
    async fn put(&self, _: &[u8], _: &str) -> Result<ArtifactRef, PortError> {
        Err(PortError::permanent("no artifacts here"))
    }
    async fn get(&self, uri: &str) -> Result<Vec<u8>, PortError> {
        Err(PortError::permanent(format!("{uri}: no artifacts here")))
    }
    async fn publish(&self, _: &str, _: u64, _: &ArtifactRef) -> Result<bool, PortError> {
        Ok(false)
    }
    async fn latest(&self, _: &str) -> Result<Option<(u64, ArtifactRef)>, PortError> {
        Ok(None)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Till {
    pub(crate) allowed: Spend,
    pub(crate) spent: Spend,
    pub(crate) open: u32,
    pub(crate) calls: u32,
    /// The most that was ever spent or reserved at the same time.
    pub(crate) most: Spend,
}

/// A step without a queue.
pub(crate) struct Desk {
    pub(crate) artifacts: Arc<dyn Artifacts>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) key: String,
    pub(crate) deadline: UnixMs,
    pub(crate) till: Arc<Mutex<Till>>,
    pub(crate) noted: Mutex<Vec<Exchange>>,
    pub(crate) recorded: Option<Vec<Exchange>>,
    /// What a reservation is refused with, whatever is left.
    pub(crate) refusal: Option<Refused>,
    /// What the goal's user wants to be asked first.
    pub(crate) preferred: Option<String>,
    /// How often something was noted that was paid for.
    pub(crate) kept: std::sync::atomic::AtomicUsize,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        let clock = TokioClock(tokio::time::Instant::now());
        let deadline = clock.now() + Duration::from_secs(600);
        let allowed = Spend { tokens: 1_000_000, micros: 1_000_000 };
        Desk {
            artifacts: Arc::new(NoArtifacts),
            clock: Arc::new(clock),
            key: "analysis/1".into(),
            deadline,
            till: Arc::new(Mutex::new(Till { allowed, ..Till::default() })),
            noted: Mutex::default(),
            recorded: None,
            refusal: None,
            preferred: None,
            kept: std::sync::atomic::AtomicUsize::default(),
        }
    }

    pub(crate) fn allowing(tokens: u64, micros: u64) -> Desk {
        let desk = Desk::new();
        desk.till.lock().unwrap().allowed = Spend { tokens, micros };
        desk
    }

    pub(crate) fn until(deadline: Duration) -> Desk {
        let desk = Desk::new();
        let deadline = desk.clock.now() + deadline;
        Desk { deadline, ..desk }
    }

    /// The same step again, from what was noted here; nothing may be spent.
    pub(crate) fn replayed(&self) -> Desk {
        Desk { key: self.key.clone(), recorded: Some(self.exchanges()), ..Desk::allowing(0, 0) }
    }

    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.noted.lock().unwrap().clone()
    }

    pub(crate) fn spent(&self) -> Spend {
        self.till.lock().unwrap().spent
    }
}

struct Right {
    till: Arc<Mutex<Till>>,
    bound: Spend,
}

#[async_trait]
impl Reserved for Right {
    async fn settle(self: Box<Self>, cost: Spend) {
        let mut till = self.till.lock().unwrap();
        till.allowed = till.allowed + self.bound;
        till.allowed.tokens -= cost.tokens.min(till.allowed.tokens);
        till.allowed.micros -= cost.micros.min(till.allowed.micros);
        till.spent = till.spent + cost;
        till.open -= 1;
    }
}

#[async_trait]
impl Workplace for Desk {
    fn artifacts(&self) -> &Arc<dyn Artifacts> {
        &self.artifacts
    }
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
    fn key(&self) -> &str {
        &self.key
    }
    fn deadline(&self) -> UnixMs {
        self.deadline
    }
    async fn reserve(&self, bound: Spend) -> Result<Box<dyn Reserved>, Refused> {
        assert!(self.recorded.is_none(), "a replay reserved");
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        let mut till = self.till.lock().unwrap();
        if bound.tokens > till.allowed.tokens || bound.micros > till.allowed.micros {
            return Err(Refused::Exhausted);
        }
        till.allowed.tokens -= bound.tokens;
        till.allowed.micros -= bound.micros;
        till.open += 1;
        till.calls += 1;
        Ok(Box::new(Right { till: Arc::clone(&self.till), bound }))
    }
    fn note(&self, exchange: Exchange) {
        self.noted.lock().unwrap().push(exchange);
    }
    async fn paid(&self) {
        self.kept.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    fn preferred_model(&self) -> Option<&str> {
        self.preferred.as_deref()
    }
    fn recorded(&self) -> Option<&[Exchange]> {
        self.recorded.as_deref()
    }
}

/// What a fake model does next.
pub(crate) enum Turn {
    Says(String),
    Calls(&'static str, Value),
    Fails(PortError),
    Stops(Stop, String),
    /// Never ends.
    Hangs,
    /// Streams without end.
    Pours,
    /// As long as it takes, then these words.
    Takes(Duration, String),
    /// Thinks this, then breaks off.
    BreaksThinking(&'static str),
    /// Silence, then this failure.
    FailsAfter(Duration, PortError),
}

/// A model that does one thing after the other, and then the last one for ever.
pub(crate) struct Puppet {
    name: String,
    turns: Mutex<VecDeque<Turn>>,
    pub(crate) asked: Mutex<Vec<Request>>,
    usage: Option<Usage>,
}

impl Puppet {
    pub(crate) fn new(name: &str, turns: Vec<Turn>) -> Arc<Puppet> {
        Arc::new(Puppet { name: name.into(), turns: Mutex::new(turns.into()), asked: Mutex::default(), usage: None })
    }

    pub(crate) fn using(name: &str, usage: Usage, turns: Vec<Turn>) -> Arc<Puppet> {
        let turns = Mutex::new(turns.into());
        Arc::new(Puppet { name: name.into(), turns, asked: Mutex::default(), usage: Some(usage) })
    }

    pub(crate) fn times(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(crate) fn request(&self, n: usize) -> Request {
        self.asked.lock().unwrap()[n].clone()
    }
}

impl fmt::Debug for Puppet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

pub(crate) fn reply(name: &str, parts: Vec<Part>, stop: Stop, usage: Usage) -> Reply {
    Reply { parts, stop, usage, model: name.into() }
}

#[async_trait]
impl Model for Puppet {
    fn name(&self) -> &str {
        &self.name
    }

    async fn reply(&self, request: &Request, heard: Hearing<'_>) -> Result<Reply, PortError> {
        self.asked.lock().unwrap().push(request.clone());
        let turn = {
            let mut turns = self.turns.lock().unwrap();
            if turns.len() > 1 { turns.pop_front() } else { turns.front().map(again) }
        };
        let usage = self.usage.unwrap_or(Usage { input_tokens: 100, output_tokens: 10, ..Usage::default() });
        let says = |text: String, stop| Ok(reply(&self.name, vec![Part::Text { text }], stop, usage));
        match turn {
            Some(Turn::Says(text)) => {
                heard(&Delta::Text(text.clone()));
                says(text, Stop::End)
            }
            Some(Turn::Calls(name, arguments)) => {
                let id = format!("call-{}", self.times());
                Ok(reply(&self.name, vec![Part::ToolCall { id, name: name.into(), arguments }], Stop::ToolCall, usage))
            }
            Some(Turn::Fails(error)) => Err(error),
            Some(Turn::Stops(stop, text)) => says(text, stop),
            Some(Turn::Takes(span, text)) => {
                tokio::time::sleep(span).await;
                says(text, Stop::End)
            }
            Some(Turn::FailsAfter(span, error)) => {
                tokio::time::sleep(span).await;
                Err(error)
            }
            Some(Turn::BreaksThinking(thought)) => {
                heard(&Delta::Thought(thought.into()));
                Err(PortError::permanent("broke off"))
            }
            Some(Turn::Pours) => loop {
                heard(&Delta::Text("x".repeat(100_000)));
                tokio::task::yield_now().await;
            },
            Some(Turn::Hangs) => std::future::pending().await,
            None => panic!("{} has nothing to say", self.name),
        }
    }
}

fn again(turn: &Turn) -> Turn {
    match turn {
        Turn::Says(text) => Turn::Says(text.clone()),
        Turn::Calls(name, arguments) => Turn::Calls(name, arguments.clone()),
        Turn::Fails(error) => Turn::Fails(error.clone()),
        Turn::Stops(stop, text) => Turn::Stops(*stop, text.clone()),
        Turn::Hangs => Turn::Hangs,
        Turn::Pours => Turn::Pours,
        Turn::BreaksThinking(thought) => Turn::BreaksThinking(thought),
        Turn::Takes(span, text) => Turn::Takes(*span, text.clone()),
        Turn::FailsAfter(span, error) => Turn::FailsAfter(*span, error.clone()),
    }
}

/// What the tests ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Answer {
    pub(crate) statement: String,
    pub(crate) cites: Vec<String>,
}

pub(crate) fn good() -> Turn {
    Turn::Says(json!({"statement": "Flock costs 49 USD.", "cites": ["p-1"]}).to_string())
}

/// Only `p-1` exists.
pub(crate) fn faults(answer: &Answer) -> Vec<String> {
    answer.cites.iter().filter(|id| *id != "p-1").map(|id| format!("there is no source {id:?}")).collect()
}

pub(crate) fn source(text: &str) -> Untrusted {
    Untrusted { id: "p-1".into(), text: text.into() }
}

pub(crate) fn ask(goal: &str) -> engine::Ask<'static, Answer> {
    engine::Ask {
        prompt: PROMPT,
        values: json!({"goal": goal}),
        sources: vec![source("Flock costs 49 USD a month.")],
        faults: &faults,
    }
}

pub(crate) fn settings(name: &str) -> ModelSettings {
    ModelSettings::new(name, Provider::OpenAi, name)
}

/// These models in order, each at `PRICE`.
pub(crate) fn mind(models: &[&Arc<Puppet>]) -> Mind {
    mind_of(models, AgentSettings::default(), |settings| settings, None)
}

pub(crate) fn mind_of(
    models: &[&Arc<Puppet>],
    agent: AgentSettings,
    change: impl Fn(ModelSettings) -> ModelSettings,
    cache: Option<CacheSettings>,
) -> Mind {
    let thinkers = models.iter().map(|model| {
        let model: Arc<dyn Model> = Arc::clone(*model) as _;
        let settings = change(settings(model.name()));
        Thinker::new(model, settings, PRICE)
    });
    Mind::with(agent, thinkers.collect(), Secrets::of(["our-secret-key-1".to_owned()]), cache)
}
