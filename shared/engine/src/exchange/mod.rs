//! Owns every question to a model or a tool: asked and noted, or answered from what an earlier run noted.
//! Never goes live in a replay: what was not recorded fails. Never notes a secret, nor lets one out of an answer.
//! Invariant: whoever asks gets what was noted, to the letter: a replay of it cannot go another way.
//! Next: `mind` asks models through this, `tools` everything else; the step's record has what was noted.

mod failing;
mod recall;
mod secrets;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use contract::{Answered, Digest, Exchange, Partner, PortError, Refused, Spend, Workplace};
use serde_json::Value;

pub use secrets::Secrets;
pub(crate) use secrets::spellings;

/// The exchanges of one attempt of one step: one of these for each attempt, as turns are counted in it.
pub struct Exchanges<'a> {
    pub place: &'a dyn Workplace,
    secrets: &'a Secrets,
    /// What the questions are asked for. Equal ones asked for different things have answers of their own.
    scope: String,
    /// Whether these come one after the other; the turn is then that among all, not among equal ones.
    in_order: bool,
    turns: Mutex<BTreeMap<Digest, usize>>,
}

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

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unmade {
    Asking(PortError),
    /// Nothing may be spent on asking.
    Spending(Refused),
    /// A replay met a question that nobody asked when it was recorded. There is no way on from here.
    Unrecorded(String),
}

/// What asking brought, and what it cost even where it failed.
pub(crate) type Live = (Result<Value, Unmade>, Spend);

impl<'a> Exchanges<'a> {
    pub fn at(place: &'a dyn Workplace, secrets: &'a Secrets) -> Exchanges<'a> {
        Exchanges { place, secrets, scope: String::new(), in_order: false, turns: Mutex::default() }
    }

    /// Exchanges for one of several things that are worked on at the same time. Without this, equal questions of two
    /// of them could have each other's answers in a replay.
    pub fn within(&self, name: &str) -> Exchanges<'a> {
        self.scoped(name, false)
    }

    /// Exchanges that come one after the other.
    pub(crate) fn in_order(&self, name: &str) -> Exchanges<'a> {
        self.scoped(name, true)
    }

    fn scoped(&self, name: &str, in_order: bool) -> Exchanges<'a> {
        let turn = self.turn(Digest::of(format!("within\n{name}").as_bytes()));
        let scope = format!("{}/{}:{name}/{turn}", self.scope, name.len());
        Exchanges { place: self.place, secrets: self.secrets, scope, in_order, turns: Mutex::default() }
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.place.recorded().is_some()
    }

    /// Asks by `live`, and notes question and answer; in a replay, the answer that was noted.
    pub async fn made<F>(&self, question: Question, live: impl FnOnce() -> F) -> Result<Value, PortError>
    where
        F: Future<Output = Result<Costing, PortError>>,
    {
        let live = async || match live().await {
            Ok(Costing { answer, cost }) => (Ok(answer), cost),
            Err(error) => (Err(Unmade::Asking(error)), Spend::default()),
        };
        self.asked(question, live).await.map_err(|unmade| match unmade {
            Unmade::Asking(error) => error,
            Unmade::Spending(refused) => PortError::permanent(refused.to_string()),
            Unmade::Unrecorded(why) => PortError::permanent(why),
        })
    }

    /// The same, where asking spends: a refusal to spend is noted too, so that a replay is refused in its place.
    pub(crate) async fn asked<F>(&self, mut question: Question, live: impl FnOnce() -> F) -> Result<Value, Unmade>
    where
        F: Future<Output = Live>,
    {
        question.request = self.secrets.removed(question.request);
        let digest = self.named(&question);
        if let Some(recorded) = self.place.recorded() {
            return self.recalled(recorded, &digest, question);
        }
        let began = self.place.clock().now();
        let (made, cost) = live().await;
        let made = made.map(|answer| self.secrets.removed(answer)).map_err(|unmade| self.clean(unmade));
        let took = began.until(self.place.clock().now());
        self.place.note(Exchange {
            with: question.with,
            name: question.name,
            digest,
            request: question.request,
            answer: match &made {
                Ok(answer) => Answered::With(answer.clone()),
                Err(unmade) => Answered::Failed(failing::written(unmade)),
            },
            began,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            cost,
            prompt: question.prompt,
        });
        if cost != Spend::default() {
            self.place.paid().await;
        }
        made
    }

    fn recalled(&self, recorded: &[Exchange], digest: &Digest, question: Question) -> Result<Value, Unmade> {
        self.place.recalled(digest);
        match recorded.iter().find(|exchange| exchange.digest == *digest).map(|exchange| &exchange.answer) {
            Some(Answered::With(answer)) => Ok(answer.clone()),
            Some(Answered::Failed(failed)) => Err(failing::read(failed)),
            None => Err(Unmade::Unrecorded(self.unrecorded(recorded, digest, question))),
        }
    }

    /// Of an agent without models: why it cannot replay a step that was worked on with some.
    pub(crate) fn without_the_models_of_the_record(&self, prompt: &str) -> Option<String> {
        let why = recall::no_models(self.place.recorded().unwrap_or_default())?;
        let nobody = Question {
            with: Partner::Model,
            name: "no model".into(),
            request: Value::Null,
            prompt: Some(prompt.to_owned()),
        };
        self.note_unrecorded(&why, &self.named(&nobody), nobody);
        Some(why)
    }

    fn unrecorded(&self, recorded: &[Exchange], digest: &Digest, question: Question) -> String {
        let why = recall::why(recorded, &question);
        self.note_unrecorded(&why, digest, question);
        why
    }

    /// A handler that goes on without the answer does not hide it: it is in the record.
    fn note_unrecorded(&self, why: &str, digest: &Digest, question: Question) {
        self.place.note(Exchange {
            with: question.with,
            name: question.name,
            digest: digest.clone(),
            request: question.request,
            answer: Answered::Failed(failing::written(&Unmade::Unrecorded(why.to_owned()))),
            began: self.place.clock().now(),
            took_ms: 0,
            cost: Spend::default(),
            prompt: question.prompt,
        });
    }

    /// Whether a replay has an answer to this question, were it the next one. Never where nothing is replayed.
    pub(crate) fn is_recorded(&self, question: &Question) -> bool {
        let Some(recorded) = self.place.recorded() else { return false };
        let request = self.secrets.removed(question.request.clone());
        let (asked, among) = self.spelled(&Question { request, ..question.clone() });
        let turn = self.turns.lock().unwrap_or_else(PoisonError::into_inner).get(&among).copied().unwrap_or_default();
        let digest = self.digest(turn, &asked);
        recorded.iter().any(|exchange| exchange.digest == digest)
    }

    /// By what a replay finds the answer: the question, what it is asked for, and its turn.
    fn named(&self, question: &Question) -> Digest {
        let (asked, among) = self.spelled(question);
        let turn = self.turn(among);
        self.digest(turn, &asked)
    }

    /// A question in full, and among which its turn is counted.
    fn spelled(&self, question: &Question) -> (String, Digest) {
        let with = if question.with == Partner::Model { "model" } else { "tool" };
        let asked = format!("{with}\n{}\n{}", question.name, question.request);
        let among = if self.in_order { Digest::of(b"all") } else { Digest::of(asked.as_bytes()) };
        (asked, among)
    }

    fn digest(&self, turn: usize, asked: &str) -> Digest {
        Digest::of(format!("{}\n{turn}\n{asked}", self.scope).as_bytes())
    }

    fn turn(&self, among: Digest) -> usize {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns.entry(among).or_default();
        *turn += 1;
        *turn - 1
    }

    fn clean(&self, unmade: Unmade) -> Unmade {
        match unmade {
            Unmade::Asking(error) => Unmade::Asking(self.secrets.removed_of(error)),
            Unmade::Spending(Refused::Port(error)) => Unmade::Spending(self.secrets.removed_of(error).into()),
            other => other,
        }
    }

    pub(crate) fn without_secrets(&self, value: Value) -> Value {
        self.secrets.removed(value)
    }
}

impl fmt::Debug for Exchanges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanges").field("step", &self.place.key()).field("scope", &self.scope).finish_non_exhaustive()
    }
}
