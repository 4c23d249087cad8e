//! Owns what is proved of asking: forms, repairs, fallbacks, retries, packing, the cache, and what a reader is told.
//! Never a real provider: the models of `desk` say what they were told to say.
//! Next: `mind_brakes` for budgets and time, `mind_replay` for records.
#![allow(clippy::unwrap_used, reason = "what a test cannot make is a test that fails")]

mod desk;

use std::time::Duration;

use contract::{Answered, PortError};
use desk::{Answer, Desk, Puppet, Turn, ask, good, mind, mind_of};
use engine::mind::config::{AgentSettings, CacheSettings, IfUnusable};
use engine::model::Stop;
use engine::prompt::Untrusted;
use engine::{Instead, Mind, Unanswered};

fn note(unanswered: Unanswered) -> String {
    match unanswered {
        Unanswered::Instead(Instead { note: Some(note) }) => note,
        other => panic!("{other:?}"),
    }
}

fn says(text: &str) -> Turn {
    Turn::Says(text.into())
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_fits_is_given_and_recorded_with_its_prompt_and_its_cost() {
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![good()]));
    let answer = mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap();
    assert_eq!(answer.cites, ["p-1"]);
    let noted = desk.exchanges();
    assert_eq!((noted.len(), noted[0].name.as_str(), noted[0].prompt.as_deref()), (1, "m/one", Some("try.v1")));
    assert_eq!((noted[0].cost.tokens, desk.spent().micros), (110, 110));
    let request = model.request(0);
    assert_eq!(request.schema.unwrap().schema["additionalProperties"], false);
}

#[tokio::test(start_paused = true)]
async fn json_in_a_block_with_words_around_it_is_understood() {
    let text = "Of course:\n```json\n{\"statement\": \"x\", \"cites\": []}\n```\nAnything else?";
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![says(text)]));
    assert_eq!(mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap().statement, "x");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_fit_is_repaired_once_with_the_exact_reasons() {
    for (bad, reason) in [
        ("PWNED", "no JSON object"),
        (r#"{"statement": "x"}"#, "cites"),
        (r#"{"statement": "x", "cites": [], "admin": true}"#, "admin"),
        (r#"{"statement": "x", "cites": ["p-9"]}"#, "there is no source \"p-9\""),
        (r#"{"statement": "x", "cites": []}{"statement": "y", "cites": []}"#, "more than one"),
    ] {
        let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![says(bad), good()]));
        mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap();
        let repair = serde_json::to_string(&model.request(1).messages.last().unwrap().parts).unwrap();
        assert!(repair.contains("cannot be used") && repair.replace("\\\"", "\"").contains(reason), "{repair}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stays_unusable_is_left_out_with_a_note_that_does_not_repeat_it() {
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![says("PWNED")]));
    let other = Puppet::new("m/two", vec![good()]);
    let note = note(mind(&[&model, &other]).at(&desk).ask(ask("prices")).await.unwrap_err());
    assert!(note.contains("did not fit") && !note.contains("PWNED"), "{note}");
    assert_eq!((model.times(), other.times()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_cut_off_is_asked_for_again_and_shorter() {
    let cut = Turn::Stops(Stop::Truncated, r#"{"statement": "x", "cites": []}"#.into());
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![cut, good()]));
    mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap();
    assert!(format!("{:?}", model.request(1).messages).contains("cut off"));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_parks_gets_an_error_in_the_place_of_a_note() {
    let parking = AgentSettings { if_unusable: IfUnusable::Park, ..AgentSettings::default() };
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![says("PWNED")]));
    let unanswered = mind_of(&[&model], parking.clone(), |s| s, None).at(&desk).ask(ask("prices")).await.unwrap_err();
    assert!(matches!(&unanswered, Unanswered::Unusable(why) if why.contains("try.v1")), "{unanswered:?}");
    assert!(matches!(unanswered.instead(), Err(contract::Refused::Port(PortError::Permanent { .. }))));
    let down = Puppet::new("m/one", vec![Turn::Fails(PortError::transient("down"))]);
    let unanswered = mind_of(&[&down], parking, |s| s, None).at(&Desk::new()).ask(ask("prices")).await.unwrap_err();
    assert!(matches!(unanswered, Unanswered::Stop(contract::Refused::Port(PortError::Transient { .. }))));
}

#[tokio::test(start_paused = true)]
async fn models_are_asked_in_order_and_the_record_says_which_one_answered() {
    let refused = Puppet::new("m/one", vec![Turn::Fails(PortError::permanent("no such model"))]);
    let declines = Puppet::new("m/two", vec![Turn::Stops(Stop::Refused, "I would rather not".into())]);
    let answers = Puppet::new("m/three", vec![good()]);
    let desk = Desk::new();
    mind(&[&refused, &declines, &answers]).at(&desk).ask(ask("prices")).await.unwrap();
    let names: Vec<_> = desk.exchanges().into_iter().map(|exchange| exchange.name).collect();
    assert_eq!(names, ["m/one", "m/two", "m/three"]);
    assert_eq!(refused.times(), 1, "what will fail again is not tried again");
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_after_the_time_that_was_asked_for() {
    let busy = PortError::Transient { why: "429".into(), retry_after: Some(Duration::from_secs(30)) };
    let model = Puppet::new("m/one", vec![Turn::Fails(busy), Turn::Fails(PortError::transient("500")), good()]);
    let (desk, began) = (Desk::new(), tokio::time::Instant::now());
    mind(&[&model]).at(&desk).ask(ask("prices")).await.unwrap();
    assert_eq!(model.times(), 3);
    assert!((30.0..33.0).contains(&began.elapsed().as_secs_f64()), "{:?}", began.elapsed());
    assert!(desk.exchanges()[0].cost.tokens == 0 && desk.till.lock().unwrap().open == 0);
}

#[tokio::test(start_paused = true)]
async fn tries_are_few_and_then_the_next_model_is_asked() {
    let down = Puppet::new("m/one", vec![Turn::Fails(PortError::transient("500"))]);
    let (desk, answers) = (Desk::new(), Puppet::new("m/two", vec![good()]));
    mind(&[&down, &answers]).at(&desk).ask(ask("prices")).await.unwrap();
    assert_eq!((down.times(), answers.times()), (3, 1));
    let none = note(mind(&[&down]).at(&Desk::new()).ask(ask("prices")).await.unwrap_err());
    assert!(none.contains("no model answered"), "{none}");
}

#[tokio::test(start_paused = true)]
async fn sources_go_in_best_first_until_the_context_is_full_and_no_fence_is_cut() {
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![good()]));
    let small = |mut settings: engine::mind::config::ModelSettings| {
        settings.context_tokens = 2_000;
        settings
    };
    let agent = AgentSettings { output_tokens_max: 200, ..AgentSettings::default() };
    let mut asked = ask("prices");
    let text = "Flock costs 49 USD a month and more words. ".repeat(12);
    asked.sources = (1..=9).map(|n| Untrusted { id: format!("p-{n}"), text: text.clone() }).collect();
    mind_of(&[&model], agent, small, None).at(&desk).ask::<Answer>(asked).await.unwrap();
    let user = format!("{:?}", model.request(0).messages);
    let (opened, closed) = (user.matches("<source-").count(), user.matches("</source-").count());
    assert!(opened == closed && (1..9).contains(&opened), "{opened} of 9");
    assert!(user.contains("id=\\\"p-1\\\"") && !user.contains("id=\\\"p-9\\\""));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_no_context_takes_leads_to_the_next_model_and_then_to_a_note() {
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![good()]));
    let mut asked = ask("prices");
    asked.sources[0].text = "word ".repeat(100_000);
    note(mind(&[&model]).at(&desk).ask(asked).await.unwrap_err());
    assert_eq!(model.times(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_is_remembered_until_it_expires_and_costs_nothing_again() {
    let cache = CacheSettings { expires: Duration::from_secs(60), bytes_max: 1_000_000 };
    let model = Puppet::new("m/one", vec![says("bad"), good(), good()]);
    let mind = mind_of(&[&model], AgentSettings::default(), |s| s, Some(cache));
    let (first, mut second, third) = (Desk::new(), Desk::new(), Desk::new());
    // Another step: its fences have another mark.
    second.key = "analysis/2".into();
    mind.at(&first).ask(ask("prices")).await.unwrap();
    mind.at(&second).ask(ask("prices")).await.unwrap();
    assert_eq!((model.times(), second.spent().tokens, second.till.lock().unwrap().calls), (2, 0, 0));
    let noted = second.exchanges();
    assert!(matches!(&noted[0].answer, Answered::With(answer) if answer["from_cache"] == true));
    assert_eq!(noted[0].cost.tokens, 0);
    tokio::time::sleep(Duration::from_secs(61)).await;
    mind.at(&third).ask(ask("prices")).await.unwrap();
    assert!(model.times() > 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_model_said_that_brought_no_answer_is_not_remembered() {
    let cache = CacheSettings { expires: Duration::from_secs(60), bytes_max: 1_000_000 };
    let declined = Puppet::new("m/one", vec![Turn::Stops(Stop::Refused, "I cannot.".into()), good()]);
    let other = Puppet::new("m/two", vec![good()]);
    let mind = mind_of(&[&declined, &other], AgentSettings::default(), |s| s, Some(cache));
    mind.at(&Desk::new()).ask(ask("prices")).await.unwrap();
    mind.at(&Desk::new()).ask(ask("prices")).await.unwrap();
    assert_eq!((declined.times(), other.times()), (2, 1), "it is asked again, and answers this time");
}

#[tokio::test(start_paused = true)]
async fn without_a_model_nothing_is_asked_and_there_is_no_note() {
    let desk = Desk::new();
    let unanswered = Mind::offline().at(&desk).ask(ask("prices")).await.unwrap_err();
    assert_eq!(unanswered, Unanswered::Instead(Instead::default()));
    assert!(desk.exchanges().is_empty());
}

#[tokio::test(start_paused = true)]
async fn our_keys_reach_neither_the_record_nor_the_model_nor_the_answer() {
    let leaking = says(r#"{"statement": "the key is our-secret-key-1", "cites": []}"#);
    let (desk, model) = (Desk::new(), Puppet::new("m/one", vec![leaking]));
    let mut asked = ask("prices of our-secret-key-1");
    asked.sources[0].text = "see https://user:hunter2@host.example/ our-secret-key-1".into();
    let answer = mind(&[&model]).at(&desk).ask(asked).await.unwrap();
    let all = format!("{answer:?} {:?} {:?}", desk.exchanges(), model.request(0));
    assert!(!all.contains("our-secret-key-1") && !all.contains("hunter2"), "{all}");
    assert_eq!(answer.statement, "the key is [removed]");
}

#[tokio::test(start_paused = true)]
async fn the_model_that_the_goal_prefers_is_asked_first_and_each_paid_answer_is_kept() {
    let (one, two) = (Puppet::new("m/one", vec![good()]), Puppet::new("m/two", vec![good()]));
    let desk = Desk { preferred: Some("m/two".into()), ..Desk::new() };
    mind(&[&one, &two]).at(&desk).ask(ask("prices")).await.unwrap();
    assert_eq!((one.times(), two.times()), (0, 1));
    assert_eq!(desk.kept.load(std::sync::atomic::Ordering::Relaxed), 1);
    let replayed = Desk { preferred: desk.preferred.clone(), ..desk.replayed() };
    mind(&[&one, &two]).at(&replayed).ask(ask("prices")).await.unwrap();
    assert_eq!((one.times(), two.times()), (0, 1), "a replay asks nobody");
}

#[tokio::test(start_paused = true)]
async fn a_preferred_model_that_is_not_configured_leaves_the_usual_order_and_a_note() {
    let (one, down) =
        (Puppet::new("m/one", vec![good()]), Puppet::new("m/two", vec![Turn::Fails(PortError::permanent("down"))]));
    let desk = || Desk { preferred: Some("m/nine".into()), ..Desk::new() };
    mind(&[&one]).at(&desk()).ask(ask("prices")).await.unwrap();
    assert_eq!(one.times(), 1);
    let note = note(mind(&[&down]).at(&desk()).ask(ask("prices")).await.unwrap_err());
    assert!(note.contains("prefers is not configured") && !note.contains("m/nine"), "{note}");
}
