//! Owns what a subscription consists of: its names, its two queues, its rule with pattern and target.
//! Never a call to AWS, and never a name that the topology uses.
//! Next: `subscriptions` makes and removes these.

use std::collections::BTreeMap;

use contract::topology::resources::{SUBSCRIPTION_QUEUES as QUEUES, SUBSCRIPTION_RULES as RULES};
use contract::topology::{Place, resources};
use contract::{EventType, QueueName, Topology};
use serde_json::{Value, json};

/// Rules have names of 64 characters at most, queues of 80.
const NAME_BYTES_MAX: usize = 50;
const DEAD_LETTERS: &str = "-dlq";

const VISIBILITY_S: u32 = 60;
const RECEIVES_MAX: u32 = 10;
const DEAD_LETTER_RETENTION_S: u32 = 14 * 24 * 3600;

/// Whose subscription it is: 1 to 50 of a to z, 0 to 9 and -.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of a subscription: use a to z, 0 to 9 and - inside, 50 at most, and not -dlq at its end")]
pub struct NoName(String);

/// What somebody wants to hear of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub types: Vec<EventType>,
    /// Whole ids of goals, or how they begin; none: all.
    pub goals: Vec<String>,
    pub tenant: Option<String>,
    /// How long an event waits for its reader.
    pub retention_s: u32,
}

impl Name {
    pub fn new(text: &str) -> Result<Name, NoName> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let edges = text.starts_with('-') || text.ends_with('-') || text.ends_with(DEAD_LETTERS);
        let good = (1..=NAME_BYTES_MAX).contains(&text.len()) && text.chars().all(plain) && !edges;
        if good { Ok(Name(text.to_owned())) } else { Err(NoName(contract::bounded(text))) }
    }

    /// Of a queue that may be a subscription's; its dead letters are no second one.
    pub(super) fn of_queue(queue: &str) -> Option<Name> {
        Name::new(queue.strip_prefix(QUEUES)?).ok()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn queue(&self) -> QueueName {
        QueueName::from(format!("{QUEUES}{}", self.0))
    }

    pub fn rule(&self) -> String {
        format!("{RULES}{}", self.0)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// With which every queue of a subscription begins.
pub(super) const fn prefix() -> &'static str {
    QUEUES
}

/// A subscription's resources, dead letters first.
pub(super) struct Shape {
    pub(super) dead_letters: resources::Queue,
    pub(super) queue: resources::Queue,
    pub(super) rule: resources::Rule,
}

pub(super) fn shape(topology: &Topology, place: &Place, name: &Name, wanted: &Wanted) -> Shape {
    let (queue, dead) = (name.queue(), name.queue().dead_letters());
    let (queue_arn, dead_arn) = (place.queue_arn(&queue), place.queue_arn(&dead));
    let rule_arn = place.rule_arn(topology, &name.rule());
    let redrive = json!({"deadLetterTargetArn": dead_arn, "maxReceiveCount": RECEIVES_MAX});
    let allowed = json!({"redrivePermission": "byQueue", "sourceQueueArns": [queue_arn]});
    Shape {
        dead_letters: resources::Queue {
            name: dead,
            attributes: BTreeMap::from([
                ("MessageRetentionPeriod", DEAD_LETTER_RETENTION_S.to_string()),
                ("RedriveAllowPolicy", allowed.to_string()),
                ("Policy", from_rule(&dead_arn, &rule_arn).to_string()),
                ("SqsManagedSseEnabled", "true".into()),
            ]),
        },
        queue: resources::Queue {
            name: queue,
            attributes: BTreeMap::from([
                ("VisibilityTimeout", VISIBILITY_S.to_string()),
                ("MessageRetentionPeriod", wanted.retention_s.to_string()),
                ("ReceiveMessageWaitTimeSeconds", "20".into()),
                ("RedrivePolicy", redrive.to_string()),
                ("Policy", from_rule(&queue_arn, &rule_arn).to_string()),
                ("SqsManagedSseEnabled", "true".into()),
            ]),
        },
        rule: resources::Rule {
            name: name.rule(),
            pattern: pattern(topology, wanted),
            target: resources::Target {
                id: "subscriber".into(),
                queue_arn,
                undelivered_arn: dead_arn,
                retry_s: 24 * 3600,
                retries_max: 185,
                message_group_path: "$.detail.tenant",
            },
        },
    }
}

fn from_rule(queue_arn: &str, rule_arn: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "FromRule",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }]})
}

/// What nobody may say is not delivered, unless one of the types is one that anybody may.
fn pattern(topology: &Topology, wanted: &Wanted) -> Value {
    let mut pattern = json!({"detail-type": wanted.types});
    if !wanted.types.iter().any(|kind| topology.anybody_may_say(kind)) {
        let mut sources: Vec<_> = wanted.types.iter().flat_map(|kind| topology.sources_of(kind)).collect();
        sources.sort();
        sources.dedup();
        pattern["source"] = json!(sources);
    }
    if !wanted.goals.is_empty() {
        let each = wanted.goals.iter().map(|goal| json!({"prefix": goal}));
        pattern["detail"]["goalid"] = each.collect();
    }
    if let Some(tenant) = &wanted.tenant {
        pattern["detail"]["tenant"] = json!([tenant]);
    }
    pattern
}

/// The types that a pattern of ours lets through.
pub(super) fn types_of(pattern: &str) -> Vec<String> {
    let read: Value = serde_json::from_str(pattern).unwrap_or_default();
    let types = read["detail-type"].as_array().cloned().unwrap_or_default();
    types.iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(types: &[&'static str]) -> Wanted {
        Wanted { types: types.iter().map(|kind| EventType::new(kind)).collect(), ..Wanted::default() }
    }

    #[test]
    fn a_name_that_aws_or_another_subscription_could_choke_on_is_refused() {
        for good in ["a", "billing", "team-7", &"x".repeat(50)] {
            assert!(Name::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "Billing", "a.b", "a b", "a/b", "ü", "billing-dlq", &"x".repeat(51)] {
            assert!(Name::new(bad).is_err(), "{bad}");
        }
        assert!(Name::of_queue("murmur-sub-billing-dlq").is_none());
        assert_eq!(Name::of_queue("murmur-sub-billing"), Name::new("billing").ok());
        assert!(Name::of_queue("murmur-research").is_none());
    }

    #[test]
    fn a_pattern_lets_only_those_through_who_may_say_it() {
        let topology = Topology::murmuration();
        let ends = pattern(&topology, &wanted(&["goal.completed", "goal.failed"]));
        assert_eq!(
            ends,
            json!({"detail-type": ["goal.completed", "goal.failed"], "source": ["murmuration.choreography"]})
        );
        let requests = pattern(&topology, &wanted(&["goal.requested", "goal.failed"]));
        assert_eq!(requests, json!({"detail-type": ["goal.requested", "goal.failed"]}));
    }

    #[test]
    fn goals_are_found_by_how_their_ids_begin_and_tenants_by_their_whole_name() {
        let narrow = Wanted { goals: vec!["0af7".into()], tenant: Some("acme".into()), ..wanted(&["goal.requested"]) };
        let narrowed = pattern(&Topology::murmuration(), &narrow);
        assert_eq!(narrowed["detail"], json!({"goalid": [{"prefix": "0af7"}], "tenant": ["acme"]}));
        assert_eq!(types_of(&narrowed.to_string()), ["goal.requested"]);
    }
}
