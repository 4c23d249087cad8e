//! Owns the least that each daemon, a user and an operator must be allowed in AWS: one policy document each.
//! Never a wildcard but for the objects of the one bucket, and never the right to create or remove a resource; only an
//! operator's subscriptions, which come and go, are named by how they begin, and listed, which SQS allows for all or none.
//! Next: `resources`, the other half of provisioning.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::resources::{DUE_INDEX, LISTED_INDEX, SUBSCRIPTION_QUEUES, SUBSCRIPTION_RULES, undelivered};
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

/// What somebody may do who mends: redrive, edit and discard dead letters, fork, cancel, replay and explain goals,
/// follow events, and make and remove subscriptions. Never a daemon's work: no queue of a row is received from, and no
/// event is published.
pub fn policy_of_operator(topology: &Topology, place: &Place) -> Value {
    let queues: Vec<_> = topology.rows.iter().map(|row| place.queue_arn(&row.queue)).collect();
    let mut dead_letters: Vec<_> = topology.rows.iter().map(|row| place.queue_arn(&row.queue.dead_letters())).collect();
    dead_letters.push(place.queue_arn(&undelivered(topology)));
    let subscriptions = [place.queue_arn(&QueueName::from(format!("{SUBSCRIPTION_QUEUES}*")))];
    let rules = [place.rule_arn(topology, &format!("{SUBSCRIPTION_RULES}*"))];
    let table = [place.table_arn()];
    let mut all = vec![
        allow("LookAround", &["events:DescribeEventBus"], &[place.bus_arn(topology)]),
        // Goals and their cancels, what is redriven, and the inputs of a fork's steps.
        allow("SendAgain", &["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"], &queues),
        allow(
            "HoldDeadLetters",
            &[
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
            ],
            &dead_letters,
        ),
        allow(
            "ReadLedger",
            &["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
            &[place.table_arn(), format!("{}/index/{LISTED_INDEX}", place.table_arn())],
        ),
        // A fork is a goal of its own: the one that is forked is only read.
        allow("WriteForks", &["dynamodb:PutItem", "dynamodb:UpdateItem"], &table),
        allow("FindSubscriptions", &["sqs:ListQueues"], &["*".to_owned()]),
        allow(
            "KeepSubscriptions",
            &[
                "sqs:ChangeMessageVisibility",
                "sqs:CreateQueue",
                "sqs:DeleteMessage",
                "sqs:DeleteQueue",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ListQueueTags",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
                "sqs:SetQueueAttributes",
                "sqs:TagQueue",
            ],
            &subscriptions,
        ),
        allow(
            "KeepSubscriptionRules",
            &[
                "events:DeleteRule",
                "events:DescribeRule",
                "events:ListTargetsByRule",
                "events:PutRule",
                "events:PutTargets",
                "events:RemoveTargets",
            ],
            &rules,
        ),
    ];
    if !place.bucket.is_empty() {
        all.push(allow("KeepArtifacts", &["s3:GetObject", "s3:PutObject"], &[place.objects_arn()]));
    }
    document(all)
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
