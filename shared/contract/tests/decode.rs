//! Owns what may enter: the three entrances, whose facts win over whose, and what two spellings have in common.
//! Never what is refused: `hostile.rs` holds that.
//! Next: `properties.rs`, the same for inputs that nobody thought of.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod letters;

use contract::events::GoalRequested;
use contract::{CauseKind, EventData, EventId, GoalId, Tenant, UnixMs, attributes};
use letters::{Letter, analysis_completed, goal_requested, wrapped};
use serde_json::json;

#[test]
fn an_event_by_itself_an_event_in_the_buss_wrapper_and_a_bare_goal_are_let_in() {
    let event = goal_requested();
    let by_itself = Letter::of(&event).read("research").unwrap();
    let by_bus = Letter::of(&wrapped(&event)).read("research").unwrap();
    let bare = Letter::of(&json!({"goal": "follow seven neighbours"})).read("research").unwrap();
    assert_eq!(by_itself, by_bus);
    assert_eq!((by_itself.kind, bare.kind), (GoalRequested::TYPE, GoalRequested::TYPE));
}

#[test]
fn the_same_goal_has_the_same_digest_id_and_goal_by_bus_by_queue_and_bare() {
    let event = goal_requested();
    let mut bare = event["data"].clone();
    bare["key"] = event["goalkey"].clone();
    let read =
        |letter: Letter| letter.read("research").map(|event| (event.goal, event.id, event.digest(), event.goal_key));
    let by_itself = read(Letter::of(&event));
    assert!(by_itself.is_ok());
    assert_eq!(read(Letter::of(&wrapped(&event))), by_itself);
    assert_eq!(read(Letter::of(&bare)), by_itself);
}

#[test]
fn what_is_left_out_and_what_is_said_to_be_empty_have_the_same_digest() {
    let short = json!({"goal": "g", "key": "k"});
    let long = json!({
        "goal": "g", "key": "k", "collections": [], "sources": [], "context": null, "budget": null, "deadline": null,
        "on_dead_letter": "hold", "tenant": "default",
    });
    let digest = |body| Letter::of(&body).read("research").map(|event| (event.goal, event.digest()));
    assert_eq!(digest(short), digest(long));
}

#[test]
fn other_data_under_the_same_key_is_the_same_goal_with_another_digest() {
    let read = |goal| Letter::of(&json!({"goal": goal, "key": "k"})).read("research").unwrap();
    let (one, other) = (read("one"), read("other"));
    assert_eq!((one.goal, one.id), (other.goal, other.id));
    assert_ne!(one.digest(), other.digest());
}

#[test]
fn a_digest_does_not_depend_on_the_order_of_keys() {
    let read = |text: &str| Letter::text(text).read("writer").unwrap();
    let event = analysis_completed().to_string();
    let reordered = event.replace(r#""findings":"#, r#""zzz":0,"findings":"#);
    let again = event.replacen('{', r#"{"zzz":0,"#, 1);
    assert_ne!(read(&event).digest(), read(&reordered).digest(), "data counts");
    assert_eq!(read(&event).digest(), read(&again).digest(), "the envelope does not");
    let data = |text: &str| contract::Digest::of_data(&serde_json::from_str(text).unwrap());
    assert_eq!(data(r#"{"a":1,"b":{"c":2,"d":3}}"#), data(r#"{"b": {"d":3, "c":2}, "a":1}"#));
}

#[test]
fn two_tenants_with_the_same_key_have_two_goals() {
    let read = |tenant| Letter::of(&json!({"goal": "g", "key": "k", "tenant": tenant})).read("research").unwrap();
    assert_ne!(read("acme").goal, read("globex").goal);
    let tenant = |name: &str| name.parse::<Tenant>().unwrap();
    assert_ne!(GoalId::derive(&tenant("a"), "b:c"), GoalId::derive(&tenant("a.b"), "c"));
    assert_ne!(GoalId::derive(&tenant("1"), "2:x"), GoalId::derive(&tenant("1.2"), "x"));
}

#[test]
fn without_a_key_the_message_id_is_the_key() {
    let letter = Letter::of(&json!({"goal": "g"}));
    let event = letter.read("research").unwrap();
    assert_eq!(event.goal, GoalId::derive(&Tenant::default(), letters::MESSAGE_ID));
    assert_eq!(event.goal_key.as_deref(), Some(letters::MESSAGE_ID));
    assert_eq!(event.time, letters::SENT_AT);
}

#[test]
fn key_and_tenant_may_come_by_attribute_and_must_agree_with_the_body() {
    let body = json!({"goal": "g"});
    let by_attribute = Letter::of(&body).with("idempotency-key", "k").with("tenant", "acme").read("research").unwrap();
    let by_body = Letter::of(&json!({"goal": "g", "key": "k", "tenant": "acme"})).read("research").unwrap();
    assert_eq!((by_attribute.goal, by_attribute.tenant.as_str()), (by_body.goal, "acme"));
    for (name, said, other) in [("key", "idempotency-key", "other"), ("tenant", "tenant", "globex")] {
        let both = json!({"goal": "g", name: "acme"});
        assert!(Letter::of(&both).with(said, "acme").read("research").is_ok());
        let cause = Letter::of(&both).with(said, other).read("research").unwrap_err();
        assert_eq!(cause.kind, CauseKind::Undecodable);
        assert!(cause.detail.contains(name), "{cause}");
    }
}

#[test]
fn every_script_of_the_world_may_be_used() {
    for goal in ["研究竞争对手的价格", "ابحث عن أسعار المنافسين", "исследуй цены", "🐦🐦🐦", "e\u{301}tude"]
    {
        let event = Letter::of(&json!({"goal": goal, "key": goal})).read("research").unwrap();
        assert_eq!(event.data["goal"], goal);
    }
}

#[test]
fn the_trace_is_the_envelopes_then_the_attributes_then_a_fresh_one() {
    let attribute = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01";
    let in_envelope = "00-cccccccccccccccccccccccccccccccc-dddddddddddddddd-01";
    let mut event = goal_requested();
    event["traceparent"] = json!(in_envelope);
    let read =
        |event: &serde_json::Value| Letter::of(event).with("traceparent", attribute).read("research").unwrap().trace;
    assert_eq!(read(&event).traceparent(), in_envelope);
    event.as_object_mut().unwrap().remove("traceparent");
    assert_eq!(read(&event).traceparent(), attribute);
    let fresh = || Letter::of(&event).read("research").unwrap().trace;
    assert_eq!(fresh(), fresh(), "a redelivery begins the same fresh trace");
    assert_ne!(fresh().trace.0, 0);
    let bare = Letter::of(&json!({"goal": "g"})).with("traceparent", attribute).read("research").unwrap();
    assert_eq!(bare.trace.traceparent(), attribute);
}

#[test]
fn fields_that_data_does_not_know_are_let_through_and_kept() {
    let mut event = analysis_completed();
    event["data"]["mood"] = json!("good");
    event["someextension"] = json!("x");
    assert_eq!(Letter::of(&event).read("writer").unwrap().data["mood"], "good");
}

#[test]
fn an_event_at_the_hop_limit_is_let_in_and_one_beyond_it_is_not() {
    let mut event = analysis_completed();
    event["hops"] = json!(16);
    assert!(Letter::of(&event).read("writer").is_ok());
    event["hops"] = json!(17);
    let cause = Letter::of(&event).read("writer").unwrap_err();
    assert_eq!(cause.kind, CauseKind::HopsExhausted);
    assert!(cause.detail.contains("17 hops") && cause.detail.contains("16 at most"), "{cause}");
}

#[test]
fn attributes_of_an_event_say_what_its_envelope_says() {
    let event = Letter::of(&analysis_completed()).read("writer").unwrap();
    let all = attributes::Attributes::of_event(&event);
    assert_eq!(all.trace(), Some(event.trace.clone()));
    assert_eq!(all.goal(), Some(event.goal));
    assert_eq!(all.tenant(), Some(event.tenant.clone()));
    assert_eq!(all.idempotency_key(), Some(event.id.to_string().as_str()));
    let goal = Letter::of(&goal_requested()).read("research").unwrap();
    assert_eq!(attributes::Attributes::of_event(&goal).idempotency_key(), goal.goal_key.as_deref());
}

#[test]
fn ids_are_what_they_always_were() {
    let goal = GoalId::derive(&"acme".parse().unwrap(), "pricing-2026");
    assert_eq!(goal.to_string(), "8d3a6c39-065b-52a4-8aaa-6915b588e971");
    let request = EventId::derive(goal, &GoalRequested::TYPE, &contract::Unit::goal());
    assert_eq!(request.to_string(), "8390d315-a39f-5976-a098-01db1742da36");
    let output = contract::Unit::output("analysis", request, 0);
    assert_eq!(
        EventId::derive(goal, &contract::EventType::new("analysis.completed"), &output).to_string(),
        "662908c4-dd80-5696-aca5-7815e1310ec0"
    );
    let join = contract::Unit::join("evidence");
    assert_eq!(
        EventId::derive(goal, &contract::EventType::new("research.completed"), &join).to_string(),
        "383b995e-edf1-54be-8260-16bf20b27051"
    );
    let park = contract::Unit::park("analysis", request, 2);
    assert_eq!(
        EventId::derive(goal, &contract::EventType::new("step.failed"), &park).to_string(),
        "b39b39c7-a14a-5e4a-8bd9-b97ca21b350f"
    );
    assert_eq!(
        contract::Digest::of_data(&json!({"b": [1, 2.5, "ü"], "a": null})).as_str(),
        "3ca4eda1ebfd02e4296104981a1e65d4e87e99084ac993fafbc515a8f6a8ad84"
    );
}

#[test]
fn only_the_hyphenated_spelling_names_a_goal_in_an_attribute() {
    let goal = "1b4e28ba-2fa1-51d2-883f-0016d3cca427";
    assert_eq!(goal.parse::<GoalId>().unwrap().to_string(), goal);
    for other in [
        "1b4e28ba2fa151d2883f0016d3cca427",
        "{1b4e28ba-2fa1-51d2-883f-0016d3cca427}",
        "urn:uuid:1b4e28ba-2fa1-51d2-883f-0016d3cca427",
        "",
    ] {
        assert!(other.parse::<GoalId>().is_err(), "{other}");
    }
}

#[test]
fn an_instant_is_spelled_in_one_way_and_read_back_exactly() {
    let at = UnixMs(1_795_176_000_123);
    assert_eq!(at.to_string(), "2026-11-20T12:00:00.123Z");
    assert_eq!(at.to_string().parse(), Ok(at));
    assert!("tomorrow".parse::<UnixMs>().is_err());
}
