//! Owns many seeds: on every core, added up, each failing one told at once with the command that replays it.
//! Never passes what it did not try: a fault or await point that never had its turn is told too.
//! Next: the binary `world`, and the test of two thousand seeds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::{Hits, Report, World};

/// A long trial says how far it is.
const TELL_EVERY: u64 = 5_000;

/// What a trial tells while it lasts.
#[derive(Debug)]
pub enum Told<'r> {
    Failed(&'r Report),
    Reached(u64),
}

/// What several seeds showed together.
#[derive(Debug, Default)]
pub struct Tally {
    pub start: u64,
    pub seeds: u64,
    pub failed: Vec<Report>,
    pub hits: Hits,
    pub ends: BTreeMap<String, u64>,
    pub deliveries: u64,
    pub virtual_s: u64,
    pub took_s: f64,
}

impl World {
    /// Seeds from `start`; with `first`, no more after one that failed. `tell` hears of each that fails, and how far it is.
    pub fn try_many(&self, start: u64, seeds: u64, first: bool, tell: impl Fn(Told<'_>) + Sync) -> Tally {
        let began = Instant::now();
        let (next, end) = (AtomicU64::new(start), start + seeds);
        let worker = || {
            let mut tally = Tally::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end {
                    return tally;
                }
                if seed > start && (seed - start).is_multiple_of(TELL_EVERY) {
                    tell(Told::Reached(seed));
                }
                let report = self.run(seed);
                if !report.violations.is_empty() {
                    tell(Told::Failed(&report));
                    if first {
                        next.store(end, Ordering::Relaxed);
                    }
                }
                tally.add(report);
            }
        };
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let mut all = Tally { start, ..Tally::default() };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
            for worker in workers {
                match worker.join() {
                    Ok(tally) => all.merge(tally),
                    // The world itself is broken: what this thread had seen is gone, and so is the trial.
                    Err(_) => all.failed.push(Report::broken(start, "a thread of the trial panicked".into())),
                }
            }
        });
        all.took_s = began.elapsed().as_secs_f64();
        all
    }
}

impl Tally {
    fn add(&mut self, report: Report) {
        self.seeds += 1;
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

    fn merge(&mut self, other: Tally) {
        self.seeds += other.seeds;
        self.hits.add(&other.hits);
        for (end, n) in other.ends {
            *self.ends.entry(end).or_default() += n;
        }
        self.deliveries += other.deliveries;
        self.virtual_s += other.virtual_s;
        self.failed.extend(other.failed);
    }
}

/// The last line is the summary.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\nends: {:?}", self.hits, self.ends)?;
        let mut invariants: BTreeMap<&str, u64> = BTreeMap::new();
        for name in self.failed.iter().flat_map(|report| report.violations.keys()) {
            *invariants.entry(name).or_default() += 1;
        }
        for (name, n) in &invariants {
            writeln!(f, "VIOLATED {name} in {n} seeds")?;
        }
        write!(
            f,
            "world: {} seeds from {}, {} failed, {} deliveries, {} virtual hours, {:.1} s, {:.0} seeds/s",
            self.seeds,
            self.start,
            self.failed.len(),
            self.deliveries,
            self.virtual_s / 3_600,
            self.took_s,
            self.seeds as f64 / self.took_s.max(0.001)
        )
    }
}
