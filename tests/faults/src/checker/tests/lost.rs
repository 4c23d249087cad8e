//! Owns what the checker must miss: wishes, cancels, ends, letters and events that are nowhere.
//! Never a thing that was never promised.
//! Next: `unexpected`.

use super::plants::{forget, record, set, unset};
use super::run::goal;
use super::{Kind, finds};
use crate::history::{Act, Doing, Reply, Wished};

#[test]
fn an_enqueued_goal_without_a_trace_is_lost() {
    finds(Kind::Lost, "has no record and no dead letter", |history| {
        history.account.wishes.push(Wished { key: "never".into(), words: "words".into(), ..Wished::default() });
    });
}

#[test]
fn the_same_key_in_other_words_that_was_swallowed_is_lost() {
    finds(Kind::Lost, "is there in other words", |history| {
        history.account.wishes.push(Wished { key: "plain".into(), words: "others".into(), ..Wished::default() });
    });
}

#[test]
fn a_cancel_that_nobody_heeded_is_lost() {
    finds(Kind::Lost, "it did not end", |history| {
        let (at, by, reply) = (history.gathered_at, "an operator".into(), Reply::Acknowledged);
        history.account.acts.push(Act { at, by, goal: goal("held"), what: Doing::Cancel, reply });
    });
}

#[test]
fn an_accepted_goal_without_an_end_and_without_a_letter_is_lost() {
    finds(Kind::Lost, "it has not ended", |history| {
        let item = record(history, "plain", "goal");
        ["ended", "ended_by", "emitted"].map(|attribute| unset(item, attribute));
        forget(history, "plain", "goal.completed");
    });
}

#[test]
fn a_parked_step_without_its_letter_is_lost() {
    finds(Kind::Lost, "its dead letter is nowhere", |history| history.letters.clear());
}

#[test]
fn an_event_that_somebody_acted_upon_and_no_subscriber_heard_is_lost() {
    for (key, kind) in [
        ("plain", "research.task.requested"),
        ("plain", "research.completed"),
        ("plain", "report.written"),
        ("plain", "goal.completed"),
        ("redriven", "step.failed"),
        ("held", "step.failed"),
    ] {
        finds(Kind::Lost, "no subscriber heard it", |history| forget(history, key, kind));
    }
}

#[test]
fn an_event_of_a_step_whose_effects_were_all_done_is_lost_where_nobody_heard_it() {
    finds(Kind::Lost, "no subscriber heard it", |history| {
        // As where the goal ended without it: only the mark says that it was told.
        let item = record(history, "plain", "step#writer#");
        set(item, "emitted", true);
        item.outcome.as_mut().unwrap().arrives = None;
        let goal = record(history, "plain", "goal");
        ["status#writer", "arrived#writer"].map(|attribute| unset(goal, attribute));
        let required = serde_json::json!([]).to_string();
        set(goal, "required", required.as_str());
        super::plants::change_end(history, "plain", |end| {
            end["data"]["arrived"].as_array_mut().unwrap().retain(|arrived| arrived["member"] != "writer");
            end["data"]["missing"] = serde_json::json!(["writer"]);
        });
        forget(history, "plain", "report.written");
    });
}

#[test]
fn records_that_cannot_be_read_are_lost() {
    finds(Kind::Lost, "is not there", |history| record(history, "plain", "step#writer#").outcome = None);
    finds(Kind::Lost, "cannot be read", |history| set(record(history, "plain", "step#writer#"), "state", "odd"));
    finds(Kind::Lost, "and no goal", |history| {
        history.ledger.get_mut(&goal("plain")).unwrap().retain(|record| record.item != "goal");
    });
}
