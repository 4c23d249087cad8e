//! Runs the simulated world over many seeds: `world --seeds 2000`, or one, traced: `world --seed 7`.
//! Never passes quietly: a violation, or a fault or await point that never had its turn, is a failure.
//! Next: `make test` runs 2,000 seeds of it, `make soak` more.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::world::{Hits, Report, scripted};
use tokio::time::Instant;

#[derive(Default)]
struct Total {
    hits: Hits,
    ends: BTreeMap<String, u64>,
    deliveries: u64,
    virtual_s: u64,
    failed: Vec<Report>,
}

impl Total {
    fn add(&mut self, report: Report) {
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
}

#[expect(clippy::print_stdout, reason = "this is what a person reads")]
fn main() -> ExitCode {
    let (mut seeds, mut start, mut one) = (2_000, 0, None);
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().and_then(|value| value.parse::<u64>().ok());
        match (name.as_str(), value) {
            ("--seeds", Some(n)) => seeds = n,
            ("--start", Some(n)) => start = n,
            ("--seed", Some(n)) => one = Some(n),
            _ => {
                println!("usage: world [--seeds N] [--start N] [--seed N]");
                return ExitCode::from(2);
            }
        }
    }
    let Ok(world) = scripted() else {
        println!("the topology does not pass its checks");
        return ExitCode::FAILURE;
    };
    if let Some(seed) = one {
        let report = world.run_traced(seed);
        println!("{report}");
        return if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let began = Instant::now();
    let next = AtomicU64::new(start);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let totals: Vec<Total> = std::thread::scope(|scope| {
        let worker = || {
            let mut total = Total::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= start + seeds {
                    return total;
                }
                let report = world.run(seed);
                if !report.violations.is_empty() {
                    println!("{report}");
                }
                total.add(report);
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    let mut all = Total::default();
    for total in totals {
        all.hits.add(&total.hits);
        for (end, n) in total.ends {
            *all.ends.entry(end).or_default() += n;
        }
        all.deliveries += total.deliveries;
        all.virtual_s += total.virtual_s;
        all.failed.extend(total.failed);
    }
    let took = began.elapsed().as_secs_f64();
    println!("{}", all.hits);
    println!("ends: {:?}", all.ends);
    let mut invariants: BTreeMap<&str, u64> = BTreeMap::new();
    for report in &all.failed {
        for name in report.violations.keys() {
            *invariants.entry(name).or_default() += 1;
        }
    }
    for (name, n) in &invariants {
        println!("VIOLATED {name} in {n} seeds");
    }
    let missing = if seeds >= 2_000 { all.hits.missing() } else { vec![] };
    if !missing.is_empty() {
        println!("never had their turn: {}", missing.join(", "));
    }
    println!(
        "world: seeds {start}..{}, {} failed, {} deliveries, {} virtual hours, {took:.1} s, {:.0} seeds/s, {} never hit",
        start + seeds,
        all.failed.len(),
        all.deliveries,
        all.virtual_s / 3_600,
        seeds as f64 / took,
        missing.len()
    );
    if all.failed.is_empty() && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
