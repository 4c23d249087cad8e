//! Owns the whole of one cloud: starts its parts in order, tells where it is, and stops them in the opposite order.
//! Never prints: `main` does, and a test wants quiet.
//! Next: `front::Server` accepts; tests reach for `faults` and `operations`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::dynamodb::Tables;
use crate::engine::{Clock, Engine, Running};
use crate::faults::{Faults, Operation, OperationLog};
use crate::front::{Front, Server};
use crate::place::Place;
use crate::sqs::Limits;
use crate::store::{Store, StoreError};

const TTL_SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How a cloud is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it keeps everything; in memory without one.
    pub data: Option<PathBuf>,
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// What clients reach it by, where that is not where it listens: queue URLs say so.
    pub endpoint: Option<String>,
    pub region: String,
    pub account: String,
    /// Serves faults, clock and operations below `/_embedded/`, and keeps the log of operations.
    pub control: bool,
    /// As many messages of one queue may be in flight; AWS has 120,000.
    pub in_flight_max: usize,
    /// Of ids, of order, and of faults with a probability.
    pub seed: u64,
}

impl Options {
    /// In memory, on a free port, with faults: what a test wants.
    pub fn in_memory() -> Options {
        Options {
            data: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            endpoint: None,
            region: "us-east-1".into(),
            account: "000000000000".into(),
            control: true,
            in_flight_max: 120_000,
            seed: 1,
        }
    }

    pub fn in_directory(data: impl Into<PathBuf>) -> Options {
        Options { data: Some(data.into()), ..Options::in_memory() }
    }
}

/// Why a cloud does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the tables cannot be opened: {0}")]
    Tables(String),
    #[error("{address} cannot be listened on: {why}")]
    Listen { address: SocketAddr, why: std::io::Error },
}

/// A cloud that runs. Dropped without `stop`, it stops without a goodbye.
#[derive(Debug)]
pub struct EmbeddedCloud {
    front: Arc<Front>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    sweeping: JoinHandle<()>,
    /// Ends the engine's thread when the cloud goes.
    _running: Running,
}

impl EmbeddedCloud {
    /// Ready for requests once this returns.
    #[expect(clippy::disallowed_methods, reason = "both tasks are aborted when the cloud goes")]
    pub async fn start(options: Options) -> Result<EmbeddedCloud, StartError> {
        let wrong = |why| StartError::Listen { address: options.listen, why };
        let store = options.data.as_deref().map(Store::open).transpose()?;
        let tables = Tables::open(options.data.as_deref()).map_err(|why| StartError::Tables(why.to_string()))?;
        let server = Server::bind(options.listen).await.map_err(wrong)?;
        let bound = server.address().map_err(wrong)?;
        let endpoint = options.endpoint.unwrap_or_else(|| reached_at(bound));
        let place = Place { region: options.region, account: options.account, endpoint };
        let clock = Clock::default();
        let limits = Limits { in_flight: options.in_flight_max, ..Limits::default() };
        let seed = if store.is_some() { options.seed ^ clock.now().0.unsigned_abs() } else { options.seed };
        let (engine, running) = Engine::start(store, place.clone(), clock.clone(), limits, seed)?;
        let (stop, stopped) = watch::channel(false);
        let front = Arc::new(Front {
            engine,
            tables: tables.clone(),
            place,
            clock,
            data: options.data,
            faults: Faults::new(options.seed),
            log: OperationLog::new(),
            control: options.control,
            stop: stopped.clone(),
        });
        let serving = tokio::spawn(server.serve(front.clone(), stopped));
        let sweeping = tokio::spawn(sweep(tables));
        Ok(EmbeddedCloud { front, stop, serving, sweeping, _running: running })
    }

    /// `http://127.0.0.1:4566`: what `AWS_ENDPOINT_URL` wants.
    pub fn endpoint(&self) -> &str {
        &self.front.place.endpoint
    }

    pub fn region(&self) -> &str {
        &self.front.place.region
    }

    pub fn faults(&self) -> &Faults {
        &self.front.faults
    }

    /// Queues and buses tell the time so far ahead of the machine's clock; negative, behind it.
    pub fn shift_clock(&self, ms: i64) {
        self.front.clock.shift(ms);
        self.front.engine.look();
    }

    /// The log after that number; the number of the last is what to ask with next.
    pub fn operations(&self, after: u64) -> Vec<Operation> {
        self.front.log.after(after)
    }

    pub fn operations_count(&self) -> u64 {
        self.front.log.last()
    }

    /// The first operation after that number that fits, once there is one.
    pub async fn wait_for(&self, after: u64, fits: impl Fn(&Operation) -> bool) -> Option<Operation> {
        self.front.log.wait_for(after, fits).await
    }

    /// What is under way ends first, if it does so soon. Long polls are answered at once.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.front.engine.dismiss();
        drop((&mut self.serving).await);
    }
}

impl Drop for EmbeddedCloud {
    fn drop(&mut self) {
        self.serving.abort();
        self.sweeping.abort();
    }
}

/// Nobody can connect to "everywhere": from this machine it is reached on loopback.
fn reached_at(bound: SocketAddr) -> String {
    match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => format!("http://127.0.0.1:{}", bound.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => format!("http://[::1]:{}", bound.port()),
        _ => format!("http://{bound}"),
    }
}

async fn sweep(tables: Tables) {
    let mut every = tokio::time::interval(TTL_SWEEP_EVERY);
    every.tick().await;
    loop {
        every.tick().await;
        let tables = tables.clone();
        drop(tokio::task::spawn_blocking(move || tables.sweep()).await);
    }
}
