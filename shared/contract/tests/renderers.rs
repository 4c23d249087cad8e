//! Owns what is made of the table for AWS and for readers: policies, resources, the diagram.
//! Never compares whole documents: each test names the promise that it holds.
//! Next: `schemas.rs`, for what is committed as files.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use contract::topology::resources::{Resources, resources};
use contract::topology::{Place, iam, mermaid};
use contract::{DaemonName, EventType, QueueName, Source, Topology};
use serde_json::Value;

fn place() -> Place {
    Place {
        partition: "aws".into(),
        region: "eu-west-1".into(),
        account: "123456789012".into(),
        table: "murmuration".into(),
        bucket: "murmuration-artifacts".into(),
    }
}

fn policy(daemon: &'static str) -> Value {
    iam::policy_of(&Topology::murmuration(), &DaemonName::new(daemon), &place())
}

fn statement<'a>(policy: &'a Value, sid: &str) -> &'a Value {
    policy["Statement"].as_array().unwrap().iter().find(|one| one["Sid"] == sid).unwrap()
}

fn all() -> Resources {
    resources(&Topology::murmuration(), &place())
}

/// As IAM reads a `PutEvents` statement: both keys must match.
fn policy_allows(policy: &Value, source: &Source, kind: &EventType) -> bool {
    policy["Statement"].as_array().unwrap().iter().any(|one| {
        let equals = &one["Condition"]["StringEquals"];
        let has = |key: &str, value: &str| equals[key].as_array().is_some_and(|all| all.iter().any(|one| one == value));
        one["Action"][0] == "events:PutEvents"
            && has("events:source", source.as_str())
            && has("events:detail-type", kind.as_str())
    })
}

#[test]
fn a_daemon_may_publish_exactly_what_its_consumers_accept_from_it() {
    let topology = Topology::murmuration();
    for daemon in topology.daemons() {
        let policy = iam::policy_of(&topology, &daemon, &place());
        for source in [Source::of_daemon(&daemon), Source::CHOREOGRAPHY, Source::USER, Source::new("murmuration.other")]
        {
            for spec in &topology.events {
                let own = source != Source::USER && !topology.anybody_may_say(&spec.kind);
                let expected = own && topology.may_publish(&source, &spec.kind);
                assert_eq!(policy_allows(&policy, &source, &spec.kind), expected, "{daemon}: {source} {}", spec.kind);
            }
        }
    }
}

#[test]
fn every_daemon_may_say_that_a_step_of_its_own_failed_and_how_a_goal_ended() {
    for daemon in Topology::murmuration().daemons() {
        let policy = iam::policy_of(&Topology::murmuration(), &daemon, &place());
        assert!(policy_allows(&policy, &Source::of_daemon(&daemon), &EventType::new("step.failed")));
        for kind in ["goal.completed", "goal.failed", "goal.cancelled", "research.completed"] {
            assert!(policy_allows(&policy, &Source::CHOREOGRAPHY, &EventType::new(kind)), "{daemon} {kind}");
        }
    }
}

#[test]
fn a_daemon_receives_from_its_own_queues_only() {
    let research = policy("research");
    let arns = &statement(&research, "ReceiveWork")["Resource"];
    let queue = |name: &str| format!("arn:aws:sqs:eu-west-1:123456789012:{name}");
    assert_eq!(*arns, serde_json::json!([queue("murmur-research"), queue("murmur-research-tasks")]));
    assert_eq!(
        statement(&policy("writer"), "SendDeadLetters")["Resource"],
        serde_json::json!([queue("murmur-writer-dlq")])
    );
}

#[test]
fn no_policy_has_a_wildcard_but_the_objects_of_its_bucket() {
    let mut policies: Vec<_> = ["research", "analysis", "writer", "recommendation"].map(policy).into();
    policies.push(iam::policy_of_user(&Topology::murmuration(), &place()));
    for policy in policies {
        let text = policy.to_string().replace("arn:aws:s3:::murmuration-artifacts/*", "");
        assert!(!text.contains('*'), "{text}");
        for forbidden in ["DeleteItem", "Scan", "DeleteObject", "PurgeQueue", "Create"] {
            assert!(!text.contains(forbidden), "{forbidden} in {text}");
        }
    }
}

#[test]
fn a_user_may_send_goals_and_cancel_them_and_nothing_else() {
    let policy = iam::policy_of_user(&Topology::murmuration(), &place());
    let allowed: Vec<_> = Topology::murmuration()
        .events
        .iter()
        .filter(|spec| policy_allows(&policy, &Source::USER, &spec.kind))
        .map(|spec| spec.kind.to_string())
        .collect();
    assert_eq!(allowed, ["goal.requested", "goal.cancel.requested"]);
    assert_eq!(
        statement(&policy, "SendGoals")["Resource"],
        serde_json::json!(["arn:aws:sqs:eu-west-1:123456789012:murmur-research"])
    );
}

#[test]
fn an_operator_may_mend_and_never_do_an_agents_work() {
    let topology = Topology::murmuration();
    let policy = iam::policy_of_operator(&topology, &place());
    let arns = |sid: &str| statement(&policy, sid)["Resource"].clone();
    let actions = |sid: &str| statement(&policy, sid)["Action"].to_string();
    let all_of = |name: &dyn Fn(&contract::topology::Row) -> QueueName| -> Vec<String> {
        topology.rows.iter().map(|row| place().queue_arn(&name(row))).collect()
    };
    let queues = all_of(&|row| row.queue.clone());
    assert_eq!(arns("SendAgain"), serde_json::json!(queues));
    assert!(!actions("SendAgain").contains("ReceiveMessage"));
    let mut dead = all_of(&|row| row.queue.dead_letters());
    dead.push(place().queue_arn(&QueueName::new("murmuration-undelivered")));
    assert_eq!(arns("HoldDeadLetters"), serde_json::json!(dead));
    for action in ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"] {
        assert!(actions("HoldDeadLetters").contains(action), "{action}");
    }
    assert!(!actions("HoldDeadLetters").contains("SendMessage"), "nobody makes a dead letter by hand");
    // A fork writes, and a listing reads the index.
    assert!(actions("WriteForks").contains("PutItem") && actions("WriteForks").contains("UpdateItem"));
    assert!(arns("ReadLedger").to_string().contains("/index/listed"));
    assert!(statement(&policy, "KeepArtifacts")["Action"].to_string().contains("PutObject"));
    let subscriptions = "arn:aws:sqs:eu-west-1:123456789012:murmur-sub-*";
    assert_eq!(arns("KeepSubscriptions"), serde_json::json!([subscriptions]));
    let rules = "arn:aws:events:eu-west-1:123456789012:rule/murmuration/sub.*";
    assert_eq!(arns("KeepSubscriptionRules"), serde_json::json!([rules]));
    for statement in policy["Statement"].as_array().unwrap() {
        let (actions, on) = (statement["Action"].to_string(), statement["Resource"].to_string());
        assert!(!actions.contains('*') && !actions.contains("PutEvents"), "{statement}");
        let makes = ["Create", "DeleteQueue", "DeleteRule", "PutRule"].iter().any(|verb| actions.contains(verb));
        assert!(!makes || on.contains("murmur-sub-*") || on.contains("sub.*"), "{statement}");
        assert!(on != "[\"*\"]" || actions == "[\"sqs:ListQueues\"]", "{statement}");
    }
}

#[test]
fn every_queue_has_a_dead_letter_queue_that_is_made_and_lets_it_in() {
    let all = all();
    for queue in &all.queues {
        let redrive: Value = serde_json::from_str(&queue.attributes["RedrivePolicy"]).unwrap();
        let dead_letters = all.dead_letter_queues.iter().find(|dlq| dlq.name == queue.name.dead_letters()).unwrap();
        assert_eq!(redrive["deadLetterTargetArn"], place().queue_arn(&dead_letters.name));
        assert_eq!(redrive["maxReceiveCount"], 100);
        let allowed: Value = serde_json::from_str(&dead_letters.attributes["RedriveAllowPolicy"]).unwrap();
        assert_eq!(allowed["sourceQueueArns"], serde_json::json!([place().queue_arn(&queue.name)]));
    }
    assert_eq!(all.queues.len() + 1, all.dead_letter_queues.len(), "one each, and the rules' own");
}

#[test]
fn every_consumed_type_has_one_rule_to_its_queue_with_a_dead_letter_queue() {
    let topology = Topology::murmuration();
    let all = all();
    for row in &topology.rows {
        for kind in &row.consumes {
            let carries = |rule: &&contract::topology::resources::Rule| {
                rule.pattern["detail-type"] == serde_json::json!([kind])
                    && rule.target.queue_arn == place().queue_arn(&row.queue)
            };
            assert_eq!(all.rules.iter().filter(carries).count(), 1, "{} {kind}", row.name);
        }
    }
    let undelivered = place().queue_arn(&QueueName::new("murmuration-undelivered"));
    assert!(all.rules.iter().all(|rule| rule.target.undelivered_arn == undelivered));
    assert!(all.dead_letter_queues.iter().any(|queue| place().queue_arn(&queue.name) == undelivered));
    let names: BTreeSet<_> = all.rules.iter().map(|rule| &rule.name).collect();
    assert_eq!(names.len(), all.rules.len());
}

#[test]
fn a_rule_carries_a_type_only_from_those_who_may_say_it() {
    let pattern = |kind: &str| all().rules.into_iter().find(|rule| rule.name.ends_with(kind)).unwrap().pattern;
    assert_eq!(pattern("research.completed")["source"], serde_json::json!(["murmuration.choreography"]));
    assert_eq!(pattern("analysis.completed")["source"], serde_json::json!(["murmuration.analysis"]));
    assert_eq!(pattern("goal.cancel.requested")["source"], serde_json::json!(["murmuration.user"]));
    assert_eq!(pattern("goal.requested").get("source"), None, "any application may send a goal");
}

#[test]
fn a_queue_lets_in_its_own_rules_only_and_the_undelivered_queue_all_rules() {
    let all = all();
    let sources = |queue: &contract::topology::resources::Queue| {
        let policy: Value = serde_json::from_str(&queue.attributes["Policy"]).unwrap();
        assert_eq!(policy["Statement"][0]["Principal"], serde_json::json!({"Service": "events.amazonaws.com"}));
        policy["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"].clone()
    };
    let writer = all.queues.iter().find(|queue| queue.name.as_str() == "murmur-writer").unwrap();
    let rule = "arn:aws:events:eu-west-1:123456789012:rule/murmuration/writer.analysis.completed";
    assert_eq!(sources(writer), serde_json::json!([rule]));
    let undelivered = all.dead_letter_queues.last().unwrap();
    assert_eq!(sources(undelivered).as_array().unwrap().len(), all.rules.len());
}

#[test]
fn a_user_may_read_the_ledger_and_its_listing_and_write_nothing() {
    let table = all().table;
    assert_eq!((table.indexes[1].name, table.indexes[1].sort_key.name), ("listed", "listed_at"));
    let policy = iam::policy_of_user(&Topology::murmuration(), &place());
    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/murmuration";
    let read = statement(&policy, "ReadLedger");
    assert_eq!(read["Resource"], serde_json::json!([arn, format!("{arn}/index/listed")]));
    assert!(!policy.to_string().contains("PutItem") && !policy.to_string().contains("UpdateItem"), "{policy}");
}

#[test]
fn the_table_has_its_due_index_and_its_expiry() {
    let table = all().table;
    assert_eq!((table.indexes[0].name, table.ttl_attribute), ("due", "ttl"));
    let policy = policy("writer");
    let index = &statement(&policy, "SweepLedger")["Resource"][0];
    assert_eq!(*index, "arn:aws:dynamodb:eu-west-1:123456789012:table/murmuration/index/due");
}

#[test]
fn the_diagram_has_an_arrow_for_every_consumed_type_and_renews_only_its_block() {
    let topology = Topology::murmuration();
    let chart = mermaid::flowchart(&topology);
    for row in &topology.rows {
        for kind in &row.consumes {
            let end = format!("-->|{kind}| row_{}\n", row.name.as_str().replace('-', "_"));
            assert!(chart.contains(&end), "{end} is not in {chart}");
        }
    }
    let page = format!("before\n{}\nold\n{}\nafter\n", mermaid::BEGIN, mermaid::END);
    let renewed = mermaid::renewed(&page, &topology).unwrap();
    assert_eq!(renewed, format!("before\n{}\nafter\n", mermaid::block(&topology)));
    assert_eq!(mermaid::renewed("no markers", &topology), None);
}
