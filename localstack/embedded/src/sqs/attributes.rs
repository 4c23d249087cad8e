//! Owns a queue's attributes: which can be set and to what, what they are by default, and what follows from them.
//! Never counts messages: the `ApproximateNumberOf...` belong to `management`.
//! Next: `redrive` reads the two policies about dead letters; `queue` works by the settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::redrive::{Redrive, RedriveAllow};
use super::refusal;
use crate::ApiError;

/// What can be asked for, beside what can be set.
const READ_ONLY: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

const FIFO_ONLY: [&str; 4] = ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];

/// Gone when set to nothing.
const REMOVABLE: [&str; 4] = ["Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"];

enum Kind {
    Number(u64, u64),
    Flag,
    OneOf(&'static [&'static str]),
    Policy,
    Redrive,
    RedriveAllow,
    Text,
}

fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "VisibilityTimeout" => Kind::Number(0, 43_200),
        "MaximumMessageSize" => Kind::Number(1024, 1_048_576),
        "MessageRetentionPeriod" => Kind::Number(60, 1_209_600),
        "DelaySeconds" => Kind::Number(0, 900),
        "ReceiveMessageWaitTimeSeconds" => Kind::Number(0, 20),
        "KmsDataKeyReusePeriodSeconds" => Kind::Number(60, 86_400),
        "SqsManagedSseEnabled" | "FifoQueue" | "ContentBasedDeduplication" => Kind::Flag,
        "DeduplicationScope" => Kind::OneOf(&["messageGroup", "queue"]),
        "FifoThroughputLimit" => Kind::OneOf(&["perQueue", "perMessageGroupId"]),
        "Policy" => Kind::Policy,
        "RedrivePolicy" => Kind::Redrive,
        "RedriveAllowPolicy" => Kind::RedriveAllow,
        "KmsMasterKeyId" => Kind::Text,
        _ => return None,
    })
}

pub(crate) fn is_readable(name: &str) -> bool {
    READ_ONLY.contains(&name) || kind(name).is_some()
}

/// What a queue goes by, read once from its attributes.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) visibility_s: u64,
    pub(crate) delay_s: u64,
    pub(crate) retention_s: u64,
    pub(crate) wait_s: u64,
    pub(crate) largest_bytes: usize,
    pub(crate) content_deduplication: bool,
    pub(crate) deduplication_per_group: bool,
    pub(crate) redrive: Option<Redrive>,
    pub(crate) redrive_allow: RedriveAllow,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub(crate) struct Attributes {
    set: BTreeMap<String, String>,
    settings: Settings,
}

impl From<BTreeMap<String, String>> for Attributes {
    fn from(set: BTreeMap<String, String>) -> Attributes {
        let number = |name: &str, default| set.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let settings = Settings {
            visibility_s: number("VisibilityTimeout", 30),
            delay_s: number("DelaySeconds", 0),
            retention_s: number("MessageRetentionPeriod", 345_600),
            wait_s: number("ReceiveMessageWaitTimeSeconds", 0),
            largest_bytes: usize::try_from(number("MaximumMessageSize", 1_048_576)).unwrap_or(1_048_576),
            content_deduplication: set.get("ContentBasedDeduplication").is_some_and(|value| value == "true"),
            deduplication_per_group: set.get("DeduplicationScope").is_some_and(|value| value == "messageGroup"),
            redrive: set.get("RedrivePolicy").and_then(|text| Redrive::read(text).ok()),
            redrive_allow: set
                .get("RedriveAllowPolicy")
                .and_then(|text| RedriveAllow::read(text).ok())
                .unwrap_or(RedriveAllow::All),
        };
        Attributes { set, settings }
    }
}

impl From<Attributes> for BTreeMap<String, String> {
    fn from(attributes: Attributes) -> BTreeMap<String, String> {
        attributes.set
    }
}

impl Attributes {
    pub(crate) fn default_for(fifo: bool) -> Attributes {
        let common = [
            ("VisibilityTimeout", "30"),
            ("MaximumMessageSize", "1048576"),
            ("MessageRetentionPeriod", "345600"),
            ("DelaySeconds", "0"),
            ("ReceiveMessageWaitTimeSeconds", "0"),
            ("SqsManagedSseEnabled", "true"),
        ];
        let ordered = [
            ("FifoQueue", "true"),
            ("ContentBasedDeduplication", "false"),
            ("DeduplicationScope", "queue"),
            ("FifoThroughputLimit", "perQueue"),
        ];
        let ordered = ordered.into_iter().filter(|_| fifo);
        let set: BTreeMap<_, _> =
            common.into_iter().chain(ordered).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        set.into()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.set.get("FifoQueue").is_some_and(|value| value == "true")
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.set.get(name).map(String::as_str)
    }

    pub(crate) fn all(&self) -> &BTreeMap<String, String> {
        &self.set
    }

    /// With some of them changed, as `check` let through.
    pub(crate) fn with(&self, changes: &BTreeMap<String, String>) -> Result<Attributes, ApiError> {
        let mut set = self.set.clone();
        for (name, value) in changes {
            if value.is_empty() && REMOVABLE.contains(&name.as_str()) {
                set.remove(name);
            } else {
                set.insert(name.clone(), value.clone());
            }
        }
        // One kind of encryption at a time: the one named last.
        if changes.get("KmsMasterKeyId").is_some_and(|key| !key.is_empty()) {
            set.insert("SqsManagedSseEnabled".into(), "false".into());
        } else if changes.get("SqsManagedSseEnabled").is_some_and(|value| value == "true") {
            set.remove("KmsMasterKeyId");
            set.remove("KmsDataKeyReusePeriodSeconds");
        }
        let is = |name: &str, value: &str| set.get(name).is_some_and(|set| set == value);
        if is("FifoThroughputLimit", "perMessageGroupId") && !is("DeduplicationScope", "messageGroup") {
            return Err(refusal::attribute_value(
                "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.",
            ));
        }
        Ok(set.into())
    }

    /// The first of those that this queue has otherwise.
    pub(crate) fn conflict<'a>(&self, sent: &'a BTreeMap<String, String>) -> Option<&'a str> {
        let same = |mine: &str, theirs: &str| {
            let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok().filter(|v| v.is_object());
            mine == theirs || json(mine).is_some_and(|mine| Some(mine) == json(theirs))
        };
        let differs = |name: &str, value: &str| !same(self.get(name).unwrap_or_default(), value);
        sent.iter().find(|(name, value)| differs(name, value)).map(|(name, _)| name.as_str())
    }
}

/// What was sent, as far as that can be judged without any queue.
pub(crate) fn check(sent: &BTreeMap<String, String>, fifo: bool) -> Result<(), ApiError> {
    for (name, value) in sent {
        let kind = kind(name).ok_or_else(|| refusal::unknown_attribute(name))?;
        if !fifo && FIFO_ONLY.contains(&name.as_str()) {
            return Err(match name.as_str() {
                "DeduplicationScope" | "FifoThroughputLimit" => {
                    refusal::attribute_name(format!("You can specify the {name} only when FifoQueue is set to true."))
                }
                _ => refusal::unknown_attribute(name),
            });
        }
        check_value(name, value, &kind)?;
    }
    let has = |name: &str, wanted: fn(&str) -> bool| sent.get(name).is_some_and(|value| wanted(value));
    if has("KmsMasterKeyId", |key| !key.is_empty()) && has("SqsManagedSseEnabled", |value| value == "true") {
        return Err(refusal::attribute_name(
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
        ));
    }
    Ok(())
}

fn check_value(name: &str, value: &str, kind: &Kind) -> Result<(), ApiError> {
    if value.is_empty() && REMOVABLE.contains(&name) {
        return Ok(());
    }
    let good = match kind {
        Kind::Number(least, most) => value.parse::<u64>().is_ok_and(|number| (*least..=*most).contains(&number)),
        Kind::Flag => matches!(value, "true" | "false"),
        Kind::OneOf(values) => values.contains(&value),
        Kind::Policy => serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(value).is_ok(),
        Kind::Redrive => return Redrive::read(value).map(drop),
        Kind::RedriveAllow => return RedriveAllow::read(value).map(drop),
        Kind::Text => true,
    };
    if good { Ok(()) } else { Err(refusal::attribute_value(format!("Invalid value for the parameter {name}."))) }
}
