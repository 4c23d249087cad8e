//! Owns whether the numbers of one row fit each other and SQS: leases, deadlines, caps, retentions.
//! Never corrects one: whoever wrote the row must see that two of its numbers disagree.
//! Next: `resources` makes queue attributes of them, the runtime its timers.

use super::super::{Problem, Row};
use crate::limits::SQS_VISIBILITY_S_MAX;

const RETENTION_S_MIN: u64 = 60;
const RETENTION_S_MAX: u64 = 14 * 24 * 3600;
const RECEIVES_MAX: u32 = 1000;

pub(super) fn problems(row: &Row) -> Vec<Problem> {
    let mut found = zeros(row);
    // Ratios of numbers that are 0 would only repeat that they are.
    if found.is_empty() {
        found.extend(leases(row));
        found.extend(receives(row));
    }
    found.extend(retentions(row));
    found
}

fn zeros(row: &Row) -> Vec<Problem> {
    let limits = &row.limits;
    let all = [
        ("concurrency", limits.concurrency as u64),
        ("lease_s", limits.lease_s),
        ("step_deadline_s", limits.step_deadline_s),
        ("attempts_max", limits.attempts_max.into()),
        ("alone_crashes_max", limits.alone_crashes_max.into()),
        ("receives_max", limits.receives_max.into()),
    ];
    let zero = all.into_iter().filter(|(_, found)| *found == 0);
    zero.map(|(what, _)| Problem::Zero { row: row.name.clone(), what }).collect()
}

fn leases(row: &Row) -> Option<Problem> {
    let (lease_s, step_deadline_s) = (row.limits.lease_s, row.limits.step_deadline_s);
    let visibility_s_max = SQS_VISIBILITY_S_MAX;
    (lease_s.saturating_add(step_deadline_s) > visibility_s_max).then(|| {
        let row = row.name.clone();
        Problem::PastVisibility { row, step_deadline_s, lease_s, visibility_s_max }
    })
}

fn receives(row: &Row) -> Vec<Problem> {
    let limits = &row.limits;
    let caps = u64::from(limits.attempts_max) + u64::from(limits.alone_crashes_max) + u64::from(limits.rounds_max);
    let leases = limits.step_deadline_s.div_ceil(limits.lease_s);
    let receives_min = leases.saturating_add(caps).saturating_mul(3);
    let receives_max = limits.receives_max;
    let mut found = vec![];
    if u64::from(receives_max) < receives_min {
        found.push(Problem::ReceivesBelowCaps {
            row: row.name.clone(),
            receives_max,
            receives_min,
            step_deadline_s: limits.step_deadline_s,
            lease_s: limits.lease_s,
            caps,
        });
    }
    if receives_max > RECEIVES_MAX {
        found.push(Problem::ReceivesAboveSqs { row: row.name.clone(), receives_max, max: RECEIVES_MAX });
    }
    found
}

fn retentions(row: &Row) -> Vec<Problem> {
    let limits = &row.limits;
    let (retention_s, dead_letter_retention_s) = (limits.retention_s, limits.dead_letter_retention_s);
    let mut found = vec![];
    for (what, value) in [("retention_s", retention_s), ("dead_letter_retention_s", dead_letter_retention_s)] {
        if !(RETENTION_S_MIN..=RETENTION_S_MAX).contains(&value) {
            let (min, max) = (RETENTION_S_MIN, RETENTION_S_MAX);
            found.push(Problem::OutOfSqsRange { row: row.name.clone(), what, found: value, min, max });
        }
    }
    let redelivery_s = limits.last_redelivery_s();
    if retention_s < redelivery_s {
        let receives_max = limits.receives_max;
        found.push(Problem::RetentionBelowRedelivery {
            row: row.name.clone(),
            retention_s,
            redelivery_s,
            receives_max,
        });
    }
    if dead_letter_retention_s < retention_s {
        found.push(Problem::DeadLettersBelowRetention { row: row.name.clone(), dead_letter_retention_s, retention_s });
    }
    found
}
