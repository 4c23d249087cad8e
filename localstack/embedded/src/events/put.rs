//! Owns PutEvents: each entry on its own is accepted or refused, and what is accepted goes to the rules of its bus.
//! Never reads a detail into a tree: it is checked to be an object, and passed on byte for byte.
//! Next: `routes` says where an event goes, `deliver` brings it there, `archive` keeps it.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::deliver::{Delivery, Failure, Sink};
use super::event::Event;
use super::names::{self, Instant, rfc3339, validation};
use super::routes::Destination;
use super::rule::rule_arn;
use super::transform::{Sender, shape};
use super::{Buses, Reply, body};
use crate::ApiError;
use crate::engine::{Incoming, Moment, Quirks};

const ENTRIES_MAX: usize = 10;
const TOTAL_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Asked {
    #[serde(default)]
    entries: Vec<Entry>,
    endpoint_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    time: Option<Instant>,
    resources: Option<Vec<String>>,
    event_bus_name: Option<String>,
    trace_header: Option<String>,
}

/// Entries that are well formed, or why not.
#[derive(Debug)]
pub(crate) struct PutEvents {
    entries: Vec<Result<Entry, Outcome>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    failed_entry_count: usize,
    entries: Vec<Outcome>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Outcome {
    #[serde(rename_all = "PascalCase")]
    Accepted { event_id: String },
    #[serde(rename_all = "PascalCase")]
    Refused { error_code: String, error_message: String },
}

impl Outcome {
    fn refused(code: &str, message: impl Into<String>) -> Outcome {
        Outcome::Refused { error_code: code.to_owned(), error_message: message.into() }
    }
}

impl PutEvents {
    /// That of the first entry: nearly always all are for one.
    pub(super) fn bus(&self) -> Option<&str> {
        self.entries.iter().flatten().find_map(|entry| entry.event_bus_name.as_deref())
    }

    pub(super) fn checked(asked: Asked) -> Result<PutEvents, ApiError> {
        if asked.endpoint_id.is_some() {
            return Err(ApiError::not_implemented("EventBridge PutEvents with an EndpointId"));
        }
        let count = asked.entries.len();
        if count == 0 {
            return Err(names::out_of_bounds("[]", "entries", "Member must have length greater than or equal to 1"));
        }
        if count > ENTRIES_MAX {
            let value = format!("[{count} entries]");
            return Err(names::out_of_bounds(&value, "entries", "Member must have length less than or equal to 10"));
        }
        if asked.entries.iter().map(Entry::bytes).sum::<usize>() > TOTAL_BYTES_MAX {
            return Err(validation("Total size of the entries in the request is over the limit."));
        }
        Ok(PutEvents { entries: asked.entries.into_iter().map(Entry::checked).collect() })
    }
}

impl Entry {
    /// As AWS counts.
    fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let resources = self.resources.iter().flatten().map(String::len).sum::<usize>();
        let time = if self.time.is_some() { 14 } else { 0 };
        time + text(&self.source) + text(&self.detail_type) + text(&self.detail) + resources
    }

    fn checked(self) -> Result<Entry, Outcome> {
        for (member, value) in [("Source", &self.source), ("DetailType", &self.detail_type), ("Detail", &self.detail)] {
            if value.as_deref().is_none_or(str::is_empty) {
                let message = format!("Parameter {member} is not valid. Reason: {member} is a required argument.");
                return Err(Outcome::refused("InvalidArgument", message));
            }
        }
        if self.source.as_deref().is_some_and(|source| source.starts_with("aws.")) {
            return Err(Outcome::refused("NotAuthorizedForSource", "Not authorized for the source."));
        }
        if !self.detail.as_deref().is_some_and(is_object) {
            return Err(Outcome::refused("MalformedDetail", "Detail is malformed."));
        }
        Ok(self)
    }

    fn into_event(self, at: &mut Moment<'_>) -> Event {
        Event {
            id: at.uuid().to_string(),
            detail_type: self.detail_type.unwrap_or_default(),
            source: self.source.unwrap_or_default(),
            time: rfc3339(self.time.map_or(at.now, |Instant(time)| time)),
            resources: self.resources.unwrap_or_default(),
            detail: self.detail.unwrap_or_default(),
            trace_header: self.trace_header,
            ingested: at.now,
            replay: None,
        }
    }
}

fn is_object(detail: &str) -> bool {
    if !detail.trim_start().starts_with('{') {
        return false;
    }
    // Ignoring a value does not look into its escapes: half a surrogate pair would come out as no JSON that others read.
    match detail.contains("\\u") {
        false => serde_json::from_str::<IgnoredAny>(detail).is_ok(),
        true => serde_json::from_str::<serde_json::Value>(detail).is_ok(),
    }
}

impl Buses {
    pub(super) fn put_events(
        &mut self,
        at: &mut Moment<'_>,
        queues: &mut impl Sink,
        asked: PutEvents,
        quirks: &Quirks,
    ) -> Reply {
        let carried_out = match &quirks.fail_entries {
            Some((last, _)) => asked.entries.len().saturating_sub(*last),
            None => asked.entries.len(),
        };
        let mut outcomes = Vec::with_capacity(asked.entries.len());
        for (number, entry) in asked.entries.into_iter().enumerate() {
            let outcome = match (entry, &quirks.fail_entries) {
                (_, Some((_, code))) if number >= carried_out => Outcome::refused(code, "A fault was asked for."),
                (Err(refused), _) => refused,
                (Ok(mut entry), _) => {
                    let bus = entry.event_bus_name.take();
                    let event = entry.into_event(at);
                    let event_id = event.id.clone();
                    // A bus that does not exist takes the event all the same, and drops it, as AWS does.
                    self.dispatch(at, queues, names::bus_here(at.place, bus.as_deref()), &event, &[]);
                    Outcome::Accepted { event_id }
                }
            };
            outcomes.push(outcome);
        }
        let failed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Refused { .. })).count();
        body(Answer { failed_entry_count: failed, entries: outcomes })
    }

    /// To every rule that wants it, of `only` where that names some; and into the archives, unless it comes from one.
    pub(super) fn dispatch(
        &mut self,
        at: &mut Moment<'_>,
        queues: &mut impl Sink,
        bus_name: &str,
        event: &Event,
        only: &[String],
    ) {
        let Some(bus) = self.buses.get_mut(bus_name) else { return };
        let mut envelope = None;
        for destination in bus.routes.of(event, at.place, &bus.rules, &self.archives, bus_name) {
            let name = match destination {
                Destination::Rule(name) => name,
                Destination::Archive(name) => {
                    if let Some(archive) = self.archives.get_mut(&name).filter(|_| event.replay.is_none()) {
                        archive.keep(at, &name, event);
                    }
                    continue;
                }
            };
            let rule_arn = rule_arn(at.place, bus_name, &name);
            let Some(rule) = bus.rules.get(&name).filter(|_| only.is_empty() || only.contains(&rule_arn)) else {
                continue;
            };
            let envelope = &*envelope.get_or_insert_with(|| event.envelope(at.place));
            for target in &rule.row.targets {
                let sender = Sender { rule: &name, arn: &rule_arn };
                let (now, place) = (at.now, at.place);
                let shaped = shape(target, event, envelope, sender, place).map_err(Failure::of_input);
                // Made again rather than kept: nearly always the first try succeeds.
                let later = || Delivery {
                    rule_arn: rule_arn.clone(),
                    target_arn: target.arn.clone(),
                    group: target.group().map(str::to_owned),
                    body: shape(target, event, envelope, sender, place).unwrap_or_default(),
                    event: envelope.clone(),
                    trace_header: event.trace_header.clone(),
                    dead_letters: target.dead_letters().map(str::to_owned),
                    retries_max: target.retries_max(),
                    age_max_s: target.age_max_s(),
                    since: now,
                    retries: 0,
                    due: now,
                    dead: None,
                };
                let message = shaped.map(|body| Incoming {
                    body,
                    group: target.group().map(str::to_owned),
                    trace_header: event.trace_header.clone(),
                    ..Incoming::default()
                });
                self.courier.send(at, queues, (&rule_arn, &target.arn), message, later);
            }
        }
    }
}
