//! Owns the goal item: what was asked, by whom, until when, what may be spent, and the one end; and its writes.
//! Never ends a goal by itself: `join` at the crate's root does, on behalf of whoever found the reason.
//! Next: `goals` reads the state before a claim; `spend` has the writes of the budget.

use contract::events::{ForkedFrom, GoalRequested, OnDeadLetter};
use contract::guard::Guard;
use contract::topology::{Choreography, Members};
use contract::{Digest, Event, PortError, UnixMs};

use super::join::{self, Head, JoinState, Opening};
use super::{Attr, Change, Condition, Item, ItemKey, Listed, Mode, Shelf, Standing, Write, WriteName, json};
use crate::chance::Token;
use crate::settings::Settings;

/// A goal item, read.
#[derive(Clone, Debug)]
pub struct Goal {
    pub request: Event,
    pub digest: Digest,
    pub deadline: UnixMs,
    pub expires_at: UnixMs,
    pub on_dead_letter: OnDeadLetter,
    /// The terminal join; its close is the goal's end.
    pub join: JoinState,
}

impl Goal {
    pub fn read(item: &Item) -> Result<Goal, PortError> {
        let request = item.text(&Attr::Request).ok_or_else(|| PortError::permanent("a goal without its request"))?;
        Ok(Goal {
            request: json::read(request)?,
            digest: Digest::from(item.text(&Attr::Digest).unwrap_or_default().to_owned()),
            deadline: item.time(&Attr::Deadline).unwrap_or_default(),
            expires_at: item.time(&Attr::ExpiresAt).unwrap_or_default(),
            on_dead_letter: match item.text(&Attr::OnDeadLetter) {
                Some("fail") => OnDeadLetter::Fail,
                _ => OnDeadLetter::Hold,
            },
            join: JoinState::read(item)?,
        })
    }

    pub fn ended(&self) -> bool {
        self.join.closed.is_some()
    }

    pub fn key(&self) -> ItemKey {
        ItemKey::goal(self.request.goal)
    }

    pub fn standing(&self) -> Standing {
        self.join.closed.as_ref().map_or(Standing::Open, |end| Standing::after(&end.kind))
    }

    /// The model that its user wants to be asked first.
    pub fn preferred_model(&self) -> Option<String> {
        self.request.data["model"].as_str().map(str::to_owned)
    }

    /// Where it was forked from another goal.
    pub fn forked_from(&self) -> Option<ForkedFrom> {
        serde::Deserialize::deserialize(&self.request.data["forkedfrom"]).ok()
    }

    /// The goal's own words, which every end repeats.
    pub fn words(&self) -> String {
        self.request.data_as::<GoalRequested>().map(|request| request.goal).unwrap_or_default()
    }
}

/// When the goal of this request is due, or that it asks for more time than may be asked for.
pub fn deadline(request: &GoalRequested, now: UnixMs, settings: &Settings) -> Result<UnixMs, String> {
    let latest = now + settings.goal_deadline_max;
    match request.deadline {
        None => Ok(now + settings.goal_deadline),
        Some(at) if at <= latest => Ok(at),
        Some(at) => Err(format!("the deadline {at} is later than the latest allowed, {latest}")),
    }
}

/// The goal begins to exist.
pub fn accept(
    event: &Event,
    request: &GoalRequested,
    deadline: UnixMs,
    now: UnixMs,
    choreography: &Choreography,
    settings: &Settings,
) -> Write {
    let budget = request.budget.as_ref();
    let tokens = budget.and_then(|budget| budget.tokens).unwrap_or(settings.tokens_allowed);
    let micros = budget.and_then(|budget| budget.usd).map_or(settings.micros_allowed, |usd| (usd * 1e6).round() as u64);
    let number = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
    let policy = match request.on_dead_letter {
        OnDeadLetter::Hold => "hold",
        OnDeadLetter::Fail => "fail",
    };
    let mut changes = vec![
        Change::Set(Attr::Request, json::text(event)),
        Change::Set(Attr::Digest, event.digest().as_str().into()),
        Change::Set(Attr::Deadline, deadline.into()),
        Change::Set(Attr::DueAt, deadline.into()),
        Change::Set(Attr::DueShard, super::due_shard(event.goal)),
        Change::Set(Attr::Listed, Shelf::of(event.goal, Standing::Open).to_string().into()),
        Change::Set(Attr::ListedAt, Listed::of(event, now).to_string().into()),
        Change::Set(Attr::OnDeadLetter, policy.into()),
        Change::Set(Attr::Version, 0_i64.into()),
        Change::Set(Attr::SpendVersion, 0_i64.into()),
        Change::Set(Attr::TokensAllowed, number(tokens).into()),
        Change::Set(Attr::TokensLeft, number(tokens).into()),
        Change::Set(Attr::MicrosAllowed, number(micros).into()),
        Change::Set(Attr::MicrosLeft, number(micros).into()),
    ];
    // A deadline long past must not make a goal that has expired before it began.
    changes.extend(super::expires(deadline.max(now) + settings.record_retention));
    if let Some(Members::Terminal { required, optional }) = choreography.terminal_join().map(|join| &join.members) {
        let names = |rows: &[contract::RowName]| rows.iter().map(ToString::to_string).collect::<Vec<_>>();
        let members = [names(required), names(optional)].concat();
        let mut head = Head::default();
        head.data.insert("goal".into(), request.goal.clone().into());
        changes.extend(Opening::changes(&members, &names(required), 0, &head));
    }
    let key = ItemKey::goal(event.goal);
    Write { name: WriteName::Accept, by: None, key, mode: Mode::Replace, when: super::absent(now), changes }
}

/// The one end. `if_version`: only if nobody has arrived since the item was read.
pub fn end(event: &Event, if_version: Option<i64>, by: &Token, told_by: UnixMs) -> Write {
    let mut conditions =
        vec![Condition::ItemExists.guarded(Guard::EndExists), Condition::Absent(Attr::Ended).guarded(Guard::EndOnce)];
    conditions
        .extend(if_version.map(|version| Condition::Equals(Attr::Version, version.into()).guarded(Guard::EndVersion)));
    let changes = vec![
        Change::Set(Attr::Ended, json::text(event)),
        Change::Set(Attr::EndedBy, by.as_str().into()),
        // Its place on the shelf stays; that of a goal from before there were shelves is on none.
        Change::Set(Attr::Listed, Shelf::of(event.goal, Standing::after(&event.kind)).to_string().into()),
        join::due(Guard::EndDue, told_by),
    ];
    Write {
        name: WriteName::End,
        by: Some(by.clone()),
        key: ItemKey::goal(event.goal),
        mode: Mode::Update,
        when: Condition::All(conditions),
        changes,
    }
}
