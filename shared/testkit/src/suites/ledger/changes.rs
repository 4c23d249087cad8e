//! Owns the checks of changes: each variant, both modes, what a write answers, what an item may hold.
//! Never checks two writers at once: `race` does.
//! Next: `race`.

use contract::PortError;
use runtime::ledger::{Attr, Change, Condition, Mode, Value};
use runtime::ports::Written;

use super::{Desk, LedgerFixture, applied, item, set};
use crate::suites::{Verdict, permanent};

const KB: usize = 1024;

pub async fn set_writes_every_type_of_value_as_it_is(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    let values: Vec<(Attr, Value)> = vec![
        (Attr::Owner, "".into()),
        (Attr::Cause, "ünï → \u{1f426}, \"quoted\" \\ \u{0}\n\t end ".into()),
        (Attr::Request, "{\"b\":1, \"a\" : [ 1.0, null ]}".into()),
        (Attr::State, "0042".into()),
        (Attr::Version, 0_i64.into()),
        (Attr::Epoch, i64::MAX.into()),
        (Attr::Lease, i64::MIN.into()),
        (Attr::DueAt, 1_795_000_000_123_i64.into()),
        (Attr::Alone, true.into()),
        (Attr::Emitted, false.into()),
    ];
    desk.set(desk.key(), values.iter().map(|(attr, value)| set(attr.clone(), value.clone())).collect()).await?;
    let got = desk.read().await?;
    ensure!(got == Some(item(desk.key(), &values)), "it reads as {got:?}");
    Ok(())
}

pub async fn set_replaces_a_value_of_another_type(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    for value in [Value::Text("five".into()), Value::Number(5), Value::Flag(true), Value::Text(String::new())] {
        let made = desk.set(desk.key(), vec![set(Attr::Cause, value.clone())]).await?;
        ensure!(made == item(desk.key(), &[(Attr::Cause, value)]), "the item became {made:?}");
    }
    Ok(())
}

pub async fn add_counts_from_zero_and_below_it(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    for (by, sum) in [(5, 5), (-7, -2), (0, -2), (2, 0)] {
        let made = desk.set(desk.key(), vec![Change::Add(Attr::TokensLeft, by)]).await?;
        ensure!(made.number(&Attr::TokensLeft) == Some(sum), "after adding {by} it is {made:?}");
    }
    let made = desk.set(desk.key(), vec![Change::Add(Attr::Arrived("new".into()), -3)]).await?;
    ensure!(made.number(&Attr::Arrived("new".into())) == Some(-3), "an absent number became {made:?}");
    // Nothing added to an absent number still makes it.
    let made = desk.set(desk.key(), vec![Change::Add(Attr::Arrived("none".into()), 0)]).await?;
    ensure!(made.number(&Attr::Arrived("none".into())) == Some(0), "an absent number became {made:?}");
    let answer = desk.write(Mode::Update, Condition::Always, vec![Change::Add(Attr::Owner, 1)]).await?;
    ensure!(applied(answer)?.number(&Attr::Owner) == Some(1), "an absent attribute was not taken for a number");
    desk.set(desk.key(), vec![set(Attr::Owner, "me")]).await?;
    let answer = desk.write(Mode::Update, Condition::Always, vec![Change::Add(Attr::Owner, 1)]).await;
    permanent(answer, "an addition to a text")?;
    Ok(())
}

pub async fn add_reaches_the_largest_and_the_smallest_number(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    for (from, by, sum) in [(i64::MAX - 1, 1, i64::MAX), (i64::MIN + 1, -1, i64::MIN), (i64::MAX, i64::MIN, -1)] {
        desk.set(desk.key(), vec![set(Attr::MicrosSpent, from)]).await?;
        let made = desk.set(desk.key(), vec![Change::Add(Attr::MicrosSpent, by)]).await?;
        ensure!(made.number(&Attr::MicrosSpent) == Some(sum), "{from} and {by} became {made:?}");
    }
    Ok(())
}

pub async fn remove_leaves_nothing_and_repeats(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    desk.set(desk.key(), vec![set(Attr::Owner, "me"), set(Attr::Cause, "why")]).await?;
    for _ in 0..2 {
        let made = desk.set(desk.key(), vec![Change::Remove(Attr::Cause)]).await?;
        ensure!(made == item(desk.key(), &[(Attr::Owner, "me".into())]), "the item became {made:?}");
    }
    Ok(())
}

pub async fn update_keeps_what_it_does_not_name(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    desk.set(desk.key(), vec![set(Attr::Owner, "me"), set(Attr::Epoch, 1_i64)]).await?;
    let made = desk.set(desk.key(), vec![set(Attr::Epoch, 2_i64)]).await?;
    let wanted = item(desk.key(), &[(Attr::Owner, "me".into()), (Attr::Epoch, 2_i64.into())]);
    ensure!(made == wanted, "the item became {made:?}");
    Ok(())
}

pub async fn update_makes_an_absent_item(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    let key = desk.join("evidence");
    let made = desk.set(key.clone(), vec![set(Attr::Head, "{}"), Change::Add(Attr::Version, 1)]).await?;
    let wanted = item(key.clone(), &[(Attr::Head, "{}".into()), (Attr::Version, 1_i64.into())]);
    ensure!(made == wanted, "the item was made as {made:?}");
    let got = desk.port.read(&key).await?;
    ensure!(got == Some(wanted), "it reads as {got:?}");
    Ok(())
}

pub async fn replace_drops_what_it_does_not_name(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    desk.set(desk.key(), vec![set(Attr::Owner, "me"), set(Attr::Epoch, 1_i64), set(Attr::Version, 7_i64)]).await?;
    let when = Condition::Equals(Attr::Owner, "me".into());
    let changes = vec![set(Attr::Epoch, 2_i64), Change::Add(Attr::Version, 1), Change::Remove(Attr::Owner)];
    let made = applied(desk.write(Mode::Replace, when, changes).await?)?;
    // A replaced number counts from zero again.
    let wanted = item(desk.key(), &[(Attr::Epoch, 2_i64.into()), (Attr::Version, 1_i64.into())]);
    ensure!(made == wanted, "the item became {made:?}");
    let got = desk.read().await?;
    ensure!(got == Some(wanted), "it reads as {got:?}");
    Ok(())
}

pub async fn several_changes_apply_together(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    desk.set(desk.key(), vec![set(Attr::Owner, "me"), set(Attr::Cause, "old"), set(Attr::Epoch, 1_i64)]).await?;
    let changes = vec![
        set(Attr::State, "claimed"),
        set(Attr::Owner, "you"),
        Change::Add(Attr::Epoch, 1),
        Change::Add(Attr::Crashes, 1),
        Change::Remove(Attr::Cause),
        Change::Remove(Attr::Alone),
    ];
    let made = desk.set(desk.key(), changes).await?;
    let wanted: [(Attr, Value); 4] = [
        (Attr::State, "claimed".into()),
        (Attr::Owner, "you".into()),
        (Attr::Epoch, 2_i64.into()),
        (Attr::Crashes, 1_i64.into()),
    ];
    ensure!(made == item(desk.key(), &wanted), "the item became {made:?}");
    Ok(())
}

pub async fn attributes_of_a_map_may_be_named_anything(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    let names = ["plain", "a#b#c", "ünï → \u{1f426}", "with.dots[0]:and:colons", "#lead", "-- 'quote' \"two\"", "size"];
    let attrs: Vec<Attr> =
        names.iter().flat_map(|name| [Attr::Arrived((*name).into()), Attr::Held((*name).into())]).collect();
    let made = desk.set(desk.key(), attrs.iter().map(|attr| set(attr.clone(), 1_i64)).collect()).await?;
    let wanted: Vec<(Attr, Value)> = attrs.iter().map(|attr| (attr.clone(), 1_i64.into())).collect();
    ensure!(made == item(desk.key(), &wanted), "the item was made as {made:?}");
    for attr in &attrs {
        desk.expect(true, Condition::Equals(attr.clone(), 1_i64.into())).await?;
        let made = desk.set(desk.key(), vec![Change::Add(attr.clone(), 1)]).await?;
        ensure!(made.number(attr) == Some(2), "{} became {:?}", attr.name(), made.attrs.get(attr));
        let made = desk.set(desk.key(), vec![Change::Remove(attr.clone())]).await?;
        ensure!(!made.has(attr), "{} is still there", attr.name());
        desk.expect(true, Condition::Absent(attr.clone())).await?;
    }
    Ok(())
}

pub async fn an_applied_write_tells_the_item_as_it_is(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    for (mode, changes) in [
        (Mode::Replace, vec![set(Attr::Owner, "me"), set(Attr::Epoch, 1_i64)]),
        (Mode::Update, vec![set(Attr::State, "claimed"), Change::Add(Attr::Epoch, 1)]),
        (Mode::Replace, vec![set(Attr::Cause, "new")]),
    ] {
        let told = applied(desk.write(mode, Condition::Always, changes).await?)?;
        let got = desk.read().await?;
        ensure!(got.as_ref() == Some(&told), "the write told {told:?}, the read {got:?}");
    }
    Ok(())
}

pub async fn a_refused_write_tells_the_item_and_changes_nothing(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    let changes = vec![set(Attr::Owner, "you"), Change::Add(Attr::Epoch, 1), Change::Remove(Attr::State)];
    for mode in [Mode::Replace, Mode::Update] {
        let key = desk.step("absent", 1);
        let when = Condition::Equals(Attr::Owner, "me".into());
        let answer = desk.write_to(key, mode, when, changes.clone()).await?;
        ensure!(answer == Written::Refused(None), "{mode:?} of an absent item was answered with {answer:?}");
    }
    let made = desk.set(desk.key(), vec![set(Attr::Owner, "me"), set(Attr::State, "claimed")]).await?;
    for mode in [Mode::Replace, Mode::Update] {
        let answer = desk.write(mode, Condition::Equals(Attr::Owner, "you".into()), changes.clone()).await?;
        ensure!(answer == Written::Refused(Some(made.clone())), "{mode:?} was answered with {answer:?}");
        let got = desk.read().await?;
        ensure!(got.as_ref() == Some(&made), "{mode:?} changed the item to {got:?}");
    }
    Ok(())
}

pub async fn an_item_of_350_kb_fits(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    let text = "é".repeat(350 * KB / 2);
    desk.set(desk.key(), vec![set(Attr::Outcome, text.clone())]).await?;
    let got = desk.read().await?;
    ensure!(got == Some(item(desk.key(), &[(Attr::Outcome, text.into())])), "the item reads differently");
    Ok(())
}

pub async fn an_item_over_400_kb_is_refused_for_good(fixture: &dyn LedgerFixture) -> Verdict {
    let desk = Desk::open(fixture);
    let long = |kb: usize| "é".repeat(kb * KB / 2);
    let refusal = |answer: Result<Written, PortError>| permanent(answer.map(|_| "written"), "an item over 400 KB");
    let changes = vec![set(Attr::Outcome, long(401))];
    refusal(desk.write(Mode::Replace, Condition::Always, changes).await)?;
    ensure!(desk.read().await?.is_none(), "the refused write made an item");
    let made = desk.set(desk.key(), vec![set(Attr::Outcome, long(250))]).await?;
    refusal(desk.write(Mode::Update, Condition::Always, vec![set(Attr::Request, long(160))]).await)?;
    ensure!(desk.read().await? == Some(made), "the refused write changed the item");
    Ok(())
}
