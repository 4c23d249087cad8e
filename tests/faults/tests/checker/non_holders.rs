//! Owns what the checker must find done by somebody who held nothing.
//! Never a step that only changed hands.
//! Next: `stuck`.

use serde_json::json;

use super::plants::{over, record, set, take_over, telling, unset};
use super::{Kind, finds};

#[test]
fn an_event_told_in_other_words_than_those_on_record_is_a_non_holders() {
    finds(Kind::ByNonHolder, "in other words than those on record", |history| {
        telling(history, "plain", "report.written").detail["data"]["summary"] = json!("another");
    });
}

#[test]
fn a_failure_told_with_another_cause_than_the_park_had_is_a_non_holders() {
    finds(Kind::ByNonHolder, "was for", |history| {
        telling(history, "redriven", "step.failed").detail["data"]["cause"]["detail"] = json!("another");
    });
}

#[test]
fn a_commit_in_an_epoch_that_was_over_is_a_non_holders() {
    finds(Kind::ByNonHolder, "and epoch 2 held it", |history| take_over(record(history, "plain", "step#writer#")));
}

#[test]
fn a_commit_that_no_holder_made_is_a_non_holders() {
    finds(Kind::ByNonHolder, "no holder did it", |history| unset(record(history, "plain", "step#writer#"), "over#1"));
}

#[test]
fn a_claim_after_the_commit_is_a_non_holders() {
    finds(Kind::ByNonHolder, "after the commit of 1", |history| {
        let step = record(history, "plain", "step#writer#");
        take_over(step);
        set(step, "state", "claimed");
    });
}

#[test]
fn a_park_that_no_holder_made_is_a_non_holders() {
    finds(Kind::ByNonHolder, "it is parked, and no holder did it", |history| {
        let step = record(history, "held", "step#analysis#");
        let held = super::plants::json_of(step, "held#1").to_string();
        set(step, "held#3", held.as_str());
        set(step, "epoch", 3_i64);
    });
}

#[test]
fn a_step_with_other_parks_than_its_holders_made_is_a_non_holders() {
    finds(Kind::ByNonHolder, "it says 0 parks", |history| {
        set(record(history, "redriven", "step#analysis#"), "parks", 0_i64);
    });
}

#[test]
fn an_epoch_that_nobody_claimed_is_a_non_holders() {
    finds(Kind::ByNonHolder, "nobody had claimed them", |history| {
        unset(record(history, "plain", "step#writer#"), "held#1");
    });
    finds(Kind::ByNonHolder, "nobody had claimed them", |history| {
        let step = record(history, "plain", "step#writer#");
        step.attributes.insert("over#5".into(), over("failed"));
    });
}

#[test]
fn an_arrival_that_no_step_committed_is_a_non_holders() {
    for item in ["goal", "join#evidence"] {
        finds(Kind::ByNonHolder, "no step committed that", |history| {
            let item = record(history, "plain", item);
            set(item, "status#ghost", "ok");
            set(item, "arrived#ghost", "{}");
        });
    }
}

#[test]
fn an_arrival_of_other_words_than_were_committed_is_a_non_holders() {
    for row in ["step#writer#", "step#research-tasks#"] {
        finds(Kind::ByNonHolder, "never committed", |history| {
            let outcome = record(history, "plain", row).outcome.as_mut().unwrap();
            outcome.arrives.as_mut().unwrap().brought.data = Some(json!("another"));
        });
    }
}
