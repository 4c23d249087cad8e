//! Owns the checks of the index of goals: the order of a shelf, going on behind a mark, moving between shelves.
//! Never trusts the index to know at once.
//! Next: `runtime::listing` reads shelves together.

use contract::{GoalId, Tenant, UnixMs};
use runtime::ledger::{Attr, Change, Listed, Mark, Shelf, Standing};

use super::{Desk, LedgerFixture, set};
use crate::suites::{Verdict, eventually};

/// Other checks may leave entries on a shelf: far more than they all do.
const ALL: usize = 1000;
const NOON: i64 = 1_795_000_000_000;

fn listed(goal: GoalId, at: i64) -> Listed {
    Listed { mark: Mark { at: UnixMs(at), goal }, tenant: Tenant::default() }
}

fn on(shelf: Shelf, listed: &Listed) -> Vec<Change> {
    vec![set(Attr::Listed, shelf.to_string()), set(Attr::ListedAt, listed.to_string())]
}

fn shelves(fixture: &dyn LedgerFixture) -> [Shelf; 2] {
    fixture.shards().map(|shard| Shelf { standing: Standing::Open, shard })
}

/// What the shelf tells of `goals` behind the mark, once it is as wanted.
async fn expect(
    fixture: &dyn LedgerFixture,
    shelf: Shelf,
    after: Option<Mark>,
    goals: &[&Desk],
    wanted: &[&Listed],
) -> Verdict {
    let port = fixture.ledger();
    let ask = || {
        let port = port.clone();
        async move {
            let all = port.listed(shelf, after, ALL).await?;
            let ours = |listed: &Listed| goals.iter().any(|desk| desk.goal == listed.mark.goal);
            Ok(all.into_iter().filter(ours).collect::<Vec<_>>())
        }
    };
    let found = eventually(ask, |found| found.iter().eq(wanted.iter().copied())).await?;
    ensure!(found.iter().eq(wanted.iter().copied()), "{shelf} has {found:?} instead of {wanted:?}");
    Ok(())
}

pub async fn a_shelf_lists_the_newest_first_and_only_its_own(fixture: &dyn LedgerFixture) -> Verdict {
    let desks: [Desk; 4] = std::array::from_fn(|_| Desk::open(fixture));
    let [shelf, other] = shelves(fixture);
    let [old, new, elsewhere, oldest] = &desks;
    // As numbers: as texts of different lengths, 9 would come after 10.
    let at = [(old, shelf, 10), (new, shelf, NOON), (elsewhere, other, 11), (oldest, shelf, 9)];
    for (desk, shelf, at) in at {
        desk.set(desk.key(), on(shelf, &listed(desk.goal, at))).await?;
    }
    let all: Vec<&Desk> = desks.iter().collect();
    let wanted = [listed(new.goal, NOON), listed(old.goal, 10), listed(oldest.goal, 9)];
    expect(fixture, shelf, None, &all, &wanted.iter().collect::<Vec<_>>()).await?;
    expect(fixture, other, None, &all, &[&listed(elsewhere.goal, 11)]).await?;
    let some = fixture.ledger().listed(shelf, None, 2).await?;
    ensure!(some.len() == 2, "{} goals where two were asked for", some.len());
    Ok(())
}

pub async fn a_shelf_goes_on_behind_a_mark(fixture: &dyn LedgerFixture) -> Verdict {
    let desks: [Desk; 3] = std::array::from_fn(|_| Desk::open(fixture));
    let [shelf, _] = shelves(fixture);
    // Two of one moment: their ids decide, and neither is told twice or left out.
    let mut all: Vec<Listed> =
        desks.iter().zip([NOON, NOON, NOON - 1]).map(|(desk, at)| listed(desk.goal, at)).collect();
    for (desk, listed) in desks.iter().zip(&all) {
        desk.set(desk.key(), on(shelf, listed)).await?;
    }
    all.sort();
    all.reverse();
    let (goals, all): (Vec<&Desk>, Vec<&Listed>) = (desks.iter().collect(), all.iter().collect());
    expect(fixture, shelf, None, &goals, &all).await?;
    for (at, last) in all.iter().enumerate() {
        expect(fixture, shelf, Some(last.mark), &goals, &all[at + 1..]).await?;
    }
    let newer = Mark { at: UnixMs(NOON + 1), ..all[0].mark };
    expect(fixture, shelf, Some(newer), &goals, &all).await
}

pub async fn a_shelf_holds_only_items_with_both_attributes(fixture: &dyn LedgerFixture) -> Verdict {
    let desks: [Desk; 3] = std::array::from_fn(|_| Desk::open(fixture));
    let [shelf, _] = shelves(fixture);
    let [first, second, whole] = &desks;
    first.set(first.key(), vec![set(Attr::Listed, shelf.to_string())]).await?;
    second.set(second.key(), vec![set(Attr::ListedAt, listed(second.goal, NOON).to_string())]).await?;
    // Written last: once it is listed, the others have had their time.
    let wanted = listed(whole.goal, NOON);
    whole.set(whole.key(), on(shelf, &wanted)).await?;
    let all: Vec<&Desk> = desks.iter().collect();
    expect(fixture, shelf, None, &all, &[&wanted]).await
}

pub async fn a_goal_that_ends_moves_to_another_shelf_and_keeps_its_place(fixture: &dyn LedgerFixture) -> Verdict {
    let (older, ending) = (Desk::open(fixture), Desk::open(fixture));
    let [open, _] = shelves(fixture);
    let done = Shelf { standing: Standing::Completed, ..open };
    let (first, last) = (listed(older.goal, NOON), listed(ending.goal, NOON + 1));
    older.set(older.key(), on(open, &first)).await?;
    ending.set(ending.key(), on(open, &last)).await?;
    expect(fixture, open, None, &[&older, &ending], &[&last, &first]).await?;
    ending.set(ending.key(), vec![set(Attr::Listed, done.to_string()), set(Attr::Ended, "{}")]).await?;
    expect(fixture, done, None, &[&older, &ending], &[&last]).await?;
    expect(fixture, open, None, &[&older, &ending], &[&first]).await
}
