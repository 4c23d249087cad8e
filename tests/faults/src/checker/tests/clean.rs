//! Owns what is no defect: the history that ran well, as it is and as a document, and what faults may lead to.
//! Never a plant that the checker should find.
//! Next: `lost`.

use contract::UnixMs;

use super::plants::{input_of, letter, record, retell, telling};
use super::run::{clean, goal};
use super::{judge, minds_not};
use crate::history::{Asked, Disturbance, Doing, End, History, Reply, Wished};

#[test]
fn a_history_that_ran_well_is_clean_and_so_is_its_document() {
    let history = clean();
    let verdict = judge(&history);
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!(verdict.goals, 8, "{verdict}");
    let again: History = serde_json::from_str(&serde_json::to_string(&history).unwrap()).unwrap();
    assert_eq!(judge(&again), verdict);
}

#[test]
fn the_run_has_all_that_the_plants_need() {
    let mut history = clean();
    for (key, item) in [("redriven", "step#analysis#"), ("held", "step#analysis#"), ("plain", "join#evidence")] {
        record(&mut history, key, item);
    }
    let forked = history.ledger[&goal("forked")].iter().filter(|item| item.attributes.contains_key("copied_from"));
    assert!(forked.count() > 0);
    letter(&mut history);
    telling(&mut history, "cancelled", "goal.cancelled");
    telling(&mut history, "redriven", "step.failed");
    assert!(judge(&history).retold > 0, "the writer that died told nothing again");
}

#[test]
fn an_event_told_again_or_copied_on_its_way_is_counted_and_no_defect() {
    let before = judge(&clean());
    let verdict = minds_not(|history| {
        retell(history, "plain", "report.written", |_| {});
        let entry_id = telling(history, "plain", "report.written").entry_id.clone();
        retell(history, "plain", "report.written", |seen| seen.entry_id = entry_id);
    });
    assert_eq!((verdict.retold, verdict.copied), (before.retold + 1, before.copied + 1));
}

#[test]
fn whatever_a_fault_gave_reason_to_is_told_again_as_often_as_there_were_faults() {
    minds_not(|history| {
        for _ in 0..9 {
            retell(history, "plain", "research.completed", |_| {});
            let fault = Disturbance { what: "a lost reply".into(), from: UnixMs(0), until: history.gathered_at };
            history.account.disturbances.push(fault);
        }
    });
}

#[test]
fn a_wish_whose_reply_was_lost_may_be_nowhere() {
    minds_not(|history| {
        let wish = Wished { key: "perhaps".into(), reply: Reply::Lost, ..Wished::default() };
        history.account.wishes.push(wish);
    });
}

#[test]
fn the_same_key_in_other_words_may_be_a_dead_letter() {
    minds_not(|history| {
        let wish = Wished { key: "plain".into(), words: "other words".into(), ..Wished::default() };
        history.account.wishes.push(wish);
        let mut rejected = letter(history).clone();
        rejected.queue = "murmur-research".into();
        rejected.body = r#"{"goal": "other words", "key": "plain"}"#.into();
        rejected.attributes.clear();
        rejected.receive_count = u32::MAX;
        history.letters.push(rejected);
    });
}

#[test]
fn who_was_deposed_may_ask_a_model_after_the_commit_of_another() {
    minds_not(|history| {
        let event = input_of(history, "plain", "writer");
        super::plants::take_over(record(history, "plain", "step#writer#"));
        let step = record(history, "plain", "step#writer#");
        let committed = step.attributes.remove("over#1").unwrap();
        step.attributes.insert("over#2".into(), committed);
        let (at, goal) = (history.gathered_at, goal("plain"));
        history.account.asked.push(Asked { at, goal, row: "writer".into(), event, epoch: Some(1) });
    });
}

#[test]
fn a_letter_that_an_operator_discarded_is_missed_by_nobody() {
    minds_not(|history| {
        let event = input_of(history, "held", "analysis");
        history.letters.clear();
        let act = history.account.acts.iter().find(|act| act.goal == goal("held")).unwrap().clone();
        let what = Doing::Discard { row: "analysis".into(), event };
        history.account.acts.push(crate::history::Act { what, ..act });
    });
}

#[test]
fn a_letter_that_sqs_or_eventbridge_made_needs_no_cause_of_ours() {
    minds_not(|history| {
        let most = history.allowed.receives_max;
        letter(history).attributes.clear();
        letter(history).receive_count = most + 1;
    });
    minds_not(|history| {
        letter(history).attributes.clear();
        letter(history).attributes.insert("ERROR_CODE".into(), "NO_RESOURCE".into());
    });
}

#[test]
fn a_process_that_drained_in_time_is_fine() {
    minds_not(|history| {
        let at = history.gathered_at;
        history.account.processes[0].end = Some(End::Drained { at, took_ms: 10, code: Some(0) });
    });
}
