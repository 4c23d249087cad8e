//! Owns buses: their making and unmaking, what they say of themselves, and their policy.
//! Never who may put events: on one's own machine everybody may, the policy is kept and shown only.
//! Next: `rule` for what a bus routes by, `routes` for how an event finds its rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::names::{self, DEFAULT_BUS, already_exists, not_found, seconds, validation};
use super::request::{Named, Page};
use super::routes::Routes;
use super::rule::Rule;
use super::tags::{Tag, Tags};
use super::{Buses, Reply, body};
use crate::ApiError;
use crate::engine::{Moment, UnixMs};
use crate::place::Place;
use crate::store::Space;

const BUSES_MAX: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Bus {
    pub(super) row: BusRow,
    pub(super) rules: BTreeMap<String, Rule>,
    pub(super) routes: Routes,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct BusRow {
    created: UnixMs,
    modified: UnixMs,
    description: Option<String>,
    policy: Option<Policy>,
    pub(super) tags: Tags,
    /// Kept and shown: key, dead letters of the bus itself, logging.
    #[serde(flatten)]
    extras: Extras,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Extras {
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_config: Option<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Policy {
    #[serde(rename = "Version")]
    version: String,
    #[serde(rename = "Statement")]
    statements: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateEventBus {
    name: String,
    event_source_name: Option<String>,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(flatten)]
    extras: Extras,
}

impl CreateEventBus {
    pub(super) fn checked(self) -> Result<CreateEventBus, ApiError> {
        if self.event_source_name.is_some() {
            return Err(ApiError::not_implemented("EventBridge CreateEventBus with an EventSourceName"));
        }
        names::name(&self.name, "name", 256)?;
        names::description(self.description.as_deref())?;
        Ok(self)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateEventBus {
    name: Option<String>,
    description: Option<String>,
    #[serde(flatten)]
    extras: Extras,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutPermission {
    event_bus_name: Option<String>,
    action: Option<String>,
    principal: Option<String>,
    statement_id: Option<String>,
    condition: Option<Condition>,
    policy: Option<String>,
    /// What `policy` says.
    #[serde(skip)]
    whole: Option<Policy>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    #[serde(rename = "Type")]
    operator: String,
    key: String,
    value: String,
}

impl PutPermission {
    pub(super) fn checked(mut self) -> Result<PutPermission, ApiError> {
        if let Some(policy) = &self.policy {
            let whole = serde_json::from_str(policy).map_err(|_| validation("Parameter Policy is not valid."))?;
            self.whole = Some(whole);
        } else if self.action.is_none() || self.principal.is_none() || self.statement_id.is_none() {
            return Err(validation("Parameter(s) Action, Principal and StatementId, or Policy, must be specified."));
        }
        Ok(self)
    }

    fn statement(&self, bus_arn: &str) -> Value {
        let principal = match self.principal.as_deref() {
            Some("*") | None => json!("*"),
            Some(account) => json!({"AWS": format!("arn:aws:iam::{account}:root")}),
        };
        let mut statement = json!({
            "Sid": self.statement_id, "Effect": "Allow", "Principal": principal,
            "Action": self.action, "Resource": bus_arn,
        });
        if let Some(Condition { operator, key, value }) = &self.condition {
            statement["Condition"] = json!({operator.as_str(): {key.as_str(): value}});
        }
        statement
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RemovePermission {
    event_bus_name: Option<String>,
    statement_id: Option<String>,
    #[serde(default)]
    remove_all_permissions: bool,
}

/// A bus as it is described and listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    arn: String,
    name: String,
    creation_time: f64,
    last_modified_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    extras: Option<Extras>,
}

impl BusRow {
    fn shown(&self, name: &str, place: &Place) -> Shown {
        Shown {
            arn: place.events_arn("event-bus", name),
            name: name.to_owned(),
            creation_time: seconds(self.created),
            last_modified_time: seconds(self.modified),
            description: self.description.clone(),
            policy: self.policy.as_ref().and_then(|policy| serde_json::to_string(policy).ok()),
            extras: None,
        }
    }
}

impl Buses {
    pub(super) fn bus(&self, name: &str) -> Result<&Bus, ApiError> {
        self.buses.get(name).ok_or_else(|| no_bus(name))
    }

    pub(super) fn bus_mut(&mut self, name: &str) -> Result<&mut Bus, ApiError> {
        self.buses.get_mut(name).ok_or_else(|| no_bus(name))
    }

    pub(super) fn create_bus(&mut self, at: &mut Moment<'_>, asked: CreateEventBus) -> Reply {
        let name = asked.name;
        if self.buses.contains_key(&name) {
            return Err(already_exists(format!("Event bus {name} already exists.")));
        }
        if self.buses.len() >= BUSES_MAX {
            return Err(names::too_many());
        }
        let row = BusRow {
            created: at.now,
            modified: at.now,
            description: asked.description.clone(),
            policy: None,
            tags: Tags::of(asked.tags)?,
            extras: asked.extras.clone(),
        };
        at.journal.put(Space::Bus, &name, &row);
        let answer = json!({"EventBusArn": at.place.events_arn("event-bus", &name), "Description": asked.description});
        self.buses.insert(name, Bus { row, ..Bus::default() });
        body(without_nulls(answer, &asked.extras))
    }

    pub(super) fn update_bus(&mut self, at: &mut Moment<'_>, asked: UpdateEventBus) -> Reply {
        let name = names::bus_here(at.place, asked.name.as_deref());
        let row = &mut self.bus_mut(name)?.row;
        row.modified = at.now;
        row.description = asked.description;
        row.extras = asked.extras;
        at.journal.put(Space::Bus, name, row);
        let answer =
            json!({"Arn": at.place.events_arn("event-bus", name), "Name": name, "Description": row.description});
        body(without_nulls(answer, &row.extras))
    }

    pub(super) fn delete_bus(&mut self, at: &mut Moment<'_>, asked: &Named) -> Reply {
        let name = names::bus_here(at.place, Some(asked.name()));
        if name == DEFAULT_BUS {
            return Err(validation("Cannot delete event bus default."));
        }
        let Some(bus) = self.buses.get(name) else { return Ok(None) };
        let archived = self.archives.values().any(|archive| archive.row.bus == name);
        if archived || !bus.rules.is_empty() {
            return Err(validation("Event bus can't be deleted since it has rules."));
        }
        self.buses.remove(name);
        at.journal.delete(Space::Bus, name);
        Ok(None)
    }

    pub(super) fn describe_bus(&self, at: &Moment<'_>, asked: &Named) -> Reply {
        let name = names::bus_here(at.place, asked.name.as_deref());
        let row = &self.bus(name)?.row;
        body(Shown { extras: Some(row.extras.clone()), ..row.shown(name, at.place) })
    }

    pub(super) fn list_buses(&self, at: &Moment<'_>, page: &Page) -> Reply {
        let all = self.buses.iter().map(|(name, bus)| (name.as_str(), bus.row.shown(name, at.place)));
        let (buses, token) = names::page(page, all)?;
        body(Listed { event_buses: buses, next_token: token })
    }

    pub(super) fn put_permission(&mut self, at: &mut Moment<'_>, asked: &PutPermission) -> Reply {
        let name = names::bus_here(at.place, asked.event_bus_name.as_deref());
        let row = &mut self.bus_mut(name)?.row;
        match &asked.whole {
            Some(whole) => row.policy = Some(whole.clone()),
            None => {
                let statement = asked.statement(&at.place.events_arn("event-bus", name));
                let policy = row.policy.get_or_insert(Policy { version: "2012-10-17".to_owned(), statements: vec![] });
                policy.statements.retain(|other| other["Sid"] != statement["Sid"]);
                policy.statements.push(statement);
            }
        }
        at.journal.put(Space::Bus, name, row);
        Ok(None)
    }

    pub(super) fn remove_permission(&mut self, at: &mut Moment<'_>, asked: &RemovePermission) -> Reply {
        let name = names::bus_here(at.place, asked.event_bus_name.as_deref());
        let row = &mut self.bus_mut(name)?.row;
        if asked.remove_all_permissions {
            row.policy = None;
        } else {
            let missing = || not_found("Statement with the provided id does not exist.");
            let id = asked.statement_id.as_deref().ok_or_else(missing)?;
            let policy = row.policy.as_mut().ok_or_else(missing)?;
            let at = policy.statements.iter().position(|statement| statement["Sid"] == id).ok_or_else(missing)?;
            policy.statements.remove(at);
            row.policy.take_if(|policy| policy.statements.is_empty());
        }
        at.journal.put(Space::Bus, name, row);
        Ok(None)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    event_buses: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn no_bus(name: &str) -> ApiError {
    not_found(format!("Event bus {name} does not exist."))
}

fn without_nulls(mut answer: Value, extras: &Extras) -> Value {
    if let (Some(answer), Ok(Value::Object(extras))) = (answer.as_object_mut(), serde_json::to_value(extras)) {
        answer.extend(extras);
        answer.retain(|_, value| !value.is_null());
    }
    answer
}
