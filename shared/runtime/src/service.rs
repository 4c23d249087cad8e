//! Owns a process from its start to its exit code: configuration, telemetry, pages, connection, signals, drain.
//! Never knows which servers the ports reach, nor what the handlers do: `main` says both in one closure.
//! Next: `daemon` runs until a signal comes; exit codes are 0 drained, 1 failed, 2 usage, 64 bad configuration.

use std::fmt;
use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use contract::{DaemonName, Topology};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::chance::Chance;
use crate::config::{Config, EXIT_BAD_CONFIGURATION};
use crate::context::Surroundings;
use crate::daemon::Daemon;
use crate::http::{Health, HttpServer};
use crate::ports::Ports;
use crate::replay::replay;
use crate::telemetry::Telemetry;

/// What a wrong command line exits with.
const EXIT_USAGE: u8 = 2;
/// What the executor's shutdown may wait for tasks that do not end.
const LEFT_BEHIND_MAX: Duration = Duration::from_secs(1);

/// What `main` runs.
#[derive(Debug)]
pub struct Service {
    name: DaemonName,
    topology: Topology,
    own: &'static [&'static str],
}

/// Why a process did not come to run: in words, for the person who started it.
type Why = String;

impl Service {
    /// The daemon of that name in a topology.
    pub fn new(daemon: &'static str, topology: Topology) -> Service {
        Service { name: DaemonName::new(daemon), topology, own: &[] }
    }

    /// The daemon's own `MURMUR_*` variables, beside the runtime's: `Config::own` has what they are set to.
    pub fn variables(mut self, own: &'static [&'static str]) -> Service {
        self.own = own;
        self
    }

    /// Reads the environment, lets `hatch` give the daemon its handlers, starts telemetry and pages, asks `connect` for
    /// ports, and runs until SIGTERM or SIGINT; then drains. Returns what `main` returns.
    /// With the argument `replay` it runs one recorded step from standard input instead, and connects to nothing.
    pub fn run<E: fmt::Display>(
        self,
        hatch: impl FnOnce(Daemon, &Config) -> Result<Daemon, Why>,
        connect: impl AsyncFnOnce(&Config) -> Result<Ports, E>,
    ) -> ExitCode {
        let asked = match std::env::args().nth(1).as_deref() {
            None => Asked::ToLive,
            Some("replay") => Asked::ToReplay,
            Some(other) => {
                say(&format_args!("{}: {other:?} is unknown: no argument runs the daemon, replay one step", self.name));
                return ExitCode::from(EXIT_USAGE);
            }
        };
        let choreography = match self.topology.check() {
            Ok(choreography) => choreography,
            Err(problems) => {
                let list: String = problems.iter().map(|problem| format!("\n  - {problem}")).collect();
                return refused(&format!("bad topology, {} problems:{list}", problems.len()));
            }
        };
        let config = match Config::from_env(&choreography, self.own) {
            Ok(config) => Config { daemon: Some(self.name.clone()), ..config },
            Err(problems) => return refused(&problems),
        };
        let daemon = Daemon::new(self.name.clone(), config.choreography.clone());
        let daemon = match hatch(daemon, &config) {
            Ok(daemon) => daemon,
            Err(problems) => return refused(&problems),
        };
        let ran = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|why| format!("the executor does not start: {why}"))
            .and_then(|executor| {
                let ran = match asked {
                    Asked::ToLive => executor.block_on(live(&self.name, config, daemon, connect)),
                    Asked::ToReplay => executor.block_on(replayed(&daemon)),
                };
                // A handler that never yields must not keep a drained daemon from ending.
                executor.shutdown_timeout(LEFT_BEHIND_MAX);
                ran
            });
        match ran {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                say(&format_args!("{}: {why}", self.name));
                ExitCode::FAILURE
            }
        }
    }
}

enum Asked {
    ToLive,
    ToReplay,
}

async fn replayed(daemon: &Daemon) -> Result<(), Why> {
    let outputs = replay(daemon, std::io::stdin().lock()).await?;
    writeln!(std::io::stdout().lock(), "{outputs}").map_err(|why| format!("standard output: {why}"))
}

async fn live<E: fmt::Display>(
    name: &DaemonName,
    config: Config,
    daemon: Daemon,
    connect: impl AsyncFnOnce(&Config) -> Result<Ports, E>,
) -> Result<(), Why> {
    let (telemetry, _flushed_at_the_end) = Telemetry::start(&config, name).map_err(|why| why.to_string())?;
    let signalled = signals()?;
    let (stop, health, pages_stop) = (CancellationToken::new(), Health::new(), CancellationToken::new());
    let (mut pages, mut listening) = (JoinSet::new(), JoinSet::new());
    if let Some(address) = config.http {
        let bound = HttpServer::bind(address, health.clone(), telemetry.clone()).await;
        let server = bound.map_err(|why| format!("MURMUR_HTTP={address}: {why}; name a free address"))?;
        tracing::info!(daemon = %name, address = %server.address(), "serving /healthz, /readyz and /metrics");
        let stop = pages_stop.clone();
        pages.spawn(async move { drop(server.serve(stop).await) });
    }
    let stopped = stop.clone();
    listening.spawn(async move {
        signalled.await;
        stopped.cancel();
    });
    let connected = tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        connected = connect(&config) => connected,
    };
    let ports = connected.map_err(|why| format!("not connected: {why}"))?;
    let with = Surroundings {
        ports,
        settings: config.settings,
        chance: Chance::fresh(),
        telemetry,
        instance: format!("{}:{}", host(), std::process::id()),
    };
    let ran = daemon.reporting_to(health).run(with, stop).await;
    // The pages are served to the last, so that whoever asks meanwhile hears "draining".
    pages_stop.cancel();
    while pages.join_next().await.is_some() {}
    ran.map_err(|why| why.to_string())
}

/// Ends with the first SIGTERM or SIGINT. Asked for at the start: a signal during the connecting must not be lost.
#[cfg(unix)]
fn signals() -> Result<impl Future<Output = ()> + Send + 'static, Why> {
    use tokio::signal::unix::{SignalKind, signal};
    let deaf = |why: std::io::Error| format!("signals cannot be heard: {why}");
    let mut term = signal(SignalKind::terminate()).map_err(deaf)?;
    let mut int = signal(SignalKind::interrupt()).map_err(deaf)?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signals() -> Result<impl Future<Output = ()> + Send + 'static, Why> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "host".into() } else { name.trim().to_owned() }
}

fn refused(why: &dyn fmt::Display) -> ExitCode {
    say(why);
    ExitCode::from(EXIT_BAD_CONFIGURATION)
}

#[expect(clippy::print_stderr, reason = "before and after the logs run, a person reads this")]
fn say(what: &dyn fmt::Display) {
    eprintln!("{what}");
}
