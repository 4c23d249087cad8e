//! Owns the environment: every `MURMUR_*` variable is read here, once, and nowhere else.
//! Never stops at the first problem: a start that is refused names all of them, and what would do instead.
//! Next: `variables` (what may be set, to what), `relations` (how it must fit together), `settings` (what comes of it).

mod problem;
mod relations;
mod variables;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use contract::DaemonName;
use contract::topology::Choreography;
use tracing_subscriber::filter::Targets;
use url::Url;

pub use problem::{ConfigErrors, Problem};
pub use variables::reference;

use crate::settings::Settings;

/// What a daemon exits with when its configuration is refused.
pub const EXIT_BAD_CONFIGURATION: u8 = 64;

const PREFIX: &str = "MURMUR_";

/// Where a trace can be looked at.
pub const TRACE_URL: &str = "MURMUR_TRACE_URL";

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
    /// Where what is too large to travel is kept. None only where not even the user's home is known.
    pub artifacts: Option<Url>,
    /// A tracing backend's address of one trace, with `{trace}` in it.
    pub trace_url: Option<String>,
    /// Whose configuration this is; none in a tool that speaks for all of them.
    pub daemon: Option<DaemonName>,
    /// What a daemon's own variables were set to, as text.
    pub own: BTreeMap<&'static str, String>,
}

#[derive(Clone, Debug)]
pub struct LogConfig {
    pub filter: Targets,
}

impl Default for LogConfig {
    fn default() -> LogConfig {
        LogConfig { filter: Targets::new().with_default(tracing::Level::INFO) }
    }
}

impl Config {
    /// What holds where the environment says nothing.
    pub fn of(choreography: &Choreography) -> Config {
        Config {
            settings: Settings::of(choreography),
            choreography: choreography.clone(),
            log: LogConfig::default(),
            http: None,
            otlp_endpoint: None,
            bus: choreography.bus.clone(),
            table: "murmuration".into(),
            artifacts: None,
            trace_url: None,
            daemon: None,
            own: BTreeMap::new(),
        }
    }

    pub fn from_vars(
        vars: impl IntoIterator<Item = (String, String)>,
        choreography: &Choreography,
    ) -> Result<Config, ConfigErrors> {
        let vars = vars.into_iter().map(|(name, value)| (name.into(), value.into()));
        Config::from_os_vars(vars, choreography, &[])
    }

    /// From this process's environment. `own` are the daemon's own `MURMUR_*` names, beside the runtime's.
    pub fn from_env(choreography: &Choreography, own: &[&'static str]) -> Result<Config, ConfigErrors> {
        Config::from_os_vars(std::env::vars_os(), choreography, own)
    }

    /// As the operating system has them: names and values need not be text.
    pub fn from_os_vars(
        vars: impl IntoIterator<Item = (OsString, OsString)>,
        choreography: &Choreography,
        own: &[&'static str],
    ) -> Result<Config, ConfigErrors> {
        let vars: Vec<(OsString, OsString)> = vars.into_iter().collect();
        let mut config = Config { artifacts: data_folder(&vars), ..Config::of(choreography) };
        let (found, mut problems) = ours(vars);
        for (name, value) in &found {
            if let Some(own) = own.iter().find(|own| *own == name) {
                config.own.insert(own, value.clone());
            } else if let Err(problem) = variables::set(&mut config, name, value, own) {
                problems.push(problem);
            }
        }
        // What could not be read has no number to compare: a relation says nothing about it.
        let unread: Vec<String> = problems.iter().flat_map(|problem| problem.variables.clone()).collect();
        problems.extend(relations::problems(&config, &unread));
        match relations::with_limits(&config) {
            Ok(choreography) if problems.is_empty() => Ok(Config { choreography, ..config }),
            Ok(_) => Err(ConfigErrors(problems)),
            Err(unfit) => {
                problems.extend(unfit);
                Err(ConfigErrors(problems))
            }
        }
    }
}

/// The variables that begin with our prefix, in the order of their names; an empty one counts as not set.
fn ours(vars: impl IntoIterator<Item = (OsString, OsString)>) -> (BTreeMap<String, String>, Vec<Problem>) {
    let mut found = BTreeMap::new();
    let mut problems = vec![];
    for (name, value) in vars {
        let name = name.to_string_lossy().into_owned();
        if !name.starts_with(PREFIX) || is_switch_of_a_test_build(&name) {
            continue;
        }
        match value.into_string() {
            Ok(value) if value.is_empty() => {}
            Ok(value) => {
                found.insert(name, value);
            }
            Err(_) => problems.push(Problem::new(&name, "bytes that are not UTF-8", "must be text", "unset it")),
        }
    }
    (found, problems)
}

/// A folder among the user's own data: all daemons of one user find it, and nobody else does.
fn data_folder(vars: &[(OsString, OsString)]) -> Option<Url> {
    let named = |wanted: &str| {
        let found = vars.iter().find(|(name, _)| name == wanted);
        found.map(|(_, path)| PathBuf::from(path)).filter(|path| path.is_absolute())
    };
    let data = named("XDG_DATA_HOME").or_else(|| Some(named("HOME")?.join(".local/share")))?;
    Url::from_file_path(data.join("murmuration/artifacts")).ok()
}

/// `contract::guard` reads it in the builds that `make mutants` makes.
fn is_switch_of_a_test_build(name: &str) -> bool {
    cfg!(feature = "mutants") && name == "MURMUR_MUTANT"
}
