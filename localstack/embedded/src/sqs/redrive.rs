//! Owns the two policies about dead letters: where a queue's go and after how many receives, and who may send here.
//! Never moves a message: `receiving` does.
//! Next: `attributes` keeps them; `management` checks one queue's against the other's.

use serde_json::{Map, Value};

use super::refusal;
use crate::ApiError;

/// A source's `RedrivePolicy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub(crate) target_arn: String,
    pub(crate) most_receives: u32,
}

/// A dead-letter queue's `RedriveAllowPolicy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RedriveAllow {
    All,
    Nobody,
    /// ARNs of sources.
    Only(Vec<String>),
}

fn object(text: &str, parameter: &str) -> Result<Map<String, Value>, ApiError> {
    serde_json::from_str(text)
        .map_err(|_| refusal::invalid_value(text, parameter, "Redrive policy is not a valid JSON map."))
}

impl Redrive {
    pub(crate) fn read(text: &str) -> Result<Redrive, ApiError> {
        let bad = |reason: &str| refusal::invalid_value(text, "RedrivePolicy", reason);
        let policy = object(text, "RedrivePolicy")?;
        if let Some(other) =
            policy.keys().find(|key| !matches!(key.as_str(), "deadLetterTargetArn" | "maxReceiveCount"))
        {
            return Err(bad(&format!("Unexpected key {other}.")));
        }
        let arn = policy
            .get("deadLetterTargetArn")
            .ok_or_else(|| bad("Redrive policy does not contain mandatory attribute: deadLetterTargetArn."))?;
        let count = policy
            .get("maxReceiveCount")
            .ok_or_else(|| bad("Redrive policy does not contain mandatory attribute: maxReceiveCount."))?;
        let arn = arn.as_str().filter(|arn| arn.starts_with("arn:") && arn.split(':').count() == 6);
        let arn = arn.ok_or_else(|| bad("Invalid value for deadLetterTargetArn."))?;
        let count = count.as_u64().or_else(|| count.as_str().and_then(|text| text.parse().ok()));
        let count = count.filter(|count| (1..=1000).contains(count)).and_then(|count| u32::try_from(count).ok());
        let most_receives =
            count.ok_or_else(|| bad("Invalid value for maxReceiveCount: it must be a number between 1 and 1000."))?;
        Ok(Redrive { target_arn: arn.to_owned(), most_receives })
    }
}

impl RedriveAllow {
    pub(crate) fn read(text: &str) -> Result<RedriveAllow, ApiError> {
        let bad = |reason: &str| refusal::invalid_value(text, "RedriveAllowPolicy", reason);
        let policy = object(text, "RedriveAllowPolicy")?;
        let sources = match policy.get("sourceQueueArns") {
            None => None,
            Some(Value::Array(list)) => {
                let arns: Option<Vec<String>> = list.iter().map(|arn| arn.as_str().map(str::to_owned)).collect();
                Some(arns.ok_or_else(|| bad("sourceQueueArns must be a list of ARNs."))?)
            }
            Some(_) => return Err(bad("sourceQueueArns must be a list of ARNs.")),
        };
        match (policy.get("redrivePermission").and_then(Value::as_str), sources) {
            (Some("allowAll"), None) => Ok(RedriveAllow::All),
            (Some("denyAll"), None) => Ok(RedriveAllow::Nobody),
            (Some("byQueue"), Some(arns)) if (1..=10).contains(&arns.len()) => Ok(RedriveAllow::Only(arns)),
            (Some("byQueue"), _) => Err(bad("byQueue needs one to ten sourceQueueArns.")),
            (Some("allowAll" | "denyAll"), Some(_)) => Err(bad("sourceQueueArns are only allowed with byQueue.")),
            _ => Err(bad("redrivePermission must be allowAll, denyAll or byQueue.")),
        }
    }

    pub(crate) fn allows(&self, source_arn: &str) -> bool {
        match self {
            RedriveAllow::All => true,
            RedriveAllow::Nobody => false,
            RedriveAllow::Only(arns) => arns.iter().any(|arn| arn == source_arn),
        }
    }
}
