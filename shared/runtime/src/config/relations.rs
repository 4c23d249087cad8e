//! Owns how the values must fit together, each relation with its numbers and the number that would do.
//! Never looks at one value alone: `variables` has its bounds.
//! Next: `Config` refuses to start while any of these is broken.

use contract::RowName;
use contract::limits::SQS_VISIBILITY_S_MAX;
use contract::topology::{Choreography, RowLimits};

use super::variables::row_variable;
use super::{Config, Problem};

const DAY_S: u64 = 24 * 3600;
/// A heartbeat must be able to fail once and still come in time.
const LEASE_MARGINS_MIN: u64 = 3;

const RETENTION: &str = "MURMUR_RECORD_RETENTION_S";
const SKEW: &str = "MURMUR_SKEW_MARGIN_S";
const RETRY: &str = "MURMUR_RETRY_ELAPSED_MAX_S";
const DEADLINE: &str = "MURMUR_GOAL_DEADLINE_S";
const DEADLINE_MAX: &str = "MURMUR_GOAL_DEADLINE_MAX_S";
const SWEEP: &str = "MURMUR_SWEEP_EVERY_S";
const WAIT: &str = "MURMUR_RECEIVE_WAIT_S";
const GRACE: &str = "MURMUR_DRAIN_GRACE_S";
const TOLD: &str = "MURMUR_TOLD_AFTER_S";

/// `low` must not be above `high`.
struct Relation {
    variables: Vec<String>,
    low: (String, u64),
    high: (String, u64),
    why: &'static str,
    example: String,
}

/// All that is broken, save what speaks of a variable that could not be read.
pub(super) fn problems(config: &Config, unread: &[String]) -> Vec<Problem> {
    let of_rows = config.settings.limits.iter().flat_map(|(row, limits)| row_relations(config, row, limits));
    goal_relations(config)
        .into_iter()
        .chain(of_rows)
        .filter(|relation| relation.low.1 > relation.high.1)
        .filter(|relation| !relation.variables.iter().any(|name| unread.contains(name)))
        .map(Relation::problem)
        .collect()
}

impl Relation {
    fn problem(self) -> Problem {
        let Relation { variables, low: (low, low_s), high: (high, high_s), why, example } = self;
        let problem = format!("{low} must be at most {high}: {why}");
        Problem { variables, found: format!("{low_s} s against {high_s} s"), problem, example }
    }
}

fn goal_relations(config: &Config) -> Vec<Relation> {
    let settings = &config.settings;
    let [deadline_s, max_s, sweep_s, told_s, retry_s, skew_s, wait_s, grace_s] = [
        settings.goal_deadline,
        settings.goal_deadline_max,
        settings.sweep_every,
        settings.told_after,
        settings.retry_elapsed_max,
        settings.skew_margin,
        settings.receive_wait,
        settings.drain_grace,
    ]
    .map(|span| span.as_secs());
    vec![
        Relation {
            variables: vec![WAIT.into(), GRACE.into()],
            low: ("a long poll and half of it again".into(), wait_s + wait_s / 2),
            high: ("the time that work may go on after SIGTERM".into(), grace_s),
            why: "what a poll under way returns must still be given back",
            example: format!("{GRACE}={}", wait_s + wait_s / 2),
        },
        Relation {
            variables: vec![DEADLINE.into(), DEADLINE_MAX.into()],
            low: ("a goal's usual deadline".into(), deadline_s),
            high: ("the longest that a goal may name".into(), max_s),
            why: "what is given unasked may also be asked for",
            example: format!("{DEADLINE_MAX}={deadline_s}"),
        },
        Relation {
            variables: vec![SWEEP.into(), DEADLINE.into()],
            low: ("the time between two sweeps".into(), sweep_s),
            high: ("a goal's usual deadline".into(), deadline_s),
            why: "only a sweep notices a deadline",
            example: format!("{SWEEP}={}", deadline_s.min(20)),
        },
        Relation {
            variables: vec![TOLD.into(), RETRY.into(), SKEW.into()],
            low: ("a call with all its retries, and the skew margin,".into(), retry_s + skew_s),
            high: ("the time after which a sweep tells an end".into(), told_s),
            why: "a sweep would tell what its writer is still telling",
            example: format!("{TOLD}={}", retry_s + skew_s),
        },
    ]
}

fn row_relations(config: &Config, row: &RowName, limits: &RowLimits) -> Vec<Relation> {
    let settings = &config.settings;
    let [retention_s, skew_s, retry_s] =
        [settings.record_retention, settings.skew_margin, settings.retry_elapsed_max].map(|span| span.as_secs());
    let (lease, deadline) = (row_variable(row, "LEASE_S"), row_variable(row, "STEP_DEADLINE_S"));
    let &RowLimits { lease_s, step_deadline_s, dead_letter_retention_s, .. } = limits;
    let kept_s = dead_letter_retention_s + DAY_S;
    let lease_min_s = (skew_s * LEASE_MARGINS_MIN).max(retry_s + skew_s);
    vec![
        Relation {
            variables: vec![RETENTION.into()],
            low: (
                format!("the dead letters' retention of row {row} ({dead_letter_retention_s} s) and one day"),
                kept_s,
            ),
            high: ("the records' retention".into(), retention_s),
            why: "a message could come back when its record is gone, and be done twice",
            example: format!("{RETENTION}={kept_s}"),
        },
        Relation {
            variables: vec![deadline.clone(), lease.clone()],
            low: (format!("step deadline and lease of row {row}"), step_deadline_s + lease_s),
            high: ("SQS's longest invisibility (12 h)".into(), SQS_VISIBILITY_S_MAX),
            why: "no heartbeat can keep a message invisible for longer",
            example: format!("{deadline}={}", SQS_VISIBILITY_S_MAX.saturating_sub(lease_s).max(1)),
        },
        Relation {
            variables: vec![lease.clone(), deadline],
            low: (format!("the lease of row {row}"), lease_s),
            high: ("its step deadline".into(), step_deadline_s),
            why: "a step whose process died would wait for longer than it may work",
            example: format!("{lease}={}", step_deadline_s.min(60)),
        },
        Relation {
            variables: vec![lease.clone(), SKEW.into()],
            low: (format!("{LEASE_MARGINS_MIN} times the skew margin"), skew_s * LEASE_MARGINS_MIN),
            high: (format!("the lease of row {row}"), lease_s),
            why: "a heartbeat must be able to fail once and still come in time",
            example: format!("{lease}={lease_min_s}"),
        },
        Relation {
            variables: vec![lease.clone(), RETRY.into(), SKEW.into()],
            low: ("a call with all its retries, and the skew margin,".into(), retry_s + skew_s),
            high: (format!("the lease of row {row}"), lease_s),
            why: "a lease must outlive one call",
            example: format!("{lease}={lease_min_s}"),
        },
    ]
}

/// The choreography with these limits in its rows, if it still passes its own checks.
pub(super) fn with_limits(config: &Config) -> Result<Choreography, Vec<Problem>> {
    let unchanged = config.choreography.rows.iter().all(|row| config.settings.limits_of(row) == row.limits);
    if unchanged {
        return Ok(config.choreography.clone());
    }
    let mut topology = (*config.choreography).clone();
    for row in &mut topology.rows {
        row.limits = config.settings.limits_of(row);
    }
    topology.check().map_err(|unfit| {
        let problem = |unfit: &dyn std::fmt::Display| {
            let found = "the limits set for its rows";
            Problem::new("MURMUR_<ROW>_*", found, unfit.to_string(), "the topology's own limits (unset them)")
        };
        unfit.iter().map(|unfit| problem(unfit)).collect()
    })
}
