//! Owns archives: which events of a bus they keep, how long, and what they say of themselves.
//! Never what comes from an archive: a replayed event is not kept again.
//! Next: `replay` sends the kept ones once more; `routes` asks an archive's pattern as it asks a rule's.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::names::{self, PATTERN_MAX, already_exists, not_found, seconds, validation};
use super::pattern::Pattern;
use super::request::{Named, Page};
use super::{Buses, Reply, body};
use crate::ApiError;
use crate::engine::{Moment, UnixMs};
use crate::place::Place;
use crate::store::{Row, Space, StoreError};

const DAY_S: u64 = 86_400;

#[derive(Debug)]
pub(super) struct Archive {
    pub(super) row: ArchiveRow,
    pub(super) pattern: Option<Arc<Pattern>>,
    /// By when they came, then by their order.
    pub(super) events: BTreeMap<Kept, Event>,
    bytes: usize,
    next: u64,
}

/// Where an event stands in its archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Kept(pub(super) UnixMs, pub(super) u64);

impl Kept {
    /// Before all that came then.
    pub(super) fn first_at(came: UnixMs) -> Kept {
        Kept(came, 0)
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ArchiveRow {
    pub(super) bus: String,
    pattern: Option<String>,
    description: Option<String>,
    retention_days: u32,
    created: UnixMs,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptRow {
    at: Kept,
    event: Event,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateArchive {
    archive_name: String,
    event_source_arn: String,
    #[serde(flatten)]
    said: Said,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateArchive {
    archive_name: String,
    #[serde(flatten)]
    said: Said,
}

/// What can be said at the making and later.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    description: Option<String>,
    event_pattern: Option<String>,
    retention_days: Option<u32>,
    #[serde(skip)]
    compiled: Option<Pattern>,
}

impl Said {
    fn check(&mut self, name: &str) -> Result<(), ApiError> {
        names::name(name, "archiveName", 48)?;
        names::description(self.description.as_deref())?;
        names::length(self.event_pattern.as_deref().unwrap_or_default(), "eventPattern", 0, PATTERN_MAX)?;
        self.compiled = self.event_pattern.as_deref().map(Pattern::parse).transpose()?;
        Ok(())
    }
}

impl CreateArchive {
    pub(super) fn checked(mut self) -> Result<CreateArchive, ApiError> {
        self.said.check(&self.archive_name)?;
        Ok(self)
    }
}

impl UpdateArchive {
    pub(super) fn checked(mut self) -> Result<UpdateArchive, ApiError> {
        let Said { description, event_pattern, retention_days, .. } = &self.said;
        if description.is_none() && event_pattern.is_none() && retention_days.is_none() {
            return Err(validation("At least one of EventPattern, RetentionDays or Description must be provided."));
        }
        self.said.check(&self.archive_name)?;
        Ok(self)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    archive_arn: String,
    creation_time: f64,
    state: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    archive_name: String,
    event_source_arn: String,
    state: &'static str,
    retention_days: u32,
    size_bytes: usize,
    event_count: usize,
    creation_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    archive_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_pattern: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Archives {
    archives: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Archive {
    pub(super) fn load(row: ArchiveRow, key: &str) -> Result<Archive, StoreError> {
        let pattern = row.pattern.as_deref().map(Pattern::parse).transpose().map_err(|why| StoreError::Row {
            space: Space::Archive as i64,
            key: key.to_owned(),
            why: why.message,
        })?;
        Ok(Archive::of(row, pattern))
    }

    fn of(row: ArchiveRow, pattern: Option<Pattern>) -> Archive {
        Archive { row, pattern: pattern.map(Arc::new), events: BTreeMap::new(), bytes: 0, next: 0 }
    }

    pub(super) fn keep(&mut self, at: &mut Moment<'_>, name: &str, event: &Event) {
        let row = KeptRow { at: Kept(event.ingested, self.next), event: event.clone() };
        at.journal.put(Space::Archived, key(name, row.at), &row);
        self.put(row);
    }

    fn put(&mut self, KeptRow { at, event }: KeptRow) {
        self.next = self.next.max(at.1 + 1);
        self.bytes += event.detail.len();
        self.events.insert(at, event);
    }

    fn expires_at(&self) -> Option<UnixMs> {
        let (Kept(came, _), _) = self.events.first_key_value()?;
        (self.row.retention_days > 0).then(|| came.plus_s(u64::from(self.row.retention_days) * DAY_S))
    }

    fn expire(&mut self, at: &mut Moment<'_>, name: &str) {
        while self.expires_at().is_some_and(|end| end <= at.now)
            && let Some((kept, event)) = self.events.pop_first()
        {
            self.bytes -= event.detail.len();
            at.journal.delete(Space::Archived, key(name, kept));
        }
    }

    fn shown(&self, place: &Place, name: &str) -> Shown {
        Shown {
            archive_name: name.to_owned(),
            event_source_arn: place.events_arn("event-bus", &self.row.bus),
            state: "ENABLED",
            retention_days: self.row.retention_days,
            size_bytes: self.bytes,
            event_count: self.events.len(),
            creation_time: seconds(self.row.created),
            archive_arn: None,
            description: None,
            event_pattern: None,
        }
    }

    fn made(&self, place: &Place, name: &str) -> Made {
        Made {
            archive_arn: place.events_arn("archive", name),
            creation_time: seconds(self.row.created),
            state: "ENABLED",
        }
    }
}

/// Names have no slash. Sixteen digits reach the year 318857.
fn key(archive: &str, Kept(came, number): Kept) -> String {
    format!("{archive}/{:016}-{number:012}", came.0)
}

impl Buses {
    pub(super) fn load_archived(&mut self, row: &Row) -> Result<(), StoreError> {
        let kept: KeptRow = row.value()?;
        if let Some(archive) = row.key.split_once('/').and_then(|(name, _)| self.archives.get_mut(name)) {
            archive.put(kept);
        }
        Ok(())
    }

    pub(super) fn expire_archived(&mut self, at: &mut Moment<'_>) {
        for (name, archive) in &mut self.archives {
            archive.expire(at, name);
        }
    }

    pub(super) fn archives_expire_at(&self) -> Option<UnixMs> {
        self.archives.values().filter_map(Archive::expires_at).min()
    }

    pub(super) fn create_archive(&mut self, at: &mut Moment<'_>, asked: CreateArchive) -> Reply {
        let name = asked.archive_name;
        let bus = names::bus_here(at.place, Some(&asked.event_source_arn)).to_owned();
        self.bus(&bus)?;
        if self.archives.contains_key(&name) {
            return Err(already_exists(format!("Archive {name} already exists.")));
        }
        let row = ArchiveRow {
            bus,
            pattern: asked.said.event_pattern,
            description: asked.said.description,
            retention_days: asked.said.retention_days.unwrap_or(0),
            created: at.now,
        };
        let archive = Archive::of(row, asked.said.compiled);
        let made = archive.made(at.place, &name);
        self.put_archive(at, name, archive);
        body(made)
    }

    pub(super) fn update_archive(&mut self, at: &mut Moment<'_>, asked: UpdateArchive) -> Reply {
        let name = asked.archive_name;
        let Some(mut archive) = self.archives.remove(&name) else { return Err(no_archive(&name)) };
        if asked.said.event_pattern.is_some() {
            archive.row.pattern = asked.said.event_pattern;
            archive.pattern = asked.said.compiled.map(Arc::new);
        }
        archive.row.description = asked.said.description.or(archive.row.description);
        archive.row.retention_days = asked.said.retention_days.unwrap_or(archive.row.retention_days);
        let made = archive.made(at.place, &name);
        self.put_archive(at, name, archive);
        body(made)
    }

    fn put_archive(&mut self, at: &mut Moment<'_>, name: String, archive: Archive) {
        at.journal.put(Space::Archive, &name, &archive.row);
        if let Some(bus) = self.buses.get_mut(&archive.row.bus) {
            bus.routes.forget();
        }
        self.archives.insert(name, archive);
    }

    pub(super) fn delete_archive(&mut self, at: &mut Moment<'_>, asked: &Named) -> Reply {
        let name = asked.name();
        let archive = self.archives.remove(name).ok_or_else(|| no_archive(name))?;
        at.journal.delete(Space::Archive, name);
        at.journal.delete_under(Space::Archived, format!("{name}/"));
        if let Some(bus) = self.buses.get_mut(&archive.row.bus) {
            bus.routes.forget();
        }
        Ok(None)
    }

    pub(super) fn describe_archive(&self, at: &Moment<'_>, asked: &Named) -> Reply {
        let name = asked.name();
        let archive = self.archives.get(name).ok_or_else(|| no_archive(name))?;
        body(Shown {
            archive_arn: Some(at.place.events_arn("archive", name)),
            description: archive.row.description.clone(),
            event_pattern: archive.row.pattern.clone(),
            ..archive.shown(at.place, name)
        })
    }

    pub(super) fn list_archives(&self, at: &Moment<'_>, page: &Page) -> Reply {
        let bus = page.event_source_arn.as_deref().map(|arn| names::bus_here(at.place, Some(arn)));
        bus.map(|bus| self.bus(bus)).transpose()?;
        let all = self
            .archives
            .iter()
            .filter(|(_, archive)| bus.is_none_or(|bus| bus == archive.row.bus))
            .filter(|_| page.state.as_deref().is_none_or(|state| state == "ENABLED"))
            .map(|(name, archive)| (name.as_str(), archive.shown(at.place, name)));
        let (archives, next_token) = names::page(page, all)?;
        body(Archives { archives, next_token })
    }
}

fn no_archive(name: &str) -> ApiError {
    not_found(format!("Archive {name} does not exist."))
}
