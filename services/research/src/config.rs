//! Owns what is this agent's own of the environment: its models, and how it reads the web.
//! Never the runtime's variables: those are read by `runtime::config`.
//! Next: `main` makes the handlers with it.

use std::sync::Arc;

use engine::Mind;
use engine::corpus::Library;
use engine::mind::Make;
use engine::tools::{self, Toolbox};

const OF_MIND: &[&str] = engine::mind::VARIABLES;
const OF_TOOLS: &[&str] = tools::VARIABLES;

/// The `MURMUR_*` variables of this agent, beside the runtime's.
pub const VARIABLES: &[&str] = &joined();

const fn joined() -> [&'static str; OF_MIND.len() + OF_TOOLS.len()] {
    let mut all = [""; OF_MIND.len() + OF_TOOLS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < OF_MIND.len() { OF_MIND[at] } else { OF_TOOLS[at - OF_MIND.len()] };
        at += 1;
    }
    all
}

#[derive(Clone, Debug)]
pub struct Config {
    pub mind: Arc<Mind>,
    pub tools: Arc<Toolbox>,
    /// One for all tasks of this daemon: its indexes are open once.
    pub library: Arc<Library>,
}

impl Config {
    pub fn of(config: &runtime::config::Config, makers: &[Make<'_>]) -> Result<Config, String> {
        let (mind, tools) = (Mind::of_with("research", &config.own, makers), Toolbox::of_the_web(&config.own));
        match (mind, tools) {
            (Ok(mind), Ok(tools)) => Ok(Config::with(mind, tools)),
            (mind, tools) => Err([mind.err(), tools.err()].into_iter().flatten().collect::<Vec<_>>().join("\n")),
        }
    }

    pub fn with(mind: Mind, tools: Toolbox) -> Config {
        Config { mind: Arc::new(mind), tools: Arc::new(tools), library: Arc::new(Library::new()) }
    }

    /// Without a model and without the web.
    pub fn offline() -> Config {
        Config::with(Mind::offline(), Toolbox::default())
    }
}
