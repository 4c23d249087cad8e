//! Owns the conditions of the ledger's writes, one by one: each is met by an item that only it refuses.
//! Never a daemon: where a whole delivery can show the same, another file does.
//! Next: `mutants.toml`, which names for each guard a test that fails without it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use contract::{Cause, CauseKind, Digest, EventId, GoalId, RowName, Tenant, Unit, UnixMs};
use runtime::ledger::spend::{self, Call};
use runtime::ledger::step::{self, Claimant, Crashes, Ending, Hold, Over, Step};
use runtime::ledger::{Attr, Change, Condition, Item, ItemKey, Mode, Value, Write, WriteName};
use runtime::ports::{Ledger, Written};
use runtime::{Spend, Token};
use testkit::memory::MemoryLedger;

const NOW: UnixMs = UnixMs(1_795_000_000_000);
const LEASE: UnixMs = UnixMs(NOW.0 + 60_000);

fn key() -> ItemKey {
    let goal = GoalId::derive(&Tenant::default(), "a goal");
    let event = EventId::derive(goal, &contract::EventType::new("goal.requested"), &Unit::goal());
    ItemKey::step(goal, &RowName::new("solo"), event)
}

fn who(token: &str) -> Claimant {
    Claimant {
        token: Token::from(token),
        holder: "a test".into(),
        now: NOW,
        lease: LEASE,
        event_at: NOW,
        sent_at: NOW,
        received_at: NOW,
    }
}

fn hold(token: &str, epoch: u32) -> Hold {
    Hold { key: key(), token: Token::from(token), epoch }
}

fn over() -> Over {
    Over::new("failed", NOW, None)
}

async fn applied(ledger: &MemoryLedger, write: &Write) -> Item {
    match ledger.write(write).await.unwrap() {
        Written::Applied(item) => item,
        refused @ Written::Refused(_) => panic!("{:?}: {refused:?}", write.name),
    }
}

async fn refused(ledger: &MemoryLedger, write: &Write) {
    let before = ledger.item(&write.key);
    let written = ledger.write(write).await.unwrap();
    assert!(matches!(written, Written::Refused(_)), "{:?} was applied: {written:?}", write.name);
    assert_eq!(ledger.item(&write.key), before);
}

/// A step that "me" claimed.
async fn claimed() -> (MemoryLedger, Step) {
    let ledger = MemoryLedger::new();
    let write = step::claim(key(), &Digest::of(b"data"), NOW + std::time::Duration::from_secs(1_000), &who("me"));
    let item = applied(&ledger, &write).await;
    (ledger, Step::read(&item).unwrap())
}

/// Sets attributes without any condition.
async fn set(ledger: &MemoryLedger, key: ItemKey, changes: Vec<Change>) -> Item {
    let write = Write { name: WriteName::Renew, by: None, key, mode: Mode::Update, when: Condition::Always, changes };
    applied(ledger, &write).await
}

fn commit(hold: &Hold) -> Write {
    hold.commit("{\"here\":{}}".into(), Spend::default(), false, Ending { at: NOW, record: None })
}
fn park(hold: &Hold) -> Write {
    hold.park(&Cause::new(CauseKind::Permanent, "no"), false, Ending { at: NOW, record: None })
}
fn release(hold: &Hold) -> Write {
    hold.release(1, NOW, &over(), None)
}
fn heartbeat(hold: &Hold) -> Write {
    hold.heartbeat(LEASE)
}

const OF_THE_HOLDER: [fn(&Hold) -> Write; 4] = [heartbeat, release, commit, park];

#[tokio::test]
async fn a_holders_writes_are_refused_to_another_owner() {
    let (ledger, _) = claimed().await;
    for write in OF_THE_HOLDER {
        refused(&ledger, &write(&hold("somebody else", 1))).await;
    }
}

#[tokio::test]
async fn a_holders_writes_are_refused_in_another_epoch() {
    let (ledger, _) = claimed().await;
    for write in OF_THE_HOLDER {
        refused(&ledger, &write(&hold("me", 2))).await;
    }
}

#[tokio::test]
async fn a_holders_writes_are_refused_when_owner_and_epoch_are_anothers() {
    let (ledger, _) = claimed().await;
    for write in OF_THE_HOLDER {
        refused(&ledger, &write(&hold("somebody else", 2))).await;
    }
}

#[tokio::test]
async fn a_holders_writes_are_refused_when_the_step_is_claimed_no_more() {
    for ending in [release, commit, park] {
        let (ledger, _) = claimed().await;
        applied(&ledger, &ending(&hold("me", 1))).await;
        for write in OF_THE_HOLDER {
            refused(&ledger, &write(&hold("me", 1))).await;
        }
    }
}

#[tokio::test]
async fn a_takeover_is_refused_in_another_epoch_even_where_the_lease_is_the_same() {
    let (ledger, read) = claimed().await;
    let crashes = Crashes::of(&read, true);
    let first = applied(&ledger, &step::takeover(&read, crashes, &who("first"))).await;
    assert_eq!(Step::read(&first).unwrap().lease, read.lease);
    refused(&ledger, &step::takeover(&read, crashes, &who("second"))).await;
}

#[tokio::test]
async fn a_takeover_is_refused_where_the_lease_was_extended_or_the_work_was_done_meanwhile() {
    let (ledger, read) = claimed().await;
    let takeover = step::takeover(&read, Crashes::of(&read, true), &who("another"));
    applied(&ledger, &hold("me", 1).heartbeat(UnixMs(LEASE.0 + 1))).await;
    refused(&ledger, &takeover).await;
    for ending in [commit, release, park] {
        let (ledger, _) = claimed().await;
        applied(&ledger, &ending(&hold("me", 1))).await;
        refused(&ledger, &takeover).await;
    }
}

#[tokio::test]
async fn a_new_round_and_the_claim_of_a_released_step_are_refused_in_another_epoch() {
    let (ledger, _) = claimed().await;
    let parked = Step::read(&applied(&ledger, &park(&hold("me", 1))).await).unwrap();
    applied(&ledger, &step::new_round(&parked, &who("first"))).await;
    refused(&ledger, &step::new_round(&parked, &who("second"))).await;
    let (ledger, _) = claimed().await;
    let released = Step::read(&applied(&ledger, &release(&hold("me", 1))).await).unwrap();
    let crashes = Crashes::of(&released, false);
    applied(&ledger, &step::claim_released(&released, crashes, &who("first"))).await;
    refused(&ledger, &step::claim_released(&released, crashes, &who("second"))).await;
}

#[tokio::test]
async fn a_dead_letter_of_an_earlier_park_is_not_written_down_over_a_later_one() {
    let (ledger, _) = claimed().await;
    let first = Step::read(&applied(&ledger, &park(&hold("me", 1))).await).unwrap();
    applied(&ledger, &step::new_round(&first, &who("me"))).await;
    let second = Step::read(&applied(&ledger, &park(&hold("me", 2))).await).unwrap();
    applied(&ledger, &step::dead_lettered(&second)).await;
    refused(&ledger, &step::dead_lettered(&first)).await;
}

#[tokio::test]
async fn a_claim_is_refused_while_the_item_lives_and_applied_when_it_has_expired() {
    let (ledger, _) = claimed().await;
    let mut late = who("late");
    let write = |who: &Claimant| step::claim(key(), &Digest::of(b"data"), NOW, who);
    refused(&ledger, &write(&late)).await;
    late.now = UnixMs(NOW.0 + 1_000_000);
    applied(&ledger, &write(&late)).await;
}

const BOUND: Spend = Spend { tokens: 40, micros: 400 };

fn call(epoch: u32, number: u32) -> Call {
    Call { step: key(), epoch, number }
}

async fn purse(left: i64) -> (MemoryLedger, ItemKey) {
    let (ledger, goal) = (MemoryLedger::new(), ItemKey::goal(key().goal));
    let numbers = [Attr::TokensLeft, Attr::MicrosLeft].map(|attr| Change::Set(attr, Value::Number(left)));
    set(&ledger, goal.clone(), numbers.into()).await;
    (ledger, goal)
}

#[tokio::test]
async fn a_reservation_is_refused_a_second_time_past_the_allowance_and_in_an_ended_goal() {
    let (ledger, goal) = purse(1_000).await;
    applied(&ledger, &spend::reserve(&call(1, 0), BOUND)).await;
    refused(&ledger, &spend::reserve(&call(1, 0), BOUND)).await;
    refused(&ledger, &spend::reserve(&call(1, 1), Spend { tokens: 961, micros: 1 })).await;
    refused(&ledger, &spend::reserve(&call(1, 1), Spend { tokens: 1, micros: 601 })).await;
    set(&ledger, goal, vec![Change::Set(Attr::Ended, "{}".into())]).await;
    refused(&ledger, &spend::reserve(&call(1, 1), BOUND)).await;
}

#[tokio::test]
async fn a_holder_whose_reservations_were_booked_may_not_reserve_any_more() {
    let (ledger, _) = purse(1_000).await;
    let goal = applied(&ledger, &spend::reserve(&call(1, 0), BOUND)).await;
    applied(&ledger, &spend::book(&goal, &key(), 2, false).unwrap().unwrap()).await;
    refused(&ledger, &spend::reserve(&call(1, 1), BOUND)).await;
    applied(&ledger, &spend::reserve(&call(2, 0), BOUND)).await;
}

#[tokio::test]
async fn a_settlement_of_what_was_booked_or_settled_is_refused() {
    let (ledger, _) = purse(1_000).await;
    applied(&ledger, &spend::reserve(&call(1, 0), BOUND)).await;
    let settle = spend::settle(&call(1, 0), BOUND, Spend { tokens: 1, micros: 1 });
    applied(&ledger, &settle).await;
    refused(&ledger, &settle).await;
}

#[tokio::test]
async fn a_late_booking_of_an_earlier_epoch_does_not_lower_the_floor() {
    let (ledger, goal) = purse(1_000).await;
    let item = applied(&ledger, &spend::reserve(&call(1, 0), BOUND)).await;
    let item = applied(&ledger, &spend::book(&item, &key(), 3, false).unwrap().unwrap()).await;
    if let Some(late) = spend::book(&item, &key(), 2, false).unwrap() {
        let _ = ledger.write(&late).await.unwrap();
    }
    let _ = goal;
    refused(&ledger, &spend::reserve(&call(2, 0), BOUND)).await;
}
