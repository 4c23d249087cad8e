//! Owns `make kill-standin`: the stand-in is killed under load, again and again, and must have lost nothing it answered.
//! Never longer than it says: rounds are counted, every wait has a deadline, and all traffic goes to loopback.
//! Next: `processes::Load` keeps what was acknowledged; `processes::Standin` is what dies.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use processes::{Load, Site, Standin};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// What a round's load may last before the kill.
const ROUND_MS: std::ops::Range<u64> = 50..400;

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a person, or CI's log, reads this")]
async fn main() -> ExitCode {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(50);
    match run(rounds).await {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("kill-standin: FAILED: {why:?}");
            ExitCode::FAILURE
        }
    }
}

async fn run(rounds: u32) -> anyhow::Result<String> {
    let began = Instant::now();
    let data = TempDir::new()?;
    let mut standin = Standin::start(data.path()).await?;
    let site = Site::at(&standin.endpoint())?;
    site.provision().await?;
    let load = Arc::new(Load::new(site.ports().await?, &site.choreography)?);
    let running = Load::run(&load);
    let mut chance = fastrand::Rng::with_seed(u64::from(rounds));
    let mut slowest = Duration::ZERO;
    for round in 1..=rounds {
        sleep(Duration::from_millis(chance.u64(ROUND_MS))).await;
        standin.kill().await?;
        let killed = Instant::now();
        standin.restart().await.with_context(|| format!("after kill {round}"))?;
        slowest = slowest.max(killed.elapsed());
    }
    let counts = Load::finish(&load, running).await.with_context(|| format!("after {rounds} kills"))?;
    let s = began.elapsed().as_secs();
    Ok(format!("kill-standin: {rounds} kills in {s} s, {counts}, 0 lost; slowest restart {} ms", slowest.as_millis()))
}
