//! Owns the three pages of a daemon: `/healthz`, `/readyz` and `/metrics`.
//! Never takes part in the work: the consumer tells `Health` how it is, and this reads it.
//! Next: `consumer`, which updates `Health`; `telemetry::Metrics`, which `/metrics` prints.

use std::net::SocketAddr;
use std::sync::Arc;

use contract::UnixMs;
use tokio_util::sync::CancellationToken;

use crate::telemetry::Telemetry;

/// How the daemon is, as its consumers last said.
#[derive(Debug, Default)]
pub struct Health {}

impl Health {
    pub fn new() -> Arc<Health> {
        Arc::default()
    }
    /// Receives are running, or no longer.
    pub fn set_ready(&self, _ready: bool) {}
    /// A shutdown has begun; never taken back.
    pub fn draining(&self) {}
    /// A receive came back at that time, with messages or without.
    pub fn last_receive(&self, _at: UnixMs) {}
}

/// A server that listens already. Serves until told to stop.
#[derive(Debug)]
pub struct HttpServer {
    pub address: SocketAddr,
}

impl HttpServer {
    pub async fn bind(address: SocketAddr, _health: Arc<Health>, _telemetry: Telemetry) -> std::io::Result<HttpServer> {
        Ok(HttpServer { address })
    }
    pub async fn serve(self, stop: CancellationToken) -> std::io::Result<()> {
        stop.cancelled().await;
        Ok(())
    }
}
