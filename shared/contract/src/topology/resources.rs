//! Owns the list of AWS resources that a choreography needs, each with all its settings: what provisioning creates.
//! Never a call to AWS, and nothing that the table does not imply.
//! Next: provisioning walks `Resources` in this order: dead-letter queues, queues, bus, rules, table.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Place, Row, Topology};
use crate::limits::SQS_VISIBILITY_S_MAX;
use crate::{EventType, QueueName};

/// EventBridge's own limit for one bus.
pub const RULES_MAX: usize = 300;
/// The sparse index of everything that has a deadline.
pub const DUE_INDEX: &str = "due";
/// The sparse index of all goals, by how they stand and when they were accepted.
pub const LISTED_INDEX: &str = "listed";

/// With which the queues of subscriptions begin, and no other's.
pub const SUBSCRIPTION_QUEUES: &str = "murmur-sub-";
/// Likewise their rules.
pub const SUBSCRIPTION_RULES: &str = "sub.";

const UNDELIVERED_RETENTION_S: u64 = 14 * 24 * 3600;
const LONG_POLL_S: u64 = 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// Before the queues that refer to them.
    pub dead_letter_queues: Vec<Queue>,
    pub queues: Vec<Queue>,
    pub bus: String,
    pub rules: Vec<Rule>,
    pub table: Table,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Queue {
    pub name: QueueName,
    /// As `CreateQueue` and `SetQueueAttributes` spell them; policies are JSON text there.
    pub attributes: BTreeMap<&'static str, String>,
}

/// Carries one event type to one queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    pub name: String,
    /// As `PutRule` takes it, JSON text there.
    pub pattern: Value,
    pub target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    pub id: String,
    pub queue_arn: String,
    /// Where EventBridge leaves what it could not deliver in `retry_s`.
    pub undelivered_arn: String,
    pub retry_s: u32,
    pub retries_max: u32,
    /// Where the tenant stands in what is delivered, for a server that takes a path as `MessageGroupId`. Where it takes
    /// only a constant, leave it out: one group for all tenants makes nothing fair.
    pub message_group_path: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    pub name: String,
    pub partition_key: Key,
    pub sort_key: Key,
    pub indexes: Vec<Index>,
    /// Epoch seconds. DynamoDB may be days late: expiry is checked on read.
    pub ttl_attribute: &'static str,
    pub billing: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Index {
    pub name: &'static str,
    pub partition_key: Key,
    pub sort_key: Key,
    pub projection: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    pub name: &'static str,
    /// `S` or `N`.
    pub kind: &'static str,
}

/// What carries `kind` to this row's queue.
pub fn rule_name(row: &Row, kind: &EventType) -> String {
    format!("{}.{kind}", row.name)
}

/// The one queue for what EventBridge could not deliver to any queue.
pub fn undelivered(topology: &Topology) -> QueueName {
    QueueName::from(format!("{}-undelivered", topology.bus.replace('.', "-")))
}

pub fn resources(topology: &Topology, place: &Place) -> Resources {
    let mut dead_letter_queues: Vec<_> = topology.rows.iter().map(|row| dead_letters(row, place)).collect();
    let rules = rules(topology, place);
    dead_letter_queues.push(undelivered_queue(topology, place, &rules));
    Resources {
        dead_letter_queues,
        queues: topology.rows.iter().map(|row| queue(topology, row, place)).collect(),
        bus: topology.bus.clone(),
        rules,
        table: table(place),
    }
}

fn dead_letters(row: &Row, place: &Place) -> Queue {
    let allowed = json!({"redrivePermission": "byQueue", "sourceQueueArns": [place.queue_arn(&row.queue)]});
    Queue {
        name: row.queue.dead_letters(),
        attributes: BTreeMap::from([
            ("MessageRetentionPeriod", row.limits.dead_letter_retention_s.to_string()),
            ("RedriveAllowPolicy", allowed.to_string()),
            ("SqsManagedSseEnabled", "true".into()),
        ]),
    }
}

fn queue(topology: &Topology, row: &Row, place: &Place) -> Queue {
    let redrive = json!({
        "deadLetterTargetArn": place.queue_arn(&row.queue.dead_letters()),
        "maxReceiveCount": row.limits.receives_max,
    });
    let rules = row.consumes.iter().map(|kind| place.rule_arn(topology, &rule_name(row, kind)));
    Queue {
        name: row.queue.clone(),
        attributes: BTreeMap::from([
            ("VisibilityTimeout", row.limits.lease_s.min(SQS_VISIBILITY_S_MAX).to_string()),
            ("MessageRetentionPeriod", row.limits.retention_s.to_string()),
            ("ReceiveMessageWaitTimeSeconds", LONG_POLL_S.to_string()),
            ("RedrivePolicy", redrive.to_string()),
            ("Policy", from_rules(&place.queue_arn(&row.queue), &rules.collect::<Vec<_>>()).to_string()),
            ("SqsManagedSseEnabled", "true".into()),
        ]),
    }
}

fn undelivered_queue(topology: &Topology, place: &Place, rules: &[Rule]) -> Queue {
    let name = undelivered(topology);
    let arns: Vec<_> = rules.iter().map(|rule| place.rule_arn(topology, &rule.name)).collect();
    Queue {
        attributes: BTreeMap::from([
            ("MessageRetentionPeriod", UNDELIVERED_RETENTION_S.to_string()),
            ("Policy", from_rules(&place.queue_arn(&name), &arns).to_string()),
            ("SqsManagedSseEnabled", "true".into()),
        ]),
        name,
    }
}

/// Lets these rules send to this queue, and no other service. Our own daemons and users have their IAM policies.
fn from_rules(queue_arn: &str, rule_arns: &[String]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "FromRules",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arns}},
    }]})
}

fn rules(topology: &Topology, place: &Place) -> Vec<Rule> {
    let each = topology.rows.iter().flat_map(|row| row.consumes.iter().map(move |kind| (row, kind)));
    each.map(|(row, kind)| Rule {
        name: rule_name(row, kind),
        pattern: pattern(topology, kind),
        target: Target {
            id: row.name.to_string(),
            queue_arn: place.queue_arn(&row.queue),
            undelivered_arn: place.queue_arn(&undelivered(topology)),
            retry_s: 24 * 3600,
            retries_max: 185,
            message_group_path: "$.detail.tenant",
        },
    })
    .collect()
}

/// A forged source stops at the rule already, unless anybody may say this (`goal.requested`).
fn pattern(topology: &Topology, kind: &EventType) -> Value {
    if topology.anybody_may_say(kind) {
        json!({"detail-type": [kind]})
    } else {
        json!({"source": topology.sources_of(kind), "detail-type": [kind]})
    }
}

fn table(place: &Place) -> Table {
    Table {
        name: place.table.clone(),
        partition_key: Key { name: "goal", kind: "S" },
        sort_key: Key { name: "item", kind: "S" },
        indexes: vec![
            Index {
                name: DUE_INDEX,
                partition_key: Key { name: "due_shard", kind: "N" },
                sort_key: Key { name: "due_at", kind: "N" },
                projection: "KEYS_ONLY",
            },
            Index {
                name: LISTED_INDEX,
                partition_key: Key { name: "listed", kind: "S" },
                sort_key: Key { name: "listed_at", kind: "S" },
                projection: "KEYS_ONLY",
            },
        ],
        ttl_attribute: "ttl",
        billing: "PAY_PER_REQUEST",
    }
}
