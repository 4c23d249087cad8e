//! Owns what archives keep and give back.
//! Never a second's wait: the clock is in the test's hand.
//! Next: `archive` and `replay`.

use serde_json::{Value, json};

use super::{START, Stage, body_of};
use crate::engine::UnixMs;
use crate::store::Space;

const BUS: &str = "arn:aws:events:eu-west-1:000000000000:event-bus/agents";
const ARCHIVE: &str = "arn:aws:events:eu-west-1:000000000000:archive/all";

fn seconds(at: UnixMs) -> Value {
    json!(at.0 as f64 / 1000.0)
}

fn stage() -> (Stage, String) {
    let mut stage = Stage::with_bus();
    let queue = stage.queue("q");
    stage.route("r", json!({"source": ["test"]}), &queue, json!({}));
    let made = stage.ask("CreateArchive", json!({"ArchiveName": "all", "EventSourceArn": BUS, "RetentionDays": 2}));
    assert_eq!(made, json!({"ArchiveArn": ARCHIVE, "CreationTime": seconds(START), "State": "ENABLED"}));
    (stage, queue)
}

fn start(stage: &mut Stage, name: &str, from: UnixMs, to: UnixMs, filter: &[&str]) -> Value {
    stage.ask(
        "StartReplay",
        json!({"ReplayName": name, "EventSourceArn": ARCHIVE, "EventStartTime": seconds(from), "EventEndTime": seconds(to), "Destination": {"Arn": BUS, "FilterArns": filter}}),
    )
}

fn state(stage: &mut Stage, name: &str) -> String {
    stage.ask("DescribeReplay", json!({"ReplayName": name}))["State"].as_str().unwrap().to_owned()
}

/// The numbers of the events that came, in order.
fn numbers(stage: &mut Stage, queue: &str) -> Vec<i64> {
    stage.taken(queue).iter().map(|message| body_of(message)["detail"]["n"].as_i64().unwrap()).collect()
}

/// One event a second, from START on.
fn put_each_second(stage: &mut Stage, count: i64) {
    for at in 0..count {
        stage.put("t", &format!("{{\"n\":{at}}}"));
        stage.now = stage.now.plus_s(1);
    }
}

#[test]
fn an_archive_keeps_what_matches_and_says_how_much() {
    let (mut stage, _) = stage();
    let pattern = r#"{"detail": {"n": [1]}}"#;
    stage.ask(
        "CreateArchive",
        json!({"ArchiveName": "ones", "EventSourceArn": BUS, "EventPattern": pattern, "Description": "d"}),
    );
    put_each_second(&mut stage, 3);
    stage.restart();
    stage.put("t", r#"{"n":1}"#);
    let shown = stage.ask("DescribeArchive", json!({"ArchiveName": "ones"}));
    assert_eq!(
        (&shown["EventCount"], &shown["EventPattern"], &shown["Description"]),
        (&json!(2), &json!(pattern), &json!("d"))
    );
    assert_eq!(
        (&shown["RetentionDays"], &shown["EventSourceArn"], &shown["SizeBytes"]),
        (&json!(0), &json!(BUS), &json!(14))
    );
    let listed = stage.ask("ListArchives", json!({"EventSourceArn": BUS}));
    assert_eq!(listed["Archives"][0]["EventCount"], 4);
    assert_eq!(listed["Archives"][1]["ArchiveName"], "ones");
    stage.ask("UpdateArchive", json!({"ArchiveName": "ones", "EventPattern": r#"{"detail": {"n": [2]}}"#}));
    stage.put("t", r#"{"n":1}"#);
    stage.put("t", r#"{"n":2}"#);
    assert_eq!(stage.ask("DescribeArchive", json!({"ArchiveName": "ones"}))["EventCount"], 3);
    stage.ask("DeleteArchive", json!({"ArchiveName": "ones"}));
    stage.put("t", r#"{"n":2}"#);
    assert_eq!(
        stage.rows().iter().filter(|(space, key)| *space == Space::Archived as i64 && key.starts_with("ones/")).count(),
        0
    );
}

#[test]
fn what_is_kept_longer_than_its_retention_goes() {
    let (mut stage, _) = stage();
    put_each_second(&mut stage, 3);
    stage.run_until(START.plus_s(2 * 86_400 + 1));
    assert_eq!(stage.ask("DescribeArchive", json!({"ArchiveName": "all"}))["EventCount"], 1);
    stage.restart();
    assert_eq!(stage.ask("DescribeArchive", json!({"ArchiveName": "all"}))["EventCount"], 1);
    stage.ask("UpdateArchive", json!({"ArchiveName": "all", "RetentionDays": 0}));
    assert_eq!(stage.buses.wakes_at(), None);
}

#[test]
fn a_replay_sends_the_events_of_its_stretch_once_more_and_says_its_name() {
    let (mut stage, queue) = stage();
    put_each_second(&mut stage, 5);
    let first = stage.taken(&queue);
    let answer = start(&mut stage, "again", START.plus_s(1), START.plus_s(3), &[]);
    assert_eq!(
        (&answer["State"], &answer["ReplayArn"]),
        (&json!("STARTING"), &json!("arn:aws:events:eu-west-1:000000000000:replay/again"))
    );
    assert!(stage.buses.wakes_at().unwrap() <= stage.now);
    stage.tick();
    let again = stage.taken(&queue);
    assert_eq!(again.iter().map(|message| body_of(message)["detail"]["n"].clone()).collect::<Vec<_>>(), [1, 2, 3]);
    let (mut before, mut after) = (body_of(&first[1]), body_of(&again[0]));
    assert_eq!(after.as_object_mut().unwrap().remove("replay-name"), Some(json!("again")));
    assert_eq!(before.as_object_mut().unwrap().remove("replay-name"), None);
    assert_eq!(before, after);
    let shown = stage.ask("DescribeReplay", json!({"ReplayName": "again"}));
    assert_eq!((&shown["State"], &shown["EventLastReplayedTime"]), (&json!("COMPLETED"), &seconds(START.plus_s(3))));
    assert_eq!(shown["Destination"], json!({"Arn": BUS}));
    assert_eq!(stage.ask("DescribeArchive", json!({"ArchiveName": "all"}))["EventCount"], 5);
    assert_ne!(stage.buses.wakes_at(), Some(UnixMs(0)));
}

#[test]
fn a_replay_of_many_goes_on_after_a_restart_where_it_was() {
    let (mut stage, queue) = stage();
    for at in 0..250 {
        stage.put("t", &format!("{{\"n\":{at}}}"));
    }
    stage.taken(&queue);
    start(&mut stage, "again", START.plus_s(0), START.plus_s(1), &[]);
    stage.tick();
    assert_eq!(state(&mut stage, "again"), "RUNNING");
    assert_eq!(numbers(&mut stage, &queue), (0..100).collect::<Vec<_>>());
    stage.restart();
    stage.tick();
    stage.restart();
    stage.tick();
    assert_eq!(numbers(&mut stage, &queue), (100..250).collect::<Vec<_>>());
    stage.tick();
    assert_eq!((state(&mut stage, "again").as_str(), numbers(&mut stage, &queue).len()), ("COMPLETED", 0));
}

#[test]
fn a_replay_goes_to_the_rules_that_it_names_only() {
    let (mut stage, queue) = stage();
    let other = stage.queue("other");
    stage.route("s", json!({"replay-name": ["again"]}), &other, json!({}));
    put_each_second(&mut stage, 2);
    assert_eq!((stage.taken(&queue).len(), stage.taken(&other).len()), (2, 0));
    start(&mut stage, "again", START, START.plus_s(9), &["arn:aws:events:eu-west-1:000000000000:rule/agents/s"]);
    stage.tick();
    assert_eq!((stage.taken(&queue).len(), stage.taken(&other).len()), (0, 2));
}

#[test]
fn a_replay_can_be_cancelled_while_it_runs() {
    let (mut stage, queue) = stage();
    put_each_second(&mut stage, 2);
    stage.taken(&queue);
    start(&mut stage, "again", START, START.plus_s(9), &[]);
    assert_eq!(stage.ask("CancelReplay", json!({"ReplayName": "again"}))["State"], "CANCELLING");
    stage.tick();
    assert_eq!((state(&mut stage, "again").as_str(), stage.taken(&queue).len()), ("CANCELLED", 0));
    assert_eq!(stage.refused("CancelReplay", json!({"ReplayName": "again"})).0, "IllegalStatusException");
    let listed = stage.ask("ListReplays", json!({"State": "CANCELLED", "NamePrefix": "a", "EventSourceArn": ARCHIVE}));
    assert_eq!(listed["Replays"][0]["ReplayName"], "again");
    assert_eq!(stage.ask("ListReplays", json!({"State": "RUNNING"})), json!({"Replays": []}));
}

#[test]
fn a_replay_whose_archive_is_deleted_fails_and_says_why() {
    let (mut stage, _) = stage();
    start(&mut stage, "again", START, START.plus_s(9), &[]);
    stage.ask("DeleteArchive", json!({"ArchiveName": "all"}));
    stage.tick();
    let shown = stage.ask("DescribeReplay", json!({"ReplayName": "again"}));
    assert_eq!((&shown["State"], &shown["StateReason"]), (&json!("FAILED"), &json!("Archive all was deleted.")));
}

#[test]
fn archives_and_replays_that_cannot_be_are_refused() {
    let (mut stage, _) = stage();
    stage.ask("CreateEventBus", json!({"Name": "other"}));
    start(&mut stage, "there", START, START.plus_s(1), &[]);
    let replay = |changed: Value| {
        let mut members = json!({"ReplayName": "new", "EventSourceArn": ARCHIVE, "EventStartTime": 1, "EventEndTime": 2, "Destination": {"Arn": BUS}});
        members.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        members
    };
    let none = BUS.replace("agents", "none");
    for (operation, members, code) in [
        ("CreateArchive", json!({"ArchiveName": "all", "EventSourceArn": BUS}), "ResourceAlreadyExistsException"),
        ("CreateArchive", json!({"ArchiveName": "new", "EventSourceArn": none}), "ResourceNotFoundException"),
        ("CreateArchive", json!({"ArchiveName": "x".repeat(49), "EventSourceArn": BUS}), "ValidationException"),
        (
            "CreateArchive",
            json!({"ArchiveName": "new", "EventSourceArn": BUS, "EventPattern": json!({"source": ["x".repeat(4096)]}).to_string()}),
            "ValidationException",
        ),
        (
            "CreateArchive",
            json!({"ArchiveName": "new", "EventSourceArn": BUS, "EventPattern": "{}"}),
            "InvalidEventPatternException",
        ),
        ("UpdateArchive", json!({"ArchiveName": "all"}), "ValidationException"),
        ("UpdateArchive", json!({"ArchiveName": "none", "RetentionDays": 1}), "ResourceNotFoundException"),
        ("DescribeArchive", json!({"ArchiveName": "none"}), "ResourceNotFoundException"),
        ("DeleteArchive", json!({"ArchiveName": "none"}), "ResourceNotFoundException"),
        ("ListArchives", json!({"EventSourceArn": none}), "ResourceNotFoundException"),
        ("StartReplay", replay(json!({"ReplayName": "there"})), "ResourceAlreadyExistsException"),
        ("StartReplay", replay(json!({"EventEndTime": 1})), "ValidationException"),
        ("StartReplay", replay(json!({"Destination": {"Arn": none}})), "ResourceNotFoundException"),
        ("StartReplay", replay(json!({"Destination": {"Arn": BUS.replace("agents", "other")}})), "ValidationException"),
        ("StartReplay", replay(json!({"EventSourceArn": ARCHIVE.replace("all", "none")})), "ValidationException"),
        ("DescribeReplay", json!({"ReplayName": "none"}), "ResourceNotFoundException"),
        ("CancelReplay", json!({"ReplayName": "none"}), "ResourceNotFoundException"),
        ("DeleteEventBus", json!({"Name": "agents"}), "ValidationException"),
    ] {
        assert_eq!(stage.refused(operation, members.clone()).0, code, "{operation} {members}");
    }
    for at in 0..9 {
        start(&mut stage, &format!("r{at}"), START, START.plus_s(1), &[]);
    }
    assert_eq!(stage.refused("StartReplay", replay(json!({}))).0, "LimitExceededException");
}
