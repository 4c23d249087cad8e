//! Runs the simulated world over many seeds: `world --seeds 2000`, or one, traced: `world --seed 7`.
//! Never passes quietly: a violation, or a fault or await point that never had its turn, is a failure.
//! Next: `make sim` and `make soak` call it.

use std::process::ExitCode;

use testkit::world::{Told, scripted};

/// Of fewer seeds, not every rare place can be asked for.
const ENOUGH_FOR_ALL_PLACES: u64 = 2_000;

struct Asked {
    seeds: u64,
    start: u64,
    one: Option<u64>,
    /// Stop at the first seed that fails.
    first: bool,
}

impl Asked {
    fn read(args: impl IntoIterator<Item = String>) -> Option<Asked> {
        let mut asked = Asked { seeds: ENOUGH_FOR_ALL_PLACES, start: 0, one: None, first: false };
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

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what a person reads")]
fn main() -> ExitCode {
    let Some(asked) = Asked::read(std::env::args().skip(1)) else {
        println!("usage: world [--seeds N] [--start N] [--first] [--seed N]");
        return ExitCode::from(2);
    };
    let Ok(world) = scripted() else {
        println!("world: the topology does not pass its checks");
        return ExitCode::FAILURE;
    };
    if let Some(seed) = asked.one {
        let report = world.run_traced(seed);
        println!("{report}");
        return if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let tally = world.try_many(asked.start, asked.seeds, asked.first, |told| match told {
        Told::Failed(report) => println!("{report}"),
        Told::Reached(seed) => eprintln!("world: at seed {seed}"),
    });
    let missing = if asked.seeds >= ENOUGH_FOR_ALL_PLACES && !asked.first { tally.hits.missing() } else { vec![] };
    if !missing.is_empty() {
        println!("never had their turn: {}", missing.join(", "));
    }
    println!("{tally}, {} places never hit", missing.len());
    if tally.failed.is_empty() && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
