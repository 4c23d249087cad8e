//! Owns the step item: idempotency record, lease, outbox and journal entry in one, and every write that changes it.
//! Never decides: `claim` reads the table of `docs/protocol.md` §2, `delivery` chooses; here stand the conditions.
//! Next: `claim` and `delivery` send these writes.

use std::time::Duration;

use contract::guard::{self, Guard};
use contract::{ArtifactRef, Cause, Digest, PortError, Spend, UnixMs};
use serde::{Deserialize, Serialize};

use super::spend::counted;
use super::{Attr, Change, Condition, Item, ItemKey, Mode, Value, Write, WriteName, json};
use crate::chance::Token;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Claimed,
    Released,
    Committed,
    Parked,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            State::Claimed => "claimed",
            State::Released => "released",
            State::Committed => "committed",
            State::Parked => "parked",
        }
    }
}

/// A step item, read.
#[derive(Clone, Debug)]
pub struct Step {
    pub key: ItemKey,
    pub state: State,
    pub owner: Token,
    pub epoch: u32,
    pub lease: UnixMs,
    pub not_before: UnixMs,
    pub attempts: u32,
    pub crashes: u32,
    pub alone_crashes: u32,
    pub alone: bool,
    pub rounds: u32,
    pub parks: u32,
    pub dead_lettered: u32,
    pub emitted: bool,
    pub digest: Digest,
    pub cause: Option<Cause>,
    /// What was committed, as JSON.
    pub outcome: Option<String>,
    /// When it was committed or parked.
    pub finished_at: UnixMs,
    /// Whether reservations may still be open that this step's effects must book.
    pub unbooked: bool,
    /// What the last holder kept of its record before it was done.
    pub so_far: Option<ArtifactRef>,
}

impl Step {
    pub fn read(item: &Item) -> Result<Step, PortError> {
        let number = |attr| u32::try_from(item.number(&attr).unwrap_or(0)).unwrap_or(0);
        let state = match item.text(&Attr::State) {
            Some("claimed") => State::Claimed,
            Some("released") => State::Released,
            Some("committed") => State::Committed,
            Some("parked") => State::Parked,
            other => return Err(PortError::permanent(format!("{} has state {other:?}", item.key.sort()))),
        };
        Ok(Step {
            key: item.key.clone(),
            state,
            owner: Token::from(item.text(&Attr::Owner).unwrap_or_default()),
            epoch: number(Attr::Epoch),
            lease: item.time(&Attr::Lease).unwrap_or_default(),
            not_before: item.time(&Attr::NotBefore).unwrap_or_default(),
            attempts: number(Attr::Attempts),
            crashes: number(Attr::Crashes),
            alone_crashes: number(Attr::AloneCrashes),
            alone: item.flag(&Attr::Alone),
            rounds: number(Attr::Rounds),
            parks: number(Attr::Parks),
            dead_lettered: number(Attr::DeadLettered),
            emitted: item.flag(&Attr::Emitted),
            digest: Digest::from(item.text(&Attr::Digest).unwrap_or_default().to_owned()),
            cause: item.text(&Attr::Cause).map(json::read).transpose()?,
            outcome: item.text(&Attr::Outcome).map(str::to_owned),
            finished_at: item.time(&Attr::FinishedAt).unwrap_or_default(),
            unbooked: item.flag(&Attr::Unbooked),
            so_far: item.text(&Attr::SoFar(number(Attr::Epoch).to_string())).map(json::read).transpose()?,
        })
    }
}

/// Who claims, when, and until when.
#[derive(Clone, Debug)]
pub struct Claimant {
    pub token: Token,
    pub holder: String,
    pub now: UnixMs,
    pub lease: UnixMs,
    pub event_at: UnixMs,
    pub sent_at: UnixMs,
    pub received_at: UnixMs,
}

/// Who held one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub by: String,
    pub from: UnixMs,
    pub sent_at: UnixMs,
    pub received_at: UnixMs,
}

/// How one epoch was over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    pub how: String,
    pub at: UnixMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it asked and read: an `AttemptRecord`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<ArtifactRef>,
}

impl Over {
    pub fn new(how: &str, at: UnixMs, why: Option<&str>) -> Over {
        Over { how: how.into(), at, why: why.map(contract::bounded), record: None }
    }

    #[must_use]
    pub fn recorded(self, record: Option<ArtifactRef>) -> Over {
        Over { record, ..self }
    }
}

impl Claimant {
    fn claim(&self, epoch: u32) -> Vec<Change> {
        let held =
            Held { by: self.holder.clone(), from: self.now, sent_at: self.sent_at, received_at: self.received_at };
        vec![
            Change::Set(Attr::State, State::Claimed.as_str().into()),
            Change::Set(Attr::Owner, self.token.as_str().into()),
            Change::Set(Attr::Epoch, epoch.into()),
            Change::Set(Attr::Lease, self.lease.into()),
            Change::Set(Attr::EventAt, self.event_at.into()),
            Change::Set(Attr::SentAt, self.sent_at.into()),
            Change::Set(Attr::ReceivedAt, self.received_at.into()),
            Change::Set(Attr::ClaimedAt, self.now.into()),
            Change::Set(Attr::Held(epoch.to_string()), json::text(&held)),
        ]
    }
}

/// Put if absent: epoch 1.
pub fn claim(key: ItemKey, digest: &Digest, expires_at: UnixMs, who: &Claimant) -> Write {
    let mut changes = who.claim(1);
    changes.push(Change::Set(Attr::Digest, digest.as_str().into()));
    changes.extend(super::expires(expires_at));
    Write {
        name: WriteName::Claim,
        by: Some(who.token.clone()),
        key,
        mode: Mode::Replace,
        when: super::absent(who.now),
        changes,
    }
}

/// Row 5: a redrive opens a new round.
pub fn new_round(step: &Step, who: &Claimant) -> Write {
    let mut changes = who.claim(step.epoch + 1);
    changes.extend([
        Change::Set(Attr::Attempts, 0_i64.into()),
        Change::Set(Attr::Crashes, 0_i64.into()),
        Change::Set(Attr::AloneCrashes, 0_i64.into()),
        Change::Set(Attr::Alone, false.into()),
        Change::Set(Attr::Rounds, (step.rounds + 1).into()),
    ]);
    reclaim(step, who, WriteName::NewRound, Guard::RoundEpoch, Condition::Always, changes)
}

/// Row 10: the lease is over, and whoever held it is taken for dead.
pub fn takeover(step: &Step, crashes: Crashes, who: &Claimant) -> Write {
    let mut changes = who.claim(step.epoch + 1);
    changes.extend(crashes.changes());
    let over = Over::new("lease-over", who.now, None).recorded(step.so_far.clone());
    changes.push(Change::Set(Attr::Over(step.epoch.to_string()), json::text(&over)));
    let as_read = Condition::All(vec![is(State::Claimed), Condition::Equals(Attr::Lease, step.lease.into())]);
    reclaim(step, who, WriteName::Takeover, Guard::TakeoverEpoch, as_read.guarded(Guard::TakeoverAsRead), changes)
}

/// Row 12: it was given back, and its time has come.
pub fn claim_released(step: &Step, crashes: Crashes, who: &Claimant) -> Write {
    let mut changes = who.claim(step.epoch + 1);
    changes.extend(crashes.changes());
    reclaim(step, who, WriteName::ClaimReleased, Guard::ReleaseClaimEpoch, Condition::Always, changes)
}

fn reclaim(step: &Step, who: &Claimant, name: WriteName, guard: Guard, when: Condition, changes: Vec<Change>) -> Write {
    let epoch = Condition::Equals(Attr::Epoch, step.epoch.into()).guarded(guard);
    let when = Condition::All(vec![Condition::ItemExists, epoch, when]);
    Write { name, by: Some(who.token.clone()), key: step.key.clone(), mode: Mode::Update, when, changes }
}

/// What a step's deaths add up to, this takeover included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crashes {
    pub beside_others: u32,
    pub alone: u32,
}

impl Crashes {
    /// After one more death (`died`), or without one.
    pub fn of(step: &Step, died: bool) -> Crashes {
        Crashes {
            beside_others: step.crashes + u32::from(died && !step.alone),
            alone: step.alone_crashes + u32::from(died && step.alone),
        }
    }

    /// From the second crash on, the message is handled by itself.
    pub fn must_be_alone(self) -> bool {
        self.beside_others >= 2
    }

    fn changes(self) -> [Change; 3] {
        [
            Change::Set(Attr::Crashes, self.beside_others.into()),
            Change::Set(Attr::AloneCrashes, self.alone.into()),
            Change::Set(Attr::Alone, self.must_be_alone().into()),
        ]
    }
}

/// When an attempt was over, and what it asked and read.
#[derive(Clone, Debug)]
pub struct Ending {
    pub at: UnixMs,
    pub record: Option<ArtifactRef>,
}

/// A claim that is mine, as long as the ledger agrees.
#[derive(Clone, Debug)]
pub struct Hold {
    pub key: ItemKey,
    pub token: Token,
    pub epoch: u32,
}

impl Hold {
    /// State `claimed`, and owner and epoch mine.
    fn write(&self, name: WriteName, mine: Guard, claimed: Condition, changes: Vec<Change>) -> Write {
        let owner = Condition::Equals(Attr::Owner, self.token.as_str().into());
        let epoch = Condition::Equals(Attr::Epoch, self.epoch.into());
        let mine = Condition::All(vec![owner, epoch]).guarded(mine);
        Write {
            name,
            by: Some(self.token.clone()),
            key: self.key.clone(),
            mode: Mode::Update,
            when: Condition::All(vec![Condition::ItemExists, claimed, mine]),
            changes,
        }
    }

    pub fn heartbeat(&self, lease: UnixMs) -> Write {
        let claimed = is(State::Claimed);
        self.write(WriteName::Heartbeat, Guard::HeartbeatMine, claimed, vec![Change::Set(Attr::Lease, lease.into())])
    }

    /// One that says, too, what this holder has asked and read so far: whoever takes over finds it.
    pub fn heartbeat_keeping(&self, lease: UnixMs, so_far: &ArtifactRef) -> Write {
        let mut write = self.heartbeat(lease);
        write.changes.push(Change::Set(Attr::SoFar(self.epoch.to_string()), json::text(so_far)));
        write
    }

    pub fn release(&self, counted: u32, not_before: UnixMs, over: &Over, cause: Option<&Cause>) -> Write {
        let claimed = is(State::Claimed).guarded(Guard::ReleaseState);
        let mut changes = vec![
            Change::Set(Attr::State, State::Released.as_str().into()),
            Change::Set(Attr::NotBefore, not_before.into()),
            Change::Add(Attr::Attempts, counted.into()),
            Change::Set(Attr::Over(self.epoch.to_string()), json::text(over)),
        ];
        changes.extend(cause.map(|cause| Change::Set(Attr::Cause, json::text(cause))));
        self.write(WriteName::Release, Guard::ReleaseMine, claimed, changes)
    }

    pub fn commit(&self, outcome: String, cost: Spend, unbooked: bool, ending: Ending) -> Write {
        let claimed = is(State::Claimed).guarded(Guard::CommitState);
        let at = ending.at;
        let over = Over::new("committed", at, None).recorded(ending.record);
        let changes = vec![
            Change::Set(Attr::State, State::Committed.as_str().into()),
            Change::Set(Attr::Outcome, outcome.into()),
            Change::Set(Attr::CostTokens, counted(cost.tokens).into()),
            Change::Set(Attr::CostMicros, counted(cost.micros).into()),
            Change::Set(Attr::Unbooked, unbooked.into()),
            Change::Set(Attr::FinishedAt, at.into()),
            Change::Set(Attr::Over(self.epoch.to_string()), json::text(&over)),
        ];
        self.write(WriteName::Commit, Guard::CommitMine, claimed, changes)
    }

    pub fn park(&self, cause: &Cause, unbooked: bool, ending: Ending) -> Write {
        let claimed = is(State::Claimed).guarded(Guard::ParkState);
        let at = ending.at;
        let over = Over::new("parked", at, Some(&cause.to_string())).recorded(ending.record);
        let changes = vec![
            Change::Set(Attr::State, State::Parked.as_str().into()),
            Change::Add(Attr::Parks, 1),
            Change::Set(Attr::Cause, json::text(cause)),
            Change::Set(Attr::Unbooked, unbooked.into()),
            Change::Set(Attr::FinishedAt, at.into()),
            Change::Set(Attr::Over(self.epoch.to_string()), json::text(&over)),
        ];
        self.write(WriteName::Park, Guard::ParkMine, claimed, changes)
    }
}

/// After the dead letter of park `n` is out: only if it is still the last one.
pub fn dead_lettered(step: &Step) -> Write {
    let last = Condition::Equals(Attr::Parks, step.parks.into()).guarded(Guard::DlqParks);
    // Without its guard, the write speaks for every letter that may still come.
    let n = if guard::stands(Guard::DlqN) { step.parks } else { u32::MAX };
    Write {
        name: WriteName::DeadLettered,
        by: None,
        key: step.key.clone(),
        mode: Mode::Update,
        when: Condition::All(vec![Condition::ItemExists, last]),
        changes: vec![Change::Set(Attr::DeadLettered, n.into())],
    }
}

/// After the effects of a committed step were repeated.
pub fn emitted(key: &ItemKey) -> Write {
    Write {
        name: WriteName::Emitted,
        by: None,
        key: key.clone(),
        mode: Mode::Update,
        when: Condition::ItemExists,
        changes: vec![Change::Set(Attr::Emitted, true.into())],
    }
}

/// When a takeover is permitted: the lease, and the margin by which clocks may be apart.
pub fn takeover_at(step: &Step, skew_margin: Duration) -> UnixMs {
    if guard::stands(Guard::LeaseMargin) { step.lease + skew_margin } else { step.lease }
}

fn is(state: State) -> Condition {
    Condition::Equals(Attr::State, Value::from(state.as_str()))
}
