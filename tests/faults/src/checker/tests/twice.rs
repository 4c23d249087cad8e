//! Owns what the checker must find done twice, or said in two ways: effects, contents, ends.
//! Never a copy that is only a copy.
//! Next: `non_holders`.

use contract::events::{EventData as _, GoalFailed};
use contract::{EventId, Unit};
use serde_json::json;

use super::plants::{input_of, over, record, retell, set, take_over};
use super::run::goal;
use super::{Kind, finds};
use crate::history::Asked;

#[test]
fn an_event_told_more_often_than_anybody_had_a_reason_to_is_duplicated() {
    for kind in ["report.written", "research.completed", "goal.completed"] {
        finds(Kind::Duplicated, "had a reason", |history| {
            history.account.processes.iter_mut().for_each(|process| process.end = None);
            for _ in 0..4 {
                retell(history, "plain", kind, |_| {});
            }
        });
    }
    finds(Kind::Duplicated, "had a reason", |history| {
        history.account.processes.iter_mut().for_each(|process| process.end = None);
        for _ in 0..6 {
            retell(history, "redriven", "step.failed", |_| {});
        }
    });
}

#[test]
fn a_second_commit_is_duplicated() {
    finds(Kind::Duplicated, "was committed by the holders of epochs [1, 2]", |history| {
        let step = record(history, "plain", "step#writer#");
        take_over(step);
        step.attributes.insert("over#2".into(), over("committed"));
    });
}

#[test]
fn a_model_that_was_asked_after_the_commit_is_duplicated() {
    for epoch in [None, Some(1), Some(2)] {
        finds(Kind::Duplicated, "after its commit", |history| {
            let event = input_of(history, "plain", "writer");
            let (at, goal) = (history.gathered_at, goal("plain"));
            history.account.asked.push(Asked { at, goal, row: "writer".into(), event, epoch });
        });
    }
}

#[test]
fn a_join_that_closed_twice_in_different_words_is_duplicated() {
    finds(Kind::Duplicated, "its join closed 2 times", |history| {
        retell(history, "plain", "research.completed", |seen| seen.detail["data"]["goal"] = json!("another"));
    });
}

#[test]
fn one_id_with_two_contents_is_conflicting() {
    finds(Kind::Conflicting, "in 2 different words", |history| {
        retell(history, "plain", "report.written", |seen| seen.detail["data"]["summary"] = json!("another"));
    });
}

#[test]
fn a_failure_told_in_different_words_is_conflicting() {
    finds(Kind::Conflicting, "in different words", |history| {
        retell(history, "redriven", "step.failed", |seen| seen.detail["data"]["attempts"] = json!(77));
    });
}

#[test]
fn a_step_that_worked_on_other_words_than_were_told_is_conflicting() {
    finds(Kind::Conflicting, "worked on other data", |history| {
        set(record(history, "plain", "step#writer#"), "digest", "0".repeat(64).as_str());
    });
}

#[test]
fn a_goal_that_ended_in_two_ways_has_two_ends() {
    finds(Kind::TwoEnds, "goal.completed", |history| {
        retell(history, "plain", "goal.completed", |seen| {
            seen.detail["type"] = json!(GoalFailed::TYPE);
            seen.detail["dataschema"] = json!(contract::dataschema(&GoalFailed::TYPE, 1));
            seen.detail["id"] = json!(EventId::derive(goal("plain"), &GoalFailed::TYPE, &Unit::goal()));
            seen.detail["data"] = json!(GoalFailed::example());
        });
    });
}

#[test]
fn an_end_told_in_two_ways_is_two_ends() {
    finds(Kind::TwoEnds, "it ended as", |history| {
        retell(history, "plain", "goal.completed", |seen| seen.detail["data"]["goal"] = json!("another"));
    });
}
