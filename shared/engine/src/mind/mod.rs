//! Owns what an agent thinks with: its models in order, how they are asked, and what happens when none of them helps.
//! Never takes an answer on trust: it fits its schema and its evidence, or it is repaired once, or it is not used.
//! Invariant: what a model is asked and what is done about its answer depends on the record alone, never on a clock that
//! the record does not have: a replay goes the same way.
//! Next: an agent's `prompted` asks here, and its `offline` does the work where the answer is `Instead`.

mod answer;
mod asking;
mod calling;
pub mod config;
mod form;
mod making;
mod measure;
mod pace;
mod packing;
mod prices;
mod remember;
mod rounds;
mod tokens;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use contract::{PortError, Refused, Workplace};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::exchange::{Exchanges, Secrets};
use crate::model::Model;
use crate::prompt::{Prompt, Untrusted};
use config::{AgentSettings, CacheSettings, ModelSettings};
use measure::Measure;
use pace::Pace;
use remember::Remembered;

pub use making::{Make, MakeOne};
pub use prices::Price;

/// The `MURMUR_*` variables that choose an agent's models.
pub const VARIABLES: &[&str] = &["MURMUR_MODELS"];

/// What one agent thinks with; made once, at start.
#[derive(Debug, Default)]
pub struct Mind {
    thinkers: Vec<Thinker>,
    /// Configured, but not for this agent: asked only where a goal prefers them.
    spare: Vec<Thinker>,
    agent: AgentSettings,
    remembered: Option<Remembered>,
    secrets: Secrets,
}

/// One model, with what its configuration says of it.
#[derive(Debug)]
pub struct Thinker {
    model: Arc<dyn Model>,
    settings: ModelSettings,
    price: Price,
    pace: Pace,
    /// What it told of its tokens so far.
    measure: Measure,
}

/// A mind at the work of one step. One for each attempt: equal questions are told apart by their turn in it.
#[derive(Debug)]
pub struct Sitting<'a> {
    pub exchanges: Exchanges<'a>,
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
    /// Nothing that a model said can be used, and the agent is configured to park then.
    #[error("{0}")]
    Unusable(String),
    /// This attempt ends here.
    #[error(transparent)]
    Stop(#[from] Refused),
}

impl Unanswered {
    /// What to do without a model; everything else is an error of the step, to be handed on by `?`.
    pub fn instead(self) -> Result<Instead, Refused> {
        match self {
            Unanswered::Instead(instead) => Ok(instead),
            Unanswered::Unusable(why) => Err(PortError::permanent(why).into()),
            Unanswered::Stop(refused) => Err(refused),
        }
    }
}

impl Thinker {
    pub fn new(model: Arc<dyn Model>, settings: ModelSettings, price: Price) -> Thinker {
        let pace = Pace::of(settings.requests_per_minute, settings.tokens_per_minute);
        Thinker { model, settings, price, pace, measure: Measure::default() }
    }
}

impl Mind {
    /// Without any model.
    pub fn offline() -> Mind {
        Mind::default()
    }

    /// As the agent's variables say; all problems at once. Without Bedrock: `of_with` takes whoever makes that.
    pub fn of(agent: &str, own: &BTreeMap<&'static str, String>) -> Result<Mind, String> {
        Mind::of_with(agent, own, &[])
    }

    /// The same, with makers of models that the engine does not know itself.
    pub fn of_with(agent: &str, own: &BTreeMap<&'static str, String>, makers: &[Make<'_>]) -> Result<Mind, String> {
        match own.get("MURMUR_MODELS") {
            Some(path) => making::mind(agent, path, own, makers),
            None => Ok(making::offline(own)),
        }
    }

    /// Of parts that are there already.
    pub fn with(agent: AgentSettings, thinkers: Vec<Thinker>, secrets: Secrets, cache: Option<CacheSettings>) -> Mind {
        Mind { thinkers, spare: vec![], agent, remembered: cache.map(Remembered::new), secrets }
    }

    /// With these beside its own, for goals that prefer one of them.
    #[must_use]
    pub fn sparing(self, spare: Vec<Thinker>) -> Mind {
        Mind { spare, ..self }
    }

    /// With this one model, every default, and a price of nothing: for tests of what is done with answers.
    pub fn trying(model: Arc<dyn Model>) -> Mind {
        let settings = ModelSettings::new(model.name(), config::Provider::OpenAi, model.name());
        let agent = AgentSettings { models: vec![settings.name.clone()], ..AgentSettings::default() };
        let price = Price { input: 0.0, output: 0.0, cached: 0.0 };
        Mind::with(agent, vec![Thinker::new(model, settings, price)], Secrets::default(), None)
    }

    pub fn is_offline(&self) -> bool {
        self.thinkers.is_empty()
    }

    /// Its own models in their order, after the one that is preferred; and whether that one is there at all.
    fn in_order(&self, preferred: Option<&str>) -> (Vec<&Thinker>, bool) {
        let is_it = |thinker: &&Thinker| preferred == Some(thinker.settings.name.as_str());
        let first = self.thinkers.iter().chain(&self.spare).find(is_it);
        let others = self.thinkers.iter().filter(|thinker| !is_it(thinker));
        (first.into_iter().chain(others).collect(), preferred.is_none() || first.is_some())
    }

    pub fn at<'a>(&'a self, place: &'a dyn Workplace) -> Sitting<'a> {
        Sitting { exchanges: Exchanges::at(place, &self.secrets), mind: self }
    }
}

impl<'a> Sitting<'a> {
    /// For one of several things that are worked on at the same time: its exchanges are told apart from the others'.
    pub fn within(&self, name: &str) -> Sitting<'a> {
        Sitting { exchanges: self.exchanges.within(name), mind: self.mind }
    }
}

fn exposed(settings: &ModelSettings) -> Option<String> {
    settings.key.as_ref().map(|key| key.expose_secret().to_owned())
}

impl<T> fmt::Debug for Ask<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("prompt", &self.prompt.version)
            .field("sources", &self.sources.len())
            .finish_non_exhaustive()
    }
}
