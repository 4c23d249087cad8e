//! Owns `make bench-peers`: who takes part, in which order, for how long, and whether the bars hold.
//! Never two at full load at the same time: the repeats are interleaved, each over a stand-in of its own.
//! Next: `ground` is where they meet, `contender` who they are; `speed` and `slow` measure, `fencing` shows, `report` says.

mod contender;
mod fencing;
mod ground;
mod report;
mod slow;
mod speed;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use contender::{Contender, LOGGING, Programs};
use ground::Ground;
use report::{BEHIND, CPU, Report, SPEED, TOGETHER};
use slow::{Scene, Shape};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

/// Measures the runtime beside a bare loop and beside what people use today, and says which of its bars hold.
#[derive(Debug, Parser)]
struct Flags {
    #[command(flatten)]
    programs: Programs,
    /// How often each is measured
    #[arg(long, default_value_t = 10)]
    repeats: usize,
    /// Only contenders whose names begin with one of these
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these parts: speed, slow, fencing
    #[arg(long, value_delimiter = ',', default_value = "speed,slow,fencing")]
    parts: Vec<String>,
    /// Where the JSON document goes
    #[arg(long, value_name = "FILE", default_value = "target/bench/peers.json")]
    out: PathBuf,
    /// When it gives up
    #[arg(long, default_value_t = 900)]
    max_seconds: u64,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let ended = async {
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = term.recv() => anyhow::bail!("ended by a signal"),
            _ = int.recv() => anyhow::bail!("ended by a signal"),
            () = tokio::time::sleep(Duration::from_secs(flags.max_seconds)) => anyhow::bail!("it takes too long"),
        }
    };
    // Dropped at a signal, the bench ends its processes.
    let ran = tokio::select! { ran = measured(&flags) => ran, ended = ended => ended };
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            say(&format!("bench-peers: {why:?}"));
            ExitCode::FAILURE
        }
    }
}

async fn measured(flags: &Flags) -> anyhow::Result<bool> {
    let contenders: Vec<Contender> = flags.programs.contenders();
    let wanted = |one: &Contender| flags.only.is_empty() || flags.only.iter().any(|only| one.name.starts_with(only));
    let contenders: Vec<Contender> = contenders.into_iter().filter(wanted).collect();
    let part = |name: &str| flags.parts.iter().any(|part| part == name);
    let mut report = Report::begin(flags.repeats, settings(flags));
    if part("speed") {
        speeds(flags, &contenders, &mut report).await?;
    }
    if part("slow") {
        nines(flags, &contenders, &mut report).await?;
    }
    if part("fencing") {
        fencing::show(&flags.programs).await?;
    }
    report.table();
    report.judge(&flags.out)
}

fn settings(flags: &Flags) -> Vec<String> {
    let body = peers::hop::Message::of(1, 0, contract::UnixMs(1_795_000_000_000)).body();
    vec![
        format!("message body of {} bytes", body.len()),
        format!("{} messages at work in the daemon and in the bare loop", flags.programs.concurrency),
        "daemon: log level warn unless it says info, no exporter".into(),
    ]
}

async fn speeds(flags: &Flags, contenders: &[Contender], report: &mut Report) -> anyhow::Result<()> {
    let began = Instant::now();
    for repeat in 0..flags.repeats {
        if began.elapsed().as_secs() > flags.max_seconds / 2 {
            say(&format!("the machine is too slow for {} repeats: {repeat} were made", flags.repeats));
            break;
        }
        let ground = Ground::start(&flags.programs.programs).await?;
        let mut first = 1;
        for at in 0..contenders.len() {
            // Another one begins in each repeat.
            let Some(contender) = contenders.get((at + repeat) % contenders.len()) else { continue };
            let speed = speed::measure(&ground, contender, first).await?;
            first += contender.messages as u64;
            report.add(contender.name, SPEED, speed.messages_per_s);
            report.add(contender.name, CPU, speed.cpu_us);
            let (name, number) = (contender.name, repeat + 1);
            say(&format!("  {number}: {name}: {:.0} messages/s, {:.0} µs each", speed.messages_per_s, speed.cpu_us));
        }
    }
    Ok(())
}

async fn nines(flags: &Flags, contenders: &[Contender], report: &mut Report) -> anyhow::Result<()> {
    let apart: Vec<&Contender> = contenders.iter().filter(|one| one.name != LOGGING).collect();
    let mut scene = Scene::set(Ground::start(&flags.programs.programs).await?, &apart).await?;
    for _ in 0..flags.repeats {
        for (shape, metric) in [(Shape::Together, TOGETHER), (Shape::Behind, BEHIND)] {
            for (name, slowest_ms) in scene.once(shape).await? {
                report.add(name, metric, slowest_ms);
            }
        }
    }
    scene.end().await
}

/// Whoever has stopped reading does not stop the bench.
pub(crate) fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{what}").and_then(|()| out.flush());
}
