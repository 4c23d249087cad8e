//! Owns what is proved of budgets and brakes: tokens, money, time, size, pace, and loops.
//! Never a real clock: time is paused, and a wait of minutes takes none.
//! Next: `mind_tools` for what a model may use.
#![allow(clippy::unwrap_used, reason = "what a test cannot make is a test that fails")]

mod desk;

use std::num::NonZeroU32;
use std::time::Duration;

use contract::{PortError, Refused};
use desk::{Desk, Puppet, Turn, ask, good, mind, mind_of, settings};
use engine::mind::config::AgentSettings;
use engine::model::Usage;
use engine::{Instead, Unanswered};

fn note(unanswered: Unanswered) -> String {
    match unanswered {
        Unanswered::Instead(Instead { note: Some(note) }) => note,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_is_not_asked_where_tokens_or_money_do_not_cover_the_worst_of_it() {
    for desk in [Desk::allowing(1_000, u64::MAX), Desk::allowing(u64::MAX, 1_000)] {
        let (model, cheap) = (Puppet::new("m/one", vec![good()]), Puppet::new("m/two", vec![good()]));
        let note = note(mind(&[&model, &cheap]).at(&desk).ask(ask("prices")).await.unwrap_err());
        assert!(note.starts_with("the goal's budget is exhausted"), "{note}");
        assert_eq!((model.times(), cheap.times(), desk.spent().tokens), (0, 0, 0));
        assert_eq!(desk.exchanges().len(), 1, "that it was refused is on record");
    }
}

#[tokio::test(start_paused = true)]
async fn the_bound_is_reserved_before_and_what_was_used_is_settled_after() {
    let usage = Usage { input_tokens: 321, output_tokens: 45, ..Usage::default() };
    let (desk, model) = (Desk::allowing(10_000, 10_000), Puppet::using("m/one", usage, vec![good()]));
    mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap();
    assert_eq!((desk.spent().tokens, desk.spent().micros), (366, 366));
    assert_eq!(desk.till.lock().unwrap().allowed.tokens, 10_000 - 366);
}

#[tokio::test(start_paused = true)]
async fn repairs_and_fallbacks_are_paid_from_the_same_budget() {
    let bad = || Turn::Says("PWNED".into());
    let usage = Usage { input_tokens: 4_000, output_tokens: 1_000, ..Usage::default() };
    let (desk, model) = (Desk::allowing(8_000, u64::MAX), Puppet::using("m/one", usage, vec![bad(), good()]));
    let note = note(mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap_err());
    assert!(note.contains("exhausted"), "{note}");
    assert_eq!((model.times(), desk.spent().tokens), (1, 5_000));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_deposed_or_whose_ledger_is_away_stops() {
    for refusal in [Refused::Deposed, Refused::Port(PortError::permanent("no table"))] {
        let (mut desk, model) = (Desk::new(), Puppet::new("m/one", vec![good()]));
        desk.refusal = Some(refusal.clone());
        let unanswered = mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap_err();
        assert_eq!(model.times(), 0);
        assert_eq!(unanswered, Unanswered::Stop(refusal));
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_never_ends_is_left_at_the_deadline_of_the_attempt() {
    let (desk, model) = (Desk::until(Duration::from_secs(40)), Puppet::new("m/one", vec![Turn::Hangs]));
    let (began, other) = (tokio::time::Instant::now(), Puppet::new("m/two", vec![good()]));
    note(mind(&[&model, &other]).at(&desk).ask(ask("prices")).await.unwrap_err());
    assert_eq!(began.elapsed().as_secs(), 40);
    assert_eq!((model.times(), other.times()), (1, 0), "there was no time left for another one");
    assert!(desk.spent().tokens > 0, "what was begun is paid for");
    assert_eq!(desk.till.lock().unwrap().open, 0);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_hangs_is_given_its_own_time_and_then_the_next_one_is_asked() {
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![Turn::Hangs]));
    let answers = Puppet::new("m/two", vec![good()]);
    let agent = AgentSettings { tries_max: 1, ..AgentSettings::default() };
    let short = |mut settings: engine::mind::config::ModelSettings| {
        settings.whole = Duration::from_secs(5);
        settings
    };
    let began = tokio::time::Instant::now();
    mind_of(&[&model, &answers], agent, short, None).at(&desk).ask(ask("prices")).await.unwrap();
    assert_eq!((began.elapsed().as_secs(), answers.times()), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn a_question_without_a_word_of_an_answer_in_time_is_paid_for_and_a_refusal_at_the_door_is_not() {
    for (span_s, is_paid) in [(60, true), (1, false)] {
        let silent = Turn::FailsAfter(Duration::from_secs(span_s), PortError::permanent("no word of an answer"));
        let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![silent]));
        note(mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap_err());
        assert_eq!((desk.spent().tokens > 0, desk.till.lock().unwrap().open), (is_paid, 0), "{span_s} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_breaks_off_while_it_thinks_is_paid_for_what_it_thought_or_at_the_bound() {
    let agent = AgentSettings::default();
    for (thought, output) in [("Hm, that is hard to say.", 8), ("", u64::from(agent.output_tokens_max))] {
        let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![Turn::BreaksThinking(thought)]));
        note(mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap_err());
        let question = desk.spent().tokens - output;
        assert!((50..1_500).contains(&question), "{thought:?}: {question}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_too_large_for_any_model_is_done_without_one() {
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![good()]));
    for goal in ["prices ".repeat(200_000), "prices ".repeat(30_000)] {
        let note = note(mind(&[&model]).at(&desk).ask(ask(&goal)).await.unwrap_err());
        assert!(note.starts_with("no model answered"), "{note}");
    }
    assert_eq!((model.times(), desk.spent().tokens), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_would_come_after_the_deadline_is_not_made() {
    let late = PortError::Transient { why: "429".into(), retry_after: Some(Duration::from_secs(120)) };
    let (desk, model) = (Desk::until(Duration::from_secs(60)), Puppet::new("m/one", vec![Turn::Fails(late)]));
    let began = tokio::time::Instant::now();
    note(mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap_err());
    assert_eq!((model.times(), began.elapsed().as_secs()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_pours_without_end_is_broken_off() {
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![Turn::Pours]));
    note(mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap_err());
    assert_eq!(model.times(), 1);
    let huge = Puppet::new("m/one", vec![Turn::Says("x".repeat(10_000_001))]);
    note(mind(&[&huge]).at(&Desk::new()).ask(ask("prices")).await.unwrap_err());
}

#[tokio::test(start_paused = true)]
async fn requests_and_tokens_a_minute_are_kept_over_all_steps_of_a_process() {
    let model = Puppet::new("m/one", vec![good()]);
    let slow = |mut settings: engine::mind::config::ModelSettings| {
        settings.requests_per_minute = NonZeroU32::new(2);
        settings
    };
    let mind = mind_of(&[&model], AgentSettings::default(), slow, None);
    let began = tokio::time::Instant::now();
    for _ in 0..4 {
        mind.at(&Desk::new()).ask(ask("prices")).await.unwrap();
    }
    assert!((59..=61).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    let (desk, began) = (Desk::until(Duration::from_secs(10)), tokio::time::Instant::now());
    note(mind.at(&desk).ask(ask("prices")).await.unwrap_err());
    assert_eq!(
        (began.elapsed().as_secs(), desk.spent().tokens),
        (0, 0),
        "a turn that comes too late is not waited for"
    );

    let scarce = |mut settings: engine::mind::config::ModelSettings| {
        settings.tokens_per_minute = NonZeroU32::new(6_000);
        settings
    };
    let (mind, began) = (mind_of(&[&model], AgentSettings::default(), scarce, None), tokio::time::Instant::now());
    for _ in 0..2 {
        mind.at(&Desk::new()).ask(ask("prices")).await.unwrap();
    }
    assert!((20..=60).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn usage_that_a_server_does_not_tell_is_estimated() {
    let (desk, model) = (Desk::new(), Puppet::using("m/one", Usage::default(), vec![good()]));
    mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap();
    assert!(desk.spent().tokens > 50, "{:?}", desk.spent());
    assert_eq!(settings("x").context_tokens, 32_000);
}
