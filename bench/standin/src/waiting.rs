//! Owns what waiting costs: how soon a long poll wakes, and what eighty of them take while nothing comes.
//! Never a short poll.
//! Next: `docs/benchmarks.md` keeps the figures.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::bars::{Bars, quantile};
use crate::clients::Clients;
use crate::server::Server;

const WAKES: usize = 300;
const WAKE_MS_MAX: f64 = 5.0;
/// A poll that was sent so long ago waits at the server.
const UNDER_WAY: Duration = Duration::from_millis(8);
const QUEUES: usize = 10;
const POLLERS_PER_QUEUE: usize = 8;
const CORE_PERCENT_MAX: f64 = 1.0;
const SETTLE: Duration = Duration::from_secs(3);
const WAIT_S: i32 = 20;

pub(crate) async fn measure(program: &Path, idle: Duration, bars: &mut Bars) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(program, folder.path()).await?;
    let clients = Clients::of(&server.endpoint);
    let queue = clients.queue("wakes").await?;
    let wakes_ms = latencies_ms(&clients, &queue, WAKES, || async {
        clients.sqs.send_message().queue_url(&queue).message_body("wake").send().await?;
        Ok(())
    })
    .await?;
    let shown = |part| quantile(&wakes_ms, part);
    let beside = format!("of {WAKES} the 99th percentile; median {:.2} ms, slowest {:.2} ms", shown(0.5), shown(1.0));
    let name = "a long poll wakes, from before SendMessage until it has the message";
    bars.at_most(name, WAKE_MS_MAX, shown(0.99), "ms", &beside);

    let mut pollers = JoinSet::new();
    for n in 0..QUEUES {
        let queue = clients.queue(&format!("idle-{n}")).await?;
        for _ in 0..POLLERS_PER_QUEUE {
            let (clients, queue) = (clients.clone(), queue.clone());
            pollers.spawn(async move {
                loop {
                    clients.receive(&queue, 10, WAIT_S).await?;
                }
                #[expect(unreachable_code, reason = "names the type of the failure")]
                anyhow::Ok(())
            });
        }
    }
    tokio::time::sleep(SETTLE).await;
    let (before, began) = (server.cpu_seconds()?, Instant::now());
    tokio::time::sleep(idle).await;
    let percent = (server.cpu_seconds()? - before) / began.elapsed().as_secs_f64() * 100.0;
    if let Some(ended) = pollers.try_join_next() {
        ended??;
    }
    let beside = format!("user and system time over {} s; {:.1} MB resident", idle.as_secs(), server.resident_mb()?);
    let name = format!("{POLLERS_PER_QUEUE} long polls on each of {QUEUES} idle queues");
    bars.at_most(&name, CORE_PERCENT_MAX, percent, "% of a core", &beside);
    pollers.shutdown().await;
    server.kill().await
}

/// From before `send` until a long poll that waited has the message, one at a time.
pub(crate) async fn latencies_ms<Sent: Future<Output = anyhow::Result<()>>>(
    clients: &Clients,
    queue: &str,
    samples: usize,
    send: impl Fn() -> Sent,
) -> anyhow::Result<Vec<f64>> {
    let mut took = vec![];
    for _ in 0..samples {
        let mut poll = JoinSet::new();
        let (asking, asks) = oneshot::channel();
        let (poller, polled) = (clients.clone(), queue.to_owned());
        poll.spawn(async move {
            asking.send(()).ok();
            let got = poller.receive(&polled, 10, WAIT_S).await?;
            let at = Instant::now();
            poller.delete(&polled, &got).await?;
            anyhow::Ok(at)
        });
        asks.await?;
        tokio::time::sleep(UNDER_WAY).await;
        let began = Instant::now();
        send().await?;
        let at = poll.join_next().await.context("no poll")???;
        took.push(at.saturating_duration_since(began).as_secs_f64() * 1000.0);
    }
    Ok(took)
}
