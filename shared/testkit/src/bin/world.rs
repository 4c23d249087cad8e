//! Runs the simulated world over many seeds: `world --seeds 2000`, or one, traced: `world --seed 7`.
//! Never passes quietly: a violation, or a fault or await point that never had its turn, is a failure.
//! Next: `make test` runs 2,000 seeds of it, `make soak` more.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::world::{Hits, Report, World, scripted};
use tokio::time::Instant;

#[derive(Default)]
struct Total {
    hits: Hits,
    ends: BTreeMap<String, u64>,
    deliveries: u64,
    virtual_s: u64,
    runs: u64,
    failed: Vec<Report>,
}

impl Total {
    fn add(&mut self, report: Report) {
        self.runs += 1;
        self.hits.add(&report.hits);
        for (end, n) in &report.ends {
            *self.ends.entry(end.clone()).or_default() += n;
        }
        self.deliveries += report.deliveries;
        self.virtual_s += report.virtual_s;
        if !report.violations.is_empty() {
            self.failed.push(report);
        }
    }

    fn merge(&mut self, other: Total) {
        self.hits.add(&other.hits);
        for (end, n) in other.ends {
            *self.ends.entry(end).or_default() += n;
        }
        self.deliveries += other.deliveries;
        self.virtual_s += other.virtual_s;
        self.runs += other.runs;
        self.failed.extend(other.failed);
    }
}

#[derive(Clone, Copy)]
struct Asked {
    seeds: u64,
    start: u64,
    one: Option<u64>,
    /// Stop at the first seed that fails: a mutant needs no more.
    first: bool,
}

impl Asked {
    fn read(args: impl IntoIterator<Item = String>) -> Option<Asked> {
        let mut asked = Asked { seeds: 2_000, start: 0, one: None, first: false };
        let mut args = args.into_iter();
        while let Some(name) = args.next() {
            if name == "--first" {
                asked.first = true;
                continue;
            }
            let value = args.next()?.parse().ok()?;
            match name.as_str() {
                "--seeds" => asked.seeds = value,
                "--start" => asked.start = value,
                "--seed" => asked.one = Some(value),
                _ => return None,
            }
        }
        Some(asked)
    }
}

#[expect(clippy::print_stdout, reason = "this is what a person reads")]
fn main() -> ExitCode {
    let Some(asked) = Asked::read(std::env::args().skip(1)) else {
        println!("usage: world [--seeds N] [--start N] [--first] [--seed N]");
        return ExitCode::from(2);
    };
    let Ok(world) = scripted() else {
        println!("the topology does not pass its checks");
        return ExitCode::FAILURE;
    };
    if let Some(seed) = asked.one {
        let report = world.run_traced(seed);
        println!("{report}");
        return if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let began = Instant::now();
    let all = run_all(&world, asked);
    tell(&all, asked, began.elapsed().as_secs_f64())
}

/// On every core; a failing seed is told at once.
#[expect(clippy::print_stdout, reason = "this is what a person reads")]
fn run_all(world: &World, asked: Asked) -> Total {
    let next = AtomicU64::new(asked.start);
    let end = asked.start + asked.seeds;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let worker = || {
        let mut total = Total::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return total;
            }
            let report = world.run(seed);
            if !report.violations.is_empty() {
                println!("{report}");
                if asked.first {
                    next.store(end, Ordering::Relaxed);
                }
            }
            total.add(report);
        }
    };
    let mut all = Total::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        for total in workers.into_iter().filter_map(|worker| worker.join().ok()) {
            all.merge(total);
        }
    });
    all
}

#[expect(clippy::print_stdout, reason = "this is what a person reads")]
fn tell(all: &Total, asked: Asked, took_s: f64) -> ExitCode {
    println!("{}\nends: {:?}", all.hits, all.ends);
    let mut invariants: BTreeMap<&str, u64> = BTreeMap::new();
    for name in all.failed.iter().flat_map(|report| report.violations.keys()) {
        *invariants.entry(name).or_default() += 1;
    }
    for (name, n) in &invariants {
        println!("VIOLATED {name} in {n} seeds");
    }
    // Of fewer seeds, not every rare place can be asked for.
    let missing = if asked.seeds >= 2_000 && !asked.first { all.hits.missing() } else { vec![] };
    if !missing.is_empty() {
        println!("never had their turn: {}", missing.join(", "));
    }
    println!(
        "world: {} seeds from {}, {} failed, {} deliveries, {} virtual hours, {took_s:.1} s, {:.0} seeds/s, {} places never hit",
        all.runs,
        asked.start,
        all.failed.len(),
        all.deliveries,
        all.virtual_s / 3_600,
        all.runs as f64 / took_s,
        missing.len()
    );
    if all.failed.is_empty() && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
