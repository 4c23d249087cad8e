//! Owns the least that each daemon, and a user, must be allowed in AWS: one policy document each.
//! Never a wildcard but for the objects of the one bucket, and never the right to create or remove a resource.
//! Next: `resources`, the other half of provisioning.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::resources::{DUE_INDEX, LISTED_INDEX};
use super::{Place, Topology};
use crate::{DaemonName, EventType, QueueName, Source};

/// What this daemon may do, and nothing else.
pub fn policy_of(topology: &Topology, daemon: &DaemonName, place: &Place) -> Value {
    let queues: Vec<&QueueName> = topology.rows_of(daemon).map(|row| &row.queue).collect();
    let arns: Vec<_> = queues.iter().map(|queue| place.queue_arn(queue)).collect();
    let dead_letters: Vec<_> = queues.iter().map(|queue| place.queue_arn(&queue.dead_letters())).collect();
    let said: BTreeSet<_> = topology.rows_of(daemon).flat_map(|row| topology.said_by(row)).cloned().collect();
    let receive = [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
    ];
    let mut all = vec![
        allow("ReceiveWork", &receive, &arns),
        // Park and reject: the daemon itself sends the dead letter, so that it says why.
        allow("SendDeadLetters", &["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"], &dead_letters),
        publish("PublishOwn", topology, place, &Source::of_daemon(daemon), &said),
        // Whoever sweeps may be the one that closes a join or ends a goal: every daemon may.
        publish("PublishEnds", topology, place, &Source::CHOREOGRAPHY, &topology.said_by_choreography()),
        allow(
            "KeepLedger",
            &["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
            &[place.table_arn()],
        ),
        allow("SweepLedger", &["dynamodb:Query"], &[format!("{}/index/{DUE_INDEX}", place.table_arn())]),
    ];
    if !place.bucket.is_empty() {
        all.push(allow("KeepArtifacts", &["s3:GetObject", "s3:PutObject"], &[place.objects_arn()]));
    }
    document(all)
}

/// What somebody may do who sends goals, by the bus or straight to the queue that accepts them, and looks what becomes of
/// them: the ledger is read, and never written.
pub fn policy_of_user(topology: &Topology, place: &Place) -> Value {
    let accepting = topology.rows.iter().filter(|row| row.accepts_goals);
    let arns: Vec<_> = accepting.map(|row| place.queue_arn(&row.queue)).collect();
    let entrances = topology.entrances.iter().cloned().collect();
    document([
        allow("SendGoals", &["sqs:GetQueueUrl", "sqs:SendMessage"], &arns),
        publish("PublishGoals", topology, place, &Source::USER, &entrances),
        allow(
            "ReadLedger",
            &["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
            &[place.table_arn(), format!("{}/index/{LISTED_INDEX}", place.table_arn())],
        ),
    ])
}

fn publish(sid: &str, topology: &Topology, place: &Place, source: &Source, kinds: &BTreeSet<EventType>) -> Value {
    let mut statement = allow(sid, &["events:PutEvents"], &[place.bus_arn(topology)]);
    statement["Condition"] = json!({"StringEquals": {"events:source": [source], "events:detail-type": kinds}});
    statement
}

fn allow(sid: &str, actions: &[&str], resources: &[String]) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources})
}

fn document(statements: impl Into<Vec<Value>>) -> Value {
    let statements: Vec<Value> = statements.into();
    json!({"Version": "2012-10-17", "Statement": statements})
}
