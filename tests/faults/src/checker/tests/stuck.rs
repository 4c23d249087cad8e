//! Owns what the checker must find waiting for nobody: messages, steps, ends, joins, goals, processes.
//! Never what waits for a person.
//! Next: `without_cause`.

use std::time::Duration;

use super::plants::{record, set, unset};
use super::{Kind, finds};
use crate::history::End;

#[test]
fn a_message_that_is_left_is_stuck() {
    finds(Kind::Stuck, "1 visible, 0 in flight: the body", |history| {
        (history.left[0].visible, history.left[0].bodies) = (1, vec!["the body".into()]);
    });
    finds(Kind::Stuck, "0 visible, 2 in flight", |history| history.left[0].in_flight = 2);
}

#[test]
fn an_end_that_nobody_told_is_stuck() {
    finds(Kind::Stuck, "nobody told it", |history| unset(record(history, "plain", "goal"), "emitted"));
}

#[test]
fn a_join_that_closed_and_that_nobody_told_is_stuck() {
    finds(Kind::Stuck, "join#evidence closed", |history| unset(record(history, "held", "join#evidence"), "emitted"));
}

#[test]
fn a_goal_past_its_deadline_is_stuck() {
    finds(Kind::Stuck, "and it has not ended", |history| {
        history.gathered_at = history.gathered_at + Duration::from_secs(24 * 3600);
    });
}

#[test]
fn a_step_that_somebody_holds_at_the_end_is_stuck() {
    finds(Kind::Stuck, "is held by", |history| set(record(history, "held", "step#analysis#"), "state", "claimed"));
}

#[test]
fn a_step_that_was_given_back_and_that_nobody_took_is_stuck() {
    finds(Kind::Stuck, "was given back", |history| set(record(history, "held", "step#analysis#"), "state", "released"));
}

#[test]
fn a_process_that_took_too_long_to_end_is_stuck() {
    finds(Kind::Stuck, "to end where", |history| {
        let (at, took_ms) = (history.gathered_at, history.allowed.drain_ms + 1);
        history.account.processes[0].end = Some(End::Drained { at, took_ms, code: Some(0) });
    });
}
