//! Owns what happens to a delivery that its queue does not take: backoff, the end of patience, the dead letter, the restart.
//! Never a second's wait: the clock is in the test's hand.
//! Next: `replaying`.

use serde_json::json;

use super::{START, Stage, attribute, body_of};
use crate::ApiError;
use crate::store::Space;

const RULE: &str = "arn:aws:events:eu-west-1:000000000000:rule/agents/r";

fn pending(stage: &Stage) -> usize {
    stage.rows().iter().filter(|(space, _)| *space == Space::Pending as i64).count()
}

/// A bus, a rule and two queues: the target and its dead letters.
fn stage(policy: serde_json::Value) -> (Stage, String, String) {
    let mut stage = Stage::with_bus();
    let (queue, dead) = (stage.queue("q"), stage.queue("dead"));
    let more = json!({"RetryPolicy": policy, "DeadLetterConfig": {"Arn": dead}});
    stage.route("r", json!({"source": ["test"]}), &queue, more);
    (stage, queue, dead)
}

#[test]
fn a_queue_that_does_not_exist_sends_the_event_to_the_dead_letters_at_once() {
    let (mut stage, queue, dead) = stage(json!({}));
    stage.queues.0.remove(&queue);
    let entry = json!({"EventBusName": "agents", "Source": "test", "DetailType": "t", "Detail": "{ \"n\": 1.0 }", "TraceHeader": "Root=1"});
    stage.ask("PutEvents", json!({"Entries": [entry]}));
    let taken = stage.taken(&dead);
    let [letter] = taken.as_slice() else { panic!("{taken:?}") };
    assert!(letter.body.ends_with(r#""detail":{ "n": 1.0 }}"#), "{}", letter.body);
    assert_eq!(attribute(letter, "ERROR_CODE"), Some("NO_RESOURCE"));
    assert!(attribute(letter, "ERROR_MESSAGE").unwrap().contains(&queue));
    assert_eq!(attribute(letter, "RULE_ARN"), Some(RULE));
    assert_eq!(attribute(letter, "TARGET_ARN"), Some(&*queue));
    assert_eq!(attribute(letter, "RETRY_ATTEMPTS"), Some("0"));
    assert_eq!(attribute(letter, "EXHAUSTED_RETRY_CONDITION"), None);
    assert_eq!(letter.trace_header.as_deref(), Some("Root=1"));
    assert_eq!((pending(&stage), stage.buses.wakes_at()), (0, None));
}

#[test]
fn a_queue_whose_policy_does_not_let_the_rule_in_refuses() {
    let (mut stage, queue, dead) = stage(json!({}));
    for policy in [None, Some(json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue, "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:eu-west-1:000000000000:rule/agents/other"}}}]}).to_string())] {
        stage.queues.0.get_mut(&queue).unwrap().policy = policy;
        stage.put("t", "{}");
        let letters = stage.taken(&dead);
        assert_eq!((letters.len(), attribute(&letters[0], "ERROR_CODE")), (1, Some("NO_PERMISSIONS")));
        assert!(stage.taken(&queue).is_empty());
    }
    let granted = stage.queues.0[&dead].policy.clone().unwrap().replace("dead", "q");
    stage.queues.0.get_mut(&queue).unwrap().policy = Some(granted);
    stage.put("t", "{}");
    assert_eq!((stage.taken(&queue).len(), stage.taken(&dead).len()), (1, 0));
}

#[test]
fn dead_letters_that_nobody_lets_in_are_dropped() {
    let (mut stage, queue, dead) = stage(json!({}));
    stage.queues.0.get_mut(&queue).unwrap().policy = None;
    stage.queues.0.get_mut(&dead).unwrap().policy = None;
    stage.put("t", "{}");
    assert_eq!((stage.taken(&dead).len(), pending(&stage), stage.buses.wakes_at()), (0, 0, None));
}

#[test]
fn a_passing_failure_is_tried_again_later_each_time_and_then_arrives() {
    let (mut stage, queue, dead) = stage(json!({}));
    stage.refuse_next(&queue, 5, &ApiError::failed("for now"));
    let id = stage.put("t", "{}");
    assert_eq!(pending(&stage), 1);
    let mut waits = vec![];
    while let Some(due) = stage.buses.wakes_at() {
        waits.push(due.0 - stage.now.0);
        stage.now = due;
        stage.tick();
        stage.restart();
    }
    assert_eq!(waits.len(), 5);
    for (at, wait) in waits.iter().enumerate() {
        assert!((500 << at..=1000 << at).contains(wait), "{waits:?}");
    }
    assert_eq!(waits.windows(2).filter(|pair| pair[1] == 2 * pair[0]).count(), 0, "no jitter: {waits:?}");
    let taken = stage.taken(&queue);
    assert_eq!((taken.len(), &body_of(&taken[0])["id"]), (1, &json!(id)));
    assert_eq!((stage.taken(&dead).len(), pending(&stage)), (0, 0));
}

#[test]
fn after_the_last_retry_the_event_is_a_dead_letter() {
    let (mut stage, queue, dead) = stage(json!({"MaximumRetryAttempts": 3}));
    stage.refuse_next(&queue, 100, &ApiError::failed("for now"));
    stage.put("t", "{}");
    stage.run_until(START.plus_s(3600));
    let letters = stage.taken(&dead);
    assert_eq!(letters.len(), 1);
    assert_eq!(attribute(&letters[0], "EXHAUSTED_RETRY_CONDITION"), Some("MaximumRetryAttempts"));
    assert_eq!(attribute(&letters[0], "RETRY_ATTEMPTS"), Some("3"));
    assert_eq!(attribute(&letters[0], "ERROR_CODE"), Some("INTERNAL_ERROR"));
    assert_eq!(stage.queues.0[&queue].refusals.len(), 96);
    assert_eq!(pending(&stage), 0);
}

#[test]
fn without_retries_a_passing_failure_is_a_dead_letter_at_once() {
    let (mut stage, queue, dead) = stage(json!({"MaximumRetryAttempts": 0}));
    stage.refuse_next(&queue, 1, &ApiError::refused("ThrottlingException", "slower"));
    stage.put("t", "{}");
    let letters = stage.taken(&dead);
    assert_eq!(attribute(&letters[0], "EXHAUSTED_RETRY_CONDITION"), Some("MaximumRetryAttempts"));
    assert_eq!(attribute(&letters[0], "ERROR_CODE"), Some("THROTTLING"));
}

#[test]
fn an_event_that_grew_too_old_is_a_dead_letter() {
    let (mut stage, queue, dead) = stage(json!({"MaximumEventAgeInSeconds": 60}));
    stage.refuse_next(&queue, 100, &ApiError::failed("for now"));
    stage.put("t", "{}");
    stage.run_until(START.plus_s(59));
    assert_eq!(stage.taken(&dead).len(), 0);
    stage.run_until(START.plus_s(60));
    let letters = stage.taken(&dead);
    assert_eq!(letters.len(), 1);
    assert_eq!(attribute(&letters[0], "EXHAUSTED_RETRY_CONDITION"), Some("MaximumEventAgeInSeconds"));
}

#[test]
fn by_default_patience_lasts_a_day_and_at_most_185_retries() {
    let (mut stage, queue, dead) = stage(json!({}));
    stage.refuse_next(&queue, 1000, &ApiError::failed("for now"));
    stage.put("t", "{}");
    stage.run_until(START.plus_s(86_400));
    assert_eq!(stage.taken(&dead).len(), 1);
    let tries = 1000 - stage.queues.0[&queue].refusals.len();
    assert!((180..=186).contains(&tries), "{tries} tries");
}

#[test]
fn a_lasting_refusal_of_the_queue_is_not_tried_again() {
    let (mut stage, queue, dead) = stage(json!({}));
    for (refusal, code) in [
        (ApiError::refused("InvalidMessageContents", "no"), "SDK_CLIENT_ERROR"),
        (ApiError::refused("com.amazonaws.sqs#QueueDoesNotExist", "gone"), "NO_RESOURCE"),
    ] {
        stage.refuse_next(&queue, 1, &refusal);
        stage.put("t", "{}");
        assert_eq!(attribute(&stage.taken(&dead)[0], "ERROR_CODE"), Some(code));
    }
}

#[test]
fn a_dead_letter_that_its_queue_does_not_take_for_the_moment_comes_later() {
    let (mut stage, queue, dead) = stage(json!({}));
    stage.queues.0.remove(&queue);
    stage.refuse_next(&dead, 2, &ApiError::failed("for now"));
    stage.put("t", "{}");
    assert_eq!(pending(&stage), 1);
    stage.restart();
    stage.run_until(START.plus_s(60));
    let letters = stage.taken(&dead);
    assert_eq!((letters.len(), attribute(&letters[0], "RETRY_ATTEMPTS"), pending(&stage)), (1, Some("0"), 0));
}

#[test]
fn an_input_that_cannot_be_made_is_a_dead_letter_with_the_reason() {
    let mut stage = Stage::with_bus();
    let (queue, dead) = (stage.queue("q"), stage.queue("dead"));
    for input in [
        json!({"InputPath": "$.detail.none"}),
        json!({"InputTransformer": {"InputTemplate": "{\"a\": <aws.events.event.json> x}"}}),
    ] {
        let mut more = input.clone();
        more["DeadLetterConfig"] = json!({"Arn": dead});
        stage.route("r", json!({"source": ["test"]}), &queue, more);
        stage.put("t", "{}");
        let letters = stage.taken(&dead);
        assert_eq!((letters.len(), attribute(&letters[0], "ERROR_CODE")), (1, Some("INVALID_INPUT")), "{input}");
        assert!(stage.taken(&queue).is_empty());
    }
}

#[test]
fn what_fails_after_a_restart_does_not_displace_what_waits_since_before() {
    let (mut stage, queue, _) = stage(json!({}));
    for n in 0..3 {
        stage.refuse_next(&queue, 1, &ApiError::failed("for now"));
        stage.put("t", &format!("{{\"n\":{n}}}"));
        stage.restart();
        assert_eq!(pending(&stage), n + 1);
    }
    stage.run_until(START.plus_s(60));
    assert_eq!((stage.taken(&queue).len(), pending(&stage)), (3, 0));
}

#[test]
fn what_waits_for_one_target_does_not_hold_up_another() {
    let (mut stage, queue, _) = stage(json!({}));
    let other = stage.queue("other");
    stage.route("s", json!({"source": ["test"]}), &other, json!({}));
    stage.refuse_next(&queue, 1, &ApiError::failed("for now"));
    stage.put("t", "{}");
    stage.put("t", "{}");
    assert_eq!((stage.taken(&other).len(), stage.taken(&queue).len()), (2, 1));
    stage.run_until(START.plus_s(60));
    assert_eq!(stage.taken(&queue).len(), 1);
}
