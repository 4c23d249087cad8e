//! Owns what EventBridge's clients ask: one type for each operation, read from JSON and checked as far as that needs no state.
//! Never a bus: what exists is looked up later, on the engine's thread.
//! Next: `names` checks names and lengths; `Buses::perform` carries a request out.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::archive::{CreateArchive, UpdateArchive};
use super::bus::{CreateEventBus, PutPermission, RemovePermission, UpdateEventBus};
use super::names::{self, validation};
use super::put::PutEvents;
use super::replay::StartReplay;
use super::rule::PutRule;
use super::tags::{TagResource, UntagResource};
use super::target::{PutTargets, RemoveTargets};
use super::test_pattern::TestEventPattern;
use crate::ApiError;

/// One request, read and checked as far as that needs no state.
#[derive(Debug)]
pub(crate) enum Request {
    PutEvents(PutEvents),
    CreateEventBus(CreateEventBus),
    UpdateEventBus(UpdateEventBus),
    DeleteEventBus(Named),
    DescribeEventBus(Named),
    ListEventBuses(Page),
    PutPermission(PutPermission),
    RemovePermission(RemovePermission),
    PutRule(PutRule),
    DeleteRule(RuleNamed),
    DescribeRule(RuleNamed),
    EnableRule(RuleNamed),
    DisableRule(RuleNamed),
    ListRules(Page),
    ListRuleNamesByTarget(Page),
    PutTargets(PutTargets),
    RemoveTargets(RemoveTargets),
    ListTargetsByRule(Page),
    TestEventPattern(TestEventPattern),
    CreateArchive(CreateArchive),
    UpdateArchive(UpdateArchive),
    DeleteArchive(Named),
    DescribeArchive(Named),
    ListArchives(Page),
    StartReplay(StartReplay),
    CancelReplay(Named),
    DescribeReplay(Named),
    ListReplays(Page),
    TagResource(TagResource),
    UntagResource(UntagResource),
    ListTagsForResource(Named),
}

/// Something by its name; which kind, the operation says.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    #[serde(alias = "Name", alias = "ArchiveName", alias = "ReplayName", alias = "ResourceARN")]
    pub(crate) name: Option<String>,
}

impl Named {
    /// Empty is checked for when the request is read.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RuleNamed {
    pub(super) name: String,
    pub(super) event_bus_name: Option<String>,
}

/// What every listing may be asked.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Page {
    pub(super) event_bus_name: Option<String>,
    pub(super) name_prefix: Option<String>,
    pub(super) event_source_arn: Option<String>,
    pub(super) state: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) target_arn: Option<String>,
    pub(super) limit: Option<u32>,
    pub(super) next_token: Option<String>,
}

impl Request {
    /// The bus that is meant, for faults and the operation log.
    pub(crate) fn bus(&self) -> Option<&str> {
        let given = match self {
            Request::PutEvents(events) => events.bus(),
            Request::DeleteRule(rule) | Request::EnableRule(rule) | Request::DisableRule(rule) => {
                rule.event_bus_name.as_deref()
            }
            Request::ListRules(page) | Request::ListTargetsByRule(page) => page.event_bus_name.as_deref(),
            _ => return None,
        };
        Some(names::bus_name(given))
    }

    /// `operation` as in `AWSEvents.PutEvents`.
    pub(crate) fn parse(operation: &str, body: &[u8]) -> Result<Request, ApiError> {
        Ok(match operation {
            "PutEvents" => Request::PutEvents(PutEvents::checked(read(body)?)?),
            "CreateEventBus" => Request::CreateEventBus(read::<CreateEventBus>(body)?.checked()?),
            "UpdateEventBus" => Request::UpdateEventBus(read(body)?),
            "DeleteEventBus" => Request::DeleteEventBus(named(body, "name")?),
            // Without a name it is the default bus that is meant.
            "DescribeEventBus" => Request::DescribeEventBus(read(body)?),
            "ListEventBuses" => Request::ListEventBuses(page(body)?),
            "PutPermission" => Request::PutPermission(read::<PutPermission>(body)?.checked()?),
            "RemovePermission" => Request::RemovePermission(read(body)?),
            "PutRule" => Request::PutRule(read::<PutRule>(body)?.checked()?),
            "DeleteRule" => Request::DeleteRule(rule_named(body)?),
            "DescribeRule" => Request::DescribeRule(rule_named(body)?),
            "EnableRule" => Request::EnableRule(rule_named(body)?),
            "DisableRule" => Request::DisableRule(rule_named(body)?),
            "ListRules" => Request::ListRules(page(body)?),
            "ListRuleNamesByTarget" => {
                let page = page(body)?;
                required(page.target_arn.as_deref(), "targetArn")?;
                Request::ListRuleNamesByTarget(page)
            }
            "PutTargets" => Request::PutTargets(PutTargets::checked(read(body)?)?),
            "RemoveTargets" => Request::RemoveTargets(read::<RemoveTargets>(body)?.checked()?),
            "ListTargetsByRule" => {
                let page = page(body)?;
                required(page.rule.as_deref(), "rule")?;
                Request::ListTargetsByRule(page)
            }
            _ => return Request::parse_other(operation, body),
        })
    }

    fn parse_other(operation: &str, body: &[u8]) -> Result<Request, ApiError> {
        Ok(match operation {
            "TestEventPattern" => Request::TestEventPattern(read::<TestEventPattern>(body)?.checked()?),
            "CreateArchive" => Request::CreateArchive(read::<CreateArchive>(body)?.checked()?),
            "UpdateArchive" => Request::UpdateArchive(read::<UpdateArchive>(body)?.checked()?),
            "DeleteArchive" => Request::DeleteArchive(named(body, "archiveName")?),
            "DescribeArchive" => Request::DescribeArchive(named(body, "archiveName")?),
            "ListArchives" => Request::ListArchives(page(body)?),
            "StartReplay" => Request::StartReplay(read::<StartReplay>(body)?.checked()?),
            "CancelReplay" => Request::CancelReplay(named(body, "replayName")?),
            "DescribeReplay" => Request::DescribeReplay(named(body, "replayName")?),
            "ListReplays" => Request::ListReplays(page(body)?),
            "TagResource" => Request::TagResource(read::<TagResource>(body)?.checked()?),
            "UntagResource" => Request::UntagResource(read(body)?),
            "ListTagsForResource" => Request::ListTagsForResource(named(body, "resourceARN")?),
            _ => return Err(ApiError::not_implemented(&format!("EventBridge {operation}"))),
        })
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|why| ApiError::refused("SerializationException", format!("The request cannot be read: {why}")))
}

fn required(value: Option<&str>, member: &str) -> Result<(), ApiError> {
    match value {
        Some(value) if !value.is_empty() => Ok(()),
        _ => Err(validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))),
    }
}

fn named(body: &[u8], member: &str) -> Result<Named, ApiError> {
    let named: Named = read(body)?;
    required(named.name.as_deref(), member)?;
    Ok(named)
}

fn rule_named(body: &[u8]) -> Result<RuleNamed, ApiError> {
    let rule: RuleNamed = read(body)?;
    names::name(&rule.name, "name", 64)?;
    Ok(rule)
}

fn page(body: &[u8]) -> Result<Page, ApiError> {
    let page: Page = read(body)?;
    match page.limit {
        Some(0) => Err(names::out_of_bounds("0", "limit", "Member must have value greater than or equal to 1")),
        Some(limit) if limit > 100 => {
            Err(names::out_of_bounds(&limit.to_string(), "limit", "Member must have value less than or equal to 100"))
        }
        _ => Ok(page),
    }
}
