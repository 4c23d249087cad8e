//! Owns the curve of the backlog: what a call costs with 100 messages waiting, and with 100,000.
//! Never one server for all depths: each has its own, so that each has its own file, and they take turns.
//! Next: `docs/benchmarks.md` keeps the curve.

use std::path::Path;

use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::bars::{Bars, median, say};
use crate::clients::{BATCH, Clients};
use crate::server::Server;

const DEPTHS: [usize; 4] = [100, 1_000, 10_000, 100_000];
const ROUNDS: usize = 25;
const CYCLES: usize = 30;
const CALLS_PER_CYCLE: usize = 3;
/// Two medians of the very same thing differ by this much on a machine that others use.
const NOISE: f64 = 1.1;
const FILLERS: usize = 4;

#[derive(Debug)]
struct Depth {
    waiting: usize,
    server: Server,
    clients: Clients,
    queue: String,
    us_per_call: Vec<f64>,
    cpu_seconds: f64,
    folder: TempDir,
}

pub(crate) async fn measure(program: &Path, bars: &mut Bars) -> anyhow::Result<()> {
    let mut depths = vec![];
    for waiting in DEPTHS {
        depths.push(filled(program, waiting).await?);
    }
    for round in 0..=ROUNDS {
        for depth in &mut depths {
            let (cpu, began) = (depth.server.cpu_seconds()?, Instant::now());
            for _ in 0..CYCLES {
                depth.clients.cycle(&depth.queue).await?;
            }
            // The first round warms up.
            if round > 0 {
                let calls = (CYCLES * CALLS_PER_CYCLE) as f64;
                depth.us_per_call.push(began.elapsed().as_secs_f64() * 1e6 / calls);
                depth.cpu_seconds += depth.server.cpu_seconds()? - cpu;
            }
        }
    }
    for depth in &depths {
        let server_us = depth.cpu_seconds * 1e6 / (ROUNDS * CYCLES * CALLS_PER_CYCLE) as f64;
        let (waiting, us) = (depth.waiting, median(&depth.us_per_call));
        let mb = depth.server.resident_mb()?;
        say(&format!(
            "  {waiting} waiting: {us:.0} us a call, {server_us:.0} us of it the server's, {mb:.1} MB resident"
        ));
    }
    let [first, .., last] = &depths[..] else { anyhow::bail!("no depths") };
    let ratios: Vec<f64> = last.us_per_call.iter().zip(&first.us_per_call).map(|(last, first)| last / first).collect();
    let name = format!("a call with {} messages waiting, against {}", last.waiting, first.waiting);
    bars.at_most(&name, NOISE, median(&ratios), "x", "median of rounds in turn; above 1.00 is noise up to the bar");
    restart(program, depths).await
}

async fn filled(program: &Path, waiting: usize) -> anyhow::Result<Depth> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(program, folder.path()).await?;
    let clients = Clients::of(&server.endpoint);
    let queue = clients.queue("backlog").await?;
    let mut fillers = JoinSet::new();
    for filler in 0..FILLERS {
        let (clients, queue) = (Clients::of(&server.endpoint), queue.clone());
        fillers.spawn(async move {
            for _ in (filler * BATCH..waiting).step_by(FILLERS * BATCH) {
                clients.send_ten(&queue).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(filled) = fillers.join_next().await {
        filled??;
    }
    let found = clients.waiting(&queue).await?;
    anyhow::ensure!(found == waiting, "{found} messages wait, not {waiting}");
    Ok(Depth { waiting, server, clients, queue, us_per_call: vec![], cpu_seconds: 0.0, folder })
}

/// Without a bar: how long a server with all these messages takes to answer again after `kill -9`.
async fn restart(program: &Path, mut depths: Vec<Depth>) -> anyhow::Result<()> {
    let Some(deepest) = depths.pop() else { return Ok(()) };
    deepest.server.kill().await?;
    let server = Server::start(program, deepest.folder.path()).await?;
    let ms = server.answered_after.as_secs_f64() * 1000.0;
    let found = Clients::of(&server.endpoint).waiting(&deepest.queue).await?;
    anyhow::ensure!(found == deepest.waiting, "{found} messages came back, not {}", deepest.waiting);
    say(&format!("  killed and started again with {found} messages waiting: the first answer after {ms:.0} ms"));
    server.kill().await
}
