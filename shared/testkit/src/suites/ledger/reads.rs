//! Owns the checks of what comes back: items, batches of goals, stories, and the index of what is due.
//! Never trusts the index to know at once, nor a batch to be answered whole.
//! Next: `runtime::sweep` reads the index, `murmur` the stories.

use std::collections::BTreeMap;

use contract::{GoalId, UnixMs};
use runtime::ledger::{Attr, Change, Item, ItemKey};
use runtime::ports::Ledger;

use super::{Desk, LedgerFixture, item, set};
use crate::suites::{Failure, Verdict, eventually, permanent};

/// Other checks may leave older entries in a shard: far more than they all do.
const DUE_MAX: usize = 1000;
const NOON: i64 = 1_795_000_000_000;

pub async fn an_absent_item_reads_as_none(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    desk.set(desk.step("analysis", 1), vec![set(Attr::State, "claimed")]).await?;
    for absent in [desk.key(), desk.step("analysis", 2), desk.step("writer", 1), desk.join("evidence")] {
        let got = desk.port.read(&absent).await?;
        ensure!(got.is_none(), "{absent:?} reads as {got:?}");
    }
    Ok(())
}

/// Asks again for what was not processed, as callers do.
async fn all_goals(port: &dyn Ledger, ids: &[GoalId]) -> Result<BTreeMap<GoalId, Item>, Failure> {
    let mut found = BTreeMap::new();
    let mut ids = ids.to_vec();
    for _ in 0..50 {
        let states = port.goals(&ids).await?;
        found.extend(states.found);
        ids = states.unprocessed;
        if ids.is_empty() {
            return Ok(found);
        }
    }
    Err(Failure::new(format!("{} goals stayed unprocessed", ids.len())))
}

pub async fn goals_tells_those_that_exist(fixture: &dyn LedgerFixture) -> Verdict {
    let desks: Vec<Desk> = (0..6).map(|_| Desk::open(fixture)).collect();
    let mut wanted = BTreeMap::new();
    for (n, desk) in (0_i64..).zip(&desks) {
        if n % 2 == 0 {
            let made = desk.set(desk.key(), vec![set(Attr::Request, format!("goal {n}")), set(Attr::Epoch, n)]).await?;
            wanted.insert(desk.goal, made);
        } else {
            // A step alone is no goal.
            desk.set(desk.step("analysis", 1), vec![set(Attr::State, "claimed")]).await?;
        }
    }
    let ids: Vec<GoalId> = desks.iter().map(|desk| desk.goal).collect();
    let found = all_goals(fixture.ledger().as_ref(), &ids).await?;
    ensure!(found == wanted, "found {found:?}");
    Ok(())
}

pub async fn goals_takes_a_hundred_at_most(fixture: &dyn LedgerFixture) -> Verdict {
    let port = fixture.ledger();
    let desk = Desk::open(fixture);
    desk.set(desk.key(), vec![set(Attr::Owner, "me")]).await?;
    let mut ids: Vec<GoalId> = (0..99).map(|_| fixture.fresh_goal()).collect();
    ids.push(desk.goal);
    let found = all_goals(port.as_ref(), &ids).await?;
    ensure!(found.keys().eq([&desk.goal]), "of a hundred it found {:?}", found.keys());
    ids.push(fixture.fresh_goal());
    permanent(port.goals(&ids).await, "a hundred and one goals")
}

pub async fn a_story_is_told_in_key_order(fixture: &dyn LedgerFixture) -> Verdict {
    let (desk, other) = (Desk::open(fixture), Desk::open(fixture));
    let none = desk.port.story(desk.goal).await?;
    ensure!(none.is_empty(), "the story of a goal that is not there: {none:?}");
    let keys = [
        desk.step("writer", 1),
        desk.step("analysis", 2),
        desk.join("result"),
        desk.step("analysis", 1),
        desk.key(),
        desk.join("evidence"),
    ];
    let mut wanted = vec![];
    for key in keys {
        wanted.push(desk.set(key.clone(), vec![set(Attr::Cause, key.sort())]).await?);
        other.set(other.key(), vec![set(Attr::Cause, "another story")]).await?;
    }
    wanted.sort_by_key(|item| item.key.sort());
    let story = desk.port.story(desk.goal).await?;
    let told: Vec<String> = story.iter().map(|item| item.key.sort()).collect();
    ensure!(story == wanted, "the story was told as {told:?}");
    Ok(())
}

pub async fn a_story_over_one_mebibyte_is_told_whole(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    for n in 0..5 {
        let outcome = format!("{n}").repeat(300 * 1024);
        desk.set(desk.step("analysis", n), vec![set(Attr::Outcome, outcome)]).await?;
    }
    let story = desk.port.story(desk.goal).await?;
    let bytes: usize = story.iter().filter_map(|item| item.text(&Attr::Outcome)).map(str::len).sum();
    ensure!(story.len() == 5 && bytes == 5 * 300 * 1024, "{} items of {bytes} bytes came", story.len());
    Ok(())
}

fn due(shard: u8, at: i64) -> Vec<Change> {
    vec![set(Attr::DueShard, i64::from(shard)), set(Attr::DueAt, at)]
}

/// The shard's keys before `before`, once they are the wanted ones; only those of `goals` count.
async fn expect_due(
    fixture: &dyn LedgerFixture,
    shard: u8,
    before: i64,
    goals: &[GoalId],
    wanted: &[ItemKey],
) -> Verdict {
    let port = fixture.ledger();
    let ask = || {
        let port = port.clone();
        async move {
            let all = port.due(shard, UnixMs(before), DUE_MAX).await?;
            Ok(all.into_iter().filter(|key| goals.contains(&key.goal)).collect::<Vec<_>>())
        }
    };
    let found = eventually(ask, |found| found == wanted).await?;
    ensure!(found == wanted, "due are {found:?} instead of {wanted:?}");
    Ok(())
}

pub async fn the_due_index_lists_the_earliest_first(fixture: &dyn LedgerFixture) -> Verdict {
    let (desk, [shard, other]) = (Desk::open(fixture), fixture.shards());
    // As numbers: as texts, 9 would come after 10.
    let (first, second, third) = (desk.join("evidence"), desk.key(), desk.step("analysis", 1));
    desk.set(third.clone(), due(shard, NOON)).await?;
    desk.set(first.clone(), due(shard, 9)).await?;
    desk.set(second.clone(), due(shard, 10)).await?;
    desk.set(desk.join("result"), due(other, 9)).await?;
    expect_due(fixture, shard, NOON + 1, &[desk.goal], &[first.clone(), second, third]).await?;
    expect_due(fixture, other, NOON + 1, &[desk.goal], &[desk.join("result")]).await?;
    let some = desk.port.due(shard, UnixMs(NOON + 1), 1).await?;
    ensure!(some.len() == 1, "{} keys where one was asked for", some.len());
    Ok(())
}

pub async fn the_due_index_ends_before_the_given_time(fixture: &dyn LedgerFixture) -> Verdict {
    let (desk, [shard, _]) = (Desk::open(fixture), fixture.shards());
    let (early, late) = (desk.join("evidence"), desk.key());
    desk.set(late.clone(), due(shard, NOON)).await?;
    desk.set(early.clone(), due(shard, NOON - 1)).await?;
    expect_due(fixture, shard, NOON + 1, &[desk.goal], &[early.clone(), late]).await?;
    expect_due(fixture, shard, NOON, &[desk.goal], &[early]).await?;
    expect_due(fixture, shard, NOON - 1, &[desk.goal], &[]).await
}

pub async fn the_due_index_holds_only_items_with_both_attributes(fixture: &dyn LedgerFixture) -> Verdict {
    let (desk, [shard, _]) = (Desk::open(fixture), fixture.shards());
    desk.set(desk.join("evidence"), vec![set(Attr::DueAt, 5_i64)]).await?;
    desk.set(desk.step("analysis", 1), vec![set(Attr::DueShard, i64::from(shard))]).await?;
    desk.set(desk.step("analysis", 2), vec![set(Attr::State, "claimed")]).await?;
    // Written last: once it is listed, the others have had their time.
    desk.set(desk.key(), due(shard, 6)).await?;
    expect_due(fixture, shard, NOON, &[desk.goal], &[desk.key()]).await?;
    // The second attribute may come later.
    let made = desk.set(desk.join("evidence"), vec![set(Attr::DueShard, i64::from(shard))]).await?;
    let wanted = [(Attr::DueAt, 5_i64.into()), (Attr::DueShard, i64::from(shard).into())];
    ensure!(made == item(desk.join("evidence"), &wanted), "the item became {made:?}");
    expect_due(fixture, shard, NOON, &[desk.goal], &[desk.join("evidence"), desk.key()]).await
}

pub async fn an_item_whose_due_time_is_removed_leaves_the_index(fixture: &dyn LedgerFixture) -> Verdict {
    let (desk, [shard, _]) = (Desk::open(fixture), fixture.shards());
    let (first, second, third) = (desk.join("evidence"), desk.key(), desk.join("result"));
    for (key, at) in [(&first, 5), (&second, 6), (&third, 7)] {
        desk.set(key.clone(), due(shard, at)).await?;
    }
    expect_due(fixture, shard, NOON, &[desk.goal], &[first.clone(), second.clone(), third.clone()]).await?;
    desk.set(first, vec![Change::Remove(Attr::DueAt)]).await?;
    desk.set(second.clone(), vec![Change::Remove(Attr::DueShard)]).await?;
    expect_due(fixture, shard, NOON, &[desk.goal], std::slice::from_ref(&third)).await?;
    desk.write_to(
        third,
        runtime::ledger::Mode::Replace,
        runtime::ledger::Condition::Always,
        vec![set(Attr::Ended, "done")],
    )
    .await?;
    expect_due(fixture, shard, NOON, &[desk.goal], &[]).await
}

pub async fn an_item_whose_due_time_moves_is_listed_once(fixture: &dyn LedgerFixture) -> Verdict {
    let (desk, [shard, other]) = (Desk::open(fixture), fixture.shards());
    let (moving, still) = (desk.join("evidence"), desk.key());
    desk.set(moving.clone(), due(shard, 5)).await?;
    desk.set(still.clone(), due(shard, 6)).await?;
    expect_due(fixture, shard, NOON, &[desk.goal], &[moving.clone(), still.clone()]).await?;
    desk.set(moving.clone(), vec![set(Attr::DueAt, 7_i64)]).await?;
    expect_due(fixture, shard, NOON, &[desk.goal], &[still.clone(), moving.clone()]).await?;
    desk.set(moving.clone(), vec![set(Attr::DueShard, i64::from(other))]).await?;
    expect_due(fixture, shard, NOON, &[desk.goal], &[still]).await?;
    expect_due(fixture, other, NOON, &[desk.goal], &[moving]).await
}
