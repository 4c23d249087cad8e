//! Owns what the checker must wonder at: goals, events and steps that nobody made, and processes that went by themselves.
//! Never a thing that is only late.
//! Next: `twice`.

use contract::events::{EventData as _, GoalFailed};
use contract::{EventId, Source, Unit};
use serde_json::json;

use super::plants::{record, retell, telling};
use super::run::goal;
use super::{Kind, finds};
use crate::history::{Doing, End, Reply};

#[test]
fn a_goal_that_nobody_enqueued_is_unexpected() {
    finds(Kind::Unexpected, "nobody enqueued this goal", |history| {
        history.account.wishes.retain(|wish| wish.key != "plain");
    });
}

#[test]
fn an_event_that_no_record_has_is_unexpected() {
    finds(Kind::Unexpected, "no record has it", |history| {
        retell(history, "plain", "report.written", |seen| seen.detail["id"] = json!(EventId(goal("a third").0)));
    });
}

#[test]
fn an_event_of_a_goal_without_records_is_unexpected() {
    finds(Kind::Unexpected, "its goal has no records", |history| {
        let mut wish = history.account.wishes[0].clone();
        (wish.key, wish.reply) = ("perhaps".into(), Reply::Lost);
        history.account.wishes.push(wish);
        retell(history, "plain", "report.written", |seen| {
            seen.detail["goalid"] = json!(goal("perhaps"));
            seen.detail["id"] = json!(EventId(goal("a third").0));
        });
    });
}

#[test]
fn an_event_in_a_wrapper_of_another_source_is_unexpected() {
    finds(Kind::Unexpected, "no row of the topology says that", |history| {
        telling(history, "plain", "report.written").source = Source::new("murmuration.analysis");
    });
}

#[test]
fn an_event_by_somebody_who_may_not_say_it_is_unexpected() {
    finds(Kind::Unexpected, "no row of the topology says that", |history| {
        // On record, too: only the topology knows better.
        let wrong = Source::new("murmuration.analysis");
        let seen = telling(history, "plain", "report.written");
        seen.source = wrong.clone();
        seen.detail["source"] = json!(wrong);
        let item = record(history, "plain", "step#writer#");
        item.outcome.as_mut().unwrap().emits[0].source = wrong;
    });
}

#[test]
fn what_is_no_event_is_unexpected() {
    finds(Kind::Unexpected, "carries no event", |history| {
        retell(history, "plain", "report.written", |seen| seen.detail = json!("noise"));
    });
}

#[test]
fn a_cancelled_goal_that_nobody_cancelled_is_unexpected() {
    finds(Kind::Unexpected, "nobody cancelled it", |history| {
        history.account.acts.retain(|act| act.what != Doing::Cancel);
    });
}

#[test]
fn a_failure_of_a_park_that_never_was_is_unexpected() {
    finds(Kind::Unexpected, "and this tells of time 9", |history| {
        retell(history, "redriven", "step.failed", |seen| {
            seen.detail["data"]["n"] = json!(9);
            seen.detail["id"] = json!(EventId(goal("a third").0));
        });
    });
    finds(Kind::Unexpected, "there is no step#analysis#", |history| {
        retell(history, "redriven", "step.failed", |seen| {
            seen.detail["data"]["event"] = json!(goal("a third"));
            seen.detail["id"] = json!(EventId(goal("a third").0));
        });
    });
}

#[test]
fn an_end_that_is_not_on_record_is_unexpected() {
    finds(Kind::Unexpected, "no record has an end", |history| {
        retell(history, "held", "research.completed", |seen| {
            seen.source = Source::CHOREOGRAPHY;
            seen.detail["type"] = json!(GoalFailed::TYPE);
            seen.detail["dataschema"] = json!(contract::dataschema(&GoalFailed::TYPE, 1));
            seen.detail["source"] = json!(Source::CHOREOGRAPHY);
            seen.detail["id"] = json!(EventId::derive(goal("held"), &GoalFailed::TYPE, &Unit::goal()));
            seen.detail["data"] = json!(GoalFailed::example());
        });
    });
}

#[test]
fn a_step_that_took_an_event_of_nobody_is_unexpected() {
    finds(Kind::Unexpected, "an event that no record has", |history| {
        let mut strange = record(history, "plain", "step#analysis#").clone();
        strange.item = format!("step#analysis#{}", goal("a third"));
        history.ledger.get_mut(&goal("plain")).unwrap().push(strange);
    });
}

#[test]
fn a_process_that_ended_by_itself_is_unexpected() {
    finds(Kind::Unexpected, "ended by itself", |history| {
        history.account.processes[0].end = Some(End::ByItself { at: history.gathered_at, code: Some(101) });
    });
}

#[test]
fn a_process_that_was_asked_to_end_and_failed_is_unexpected() {
    finds(Kind::Unexpected, "asked to end", |history| {
        history.account.processes[0].end = Some(End::Drained { at: history.gathered_at, took_ms: 10, code: Some(1) });
    });
}
