//! Owns where a rule's events go: queues, what they are given, how often it is tried, and where the undeliverable ends.
//! Never another kind of target: those are refused by name.
//! Next: `transform` makes what a queue is given, `deliver` takes it there.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::json_path::JsonPath;
use super::names::{self, validation};
use super::request::Page;
use super::transform::Template;
use super::{Buses, Reply, body};
use crate::ApiError;
use crate::engine::Moment;

const TARGETS_MAX: usize = 5;
/// AWS's own limits for one target.
const RETRIES_MAX: u32 = 185;
const AGE_MAX_S: u64 = 86_400;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Target {
    pub(super) id: String,
    pub(super) arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input_transformer: Option<InputTransformer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqs_parameters: Option<SqsParameters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_config: Option<DeadLetterConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_policy: Option<RetryPolicy>,
    #[serde(skip)]
    template: OnceCell<Template>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InputTransformer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input_paths_map: Option<BTreeMap<String, String>>,
    pub(super) input_template: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SqsParameters {
    message_group_id: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetterConfig {
    arn: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RetryPolicy {
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_retry_attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_event_age_in_seconds: Option<u64>,
}

impl Target {
    pub(super) fn group(&self) -> Option<&str> {
        self.sqs_parameters.as_ref()?.message_group_id.as_deref()
    }

    pub(super) fn dead_letters(&self) -> Option<&str> {
        self.dead_letter_config.as_ref()?.arn.as_deref()
    }

    pub(super) fn retries_max(&self) -> u32 {
        self.retry_policy.as_ref().and_then(|policy| policy.maximum_retry_attempts).unwrap_or(RETRIES_MAX)
    }

    pub(super) fn age_max_s(&self) -> u64 {
        self.retry_policy.as_ref().and_then(|policy| policy.maximum_event_age_in_seconds).unwrap_or(AGE_MAX_S)
    }

    /// The template, read once.
    pub(super) fn template(&self) -> Option<&Template> {
        let transformer = self.input_transformer.as_ref()?;
        // It was valid when it was put.
        Some(self.template.get_or_init(|| Template::parse(transformer).unwrap_or_default()))
    }

    /// What is wrong with the request as a whole; `at` counts from one.
    fn check(&self, at: usize) -> Result<(), ApiError> {
        names::name(&self.id, &format!("targets.{at}.member.id"), 64)?;
        names::length(&self.arn, &format!("targets.{at}.member.arn"), 1, 1600)?;
        let inputs = [self.input.is_some(), self.input_path.is_some(), self.input_transformer.is_some()];
        if inputs.into_iter().filter(|given| *given).count() > 1 {
            let id = &self.id;
            return Err(validation(format!(
                "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
            )));
        }
        if self.input.as_deref().is_some_and(|input| serde_json::from_str::<&RawValue>(input).is_err()) {
            return Err(validation(format!("JSON syntax error in input for target {}", self.id)));
        }
        if let Some(path) = &self.input_path {
            JsonPath::parse(path)?;
        }
        if let Some(transformer) = &self.input_transformer {
            Template::parse(transformer)
                .map_err(|refusal| ApiError { message: refusal.message.replace("{target}", &self.id), ..refusal })?;
        }
        self.check_retries(at)?;
        self.check_dead_letters()
    }

    fn check_retries(&self, at: usize) -> Result<(), ApiError> {
        let Some(policy) = &self.retry_policy else { return Ok(()) };
        let attempts = policy.maximum_retry_attempts.unwrap_or(0);
        let age_s = policy.maximum_event_age_in_seconds.unwrap_or(AGE_MAX_S);
        let member = |name: &str| format!("targets.{at}.member.retryPolicy.{name}");
        let refuse = |value: &dyn ToString, name: &str, bound: &str| {
            Err(names::out_of_bounds(&value.to_string(), &member(name), &format!("Member must have value {bound}")))
        };
        match (attempts, age_s) {
            (RETRIES_MAX.., _) if attempts > RETRIES_MAX => {
                refuse(&attempts, "maximumRetryAttempts", "less than or equal to 185")
            }
            (_, ..60) => refuse(&age_s, "maximumEventAgeInSeconds", "greater than or equal to 60"),
            _ if age_s > AGE_MAX_S => refuse(&age_s, "maximumEventAgeInSeconds", "less than or equal to 86400"),
            _ => Ok(()),
        }
    }

    fn check_dead_letters(&self) -> Result<(), ApiError> {
        let Some(arn) = self.dead_letters() else { return Ok(()) };
        if !arn.starts_with("arn:") || !is_queue(arn) {
            return Err(validation(format!(
                "Parameter DeadLetterConfig.Arn is not valid for target {}: {arn} is no queue.",
                self.id
            )));
        }
        if arn.ends_with(".fifo") {
            return Err(validation(format!("A FIFO queue cannot take the dead letters of target {}.", self.id)));
        }
        Ok(())
    }

    /// What is wrong with this entry alone.
    fn entry_failure(&self) -> Option<FailedEntry> {
        let message = if !self.arn.starts_with("arn:") || self.arn.splitn(6, ':').count() < 6 {
            format!("Parameter {} is not valid. Reason: Provided Arn is not in correct format.", self.arn)
        } else if self.arn.ends_with(".fifo") && self.group().is_none() {
            format!("Parameter(s) SqsParameters must be specified for target: {}.", self.id)
        } else {
            return None;
        };
        Some(FailedEntry {
            target_id: self.id.clone(),
            error_code: "ValidationException".to_owned(),
            error_message: message,
        })
    }
}

fn is_queue(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("sqs")
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutTargets {
    rule: String,
    event_bus_name: Option<String>,
    targets: Vec<Target>,
}

impl PutTargets {
    pub(super) fn checked(self) -> Result<PutTargets, ApiError> {
        names::name(&self.rule, "rule", 64)?;
        if self.targets.is_empty() {
            return Err(names::out_of_bounds("[]", "targets", "Member must have length greater than or equal to 1"));
        }
        for (at, target) in self.targets.iter().enumerate() {
            target.check(at + 1)?;
            let service = target.arn.split(':').nth(2).unwrap_or_default();
            if target.entry_failure().is_none() && !is_queue(&target.arn) {
                return Err(ApiError::not_implemented(&format!("EventBridge PutTargets to {service}")));
            }
        }
        Ok(self)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RemoveTargets {
    rule: String,
    event_bus_name: Option<String>,
    ids: Vec<String>,
}

impl RemoveTargets {
    pub(super) fn checked(self) -> Result<RemoveTargets, ApiError> {
        names::name(&self.rule, "rule", 64)?;
        if self.ids.is_empty() {
            return Err(names::out_of_bounds("[]", "ids", "Member must have length greater than or equal to 1"));
        }
        Ok(self)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct FailedEntry {
    target_id: String,
    error_code: String,
    error_message: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failures {
    failed_entry_count: usize,
    failed_entries: Vec<FailedEntry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Targets {
    targets: Vec<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Buses {
    pub(super) fn put_targets(&mut self, at: &mut Moment<'_>, asked: PutTargets) -> Reply {
        let bus = names::bus_here(at.place, asked.event_bus_name.as_deref());
        let rule = self.rule_mut(bus, &asked.rule)?;
        let mut targets = rule.row.targets.clone();
        let mut failed = vec![];
        for target in asked.targets {
            if let Some(failure) = target.entry_failure() {
                failed.push(failure);
                continue;
            }
            match targets.iter_mut().find(|other| other.id == target.id) {
                Some(other) => *other = target,
                None => targets.push(target),
            }
        }
        if targets.len() > TARGETS_MAX {
            return Err(names::too_many());
        }
        targets.sort_by(|a, b| a.id.cmp(&b.id));
        rule.row.targets = targets;
        rule.store(at, bus, &asked.rule);
        body(Failures { failed_entry_count: failed.len(), failed_entries: failed })
    }

    pub(super) fn remove_targets(&mut self, at: &mut Moment<'_>, asked: &RemoveTargets) -> Reply {
        let bus = names::bus_here(at.place, asked.event_bus_name.as_deref());
        let rule = self.rule_mut(bus, &asked.rule)?;
        let mut failed = vec![];
        for id in &asked.ids {
            match rule.row.targets.iter().position(|target| target.id == *id) {
                Some(position) => drop(rule.row.targets.remove(position)),
                None => failed.push(FailedEntry {
                    target_id: id.clone(),
                    error_code: "ResourceNotFoundException".to_owned(),
                    error_message: format!("Rule '{}' does not have a target with the Id '{id}'.", asked.rule),
                }),
            }
        }
        rule.store(at, bus, &asked.rule);
        body(Failures { failed_entry_count: failed.len(), failed_entries: failed })
    }

    pub(super) fn list_targets(&self, at: &Moment<'_>, page: &Page) -> Reply {
        let bus = names::bus_here(at.place, page.event_bus_name.as_deref());
        let rule = self.rule(bus, page.rule.as_deref().unwrap_or_default())?;
        let all = rule.row.targets.iter().map(|target| (target.id.as_str(), target.clone()));
        let (targets, next_token) = names::page(page, all)?;
        body(Targets { targets, next_token })
    }
}
