//! Owns `make bench-daemons`: what each agent's release program costs before it works.
//! Never a judgement that depends on how busy the machine is beyond the median of many starts.
//! Next: `start` measures one start, `footprint` reads what the kernel says; bars stand here.

mod footprint;
mod start;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use contract::topology::Choreography;
use embedded_cloud::{EmbeddedCloud, Options};
use processes::{Site, Wish, sample};

const AGENTS: [&str; 4] = ["research", "analysis", "writer", "recommendation"];
const START_MAX_MS: f64 = 50.0;
const IDLE_MAX_MB: f64 = 15.0;
const IDLE_WITH_INDEX_MAX_MB: f64 = 40.0;
const BINARY_MAX_MB: f64 = 15.0;
const RESEARCH_BINARY_MAX_MB: f64 = 25.0;
const GOAL_MAX: Duration = Duration::from_secs(60);

/// Measures the release programs of the agents, and says which of their bars hold.
#[derive(Debug, Parser)]
struct Flags {
    /// The folder with the programs
    #[arg(long, value_name = "DIR")]
    programs: PathBuf,
    /// How often each is started
    #[arg(long, default_value_t = 20)]
    starts: usize,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match measured(&Flags::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            say(&format!("bench-daemons: {why:?}"));
            ExitCode::FAILURE
        }
    }
}

async fn measured(flags: &Flags) -> anyhow::Result<bool> {
    let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
    let site = Site::at(cloud.endpoint())?;
    site.provision().await?;
    let ports = site.ports().await?;
    let mut held = true;
    for name in AGENTS {
        let program = flags.programs.join(name);
        let most = if name == "research" { RESEARCH_BINARY_MAX_MB } else { BINARY_MAX_MB };
        let bytes = std::fs::metadata(&program).with_context(|| format!("{} is not built", program.display()))?.len();
        held &= bar(&format!("{name}: program"), megabytes(bytes), most, "MB");
        let queue = row_of(&site.choreography, name)?;
        let mut starts = vec![];
        for _ in 0..flags.starts {
            starts.push(start::first_receive(&program, &site, &cloud, &ports, &queue).await?.as_secs_f64() * 1e3);
        }
        starts.sort_by(f64::total_cmp);
        held &= bar(&format!("{name}: exec to first receive"), starts[starts.len() / 2], START_MAX_MS, "ms");
        let idle = footprint::idle(&program, &site).await?;
        held &= bar(&format!("{name}: idle memory"), idle.megabytes, IDLE_MAX_MB, "MB");
        say(&format!("  {name}: {} of a core while idle", idle.of_a_core));
    }
    sample::ingest(&ports).await?;
    let wish = Wish::of("bench", sample::GOAL);
    let open = footprint::with_an_index(&flags.programs.join("research"), &site, &ports, &wish, GOAL_MAX).await?;
    held &= bar("research: idle memory with an index open", open, IDLE_WITH_INDEX_MAX_MB, "MB");
    cloud.stop().await;
    Ok(held)
}

fn row_of(choreography: &Choreography, daemon: &str) -> anyhow::Result<contract::QueueName> {
    let row = choreography.rows.iter().find(|row| row.name.as_str() == daemon);
    Ok(row.with_context(|| format!("no row {daemon}"))?.queue.clone())
}

pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn bar(what: &str, measured: f64, most: f64, unit: &str) -> bool {
    let held = measured <= most;
    say(&format!("{} {what}: {measured:.1} {unit} (at most {most} {unit})", if held { "held  " } else { "MISSED" }));
    held
}

fn say(what: &str) {
    let _ = writeln!(std::io::stdout(), "{what}");
}
