//! Owns the checks of writers at once: of those that exclude each other one is first, and all see the same one.
//! Never says which one.
//! Next: `reads`.

use futures_util::future::join_all;
use runtime::ledger::{Attr, Change, Condition, Item, Mode};
use runtime::ports::Written;

use super::{Desk, LedgerFixture, set};
use crate::suites::{Failure, Verdict};

const WRITERS: i64 = 8;

/// The winner's item; a loser must have been told exactly that.
fn only_winner(answers: Vec<Written>) -> Result<Item, Failure> {
    let (won, lost): (Vec<Written>, Vec<Written>) =
        answers.into_iter().partition(|answer| matches!(answer, Written::Applied(_)));
    let [Written::Applied(winner)] = won.as_slice() else {
        return Err(Failure::new(format!("{} of {WRITERS} writers won", won.len())));
    };
    let stranger = lost.iter().find(|told| **told != Written::Refused(Some(winner.clone())));
    ensure!(stranger.is_none(), "a loser was told {stranger:?} where {winner:?} won");
    Ok(winner.clone())
}

async fn at_once(desk: &Desk, mode: Mode, when: &Condition, add: bool) -> Result<Vec<Written>, Failure> {
    let writers = (0..WRITERS).map(|n| {
        let mut changes = vec![set(Attr::Owner, format!("writer {n}"))];
        if add {
            changes.push(Change::Add(Attr::Version, 1));
        }
        desk.write(mode, when.clone(), changes)
    });
    Ok(join_all(writers).await.into_iter().collect::<Result<_, _>>()?)
}

pub async fn of_writers_at_once_one_makes_the_item(fixture: &dyn LedgerFixture) -> Verdict {
    for mode in [Mode::Replace, Mode::Update] {
        let desk = Desk::open(fixture);
        let winner = only_winner(at_once(&desk, mode, &Condition::ItemAbsent, false).await?)?;
        ensure!(desk.read().await? == Some(winner), "{mode:?}: the winner's item is not what is read");
    }
    Ok(())
}

pub async fn of_writers_at_once_one_passes_the_version(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    desk.set(desk.key(), vec![set(Attr::Version, 0_i64)]).await?;
    for version in 0..3_i64 {
        let when = Condition::Equals(Attr::Version, version.into());
        let winner = only_winner(at_once(&desk, Mode::Update, &when, true).await?)?;
        ensure!(winner.number(&Attr::Version) == Some(version + 1), "the winner's item is {winner:?}");
    }
    Ok(())
}

pub async fn additions_at_once_are_all_counted(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    let answers = at_once(&desk, Mode::Update, &Condition::Always, true).await?;
    let told = |answer: &Written| match answer {
        Written::Applied(item) => item.number(&Attr::Version),
        Written::Refused(_) => None,
    };
    let mut sums: Vec<Option<i64>> = answers.iter().map(told).collect();
    sums.sort();
    ensure!(sums == (1..=WRITERS).map(Some).collect::<Vec<_>>(), "the writers were told {sums:?}");
    Ok(())
}
