//! Owns what is asked of buses, rules, targets and tags, and what is refused.
//! Never an event.
//! Next: `routing`.

use serde_json::{Value, json};

use super::Stage;
use crate::events::Request;

const PATTERN: &str = r#"{"source":["s"]}"#;

fn names(answer: &Value, list: &str, member: &str) -> String {
    let items = answer[list].as_array().unwrap();
    items.iter().map(|item| item[member].as_str().or(item.as_str()).unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_bus_is_made_described_listed_updated_and_deleted() {
    let mut stage = Stage::new();
    let made = stage
        .ask("CreateEventBus", json!({"Name": "agents", "Description": "d", "Tags": [{"Key": "k", "Value": "v"}]}));
    let arn = "arn:aws:events:eu-west-1:000000000000:event-bus/agents";
    assert_eq!(made, json!({"EventBusArn": arn, "Description": "d"}));
    let shown = stage.ask("DescribeEventBus", json!({"Name": arn}));
    assert_eq!((&shown["Name"], &shown["Arn"], &shown["Description"]), (&json!("agents"), &json!(arn), &json!("d")));
    assert_eq!(shown["CreationTime"], json!(1_767_323_045.678));
    assert_eq!(names(&stage.ask("ListEventBuses", json!({})), "EventBuses", "Name"), "agents default");
    assert_eq!(names(&stage.ask("ListEventBuses", json!({"NamePrefix": "d"})), "EventBuses", "Name"), "default");
    stage.ask("UpdateEventBus", json!({"Name": "agents", "DeadLetterConfig": {"Arn": "arn:q"}}));
    let shown = stage.ask("DescribeEventBus", json!({"Name": "agents"}));
    assert_eq!((&shown["Description"], &shown["DeadLetterConfig"]), (&Value::Null, &json!({"Arn": "arn:q"})));
    assert_eq!(stage.ask("DescribeEventBus", json!({}))["Name"], "default");
    assert_eq!(stage.ask("DeleteEventBus", json!({"Name": "agents"})), Value::Null);
    assert_eq!(stage.ask("DeleteEventBus", json!({"Name": "agents"})), Value::Null);
    let (code, sentence) = stage.refused("DescribeEventBus", json!({"Name": "agents"}));
    assert_eq!((&*code, &*sentence), ("ResourceNotFoundException", "Event bus agents does not exist."));
}

#[test]
fn what_cannot_be_a_bus_is_refused() {
    let mut stage = Stage::with_bus();
    for (operation, members, code) in [
        ("CreateEventBus", json!({"Name": "agents"}), "ResourceAlreadyExistsException"),
        ("CreateEventBus", json!({"Name": "default"}), "ResourceAlreadyExistsException"),
        ("CreateEventBus", json!({"Name": "a/b"}), "ValidationException"),
        ("CreateEventBus", json!({"Name": "x".repeat(257)}), "ValidationException"),
        ("CreateEventBus", json!({"Name": 1}), "SerializationException"),
        ("CreateEventBus", json!({}), "SerializationException"),
        ("DeleteEventBus", json!({}), "ValidationException"),
        ("DeleteEventBus", json!({"Name": "default"}), "ValidationException"),
        ("CreateEventBus", json!({"Name": "p", "EventSourceName": "aws.partner/x"}), "NotImplemented"),
        ("ListEventBuses", json!({"Limit": 0}), "ValidationException"),
        ("ListEventBuses", json!({"Limit": 101}), "ValidationException"),
        ("ListEventBuses", json!({"NextToken": "zz"}), "ValidationException"),
        ("ListEventBuses", json!({"NextToken": "abc"}), "ValidationException"),
        ("ListEventBuses", json!({"NextToken": "é"}), "ValidationException"),
        ("CreateApiDestination", json!({}), "NotImplemented"),
    ] {
        assert_eq!(stage.refused(operation, members.clone()).0, code, "{operation} {members}");
    }
    stage.ask("PutRule", json!({"Name": "r", "EventBusName": "agents", "EventPattern": PATTERN}));
    assert_eq!(stage.refused("DeleteEventBus", json!({"Name": "agents"})).0, "ValidationException");
    assert!(Request::parse("PutEvents", b"{").is_err());
    assert!(Request::parse("ListEventBuses", b"").is_ok());
    assert_eq!(
        Request::parse("Nothing", b"").unwrap_err().message,
        "EventBridge Nothing is not implemented by the embedded stand-in"
    );
}

#[test]
fn a_bus_shows_the_policy_that_permissions_made() {
    let mut stage = Stage::with_bus();
    let policy = |stage: &mut Stage| -> Value {
        let shown = stage.ask("DescribeEventBus", json!({"Name": "agents"}));
        shown["Policy"].as_str().map_or(Value::Null, |policy| serde_json::from_str(policy).unwrap())
    };
    for (id, principal) in [("one", "111111111111"), ("all", "*"), ("one", "222222222222")] {
        let condition = json!({"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"});
        stage.ask("PutPermission", json!({"EventBusName": "agents", "StatementId": id, "Action": "events:PutEvents", "Principal": principal, "Condition": condition}));
    }
    let statements = policy(&mut stage)["Statement"].clone();
    assert_eq!(statements.as_array().unwrap().len(), 2);
    assert_eq!(statements[0]["Principal"], "*");
    assert_eq!(statements[1]["Principal"], json!({"AWS": "arn:aws:iam::222222222222:root"}));
    assert_eq!(statements[1]["Condition"], json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}));
    stage.restart();
    stage.ask("RemovePermission", json!({"EventBusName": "agents", "StatementId": "one"}));
    assert_eq!(policy(&mut stage)["Statement"].as_array().unwrap().len(), 1);
    assert_eq!(
        stage.refused("RemovePermission", json!({"EventBusName": "agents", "StatementId": "one"})).0,
        "ResourceNotFoundException"
    );
    stage.ask("RemovePermission", json!({"EventBusName": "agents", "RemoveAllPermissions": true}));
    assert_eq!(policy(&mut stage), Value::Null);
    stage.ask(
        "PutPermission",
        json!({"EventBusName": "agents", "Policy": r#"{"Version": "2012-10-17", "Statement": [{"Sid": "w"}]}"#}),
    );
    assert_eq!(policy(&mut stage)["Statement"][0]["Sid"], "w");
    assert_eq!(stage.refused("PutPermission", json!({"Policy": "x"})).0, "ValidationException");
    assert_eq!(stage.refused("PutPermission", json!({"StatementId": "x"})).0, "ValidationException");
}

#[test]
fn a_rule_put_again_keeps_its_targets_and_tags_and_takes_all_else_anew() {
    let mut stage = Stage::with_bus();
    let queue = stage.queue("q");
    let rule = json!({"Name": "r", "EventBusName": "agents", "EventPattern": PATTERN, "Description": "d", "State": "DISABLED", "Tags": [{"Key": "k", "Value": "v"}]});
    let arn = "arn:aws:events:eu-west-1:000000000000:rule/agents/r";
    assert_eq!(stage.ask("PutRule", rule), json!({"RuleArn": arn}));
    let named = json!({"Name": "r", "EventBusName": "agents"});
    assert_eq!(
        stage.ask("DescribeRule", named.clone()),
        json!({"Name": "r", "Arn": arn, "EventPattern": PATTERN, "State": "DISABLED", "EventBusName": "agents", "Description": "d", "CreatedBy": "000000000000"})
    );
    let target = json!({"Id": "t", "Arn": queue, "RetryPolicy": {"MaximumRetryAttempts": 3}, "SqsParameters": {"MessageGroupId": "g"}});
    stage.ask("PutTargets", json!({"Rule": "r", "EventBusName": "agents", "Targets": [target]}));
    stage.ask("PutRule", json!({"Name": "r", "EventBusName": "agents", "EventPattern": r#"{"source":["z"]}"#}));
    stage.restart();
    let shown = stage.ask("DescribeRule", named.clone());
    assert_eq!(
        (&shown["State"], &shown["Description"], &shown["EventPattern"]),
        (&json!("ENABLED"), &Value::Null, &json!(r#"{"source":["z"]}"#))
    );
    assert_eq!(
        stage.ask("ListTargetsByRule", json!({"Rule": "r", "EventBusName": "agents"})),
        json!({"Targets": [target]})
    );
    assert_eq!(
        stage.ask("ListTagsForResource", json!({"ResourceARN": arn})),
        json!({"Tags": [{"Key": "k", "Value": "v"}]})
    );
    stage.ask("DisableRule", named.clone());
    assert_eq!(stage.ask("DescribeRule", named.clone())["State"], "DISABLED");
    stage.ask("EnableRule", named.clone());
    assert_eq!(stage.ask("DescribeRule", named.clone())["State"], "ENABLED");
    let (code, sentence) = stage.refused("DeleteRule", named.clone());
    assert_eq!((&*code, &*sentence), ("ValidationException", "Rule can't be deleted since it has targets."));
    stage.ask("RemoveTargets", json!({"Rule": "r", "EventBusName": "agents", "Ids": ["t"]}));
    stage.ask("DeleteRule", named.clone());
    stage.ask("DeleteRule", named.clone());
    let (code, sentence) = stage.refused("DescribeRule", named);
    assert_eq!((&*code, &*sentence), ("ResourceNotFoundException", "Rule r does not exist on EventBus agents."));
}

#[test]
fn a_rule_of_the_default_bus_has_the_short_arn() {
    let mut stage = Stage::new();
    let arn = "arn:aws:events:eu-west-1:000000000000:rule/r";
    assert_eq!(stage.ask("PutRule", json!({"Name": "r", "EventPattern": PATTERN})), json!({"RuleArn": arn}));
    stage.ask(
        "TagResource",
        json!({"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}),
    );
    stage.ask("UntagResource", json!({"ResourceARN": arn, "TagKeys": ["a", "none"]}));
    stage.restart();
    assert_eq!(
        stage.ask("ListTagsForResource", json!({"ResourceARN": arn}))["Tags"],
        json!([{"Key": "b", "Value": "2"}])
    );
    let bus = "arn:aws:events:eu-west-1:000000000000:event-bus/default";
    stage.ask("TagResource", json!({"ResourceARN": bus, "Tags": [{"Key": "c", "Value": ""}]}));
    stage.restart();
    assert_eq!(
        stage.ask("ListTagsForResource", json!({"ResourceARN": bus}))["Tags"],
        json!([{"Key": "c", "Value": ""}])
    );
    for (arn, code) in [
        ("arn:aws:events:eu-west-1:000000000000:rule/none", "ResourceNotFoundException"),
        ("arn:aws:events:eu-west-1:000000000000:event-bus/none", "ResourceNotFoundException"),
        ("arn:aws:events:eu-west-1:000000000000:archive/a", "ResourceNotFoundException"),
        ("arn:aws:events:us-east-1:000000000000:event-bus/default", "ResourceNotFoundException"),
        ("arn:aws:sqs:eu-west-1:000000000000:q", "ValidationException"),
        ("x", "ValidationException"),
    ] {
        assert_eq!(stage.refused("ListTagsForResource", json!({"ResourceARN": arn})).0, code, "{arn}");
    }
}

#[test]
fn a_rule_that_cannot_be_is_refused() {
    let mut stage = Stage::new();
    for (members, code) in [
        (json!({"Name": "r"}), "ValidationException"),
        (json!({"Name": "r", "ScheduleExpression": "rate(1 minute)"}), "NotImplemented"),
        (json!({"Name": "r r", "EventPattern": PATTERN}), "ValidationException"),
        (json!({"Name": "x".repeat(65), "EventPattern": PATTERN}), "ValidationException"),
        (json!({"Name": "r", "EventPattern": "{}"}), "InvalidEventPatternException"),
        (json!({"Name": "r", "EventPattern": PATTERN, "EventBusName": "none"}), "ResourceNotFoundException"),
        (json!({"Name": "r", "EventPattern": PATTERN, "State": "MAYBE"}), "SerializationException"),
    ] {
        assert_eq!(stage.refused("PutRule", members.clone()).0, code, "{members}");
    }
}

#[test]
fn rules_are_listed_by_pages_by_prefix_and_by_target() {
    let mut stage = Stage::with_bus();
    let (one, other) = (stage.queue("one"), stage.queue("other"));
    for name in ["b", "a", "c", "ab"] {
        stage.route(name, json!({"source": ["s"]}), if name == "c" { &other } else { &one }, json!({}));
    }
    let page = |token: Value| json!({"EventBusName": "agents", "Limit": 3, "NextToken": token});
    let first = stage.ask("ListRules", page(Value::Null));
    assert_eq!(names(&first, "Rules", "Name"), "a ab b");
    let last = stage.ask("ListRules", page(first["NextToken"].clone()));
    assert_eq!((names(&last, "Rules", "Name").as_str(), &last["NextToken"]), ("c", &Value::Null));
    let prefixed = stage.ask("ListRules", json!({"EventBusName": "agents", "NamePrefix": "a"}));
    assert_eq!(names(&prefixed, "Rules", "Name"), "a ab");
    let by_target = stage.ask("ListRuleNamesByTarget", json!({"EventBusName": "agents", "TargetArn": one, "Limit": 2}));
    assert_eq!(names(&by_target, "RuleNames", ""), "a ab");
    let by_target = stage.ask(
        "ListRuleNamesByTarget",
        json!({"EventBusName": "agents", "TargetArn": one, "NextToken": by_target["NextToken"]}),
    );
    assert_eq!(by_target, json!({"RuleNames": ["b"]}));
}

#[test]
fn targets_are_refused_whole_or_one_by_one() {
    let mut stage = Stage::new();
    let queue = stage.queue("q");
    stage.ask("PutRule", json!({"Name": "r", "EventPattern": PATTERN}));
    for (target, code, part) in [
        (json!({"Id": "a b"}), "ValidationException", "targets.1.member.id"),
        (json!({"Id": "x".repeat(65)}), "ValidationException", "less than or equal to 64"),
        (json!({"Input": "{"}), "ValidationException", "JSON syntax error in input for target t"),
        (
            json!({"Input": "1", "InputPath": "$"}),
            "ValidationException",
            "Only one of Input, InputPath, or InputTransformer must be provided for target t.",
        ),
        (json!({"InputPath": "detail"}), "ValidationException", "detail"),
        (json!({"InputPath": "$..x"}), "NotImplemented", "$..x"),
        (
            json!({"InputTransformer": {"InputTemplate": "\"<x>\""}}),
            "ValidationException",
            "InputTemplate for target t contains invalid placeholder x.",
        ),
        (
            json!({"InputTransformer": {"InputPathsMap": {"aws.x": "$"}, "InputTemplate": "1"}}),
            "ValidationException",
            "aws.x",
        ),
        (json!({"RetryPolicy": {"MaximumRetryAttempts": 186}}), "ValidationException", "185"),
        (json!({"RetryPolicy": {"MaximumEventAgeInSeconds": 59}}), "ValidationException", "60"),
        (json!({"RetryPolicy": {"MaximumEventAgeInSeconds": 86401}}), "ValidationException", "86400"),
        (
            json!({"DeadLetterConfig": {"Arn": "arn:aws:sns:eu-west-1:000000000000:t"}}),
            "ValidationException",
            "no queue",
        ),
        (json!({"DeadLetterConfig": {"Arn": format!("{queue}.fifo")}}), "ValidationException", "FIFO"),
        (
            json!({"Arn": "arn:aws:lambda:eu-west-1:000000000000:function:f"}),
            "NotImplemented",
            "EventBridge PutTargets to lambda",
        ),
    ] {
        let mut whole = json!({"Id": "t", "Arn": queue});
        whole.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
        let (refused, sentence) = stage.refused("PutTargets", json!({"Rule": "r", "Targets": [whole.clone()]}));
        assert!(refused == code && sentence.contains(part), "{whole}: {refused} {sentence}");
    }
    let entries = json!([{"Id": "good", "Arn": queue}, {"Id": "bad", "Arn": "queue"}, {"Id": "fifo", "Arn": format!("{queue}.fifo")}]);
    let answer = stage.ask("PutTargets", json!({"Rule": "r", "Targets": entries}));
    assert_eq!(
        (&answer["FailedEntryCount"], names(&answer, "FailedEntries", "TargetId").as_str()),
        (&json!(2), "bad fifo")
    );
    let answer = stage.ask("RemoveTargets", json!({"Rule": "r", "Ids": ["good", "none"]}));
    assert_eq!(
        (&answer["FailedEntryCount"], &answer["FailedEntries"][0]["ErrorCode"]),
        (&json!(1), &json!("ResourceNotFoundException"))
    );
    let six: Vec<_> = (0..6).map(|at| json!({"Id": format!("t{at}"), "Arn": queue})).collect();
    stage.ask("PutTargets", json!({"Rule": "r", "Targets": six[..5]}));
    assert_eq!(stage.refused("PutTargets", json!({"Rule": "r", "Targets": six[5..]})).0, "LimitExceededException");
    stage.ask("PutTargets", json!({"Rule": "r", "Targets": six[4..5]}));
    assert_eq!(stage.refused("PutTargets", json!({"Rule": "r", "Targets": []})).0, "ValidationException");
    assert_eq!(
        stage.refused("PutTargets", json!({"Rule": "none", "Targets": six[..1]})).0,
        "ResourceNotFoundException"
    );
}

#[test]
fn a_pattern_is_tested_without_a_bus() {
    let mut stage = Stage::new();
    let event = json!({"id": "1", "source": "s", "detail-type": "t", "account": "1", "region": "r", "time": "2022-07-13T13:48:01Z", "detail": {"n": 1}});
    let mut test = |pattern: &str, event: &str| {
        stage
            .try_ask("TestEventPattern", json!({"EventPattern": pattern, "Event": event}))
            .map(|answer| answer["Result"] == true)
            .map_err(|refusal| refusal.code)
    };
    assert_eq!(test(r#"{"detail": {"n": [{"numeric": ["<", 2]}]}}"#, &event.to_string()), Ok(true));
    assert_eq!(test(r#"{"source": ["z"]}"#, &event.to_string()), Ok(false));
    assert_eq!(test("{", &event.to_string()), Err("InvalidEventPatternException".into()));
    let long = json!({"source": ["x".repeat(4096)]}).to_string();
    assert_eq!(test(&long, &event.to_string()), Err("ValidationException".into()));
    for event in ["{", "[]", "\"x\"", r#"{"id": "1"}"#] {
        assert_eq!(test(PATTERN, event), Err("ValidationException".into()), "{event}");
    }
}
