//! Owns what may be called how: by us (ledger keys, file names, sources) and by SQS and EventBridge.
//! Never shortens or repairs a name: two names must not become one.
//! Next: `resources` and `iam` use the names as they are.

use std::collections::BTreeMap;

use super::super::resources::{RULES_MAX, rule_name};
use super::super::{Problem, Topology};
use crate::Source;

const DOTTED: &str = "lower-case letters and digits, in parts joined by one dot, 100 at most";
const DASHED: &str = "lower-case letters and digits, in parts joined by one dash, 48 at most";
const QUEUE: &str = "SQS takes A-Z a-z 0-9 _ -, 76 at most, so that its dead-letter queue has room for \"-dlq\"";
const BUS: &str = "EventBridge takes A-Z a-z 0-9 . _ -, 60 at most with room for \"-undelivered\", and not \"default\"";
const RULE: &str = "EventBridge takes 64 characters for the rule of a row and a type: shorten one of the two";

pub(super) fn problems(topology: &Topology) -> Vec<Problem> {
    let mut found = duplicates(topology);
    let mut bad = |what, name: &str, good: bool, rule| {
        if !good {
            found.push(Problem::BadName { what, name: name.into(), rule });
        }
    };
    bad("bus", &topology.bus, is_made_of(&topology.bus, 60, b"._-") && topology.bus != "default", BUS);
    for spec in &topology.events {
        bad("event type", spec.kind.as_str(), is_parted(spec.kind.as_str(), '.', 100), DOTTED);
    }
    for row in &topology.rows {
        bad("row", row.name.as_str(), is_parted(row.name.as_str(), '-', 48), DASHED);
        bad("daemon", row.daemon.as_str(), is_parted(row.daemon.as_str(), '-', 48), DASHED);
        bad("queue", row.queue.as_str(), is_made_of(row.queue.as_str(), 76, b"_-"), QUEUE);
        for kind in &row.consumes {
            let rule = rule_name(row, kind);
            bad("rule", &rule, rule.len() <= 64, RULE);
        }
    }
    for join in &topology.joins {
        bad("join", join.name.as_str(), is_parted(join.name.as_str(), '-', 48), DASHED);
    }
    found.extend(reserved(topology));
    let rules = topology.rows.iter().map(|row| row.consumes.len()).sum();
    if rules > RULES_MAX {
        found.push(Problem::TooManyRules { rules, max: RULES_MAX });
    }
    found
}

fn duplicates(topology: &Topology) -> Vec<Problem> {
    let rows = &topology.rows;
    let mut found = repeated("row", rows.iter().map(|row| row.name.to_string()));
    found.extend(repeated("queue", rows.iter().map(|row| row.queue.to_string())));
    found.extend(repeated("join", topology.joins.iter().map(|join| join.name.to_string())));
    found.extend(repeated("event type", topology.events.iter().map(|spec| spec.kind.to_string())));
    for row in rows {
        found.extend(repeated("consumed type", row.consumes.iter().map(|kind| format!("{kind} of {}", row.name))));
        found.extend(repeated("emitted type", row.emits.iter().map(|kind| format!("{kind} of {}", row.name))));
    }
    found
}

fn repeated(what: &'static str, names: impl Iterator<Item = String>) -> Vec<Problem> {
    let mut times = BTreeMap::<String, usize>::new();
    for name in names {
        *times.entry(name).or_default() += 1;
    }
    let twice = times.into_iter().filter(|(_, times)| *times > 1);
    twice.map(|(name, times)| Problem::Duplicate { what, name, times }).collect()
}

/// A daemon's name decides its source, so some names would let it speak for others; a queue may be another's DLQ.
fn reserved(topology: &Topology) -> Vec<Problem> {
    let mut found = vec![];
    for row in &topology.rows {
        for taken in ["murmuration.user", "murmuration.choreography"] {
            if row.source() == Source::new(taken) {
                found.push(Problem::ReservedDaemon { daemon: row.daemon.clone(), taken });
            }
        }
        for other in topology.rows.iter().filter(|other| other.queue.dead_letters() == row.queue) {
            found.push(Problem::QueueIsDeadLetters {
                row: row.name.clone(),
                other: other.name.clone(),
                queue: row.queue.clone(),
            });
        }
    }
    found
}

fn is_made_of(name: &str, bytes_max: usize, others: &[u8]) -> bool {
    (1..=bytes_max).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || others.contains(&c))
}

fn is_parted(name: &str, between: char, bytes_max: usize) -> bool {
    let good = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= bytes_max && name.split(between).all(|part| !part.is_empty() && part.bytes().all(good))
}
