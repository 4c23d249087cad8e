//! Owns what is this agent's own of the environment: which models it thinks with.
//! Never the runtime's variables: those are read by `runtime::config`.
//! Next: `main` makes the handlers with it.

use std::sync::Arc;

use engine::Mind;

/// The `MURMUR_*` variables of this agent, beside the runtime's.
pub const VARIABLES: &[&str] = engine::mind::VARIABLES;

#[derive(Clone, Debug)]
pub struct Config {
    pub mind: Arc<Mind>,
}

impl Config {
    pub fn of(config: &runtime::config::Config) -> Result<Config, String> {
        Ok(Config { mind: Arc::new(Mind::of("analysis", &config.own)?) })
    }

    /// Without a model.
    pub fn offline() -> Config {
        Config { mind: Arc::new(Mind::offline()) }
    }
}
