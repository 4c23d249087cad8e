//! The agent in the simulated world, beside the scripted four: crashes, duplicates, lost replies, full queues.
//! Never real time: fifty seeds are hours of the world's.
//! Next: `testkit::world`, for worlds of one's own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use contract::EventData as _;
use fact_check::{FactCheck, FactsChecked, topology};
use testkit::world::{World, scripted_with};

fn world() -> World {
    scripted_with(topology()).unwrap().agent("fact-check", 2, |daemon| daemon.handles("fact-check", FactCheck))
}

#[test]
fn the_agent_keeps_every_promise_in_fifty_worlds() {
    let world = world();
    let mut checked = 0;
    for seed in 0..50 {
        let report = world.run(seed);
        assert!(report.violations.is_empty(), "{report}");
        checked += report.published.get(&FactsChecked::TYPE).copied().unwrap_or(0);
    }
    assert!(checked >= 50, "{checked} analyses were checked in fifty worlds of three goals each");
}

#[test]
fn a_seed_is_the_same_world_again() {
    let (once, again) = (world().run(7), world().run(7));
    assert_eq!((once.fingerprint, once.deliveries), (again.fingerprint, again.deliveries));
}

#[test]
fn without_its_daemon_the_agents_messages_stay_where_they_are_and_the_world_says_so() {
    let report = scripted_with(topology()).unwrap().run(0);
    assert!(report.violations.contains_key("never-at-rest"), "{report}");
}
