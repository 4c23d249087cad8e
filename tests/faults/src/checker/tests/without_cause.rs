//! Owns which dead letters the checker must not believe.
//! Never a letter that says why.
//! Next: `closed_short`.

use contract::EventId;

use super::plants::{change_note, letter};
use super::run::goal;
use super::{Kind, finds};

#[test]
fn a_letter_without_a_cause_that_sqs_did_not_move_is_found() {
    finds(Kind::WithoutCause, "has no cause", |history| letter(history).attributes.clear());
}

#[test]
fn a_letter_of_a_park_that_never_was_is_found() {
    finds(Kind::WithoutCause, "which was parked 2 times", |history| change_note(history, |note| note.n = 3));
}

#[test]
fn a_letter_with_another_cause_than_the_park_had_is_found() {
    finds(Kind::WithoutCause, "says", |history| change_note(history, |note| note.cause.detail = "another".into()));
}

#[test]
fn a_letter_of_a_step_that_nobody_knows_is_found() {
    finds(Kind::WithoutCause, "a step that nobody knows", |history| {
        change_note(history, |note| note.event = Some(EventId(goal("a third").0)));
    });
}
