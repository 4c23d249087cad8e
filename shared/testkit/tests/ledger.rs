//! Owns the proof that `MemoryLedger` keeps the conduct of ledgers, and that the suites' verdicts can fail.
//! Never looks past the port where the port shows enough.
//! Next: `suites::ledger` says what each check asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use contract::{GoalId, PortError, Tenant, UnixMs};
use runtime::ledger::{Attr, Change, Condition, ItemKey, Mode, Write, WriteName};
use runtime::ports::Ledger;
use testkit::memory::MemoryLedger;
use testkit::suites::ledger::LedgerFixture;
use testkit::suites::{Failure, Gap, judge_gaps, weigh};

#[derive(Default)]
struct MemoryFixture {
    ledger: Arc<MemoryLedger>,
    made: AtomicU32,
}

impl LedgerFixture for MemoryFixture {
    fn ledger(&self) -> Arc<dyn Ledger> {
        self.ledger.clone()
    }
    fn fresh_goal(&self) -> GoalId {
        goal(self.made.fetch_add(1, Ordering::Relaxed))
    }
    fn shards(&self) -> [u8; 2] {
        [3, 4]
    }
}

mod conduct {
    use super::MemoryFixture;

    testkit::ledger_suite!(fixture: MemoryFixture::default(), gaps: &[], tokio: start_paused = true);
}

fn goal(n: u32) -> GoalId {
    GoalId::derive(&Tenant::default(), &format!("goal {n}"))
}

fn update(n: u32, changes: Vec<Change>) -> Write {
    Write {
        name: WriteName::Accept,
        by: None,
        key: ItemKey::goal(goal(n)),
        mode: Mode::Update,
        when: Condition::Always,
        changes,
    }
}

fn is_permanent<T>(answer: &Result<T, PortError>) -> bool {
    matches!(answer, Err(PortError::Permanent { .. }))
}

#[tokio::test]
async fn what_the_server_would_call_invalid_is_refused_and_changes_nothing() {
    let ledger = MemoryLedger::new();
    let set = |attr: Attr, value: i64| Change::Set(attr, value.into());
    let invalid = [
        vec![set(Attr::Epoch, 1), Change::Add(Attr::Epoch, 1)],
        vec![set(Attr::Epoch, 1), Change::Remove(Attr::Epoch)],
        vec![Change::Set(Attr::DueAt, "noon".into())],
        vec![Change::Set(Attr::DueShard, true.into())],
        vec![set(Attr::Listed, 1)],
        vec![Change::Set(Attr::ListedAt, "".into())],
        vec![Change::Add(Attr::Owner, 1)],
        vec![Change::Add(Attr::MicrosSpent, 1)],
    ];
    let before = vec![Change::Set(Attr::Owner, "me".into()), set(Attr::MicrosSpent, i64::MAX)];
    ledger.write(&update(1, before)).await.unwrap();
    let items = ledger.items();
    for changes in invalid {
        let answer = ledger.write(&update(1, changes.clone())).await;
        assert!(is_permanent(&answer), "{changes:?} was answered with {answer:?}");
        assert_eq!(ledger.items(), items);
    }
}

#[tokio::test]
async fn a_batch_of_goals_must_name_some_and_none_of_them_twice() {
    let ledger = MemoryLedger::new();
    assert!(is_permanent(&ledger.goals(&[]).await));
    assert!(is_permanent(&ledger.goals(&[goal(1), goal(2), goal(1)]).await));
}

#[tokio::test]
async fn an_item_that_expires_leaves_the_table_and_the_index() {
    let ledger = MemoryLedger::new();
    let due = vec![Change::Set(Attr::DueShard, 1_i64.into()), Change::Set(Attr::DueAt, 5_i64.into())];
    ledger.write(&update(1, due.clone())).await.unwrap();
    ledger.write(&update(2, due)).await.unwrap();
    assert_eq!(ledger.item_count(), 2);
    assert!(ledger.expire(&ItemKey::goal(goal(1))).is_some());
    assert!(ledger.expire(&ItemKey::goal(goal(1))).is_none());
    let mut left = vec![];
    ledger.inspect(|item| left.push(item.key.clone()));
    assert_eq!(left, [ItemKey::goal(goal(2))]);
    assert_eq!(ledger.due(1, UnixMs(6), 10).await.unwrap(), left);
}

#[test]
fn a_known_gap_that_fails_is_accepted_and_one_that_has_closed_is_not() {
    let gaps = [Gap { check: "known", why: "the server forgets" }];
    let failed = || Err(Failure::new("forgotten"));
    assert_eq!(weigh("sound", Ok(()), &gaps), Ok(()));
    assert_eq!(weigh("known", failed(), &gaps), Ok(()));
    assert!(weigh("sound", failed(), &gaps).unwrap_err().contains("forgotten"));
    assert!(weigh("known", Ok(()), &gaps).unwrap_err().contains("has closed"));
}

#[test]
#[should_panic(expected = "gaps that name no check")]
fn a_gap_that_names_no_check_is_noticed() {
    judge_gaps(&["sound"], &[Gap { check: "renamed", why: "once" }]);
}
