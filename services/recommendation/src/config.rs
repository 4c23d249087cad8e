//! Owns what is this agent's own of the environment: which models it thinks with, and which rules it judges by.
//! Never the runtime's variables: those are read by `runtime::config`.
//! Next: `main` makes the handlers with it.

use std::sync::Arc;

use engine::Mind;
use engine::mind::Make;

use crate::rules::{self, Pack};

/// Names of packs or paths of rule files, with commas between; `auto` (or nothing) for all that come along.
const RULES: &str = "MURMUR_RULES";

/// The `MURMUR_*` variables of this agent, beside the runtime's.
pub const VARIABLES: &[&str] = &variables();

const fn variables() -> [&'static str; engine::mind::VARIABLES.len() + 1] {
    let mut all = [RULES; engine::mind::VARIABLES.len() + 1];
    let mut at = 0;
    while at < engine::mind::VARIABLES.len() {
        all[at] = engine::mind::VARIABLES[at];
        at += 1;
    }
    all
}

#[derive(Clone, Debug)]
pub struct Config {
    pub mind: Arc<Mind>,
    pub packs: Arc<Vec<Pack>>,
}

impl Config {
    /// Refused with everything that is wrong, in the models and in the rules.
    pub fn of(config: &runtime::config::Config, makers: &[Make<'_>]) -> Result<Config, String> {
        let mind = Mind::of_with("recommendation", &config.own, makers);
        let packs = rules::packs(config.own.get(RULES).map(String::as_str));
        match (mind, packs) {
            (Ok(mind), Ok(packs)) => Ok(Config { mind: Arc::new(mind), packs: Arc::new(packs) }),
            (Err(one), Err(other)) => Err(format!("{one}\n{other}")),
            (Err(why), _) | (_, Err(why)) => Err(why),
        }
    }

    /// Without a model, by the rules of this name or path; by all that come along where none is named.
    pub fn offline(named: Option<&str>) -> Result<Config, String> {
        Ok(Config { mind: Arc::new(Mind::offline()), packs: Arc::new(rules::packs(named)?) })
    }
}
