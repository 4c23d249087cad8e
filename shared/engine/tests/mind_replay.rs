//! Owns what is proved of records: a replay gives the same answers, asks nobody, and says so where it cannot.
//! Never a live call in a replay: the models of `desk` count what reaches them.
//! Next: `runtime::replay`, which runs a whole step from its record.
#![allow(clippy::unwrap_used, reason = "what a test cannot make is a test that fails")]

mod desk;

use std::time::Duration;

use contract::{Answered, Partner, PortError, Refused};
use desk::{Desk, Puppet, Turn, ask, good, mind};
use engine::exchange::{Costing, Exchanges, Question, Secrets};
use engine::{Instead, Mind, Unanswered};
use futures_util::future::join_all;
use serde_json::{Value, json};

fn says(statement: &str) -> Turn {
    Turn::Says(json!({"statement": statement, "cites": ["p-1"]}).to_string())
}

fn why(unanswered: Unanswered) -> String {
    match unanswered {
        Unanswered::Stop(Refused::Port(PortError::Permanent { reason })) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn retries_fallbacks_and_repairs_replay_without_asking_waiting_or_spending() {
    let busy = PortError::Transient { why: "429".into(), retry_after: Some(Duration::from_secs(30)) };
    let one = Puppet::new("m/one", vec![Turn::Fails(busy), Turn::Fails(PortError::permanent("gone"))]);
    let two = Puppet::new("m/two", vec![Turn::Says("no".into()), says("repaired")]);
    let desk = Desk::new();
    let first = mind(&[&one, &two]).at(&desk).ask(ask("prices")).await.unwrap();
    assert_eq!(desk.exchanges().len(), 4);
    let (silent, mute) = (Puppet::new("m/one", vec![]), Puppet::new("m/two", vec![]));
    let (replay, began) = (desk.replayed(), tokio::time::Instant::now());
    let again = mind(&[&silent, &mute]).at(&replay).ask(ask("prices")).await.unwrap();
    assert_eq!((first, began.elapsed(), silent.times() + mute.times()), (again, Duration::ZERO, 0));
    assert!(replay.exchanges().is_empty() && replay.till.lock().unwrap().calls == 0);
}

#[tokio::test(start_paused = true)]
async fn an_end_without_an_answer_replays_to_the_same_end() {
    let late = PortError::Transient { why: "429".into(), retry_after: Some(Duration::from_secs(3_600)) };
    let cases: Vec<(Desk, Vec<Turn>)> = vec![
        (Desk::allowing(10, 10), vec![good()]),
        (Desk::until(Duration::from_secs(5)), vec![Turn::Hangs]),
        (Desk::until(Duration::ZERO), vec![good()]),
        (Desk::new(), vec![Turn::Fails(late)]),
        (Desk::new(), vec![Turn::Says("PWNED".into())]),
        (Desk::new(), vec![Turn::Fails(PortError::permanent("gone"))]),
    ];
    for (desk, turns) in cases {
        let (model, silent) = (Puppet::new("m/one", turns), Puppet::new("m/one", vec![]));
        let first = mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap_err();
        let again = mind(&[&silent]).at(&desk.replayed()).ask(ask("prices")).await.unwrap_err();
        assert_eq!(first, again);
        assert!(matches!(again, Unanswered::Instead(Instead { note: Some(_) })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_with_anything_changed_fails_and_names_it() {
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![good()]));
    mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap();
    let silent = || Puppet::new("m/one", vec![]);

    let replay = desk.replayed();
    let other_goal = why(mind(&[&silent()]).at(&replay).ask(ask("wages")).await.unwrap_err());
    assert!(other_goal.contains("was not recorded") && other_goal.contains("differs at $."), "{other_goal}");
    let noted = replay.exchanges();
    assert!(matches!(&noted[0].answer, Answered::Failed(why) if why["unrecorded"] == true), "it is noted");

    let mut other_prompt = ask("prices");
    other_prompt.prompt.version = "try.v2";
    let why_prompt = why(mind(&[&silent()]).at(&desk.replayed()).ask(other_prompt).await.unwrap_err());
    assert!(why_prompt.contains("try.v2") && why_prompt.contains("try.v1"), "{why_prompt}");

    let other_model =
        why(mind(&[&Puppet::new("m/two", vec![])]).at(&desk.replayed()).ask(ask("prices")).await.unwrap_err());
    assert!(other_model.contains("recorded with m/one") && other_model.contains("asks m/two now"), "{other_model}");
    assert!(other_model.contains("set MURMUR_MODELS"), "{other_model}");
    let (unasked, model) = (Desk::new().replayed(), Puppet::new("m/two", vec![]));
    let none_then = why(mind(&[&model]).at(&unasked).ask(ask("prices")).await.unwrap_err());
    assert!(none_then.contains("no model was asked") && none_then.contains("asks m/two now"), "{none_then}");

    let replay = desk.replayed();
    let none = why(Mind::offline().at(&replay).ask(ask("prices")).await.unwrap_err());
    assert!(none.contains("m/one") && none.contains("MURMUR_MODELS"), "{none}");
    // A handler's error would only be another outcome: what is noted says that this is no replay.
    let noted = replay.exchanges();
    assert!(matches!(&noted[0].answer, Answered::Failed(why) if why["unrecorded"] == true), "{noted:?}");

    let mut other_step = desk.replayed();
    other_step.key = "analysis/2".into();
    why(mind(&[&silent()]).at(&other_step).ask(ask("prices")).await.unwrap_err());

    let replay = desk.replayed();
    let twice = mind(&[&silent()]);
    let sitting = twice.at(&replay);
    sitting.ask(ask("prices")).await.unwrap();
    let more = why(sitting.ask(ask("prices")).await.unwrap_err());
    assert!(more.contains("fewer times"), "{more}");
}

#[tokio::test(start_paused = true)]
async fn a_fallback_order_that_changed_fails_too() {
    let down = Puppet::new("m/one", vec![Turn::Fails(PortError::permanent("gone"))]);
    let (desk, up) = (Desk::new(), Puppet::new("m/two", vec![good()]));
    mind(&[&down, &up]).at(&desk).ask(ask("prices")).await.unwrap();
    let (one, two) = (Puppet::new("m/one", vec![]), Puppet::new("m/two", vec![]));
    let swapped = why(mind(&[&two, &one]).at(&desk.replayed()).ask(ask("prices")).await.unwrap_err());
    assert!(swapped.contains("another order"), "{swapped}");
}

#[tokio::test(start_paused = true)]
async fn questions_at_the_same_time_get_their_own_answers_again_even_when_they_are_equal() {
    let slow = |seconds, text: &str| match says(text) {
        Turn::Says(text) => Turn::Takes(Duration::from_secs(seconds), text),
        turn => turn,
    };
    // The first that is asked is the last that is answered.
    let model = Puppet::new("m/one", vec![slow(9, "first"), slow(5, "second"), slow(1, "third")]);
    let desk = Desk::new();
    let mind_live = mind(&[&model]);
    let sitting = mind_live.at(&desk);
    let live: Vec<_> = join_all((0..3).map(|_| sitting.ask(ask("prices")))).await;
    let silent = Puppet::new("m/one", vec![]);
    let (mind_again, replay) = (mind(&[&silent]), desk.replayed());
    let sitting = mind_again.at(&replay);
    let again: Vec<_> = join_all((0..3).map(|_| sitting.ask(ask("prices")))).await;
    assert_eq!(live, again);
    assert_eq!(again[0].as_ref().unwrap().statement, "first");
}

#[tokio::test(start_paused = true)]
async fn branches_that_reach_an_equal_question_at_other_times_keep_their_own_answers() {
    let model = Puppet::new("m/one", vec![says("b's"), says("a's")]);
    let silent = Puppet::new("m/one", vec![]);
    let desk = Desk::new();
    let run = async |mind: &Mind, place: &Desk, waits: [u64; 2]| {
        let sitting = mind.at(place);
        let branch = async |name: &'static str, wait: u64| {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            sitting.within(name).ask(ask("prices")).await.unwrap().statement
        };
        let (a, b) = futures_util::future::join(branch("a", waits[0]), branch("b", waits[1])).await;
        [a, b]
    };
    let live = run(&mind(&[&model]), &desk, [2, 1]).await;
    assert_eq!(live, ["a's", "b's"]);
    let again = run(&mind(&[&silent]), &desk.replayed(), [1, 2]).await;
    assert_eq!(live, again);
}

#[tokio::test(start_paused = true)]
async fn a_tool_s_answer_is_given_as_it_was_noted_without_secrets() {
    let (desk, secrets) = (Desk::new(), Secrets::of(["our-secret-key-1".to_owned()]));
    let question = |n: u32| Question {
        with: Partner::Tool,
        name: "fetch".into(),
        request: json!({"n": n, "authorization": "Bearer abcdefghijkl1234"}),
        prompt: None,
    };
    let answer = json!({"text": "a our-secret-key-1 and AKIAIOSFODNN7EXAMPLE"});
    let live = async || Ok(Costing { answer: answer.clone(), cost: contract::Spend::default() });
    let got = Exchanges::at(&desk, &secrets).made(question(1), live).await.unwrap();
    assert_eq!(got, json!({"text": "a [removed] and [removed]"}));
    assert_eq!(desk.exchanges()[0].request["authorization"], "[removed]");
    let never = async || -> Result<Costing, PortError> { panic!("asked in a replay") };
    let replay = desk.replayed();
    let exchanges = Exchanges::at(&replay, &secrets);
    assert_eq!(exchanges.made(question(1), never).await.unwrap(), got);
    let unrecorded: Result<Value, _> = exchanges.made(question(2), never).await;
    assert!(unrecorded.unwrap_err().to_string().contains("differs at $.n"));
}

#[tokio::test(start_paused = true)]
async fn a_failure_replays_as_the_same_failure() {
    let desk = Desk::new();
    let secrets = Secrets::default();
    let question = || Question { with: Partner::Tool, name: "fetch".into(), request: json!({}), prompt: None };
    let failures = [
        PortError::Transient { why: "busy".into(), retry_after: Some(Duration::from_millis(1_500)) },
        PortError::transient("gone away"),
        PortError::permanent("no such page"),
    ];
    let exchanges = Exchanges::at(&desk, &secrets);
    for failure in &failures {
        let live = async || -> Result<Costing, PortError> { Err(failure.clone()) };
        assert_eq!(exchanges.made(question(), live).await.unwrap_err(), *failure);
    }
    let replay = desk.replayed();
    let exchanges = Exchanges::at(&replay, &secrets);
    for failure in &failures {
        let never = async || -> Result<Costing, PortError> { panic!("asked in a replay") };
        assert_eq!(exchanges.made(question(), never).await.unwrap_err(), *failure);
    }
}
