//! Owns what the runtime may be told: every duration and allowance that is not the protocol's own, as plain values.
//! Never reads the environment: `config` does, and hands these over; tests and the simulated world fill them in.
//! Next: `config`, which makes them from variables; `consumer` and everything behind it, which live by them.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::RowName;
use contract::topology::{Choreography, Row, RowLimits};

#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a goal may take that names no deadline.
    pub goal_deadline: Duration,
    /// The longest deadline that a goal may name.
    pub goal_deadline_max: Duration,
    /// How long a goal's records stay, from its deadline on.
    pub record_retention: Duration,
    /// How far clocks may lie apart before a lease or a deadline is acted upon.
    pub skew_margin: Duration,
    /// How often each daemon looks for what is due.
    pub sweep_every: Duration,
    /// How long a receive waits for its first message.
    pub receive_wait: Duration,
    /// How long emitter and settler wait for a batch to fill.
    pub linger: Duration,
    /// How long work may go on after SIGTERM before it is given back.
    pub drain_grace: Duration,
    /// When a sweep takes over telling an end or a close, if nobody has told it by then.
    pub told_after: Duration,
    /// How long a join that may not close at its deadline is put off, where its goal holds.
    pub hold_postpone: Duration,
    /// For a goal that names no budget.
    pub tokens_allowed: u64,
    /// Likewise, in millionths of a US dollar.
    pub micros_allowed: u64,
    /// What all tries of one port call may take together.
    pub retry_elapsed_max: Duration,
    /// The topology's, changed by configuration.
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
            drain_grace: Duration::from_secs(30),
            told_after: Duration::from_secs(30),
            hold_postpone: Duration::from_secs(60),
            tokens_allowed: 1_000_000,
            micros_allowed: 5_000_000,
            retry_elapsed_max: Duration::from_secs(10),
            limits: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// The defaults, with the topology's limits for every row.
    pub fn of(choreography: &Choreography) -> Settings {
        let limits = choreography.rows.iter().map(|row| (row.name.clone(), row.limits)).collect();
        Settings { limits, ..Settings::default() }
    }

    /// The configured limits of a row, or else the topology's.
    pub fn limits_of(&self, row: &Row) -> RowLimits {
        self.limits.get(&row.name).copied().unwrap_or(row.limits)
    }
}
