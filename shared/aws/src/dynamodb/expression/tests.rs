//! Owns the proof that conditions and changes are spelled as DynamoDB reads them.
//! Never asks a server: `suites::ledger` does, for what each of them means.
//! Next: `expression`, which is held to these texts.

use std::collections::BTreeMap;

use super::*;

fn spelled(condition: &Condition) -> String {
    let (placeholders, text) = Expression::of(condition);
    let text = text.unwrap_or_else(|| "(none)".into());
    for name in placeholders.names().unwrap_or_default().into_keys() {
        assert!(text.contains(&name), "{name} is not used in {text}");
    }
    for value in placeholders.values().unwrap_or_default().into_keys() {
        assert!(text.contains(&value), "{value} is not used in {text}");
    }
    text
}

fn is(attr: Attr) -> Condition {
    Condition::Exists(attr)
}

fn nothing() -> Condition {
    Condition::Any(vec![])
}

#[test]
fn each_condition_is_spelled_over_placeholders() {
    let cases = [
        (Condition::Always, "(none)"),
        (Condition::ItemAbsent, "attribute_not_exists(#n0)"),
        (Condition::ItemExists, "attribute_exists(#n0)"),
        (Condition::Absent(Attr::Ended), "attribute_not_exists(#n0)"),
        (Condition::Exists(Attr::Ended), "attribute_exists(#n0)"),
        (Condition::Equals(Attr::Owner, "me".into()), "#n0 = :v0"),
        (Condition::AtMost(Attr::Lease, 5), "#n0 <= :v0"),
        (Condition::AtLeast(Attr::Lease, 5), "#n0 >= :v0"),
    ];
    for (condition, wanted) in cases {
        assert_eq!(spelled(&condition), wanted, "{condition:?}");
    }
}

#[test]
fn names_and_values_are_those_of_the_item() {
    let condition = Condition::All(vec![
        Condition::Equals(Attr::Open("step#a.b".into()), "x".into()),
        Condition::Equals(Attr::Open("step#a.b".into()), true.into()),
        Condition::ItemExists,
    ]);
    let (placeholders, text) = Expression::of(&condition);
    assert_eq!(text.as_deref(), Some("#n0 = :v0 AND #n0 = :v1 AND attribute_exists(#n1)"));
    let names: BTreeMap<_, _> = placeholders.names().unwrap().into_iter().collect();
    assert_eq!(names, BTreeMap::from([("#n0".into(), "open#step#a.b".into()), ("#n1".into(), "goal".into())]));
    let values = placeholders.values().unwrap();
    assert_eq!(values[":v0"], AttributeValue::S("x".into()));
    assert_eq!(values[":v1"], AttributeValue::Bool(true));
}

#[test]
fn brackets_stand_around_several_tests_and_never_around_one() {
    let either = Condition::Any(vec![is(Attr::State), is(Attr::Owner)]);
    let single = Condition::Any(vec![is(Attr::Epoch)]);
    let nested = Condition::All(vec![either, single, Condition::All(vec![Condition::All(vec![is(Attr::Lease)])])]);
    let exists = |n| format!("attribute_exists(#n{n})");
    let wanted = format!("({} OR {}) AND {} AND {}", exists(0), exists(1), exists(2), exists(3));
    assert_eq!(spelled(&nested), wanted);
}

#[test]
fn what_always_or_never_holds_leaves_no_name_behind() {
    let one = || is(Attr::State);
    let cases = [
        (Condition::All(vec![]), "(none)"),
        (Condition::All(vec![Condition::Always, Condition::All(vec![])]), "(none)"),
        (Condition::Any(vec![one(), Condition::Always]), "(none)"),
        (
            Condition::All(vec![one(), Condition::Any(vec![is(Attr::Owner), Condition::Always])]),
            "attribute_exists(#n0)",
        ),
        (Condition::Any(vec![one(), nothing()]), "attribute_exists(#n0)"),
        (nothing(), "attribute_exists(#n0) AND attribute_not_exists(#n0)"),
        (Condition::All(vec![one(), nothing()]), "attribute_exists(#n0) AND attribute_not_exists(#n0)"),
        (
            Condition::Any(vec![nothing(), Condition::All(vec![one(), nothing()])]),
            "attribute_exists(#n0) AND attribute_not_exists(#n0)",
        ),
    ];
    for (condition, wanted) in cases {
        assert_eq!(spelled(&condition), wanted, "{condition:?}");
    }
}

#[test]
fn changes_are_gathered_by_their_verb() {
    let changes = [
        Change::Remove(Attr::Cause),
        Change::Set(Attr::Owner, "me".into()),
        Change::Add(Attr::Epoch, 0),
        Change::Set(Attr::Alone, false.into()),
        Change::Remove(Attr::Lease),
    ];
    let mut placeholders = Placeholders::default();
    let text = Update::of(&changes, &mut placeholders);
    assert_eq!(text.as_deref(), Some("SET #n1 = :v0, #n3 = :v2 ADD #n2 :v1 REMOVE #n0, #n4"));
    assert_eq!(placeholders.values().unwrap()[":v1"], AttributeValue::N("0".into()));
    assert_eq!(Update::of(&[], &mut Placeholders::default()), None);
}

#[test]
fn a_condition_and_the_changes_behind_it_share_their_names() {
    let (mut placeholders, condition) = Expression::of(&Condition::Equals(Attr::Epoch, 3_i64.into()));
    let update = Update::of(&[Change::Add(Attr::Epoch, 1)], &mut placeholders);
    assert_eq!((condition.as_deref(), update.as_deref()), (Some("#n0 = :v0"), Some("ADD #n0 :v1")));
    assert_eq!(placeholders.names().unwrap().len(), 1);
}
