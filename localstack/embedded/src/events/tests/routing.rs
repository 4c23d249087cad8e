//! Owns which events reach which queue, and what they look like there.
//! Never a failing queue.
//! Next: `delivering`.

use serde_json::{Value, json};

use super::{Stage, body_of};
use crate::engine::Quirks;

#[test]
fn an_event_arrives_whole_with_its_detail_byte_for_byte() {
    let mut stage = Stage::with_bus();
    let queue = stage.queue("q");
    stage.route("r", json!({"source": ["test"]}), &queue, json!({}));
    let detail = r#"{ "z":1.50, "a" : 12345678901234567890123, "é\u00e9":"x\ny" }"#;
    let entry = json!({
        "EventBusName": "arn:aws:events:eu-west-1:000000000000:event-bus/agents", "Source": "test", "DetailType": "a \"type\"",
        "Detail": detail, "Time": 1_700_000_000.25, "Resources": ["arn:1", "arn:2"], "TraceHeader": "Root=1-2-3",
    });
    let answer = stage.ask("PutEvents", json!({"Entries": [entry]}));
    assert_eq!(answer["FailedEntryCount"], 0);
    let taken = stage.taken(&queue);
    let [message] = taken.as_slice() else { panic!("{taken:?}") };
    let id = &answer["Entries"][0]["EventId"];
    assert_eq!(
        message.body,
        format!(
            r#"{{"version":"0","id":{id},"detail-type":"a \"type\"","source":"test","account":"000000000000","time":"2023-11-14T22:13:20Z","region":"eu-west-1","resources":["arn:1","arn:2"],"detail":{detail}}}"#
        )
    );
    assert_eq!(message.trace_header.as_deref(), Some("Root=1-2-3"));
    assert_eq!((message.group.as_deref(), message.attributes.len()), (None, 0));
}

#[test]
fn an_event_without_a_time_has_the_time_of_its_putting() {
    let mut stage = Stage::with_bus();
    let queue = stage.queue("q");
    stage.route("r", json!({"source": ["test"]}), &queue, json!({}));
    stage.put("t", "{}");
    assert_eq!(body_of(&stage.taken(&queue)[0])["time"], "2026-01-02T03:04:05Z");
}

#[test]
fn each_enabled_rule_that_matches_delivers_to_each_of_its_targets() {
    let mut stage = Stage::with_bus();
    let (one, two) = (stage.queue("one"), stage.queue("two"));
    stage.route("by-type", json!({"detail-type": ["a", "b"]}), &one, json!({}));
    stage.route("by-detail", json!({"detail": {"n": [{"numeric": [">", 1]}]}}), &two, json!({}));
    stage.route("all", json!({"version": ["0"]}), &two, json!({"Id": "first"}));
    stage
        .ask("PutTargets", json!({"Rule": "all", "EventBusName": "agents", "Targets": [{"Id": "second", "Arn": one}]}));
    let reached = |stage: &mut Stage, detail_type: &str, detail: &str| {
        stage.put(detail_type, detail);
        (stage.taken(&one).len(), stage.taken(&two).len())
    };
    assert_eq!(reached(&mut stage, "a", r#"{"n": 2}"#), (2, 2));
    assert_eq!(reached(&mut stage, "c", r#"{"n": 1}"#), (1, 1));
    stage.ask("DisableRule", json!({"Name": "all", "EventBusName": "agents"}));
    assert_eq!(reached(&mut stage, "b", "{}"), (1, 0));
    stage.restart();
    assert_eq!(reached(&mut stage, "b", r#"{"n": 2}"#), (1, 1));
    stage.ask(
        "PutRule",
        json!({"Name": "by-type", "EventBusName": "agents", "EventPattern": r#"{"detail-type": ["z"]}"#}),
    );
    assert_eq!(reached(&mut stage, "b", "{}"), (0, 0));
    assert_eq!(reached(&mut stage, "z", "{}"), (1, 0));
}

#[test]
fn a_rule_that_names_a_type_twice_delivers_once() {
    let mut stage = Stage::with_bus();
    let queue = stage.queue("q");
    for pattern in [
        json!({"detail-type": ["t", "t"]}),
        json!({"$or": [{"detail-type": ["t"]}, {"detail-type": ["u", "t"], "source": ["test"]}]}),
    ] {
        stage.route("r", pattern.clone(), &queue, json!({}));
        stage.put("t", "{}");
        assert_eq!(stage.taken(&queue).len(), 1, "{pattern}");
    }
}

#[test]
fn a_bus_that_does_not_exist_here_answers_an_id_and_drops_the_event() {
    let mut stage = Stage::with_bus();
    let queue = stage.queue("q");
    stage.route("r", json!({"source": ["test"]}), &queue, json!({}));
    for bus in [
        "none",
        "arn:aws:events:us-east-1:000000000000:event-bus/agents",
        "arn:aws:events:eu-west-1:000000000001:event-bus/agents",
    ] {
        let entry = json!({"EventBusName": bus, "Source": "test", "DetailType": "t", "Detail": "{}"});
        let answer = stage.ask("PutEvents", json!({"Entries": [entry]}));
        assert_eq!(answer["FailedEntryCount"], 0);
        assert!(answer["Entries"][0]["EventId"].is_string());
        assert!(stage.taken(&queue).is_empty(), "{bus}");
    }
}

#[test]
fn entries_fail_one_by_one_and_the_others_go() {
    let mut stage = Stage::with_bus();
    let queue = stage.queue("q");
    stage.route("r", json!({"source": ["test"]}), &queue, json!({}));
    let good = json!({"EventBusName": "agents", "Source": "test", "DetailType": "t", "Detail": "{}"});
    let with = |member: &str, value: Value| {
        let mut entry = good.clone();
        entry[member] = value;
        entry
    };
    let entries = [
        (with("Source", Value::Null), "InvalidArgument"),
        (with("DetailType", json!("")), "InvalidArgument"),
        (with("Detail", Value::Null), "InvalidArgument"),
        (with("Detail", json!("NotJSON")), "MalformedDetail"),
        (with("Detail", json!("[]")), "MalformedDetail"),
        (with("Detail", json!("{{}")), "MalformedDetail"),
        (with("Detail", json!(r#"{"half": "\ud800"}"#)), "MalformedDetail"),
        (with("Source", json!("aws.ec2")), "NotAuthorizedForSource"),
        (good.clone(), ""),
    ];
    let asked: Vec<_> = entries.iter().map(|(entry, _)| entry).collect();
    let answer = stage.ask("PutEvents", json!({"Entries": asked}));
    assert_eq!(answer["FailedEntryCount"], 8);
    for (at, (entry, code)) in entries.iter().enumerate() {
        assert_eq!(answer["Entries"][at]["ErrorCode"].as_str().unwrap_or_default(), *code, "{entry}");
    }
    assert_eq!(
        answer["Entries"][0]["ErrorMessage"],
        "Parameter Source is not valid. Reason: Source is a required argument."
    );
    assert_eq!(stage.taken(&queue).len(), 1);
}

#[test]
fn a_request_of_no_entries_too_many_or_too_much_is_refused_whole() {
    let mut stage = Stage::with_bus();
    let entry = |bytes: usize| json!({"Source": "s", "DetailType": "t", "Detail": format!("{{\"x\":\"{}\"}}", "y".repeat(bytes - 10))});
    for entries in [vec![], vec![entry(10); 11], vec![entry(1 << 19), entry((1 << 19) + 1)]] {
        assert_eq!(stage.refused("PutEvents", json!({"Entries": entries})).0, "ValidationException");
    }
    stage.ask("PutEvents", json!({"Entries": [entry(1 << 19), entry((1 << 19) - 2)]}));
    assert_eq!(stage.refused("PutEvents", json!({"Entries": [entry(10)], "EndpointId": "a.b"})).0, "NotImplemented");
    assert_eq!(stage.refused("PutEvents", json!({"Entries": [{"Time": {}}]})).0, "SerializationException");
}

#[test]
fn a_fault_fails_the_last_entries_without_carrying_them_out() {
    let mut stage = Stage::with_bus();
    let queue = stage.queue("q");
    stage.route("r", json!({"source": ["test"]}), &queue, json!({}));
    let entry = |at: usize| json!({"EventBusName": "agents", "Source": "test", "DetailType": "t", "Detail": format!("{{\"n\":{at}}}")});
    let quirks = Quirks { fail_entries: Some((2, "ThrottlingException".to_owned())), ..Quirks::default() };
    let answer = stage.try_ask_with("PutEvents", json!({"Entries": [entry(0), entry(1), entry(2)]}), &quirks).unwrap();
    assert_eq!(answer["FailedEntryCount"], 2);
    assert_eq!(answer["Entries"][2]["ErrorCode"], "ThrottlingException");
    let taken = stage.taken(&queue);
    assert_eq!(taken.iter().map(|message| body_of(message)["detail"]["n"].clone()).collect::<Vec<_>>(), [json!(0)]);
}

#[test]
fn a_target_gets_a_constant_a_part_or_a_filled_template() {
    let mut stage = Stage::with_bus();
    for (input, body) in [
        (json!({"Input": r#"{"fixed": 1.0}"#}), r#"{"fixed": 1.0}"#),
        (json!({"InputPath": "$.detail.part"}), r#"{"b":1,"a":2.50}"#),
        (json!({"InputPath": "$.detail-type"}), "\"t\""),
        (
            json!({"InputTransformer": {"InputPathsMap": {"p": "$.detail.part.a"}, "InputTemplate": r#"{"p": <p>, "r": "<aws.events.rule-name>"}"#}}),
            r#"{"p": 2.50, "r": "r"}"#,
        ),
        (
            json!({"InputTransformer": {"InputTemplate": r#""of <aws.events.rule-arn>""#}}),
            r#""of arn:aws:events:eu-west-1:000000000000:rule/agents/r""#,
        ),
    ] {
        let queue = stage.queue("q");
        stage.route("r", json!({"source": ["test"]}), &queue, input.clone());
        stage.restart();
        stage.put("t", r#"{"part":{"b":1,"a":2.50}}"#);
        assert_eq!(stage.taken(&queue)[0].body, body, "{input}");
    }
}

#[test]
fn a_group_goes_to_fifo_and_to_fair_queues_alike() {
    let mut stage = Stage::with_bus();
    for name in ["q.fifo", "q"] {
        let queue = stage.queue(name);
        stage.route("r", json!({"source": ["test"]}), &queue, json!({"SqsParameters": {"MessageGroupId": "g"}}));
        stage.put("t", "{}");
        let message = &stage.taken(&queue)[0];
        assert_eq!((message.group.as_deref(), message.deduplication.as_deref()), (Some("g"), None), "{name}");
    }
}
