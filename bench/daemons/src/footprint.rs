//! Owns what the kernel says of a process that waits: its memory, and its processor time.
//! Never measures while it starts: it waits until the process has been quiet.
//! Next: `main` holds it against the bars.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use processes::{Site, Wish};
use runtime::ledger::{Attr, ItemKind};
use runtime::ports::Ports;
use tokio::time::{Instant, sleep};

use crate::start::{started, stopped};

const SETTLED: Duration = Duration::from_secs(3);
const WATCHED: Duration = Duration::from_secs(10);
/// What `/proc` counts processor time in.
const TICKS_PER_S: f64 = 100.0;

pub(crate) struct Idle {
    pub(crate) megabytes: f64,
    pub(crate) of_a_core: String,
}

pub(crate) async fn idle(program: &Path, site: &Site) -> anyhow::Result<Idle> {
    let child = started(program, site)?;
    let id = child.id().context("it has ended")?;
    sleep(SETTLED).await;
    let before = ticks(id)?;
    sleep(WATCHED).await;
    let used = ticks(id)? - before;
    let idle = Idle {
        megabytes: resident(id)?,
        of_a_core: format!("{:.2} %", used / TICKS_PER_S / WATCHED.as_secs_f64() * 100.0),
    };
    stopped(child).await?;
    Ok(idle)
}

/// After it has planned a goal and searched for each question.
pub(crate) async fn with_an_index(
    program: &Path,
    site: &Site,
    ports: &Ports,
    wish: &Wish,
    within: Duration,
) -> anyhow::Result<f64> {
    let child = started(program, site)?;
    let id = child.id().context("it has ended")?;
    wish.send(ports, &site.choreography).await?;
    let deadline = Instant::now() + within;
    loop {
        let items = ports.ledger.story(wish.id()).await?;
        let tasks = items.iter().filter(|item| {
            matches!(&item.key.kind, ItemKind::Step { row, .. } if row.as_str() == "research-tasks")
                && item.text(&Attr::State) == Some("committed")
        });
        if tasks.count() >= 3 {
            break;
        }
        anyhow::ensure!(Instant::now() < deadline, "no task was done: {}", wish.story(ports).await);
        sleep(Duration::from_millis(100)).await;
    }
    sleep(SETTLED).await;
    let megabytes = resident(id)?;
    stopped(child).await?;
    Ok(megabytes)
}

fn resident(id: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? * 1024.0 / 1e6)
}

fn ticks(id: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
    Ok(fields.get(11).context("no utime")?.parse::<f64>()? + fields.get(12).context("no stime")?.parse::<f64>()?)
}
