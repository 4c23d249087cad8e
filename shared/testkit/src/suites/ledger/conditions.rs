//! Owns the checks of conditions: each variant, where it holds, where it does not, and what absence means.
//! Never checks more than one item.
//! Next: `changes`.

use runtime::ledger::{Attr, Change, Condition, Mode, Value};
use runtime::ports::Written;

use super::{Desk, LedgerFixture, applied, item, set};
use crate::suites::Verdict;

pub async fn always_holds_with_and_without_an_item(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    desk.expect(true, Condition::Always).await?;
    desk.expect(true, Condition::Always).await
}

pub async fn item_absent_holds_once(fixture: &dyn LedgerFixture) -> Verdict {
    for mode in [Mode::Replace, Mode::Update] {
        let desk = Desk::open(fixture);
        let first = desk.write(mode, Condition::ItemAbsent, vec![set(Attr::Owner, "first")]).await?;
        let made = applied(first)?;
        let second = desk.write(mode, Condition::ItemAbsent, vec![set(Attr::Owner, "second")]).await?;
        ensure!(second == Written::Refused(Some(made.clone())), "{mode:?}: the second was answered with {second:?}");
        ensure!(desk.read().await? == Some(made), "{mode:?}: the refused write changed the item");
    }
    Ok(())
}

pub async fn item_exists_holds_only_of_an_item(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    let early = desk.write(Mode::Update, Condition::ItemExists, vec![Change::Add(Attr::Version, 1)]).await?;
    ensure!(early == Written::Refused(None), "of no item it was answered with {early:?}");
    ensure!(desk.read().await?.is_none(), "the refused write made an item");
    desk.set(desk.key(), vec![set(Attr::Owner, "me")]).await?;
    desk.expect(true, Condition::ItemExists).await
}

pub async fn absent_and_exists_look_at_one_attribute(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    desk.expect(false, Condition::Exists(Attr::Ended)).await?;
    desk.expect(true, Condition::Absent(Attr::Ended)).await?;
    desk.expect(true, Condition::Absent(Attr::Ended)).await?;
    desk.set(desk.key(), vec![set(Attr::Ended, ""), set(Attr::Emitted, false)]).await?;
    desk.expect(true, Condition::Exists(Attr::Ended)).await?;
    desk.expect(true, Condition::Exists(Attr::Emitted)).await?;
    desk.expect(false, Condition::Absent(Attr::Ended)).await?;
    desk.expect(false, Condition::Exists(Attr::Cause)).await
}

pub async fn equals_compares_type_and_value(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    let values: [(Attr, Value); 5] = [
        (Attr::Owner, "5".into()),
        (Attr::Epoch, 5_i64.into()),
        (Attr::Alone, true.into()),
        (Attr::Lease, (-7_i64).into()),
        (Attr::Cause, "".into()),
    ];
    desk.set(desk.key(), values.iter().map(|(attr, value)| set(attr.clone(), value.clone())).collect()).await?;
    for (attr, value) in &values {
        desk.expect(true, Condition::Equals(attr.clone(), value.clone())).await?;
        for (_, other) in values.iter().filter(|(_, other)| other != value) {
            desk.expect(false, Condition::Equals(attr.clone(), other.clone())).await?;
        }
    }
    desk.expect(false, Condition::Equals(Attr::Alone, false.into())).await?;
    desk.expect(false, Condition::Equals(Attr::Owner, "05".into())).await
}

pub async fn an_absent_attribute_equals_nothing(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    let nothings: [Value; 3] = ["".into(), 0_i64.into(), false.into()];
    // First of an item that is not there, then of one that lacks the attribute.
    for _ in 0..2 {
        for nothing in &nothings {
            desk.expect(false, Condition::Equals(Attr::Owner, nothing.clone())).await?;
        }
        desk.set(desk.key(), vec![set(Attr::State, "claimed")]).await?;
    }
    Ok(())
}

pub async fn at_most_and_at_least_include_their_bound(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    for number in [10, 0, -10, i64::MAX - 1, i64::MIN + 1] {
        desk.set(desk.key(), vec![set(Attr::Lease, number)]).await?;
        for (bound, at_most, at_least) in [(number, true, true), (number - 1, false, true), (number + 1, true, false)] {
            desk.expect(at_most, Condition::AtMost(Attr::Lease, bound)).await?;
            desk.expect(at_least, Condition::AtLeast(Attr::Lease, bound)).await?;
        }
    }
    // As numbers, not as texts.
    desk.set(desk.key(), vec![set(Attr::Lease, 9_i64)]).await?;
    desk.expect(true, Condition::AtMost(Attr::Lease, 10)).await
}

pub async fn an_absent_attribute_compares_with_nothing(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    for _ in 0..2 {
        for bound in [i64::MIN, 0, i64::MAX] {
            desk.expect(false, Condition::AtMost(Attr::Lease, bound)).await?;
            desk.expect(false, Condition::AtLeast(Attr::Lease, bound)).await?;
        }
        // A text is no number either.
        desk.set(desk.key(), vec![set(Attr::State, "claimed"), set(Attr::Owner, "5")]).await?;
    }
    desk.expect(false, Condition::AtMost(Attr::Owner, i64::MAX)).await?;
    desk.expect(false, Condition::AtLeast(Attr::Owner, i64::MIN)).await
}

fn yes() -> Condition {
    Condition::Equals(Attr::Owner, "me".into())
}

fn no() -> Condition {
    Condition::Equals(Attr::Owner, "you".into())
}

pub async fn all_needs_every_condition(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    desk.set(desk.key(), vec![set(Attr::Owner, "me")]).await?;
    desk.expect(true, Condition::All(vec![yes()])).await?;
    desk.expect(true, Condition::All(vec![yes(), Condition::Always, Condition::ItemExists])).await?;
    desk.expect(false, Condition::All(vec![yes(), no()])).await?;
    desk.expect(false, Condition::All(vec![no(), Condition::Always])).await
}

pub async fn any_needs_one_condition(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    desk.set(desk.key(), vec![set(Attr::Owner, "me")]).await?;
    desk.expect(true, Condition::Any(vec![no(), yes()])).await?;
    desk.expect(true, Condition::Any(vec![no(), Condition::Always])).await?;
    desk.expect(false, Condition::Any(vec![no()])).await?;
    desk.expect(false, Condition::Any(vec![no(), Condition::ItemAbsent])).await
}

pub async fn conditions_nest(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    let made = desk.set(desk.key(), vec![set(Attr::Owner, "me"), set(Attr::Epoch, 3_i64)]).await?;
    let wanted = item(desk.key(), &[(Attr::Owner, "me".into()), (Attr::Epoch, 3_i64.into())]);
    ensure!(made == wanted, "the item was made as {made:?}");
    let either = |a, b| Condition::Any(vec![a, b]);
    let both = |a, b| Condition::All(vec![a, b]);
    desk.expect(true, both(either(no(), yes()), either(Condition::AtMost(Attr::Epoch, 3), no()))).await?;
    desk.expect(false, both(either(no(), yes()), either(Condition::AtMost(Attr::Epoch, 2), no()))).await?;
    // Without brackets the next one would be read as (yes or yes and no): true.
    desk.expect(false, both(either(yes(), yes()), no())).await?;
    desk.expect(true, either(yes(), both(yes(), no()))).await?;
    desk.expect(true, either(both(no(), yes()), both(yes(), Condition::Absent(Attr::Ended)))).await
}
