//! Owns tags of buses and rules.
//! Never of anything else: archives and replays have none.
//! Next: `Buses` finds the resource by its ARN.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::{self, not_found, validation};
use super::request::Named;
use super::{Buses, Reply, body};
use crate::ApiError;
use crate::engine::Moment;
use crate::place::Place;
use crate::store::Space;

const TAGS_MAX: usize = 50;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    key: String,
    value: String,
}

/// By their keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tags(BTreeMap<String, String>);

impl Tags {
    pub(super) fn of(tags: Vec<Tag>) -> Result<Tags, ApiError> {
        let mut all = Tags::default();
        all.add(tags)?;
        Ok(all)
    }

    fn add(&mut self, tags: Vec<Tag>) -> Result<(), ApiError> {
        for Tag { key, value } in tags {
            names::length(&key, "tags.member.key", 1, 128)?;
            names::length(&value, "tags.member.value", 0, 256)?;
            self.0.insert(key, value);
        }
        if self.0.len() > TAGS_MAX { Err(names::too_many()) } else { Ok(()) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagResource {
    #[serde(rename = "ResourceARN")]
    resource: String,
    tags: Vec<Tag>,
}

impl TagResource {
    pub(super) fn checked(self) -> Result<TagResource, ApiError> {
        Tags::of(self.tags.clone())?;
        Ok(self)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UntagResource {
    #[serde(rename = "ResourceARN")]
    resource: String,
    tag_keys: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    tags: Vec<Tag>,
}

impl Buses {
    pub(super) fn tag(&mut self, at: &mut Moment<'_>, asked: TagResource) -> Reply {
        let mut changed = self.tags(at.place, &asked.resource)?.clone();
        changed.add(asked.tags)?;
        self.set_tags(at, &asked.resource, changed)
    }

    pub(super) fn untag(&mut self, at: &mut Moment<'_>, asked: &UntagResource) -> Reply {
        let mut changed = self.tags(at.place, &asked.resource)?.clone();
        changed.0.retain(|key, _| !asked.tag_keys.contains(key));
        self.set_tags(at, &asked.resource, changed)
    }

    pub(super) fn list_tags(&mut self, at: &Moment<'_>, asked: &Named) -> Reply {
        let tags = self.tags(at.place, asked.name())?.0.iter();
        body(Listed { tags: tags.map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect() })
    }

    fn tags(&mut self, place: &Place, resource: &str) -> Result<&mut Tags, ApiError> {
        match Resource::of(place, resource)? {
            Resource::Bus(name) => Ok(&mut self.bus_mut(name)?.row.tags),
            Resource::Rule { bus, rule } => Ok(&mut self.rule_mut(bus, rule)?.row.tags),
        }
    }

    fn set_tags(&mut self, at: &mut Moment<'_>, resource: &str, tags: Tags) -> Reply {
        *self.tags(at.place, resource)? = tags;
        match Resource::of(at.place, resource)? {
            Resource::Bus(name) => at.journal.put(Space::Bus, name, &self.bus(name)?.row),
            Resource::Rule { bus, rule } => self.rule_mut(bus, rule)?.store(at, bus, rule),
        }
        Ok(None)
    }
}

/// What an ARN of this service points at.
enum Resource<'a> {
    Bus(&'a str),
    Rule { bus: &'a str, rule: &'a str },
}

impl Resource<'_> {
    fn of<'a>(place: &Place, arn: &'a str) -> Result<Resource<'a>, ApiError> {
        let resource = arn.strip_prefix("arn:aws:events:").and_then(|rest| rest.splitn(3, ':').nth(2));
        let Some((kind, name)) = resource.and_then(|resource| resource.split_once('/')) else {
            return Err(validation(format!(
                "Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."
            )));
        };
        if !names::is_here(place, arn) {
            return Err(not_found(format!("Resource {arn} does not exist.")));
        }
        match kind {
            "event-bus" => Ok(Resource::Bus(name)),
            "rule" => Ok(match name.split_once('/') {
                Some((bus, rule)) => Resource::Rule { bus, rule },
                None => Resource::Rule { bus: names::DEFAULT_BUS, rule: name },
            }),
            _ => Err(not_found(format!("Resource {arn} does not exist or cannot be tagged."))),
        }
    }
}
