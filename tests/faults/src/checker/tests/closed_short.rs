//! Owns which closes the checker must not believe: without what had arrived, without what they need, with other data.
//! Never a late arrival.
//! Next: nothing.

use contract::events::{EndCause, EventData as _, GoalFailed};
use contract::{EventId, Unit};
use serde_json::json;

use super::plants::{change_end, record, set};
use super::run::goal;
use super::{Kind, finds};

#[test]
fn a_join_that_closed_without_a_member_that_had_arrived_is_found() {
    finds(Kind::ClosedShort, "without recommendation, which had arrived", |history| {
        change_end(history, "plain", |end| {
            end["data"]["arrived"].as_array_mut().unwrap().retain(|arrived| arrived["member"] != "recommendation");
            end["data"]["missing"] = json!(["recommendation"]);
        });
    });
}

#[test]
fn a_join_that_closed_without_what_it_requires_is_found() {
    finds(Kind::ClosedShort, "without what it requires", |history| {
        set(record(history, "plain", "goal"), "required", json!(["writer", "analysis"]).to_string().as_str());
    });
    finds(Kind::ClosedShort, "join#evidence closed", |history| {
        set(record(history, "plain", "join#evidence"), "quorum", 9_i64);
    });
}

#[test]
fn a_join_that_closed_with_other_data_than_arrived_is_found() {
    finds(Kind::ClosedShort, "of other data than arrived", |history| {
        change_end(history, "plain", |end| end["data"]["goal"] = json!("another"));
    });
}

#[test]
fn a_goal_that_failed_though_all_it_needs_had_arrived_is_found() {
    finds(Kind::ClosedShort, "though all that it needs had arrived", |history| {
        let failed = GoalFailed { goal: "a goal".into(), cause: EndCause::DeadlineExceeded { missing: vec![] } };
        change_end(history, "plain", |end| {
            end["type"] = json!(GoalFailed::TYPE);
            end["dataschema"] = json!(contract::dataschema(&GoalFailed::TYPE, 1));
            end["id"] = json!(EventId::derive(goal("plain"), &GoalFailed::TYPE, &Unit::goal()));
            end["data"] = json!(failed);
        });
    });
}
