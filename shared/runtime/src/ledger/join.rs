//! Owns joins: who is expected, who arrived, when that is enough, and the writes that change it. The goal item holds
//! the terminal join, so this view and these writes serve it too.
//! Never publishes: `join` at the crate's root closes, emits and tells.
//! Next: `goal`, which adds what only a goal has.

use std::collections::{BTreeMap, BTreeSet};

use contract::events::{ArrivalStatus, Arrived};
use contract::guard::{self, Guard};
use contract::{ArtifactRef, Event, EventId, PortError, TraceContext, UnixMs};
use serde::{Deserialize, Serialize};

use super::{Attr, Change, Condition, Item, ItemKey, Mode, Write, WriteName, json};
use crate::chance::Token;

/// What the opener knows of the joined event, and where that stands in the goal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    pub data: serde_json::Map<String, serde_json::Value>,
    pub causation: Option<EventId>,
    pub hops: u32,
}

/// What a member brought, beside its status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Brought {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ArtifactRef>,
    /// Where in the trace it was made: the joined event links to all its causes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// A join, read from its own item or from the goal's.
#[derive(Clone, Debug)]
pub struct JoinState {
    pub key: ItemKey,
    /// Not known before the opening, which an arrival may precede.
    pub members: Option<Vec<String>>,
    pub required: Vec<String>,
    pub quorum: usize,
    pub head: Head,
    pub arrived: BTreeMap<String, (ArrivalStatus, Brought)>,
    pub version: i64,
    pub closed: Option<Event>,
    pub closed_by: Option<Token>,
    pub told: bool,
    pub due_at: Option<UnixMs>,
}

impl JoinState {
    pub fn read(item: &Item) -> Result<JoinState, PortError> {
        let list = |attr| item.text(&attr).map(json::read::<Vec<String>>).transpose();
        let mut arrived = BTreeMap::new();
        for attr in item.attrs.keys() {
            let Attr::Status(member) = attr else { continue };
            let status = match item.text(attr) {
                Some("ok") => ArrivalStatus::Ok,
                _ => ArrivalStatus::Failed,
            };
            let brought = item.text(&Attr::Arrived(member.clone())).map(json::read).transpose()?.unwrap_or_default();
            arrived.insert(member.clone(), (status, brought));
        }
        Ok(JoinState {
            key: item.key.clone(),
            members: list(Attr::Members)?,
            required: list(Attr::Required)?.unwrap_or_default(),
            quorum: usize::try_from(item.number(&Attr::Quorum).unwrap_or(0)).unwrap_or(usize::MAX),
            head: item.text(&Attr::Head).map(json::read).transpose()?.unwrap_or_default(),
            arrived,
            version: item.number(&Attr::Version).unwrap_or(0),
            closed: item.text(&Attr::Ended).map(json::read).transpose()?,
            closed_by: item.text(&Attr::EndedBy).map(Token::from),
            told: item.flag(&Attr::Emitted),
            due_at: item.time(&Attr::DueAt),
        })
    }

    /// Members known, every required one ok, at least the quorum ok.
    pub fn closable(&self) -> bool {
        let Some(members) = &self.members else { return false };
        let is_ok = |member: &String| matches!(self.arrived.get(member), Some((ArrivalStatus::Ok, _)));
        let ok = members.iter().filter(|member| is_ok(member)).count();
        guard::holds(Guard::ClosableQuorum, ok >= self.quorum)
            && guard::holds(Guard::ClosableRequired, self.required.iter().all(is_ok))
    }

    /// Closable, and every member arrived: nothing is worth waiting for.
    pub fn complete(&self) -> bool {
        self.closable() && self.missing().is_empty()
    }

    pub fn missing(&self) -> Vec<String> {
        let members = self.members.iter().flatten();
        members.filter(|member| !self.arrived.contains_key(*member)).cloned().collect()
    }

    /// `data = head ∪ { arrived, missing }`, which needs no code of the join's own.
    pub fn joined_data(&self) -> serde_json::Value {
        let members: BTreeSet<&String> = self.members.iter().flatten().collect();
        let arrived: Vec<Arrived> = self
            .arrived
            .iter()
            .filter(|(member, _)| members.contains(member))
            .map(|(member, (status, brought))| Arrived {
                member: member.clone(),
                status: *status,
                data: brought.data.clone(),
                reference: brought.reference.clone(),
            })
            .collect();
        let mut data = self.head.data.clone();
        data.insert("arrived".into(), serde_json::json!(arrived));
        data.insert("missing".into(), serde_json::json!(self.missing()));
        data.into()
    }

    pub fn causes(&self) -> Vec<TraceContext> {
        let parents = self.arrived.values().filter_map(|(_, brought)| brought.traceparent.as_deref());
        parents.filter_map(|parent| TraceContext::parse(parent, None)).collect()
    }
}

/// What an opening says: recorded with the commit, so that repeating it opens the same join.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    pub join: contract::JoinName,
    pub members: Vec<String>,
    #[serde(default)]
    pub required: Vec<String>,
    pub quorum: u32,
    pub head: Head,
    pub due_at: UnixMs,
}

impl Opening {
    /// The attributes of a join that is open: the same for a join item and for the goal's terminal join.
    pub(crate) fn changes(members: &[String], required: &[String], quorum: u32, head: &Head) -> Vec<Change> {
        vec![
            Change::Set(Attr::Members, json::text(&members)),
            Change::Set(Attr::Required, json::text(&required)),
            Change::Set(Attr::Quorum, quorum.into()),
            Change::Set(Attr::Head, json::text(head)),
        ]
    }
}

pub fn open(key: ItemKey, opening: &Opening, expires_at: UnixMs, now: UnixMs) -> Write {
    let mut changes = Opening::changes(&opening.members, &opening.required, opening.quorum, &opening.head);
    changes.extend([
        // A join without members closes at version 0, which must be there to be compared with.
        Change::Add(Attr::Version, 0),
        Change::Set(Attr::DueAt, opening.due_at.into()),
        Change::Set(Attr::DueShard, super::due_shard(key.goal)),
    ]);
    changes.extend(super::expires(expires_at));
    let when = Condition::All(vec![super::live(now), Condition::Absent(Attr::Members).guarded(Guard::OpenOnce)]);
    Write { name: WriteName::Open, by: None, key, mode: Mode::Update, when, changes }
}

/// One member's arrival.
#[derive(Clone, Debug, PartialEq)]
pub struct Arriving {
    pub member: String,
    pub status: ArrivalStatus,
    pub brought: Brought,
}

/// The item is of a goal that expired, and TTL has not removed it yet: begin it anew.
pub fn renew(key: ItemKey, expires_at: UnixMs, now: UnixMs) -> Write {
    let when = Condition::AtMost(Attr::ExpiresAt, now.0);
    let changes = super::expires(expires_at).to_vec();
    Write { name: WriteName::Renew, by: None, key, mode: Mode::Replace, when, changes }
}

/// First wins; a failure may be replaced by a success.
pub fn arrive(key: ItemKey, arrival: &Arriving, expires_at: UnixMs, now: UnixMs) -> Write {
    let Arriving { member, status, brought } = arrival;
    let status_of = || Attr::Status(member.clone());
    let mut new = vec![Condition::Absent(status_of())];
    if *status == ArrivalStatus::Ok {
        new.push(Condition::Equals(status_of(), "failed".into()));
    }
    let when = Condition::All(vec![
        super::live(now),
        Condition::Absent(Attr::Ended).guarded(Guard::ArriveClosed),
        Condition::Any(new).guarded(Guard::ArriveMember),
    ]);
    let word = if *status == ArrivalStatus::Ok { "ok" } else { "failed" };
    let mut changes = vec![
        Change::Set(status_of(), word.into()),
        Change::Set(Attr::Arrived(member.clone()), json::text(brought)),
        Change::Add(Attr::Version, 1),
    ];
    // The goal's own item has its expiry, and keeps it.
    changes.extend(super::expires(expires_at));
    Write { name: WriteName::Arrive, by: None, key, mode: Mode::Update, when, changes }
}

/// Stores the joined event whole; only who wrote it emits it.
pub fn close(state: &JoinState, event: &Event, by: &Token, told_by: UnixMs) -> Write {
    let mut changes = vec![Change::Set(Attr::Ended, json::text(event)), Change::Set(Attr::EndedBy, by.as_str().into())];
    changes.push(due(Guard::CloseDue, told_by));
    let when = Condition::All(vec![
        Condition::ItemExists,
        Condition::Absent(Attr::Ended).guarded(Guard::CloseOnce),
        Condition::Equals(Attr::Version, state.version.into()).guarded(Guard::CloseVersion),
    ]);
    Write { name: WriteName::Close, by: Some(by.clone()), key: state.key.clone(), mode: Mode::Update, when, changes }
}

pub(super) fn due(guard: Guard, told_by: UnixMs) -> Change {
    if guard::stands(guard) { Change::Set(Attr::DueAt, told_by.into()) } else { Change::Remove(Attr::DueAt) }
}

/// After the confirmed emit of what the item stores: nothing is due any more.
pub fn told(key: &ItemKey) -> Write {
    Write {
        name: WriteName::Told,
        by: None,
        key: key.clone(),
        mode: Mode::Update,
        when: Condition::Exists(Attr::Ended),
        changes: vec![Change::Set(Attr::Emitted, true.into()), Change::Remove(Attr::DueAt)],
    }
}

/// What nobody waits for needs no sweep: if it is still due when it was read to be.
pub fn undue(key: &ItemKey, due_at: Option<UnixMs>) -> Write {
    Write {
        name: WriteName::Undue,
        by: None,
        key: key.clone(),
        mode: Mode::Update,
        when: due_at.map_or(Condition::ItemExists, |at| Condition::Equals(Attr::DueAt, at.into())),
        changes: vec![Change::Remove(Attr::DueAt)],
    }
}

/// Due, but not closable, and the goal waits for a redrive: look again later.
pub fn postpone(key: &ItemKey, until: UnixMs) -> Write {
    let (when, change) = if guard::stands(Guard::HoldPostpones) {
        (Condition::Absent(Attr::Ended), Change::Set(Attr::DueAt, until.into()))
    } else {
        (Condition::Always, Change::Remove(Attr::DueAt))
    };
    Write {
        name: WriteName::Postpone,
        by: None,
        key: key.clone(),
        mode: Mode::Update,
        when: Condition::All(vec![Condition::ItemExists, when]),
        changes: vec![change],
    }
}
