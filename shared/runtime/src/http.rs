//! Owns the three pages of a daemon: `/healthz`, `/readyz` and `/metrics`.
//! Never takes part in the work: the consumer tells `Health` how it is, and this reads it.
//! Next: `consumer`, which updates `Health`; `telemetry::Metrics`, which `/metrics` prints.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use contract::UnixMs;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::telemetry::Telemetry;

/// How long a client that says nothing may hold up the end.
const LINGER_MAX: Duration = Duration::from_secs(2);

/// How the daemon is, as its consumers last said.
#[derive(Debug)]
pub struct Health {
    receiving: AtomicBool,
    draining: AtomicBool,
    last_receive_ms: AtomicI64,
}

/// Why a daemon should be given no traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    #[error("draining: what is at work is being finished or given back")]
    Draining,
    #[error("receives are not running")]
    NotReceiving,
}

const NEVER: i64 = i64::MIN;

impl Health {
    pub fn new() -> Arc<Health> {
        Arc::new(Health {
            receiving: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            last_receive_ms: AtomicI64::new(NEVER),
        })
    }

    /// Receives are running, or no longer.
    pub fn set_ready(&self, ready: bool) {
        self.receiving.store(ready, Ordering::Relaxed);
    }

    /// A shutdown has begun; never taken back.
    pub fn draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// A receive came back at that time, with messages or without. It is shown, and decides nothing: a daemon
    /// that is full receives nothing for as long as its work takes, and is well.
    pub fn last_receive(&self, at: UnixMs) {
        self.last_receive_ms.fetch_max(at.0, Ordering::Relaxed);
    }

    /// When a receive last came back, if one has.
    pub fn ready(&self) -> Result<Option<UnixMs>, NotReady> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(NotReady::Draining);
        }
        if !self.receiving.load(Ordering::Relaxed) {
            return Err(NotReady::NotReceiving);
        }
        let last = self.last_receive_ms.load(Ordering::Relaxed);
        Ok((last != NEVER).then_some(UnixMs(last)))
    }
}

/// A server that listens already, and serves once it is told to.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl HttpServer {
    /// Port 0 takes a free one: ask `address`.
    pub async fn bind(address: SocketAddr, health: Arc<Health>, telemetry: Telemetry) -> std::io::Result<HttpServer> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/healthz", get(|| async { "alive\n" }))
            .route("/readyz", get(ready).with_state(health))
            .route("/metrics", get(metrics).with_state(telemetry));
        Ok(HttpServer { listener, address, router })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Until `stop`; answers that are under way are finished first, for two seconds at most.
    pub async fn serve(self, stop: CancellationToken) -> std::io::Result<()> {
        let graceful = axum::serve(self.listener, self.router).with_graceful_shutdown(stop.clone().cancelled_owned());
        let too_long = async {
            stop.cancelled().await;
            tokio::time::sleep(LINGER_MAX).await;
        };
        tokio::select! {
            ended = async { graceful.await } => ended,
            () = too_long => Ok(()),
        }
    }
}

async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    match health.ready() {
        Ok(Some(at)) => (StatusCode::OK, format!("ready, last receive {at}\n")),
        Ok(None) => (StatusCode::OK, "ready, no receive has come back yet\n".into()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
    }
}

async fn metrics(State(telemetry): State<Telemetry>) -> impl IntoResponse {
    let text = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (text, telemetry.metrics().render_prometheus())
}
