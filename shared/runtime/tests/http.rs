//! A daemon's three pages, asked by a plain socket.
//! Never waits by the clock: every answer ends with the connection's close.
//! Next: `docs/telemetry.md`, which says what the pages mean.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;
use std::sync::Arc;

use contract::{RowName, UnixMs};
use runtime::http::{Health, HttpServer};
use runtime::telemetry::Telemetry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

struct Daemon {
    address: SocketAddr,
    health: Arc<Health>,
    telemetry: Telemetry,
    stop: CancellationToken,
    server_task: JoinSet<std::io::Result<()>>,
}

async fn daemon() -> Daemon {
    let (health, telemetry, stop) = (Health::new(), Telemetry::off(), CancellationToken::new());
    let any = "127.0.0.1:0".parse().unwrap();
    let server = HttpServer::bind(any, health.clone(), telemetry.clone()).await.unwrap();
    let address = server.address();
    let mut server_task = JoinSet::new();
    server_task.spawn(server.serve(stop.clone()));
    Daemon { address, health, telemetry, stop, server_task }
}

impl Daemon {
    async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: daemon\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        (answer[9..12].parse().unwrap(), answer)
    }
}

#[tokio::test]
async fn a_process_that_answers_is_alive_whatever_its_receives_do() {
    let daemon = daemon().await;
    assert_ne!(daemon.address.port(), 0);
    assert_eq!(daemon.get("/healthz").await.0, 200);
    daemon.health.draining();
    assert_eq!(daemon.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn a_daemon_is_ready_while_its_receives_run_and_it_does_not_drain() {
    let daemon = daemon().await;
    let (status, text) = daemon.get("/readyz").await;
    assert_eq!(status, 503);
    assert!(text.ends_with("not ready: receives are not running\n"), "{text}");

    daemon.health.set_ready(true);
    daemon.health.last_receive(UnixMs(1_700_000_000_000));
    daemon.health.last_receive(UnixMs(1_600_000_000_000));
    let (status, text) = daemon.get("/readyz").await;
    assert_eq!(status, 200);
    assert!(text.contains("last receive 2023-11-14T22:13:20.000Z"), "{text}");

    daemon.health.draining();
    daemon.health.set_ready(true);
    let (status, text) = daemon.get("/readyz").await;
    assert_eq!(status, 503);
    assert!(text.contains("draining"), "{text}");
}

#[tokio::test]
async fn metrics_are_served_as_prometheus_text() {
    let daemon = daemon().await;
    daemon.telemetry.metrics().received(&RowName::new("writer"), 7);
    let (status, text) = daemon.get("/metrics").await;
    assert_eq!(status, 200);
    assert!(text.contains("content-type: text/plain; version=0.0.4"), "{text}");
    let line = text.lines().find(|line| line.starts_with("messaging_client_consumed_messages_total{")).unwrap();
    assert!(line.contains("murmur_row=\"writer\"") && line.ends_with(" 7"), "{line}");
    assert_eq!(daemon.get("/elsewhere").await.0, 404);
}

#[tokio::test]
async fn a_stop_ends_the_server_and_frees_its_port() {
    let mut daemon = daemon().await;
    assert_eq!(daemon.get("/healthz").await.0, 200);
    daemon.stop.cancel();
    daemon.server_task.join_next().await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(daemon.address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_does_not_hold_up_the_end() {
    let mut daemon = daemon().await;
    let mut silent = TcpStream::connect(daemon.address).await.unwrap();
    silent.write_all(b"GET /heal").await.unwrap();
    // Answered after the silent one was accepted.
    assert_eq!(daemon.get("/healthz").await.0, 200);
    daemon.stop.cancel();
    daemon.server_task.join_next().await.unwrap().unwrap().unwrap();
}
