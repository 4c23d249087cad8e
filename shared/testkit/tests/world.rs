//! Owns the trial of the whole: the four agents as scripts, in worlds where everything fails that can.
//! Never asserts a time: the rate is printed.
//! Next: a failing seed prints the command that replays it.

use async_trait::async_trait;
use contract::Topology;
use contract::events::ReportWritten;
use contract::topology::Row;
use runtime::{Handled, Handler, Step, StepError};
use testkit::world::{Told, scripted, scripted_with};

#[test]
fn no_promise_is_broken_in_two_thousand_seeds_and_every_fault_has_its_turn() {
    let tally = scripted().unwrap().try_many(0, 2_000, false, |told| {
        if let Told::Failed(report) = told {
            println!("{report}");
        }
    });
    println!("{tally}");
    assert!(tally.failed.is_empty(), "{} seeds failed", tally.failed.len());
    assert_eq!(tally.seeds, 2_000, "tried");
    let completed = tally.ends.get("goal.completed").copied().unwrap_or(0);
    assert!(completed > 2_000, "of six thousand goals under faults, only {completed} completed");
    assert_eq!(tally.hits.missing(), Vec::<String>::new(), "never had their turn");
}

#[test]
fn one_seed_is_the_same_world_every_time() {
    let world = scripted().unwrap();
    for seed in [3, 40, 1_207] {
        let (once, again) = (world.run(seed), world.run(seed));
        assert_eq!(once.fingerprint, again.fingerprint, "seed {seed}");
        assert_eq!((once.deliveries, once.virtual_s), (again.deliveries, again.virtual_s), "seed {seed}");
    }
}

#[test]
fn a_world_that_breaks_a_promise_says_which_and_how_to_see_it_again() {
    let report = testkit::world::World::new(contract::Topology::murmuration().check().unwrap()).run(5);
    assert!(report.violations.contains_key("never-at-rest"), "nobody consumes anything there: {report}");
    assert!(report.to_string().contains("--bin world -- --seed 5"), "{report}");
}

#[test]
fn forks_from_any_step_at_any_time_keep_every_promise() {
    let tally = scripted().unwrap().forking().try_many(0, 500, false, |told| {
        if let Told::Failed(report) = told {
            println!("{report}");
        }
    });
    println!("{tally}");
    assert!(tally.failed.is_empty(), "{} seeds failed", tally.failed.len());
    let goals: u64 = tally.ends.values().sum();
    assert!(goals > 2_200, "fifteen hundred goals, and hardly a fork: {:?}", tally.ends);
}

/// Reads what the writer wrote; nobody waits for it.
struct Proofread;

#[async_trait]
impl Handler for Proofread {
    type Input = ReportWritten;
    async fn handle(&self, _: ReportWritten, _: &Step) -> Result<Handled, StepError> {
        Ok(Handled::nothing())
    }
}

#[test]
fn forks_keep_every_promise_where_somebody_reads_what_the_rows_beside_the_step_say() {
    let topology = Topology::murmuration().with_row(Row::new("proofread").consumes::<ReportWritten>());
    let world = scripted_with(topology).unwrap().agent("proofread", 2, |daemon| daemon.handles("proofread", Proofread));
    let tally = world.forking().try_many(0, 300, false, |told| {
        if let Told::Failed(report) = told {
            println!("{report}");
        }
    });
    println!("{tally}");
    assert!(tally.failed.is_empty(), "{} seeds failed", tally.failed.len());
    let goals: u64 = tally.ends.values().sum();
    assert!(goals > 1_300, "nine hundred goals, and hardly a fork: {:?}", tally.ends);
}
