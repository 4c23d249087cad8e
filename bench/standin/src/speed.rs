//! Owns the speeds through the AWS SDK for Rust: the loads of `boto.py`, with two tasks and with sixteen.
//! Never against another server: what is compared is compared in `boto.py`; here stands what boto3 cannot reach.
//! Next: `docs/benchmarks.md` keeps the figures.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use figures::kernel;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::bars::{Bars, median, say};
use crate::clients::{BATCH, Clients};
use crate::server::Server;
use crate::waiting::latencies_ms;

const ROUNDS: usize = 3;
const LOAD: Duration = Duration::from_millis(1500);
const TASKS: [usize; 2] = [2, 16];
const SAMPLES: usize = 200;

/// The best of any emulator, through boto3, before this one was there.
const MESSAGES_BEST: f64 = 4682.0;
const EVENTS_BEST: f64 = 3626.0;
const PUTS_BEST: f64 = 1522.0;
const LATENCY_MS_BEST: f64 = 1.6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    Cycle,
    Events,
    Puts,
}

impl Load {
    fn name(self) -> (&'static str, &'static str, f64) {
        match self {
            Load::Cycle => ("SQS send 10 + receive 10 + delete 10, Rust client", "messages/s", MESSAGES_BEST),
            Load::Events => ("PutEvents 10 to SQS, receive 10 + delete 10, Rust client", "events/s", EVENTS_BEST),
            Load::Puts => ("conditional PutItem, Rust client", "puts/s", PUTS_BEST),
        }
    }

    /// How much one turn does.
    async fn turn(self, clients: &Clients, place: &str, queue: &str, turn: usize) -> anyhow::Result<usize> {
        match self {
            Load::Cycle => clients.cycle(queue).await.map(|()| BATCH),
            Load::Events => {
                clients.put_events(place, BATCH).await?;
                clients.take_ten(queue).await.map(|()| BATCH)
            }
            Load::Puts => clients.put_item("puts", format!("{place}-{turn}")).await.map(|()| 1),
        }
    }
}

struct Figure {
    per_second: f64,
    server_percent: f64,
    client_percent: f64,
}

pub(crate) async fn measure(program: &Path, bars: &mut Bars) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Arc::new(Server::start(program, folder.path()).await?);
    Clients::of(&server.endpoint).table("puts").await?;
    for load in [Load::Cycle, Load::Events, Load::Puts] {
        for tasks in TASKS {
            let mut figures = vec![];
            for round in 0..ROUNDS {
                figures.push(run(&server, load, tasks, round).await?);
            }
            let of = |take: fn(&Figure) -> f64| median(&figures.iter().map(take).collect::<Vec<_>>());
            let (speed, busy) = (of(|f| f.per_second), (of(|f| f.server_percent), of(|f| f.client_percent)));
            let beside = format!("{tasks} tasks; server busy {:.0} %, client {:.0} % of a core", busy.0, busy.1);
            let (name, unit, best) = load.name();
            if tasks == TASKS[0] {
                bars.at_least(name, best, speed, unit, &beside);
            } else {
                say(&format!("  {speed:.0} {unit}, {beside}"));
            }
        }
    }
    let clients = Clients::of(&server.endpoint);
    let queue = clients.route("latency").await?;
    let took = latencies_ms(&clients, &queue, SAMPLES, || clients.put_events("latency", 1)).await?;
    let name = "PutEvents to ReceiveMessage, Rust client, median";
    bars.at_most(name, LATENCY_MS_BEST, median(&took), "ms", &format!("{SAMPLES} samples, one at a time"));
    say(&format!("  after all that, {:.1} MB resident", server.resident_mb()?));
    Ok(())
}

async fn run(server: &Server, load: Load, tasks: usize, round: usize) -> anyhow::Result<Figure> {
    let mut places = vec![];
    for task in 0..tasks {
        let (place, clients) = (format!("{load:?}-{tasks}-{round}-{task}"), Clients::of(&server.endpoint));
        let queue = match load {
            Load::Puts => String::new(),
            Load::Cycle | Load::Events => clients.route(&place).await?,
        };
        places.push((place, queue, clients));
    }
    let (server_before, client_before) = (server.cpu_seconds()?, kernel::processor_s("self")?);
    let began = Instant::now();
    let mut working = JoinSet::new();
    for (place, queue, clients) in places {
        working.spawn(async move {
            let (mut done, mut turn) = (0, 0);
            while began.elapsed() < LOAD {
                done += load.turn(&clients, &place, &queue, turn).await?;
                turn += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut total = 0;
    while let Some(ended) = working.join_next().await {
        total += ended??;
    }
    let elapsed = began.elapsed().as_secs_f64();
    Ok(Figure {
        per_second: total as f64 / elapsed,
        server_percent: (server.cpu_seconds()? - server_before) / elapsed * 100.0,
        client_percent: (kernel::processor_s("self")? - client_before) / elapsed * 100.0,
    })
}
