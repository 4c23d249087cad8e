//! stub, replaced at merge
use contract::{RowName, topology::RowLimits};
use std::collections::BTreeMap;
use std::time::Duration;
#[derive(Clone, Debug)]
pub struct Settings {
    pub goal_deadline: Duration,
    pub goal_deadline_max: Duration,
    pub record_retention: Duration,
    pub skew_margin: Duration,
    pub sweep_every: Duration,
    pub receive_wait: Duration,
    pub linger: Duration,
    pub drain_grace: Duration,
    pub told_after: Duration,
    pub hold_postpone: Duration,
    pub tokens_allowed: u64,
    pub micros_allowed: u64,
    pub retry_elapsed_max: Duration,
    pub limits: BTreeMap<RowName, RowLimits>,
}
impl Default for Settings {
    fn default() -> Settings {
        Settings {
            goal_deadline: Duration::from_secs(3600),
            goal_deadline_max: Duration::from_secs(7 * 24 * 3600),
            record_retention: Duration::from_secs(30 * 24 * 3600),
            skew_margin: Duration::from_secs(5),
            sweep_every: Duration::from_secs(20),
            receive_wait: Duration::from_secs(20),
            linger: Duration::from_millis(5),
            drain_grace: Duration::from_secs(25),
            told_after: Duration::from_secs(30),
            hold_postpone: Duration::from_secs(60),
            tokens_allowed: 1_000_000,
            micros_allowed: 5_000_000,
            retry_elapsed_max: Duration::from_secs(10),
            limits: BTreeMap::new(),
        }
    }
}
