//! Owns what may not enter, and with what cause: malformed, forged, over-large, over-deep, ambiguous.
//! Never a panic, and never a cause that repeats control characters.
//! Next: `examples/fuzz.rs`, which looks for what is missing here.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod letters;

use contract::limits::{BODY_BYTES_MAX, CAUSE_TEXT_BYTES_MAX, EVENT_BYTES_MAX, GOAL_TEXT_BYTES_MAX};
use contract::{ArtifactRef, Cause, CauseKind, Digest, ParkNote, TraceContext, artifact::ArtifactError, attributes};
use letters::{Letter, analysis_completed, example, goal_requested, wrapped};
use serde_json::{Value, json};

#[track_caller]
fn refused(letter: &Letter, row: &str, kind: CauseKind, words: &str) {
    let cause = letter.read(row).expect_err("it was let in");
    assert_eq!(cause.kind, kind, "{cause}");
    assert!(cause.detail.contains(words), "{words:?} is not in {cause}");
    assert!(cause.detail.len() <= CAUSE_TEXT_BYTES_MAX && !cause.detail.chars().any(char::is_control), "{cause}");
}

#[track_caller]
fn undecodable(body: impl Into<Vec<u8>>, words: &str) {
    refused(&Letter::bytes(body), "research", CauseKind::Undecodable, words);
}

fn with(mut event: Value, field: &str, value: Value) -> Value {
    event[field] = value;
    event
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}

#[test]
fn bodies_that_are_no_json_are_undecodable() {
    let event = goal_requested().to_string();
    let utf16: Vec<u8> = event.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_with_mark = [b"\xff\xfe".to_vec(), utf16.clone()].concat();
    for body in [
        vec![],
        b" \n".to_vec(),
        b"\0".to_vec(),
        b"goal".to_vec(),
        b"{\"goal\": \"g\"} {}".to_vec(),
        b"{'goal': 'g'}".to_vec(),
        b"{\"goal\": \"g\",}".to_vec(),
        b"{\"goal\": NaN}".to_vec(),
        [b"\xef\xbb\xbf".to_vec(), event.into_bytes()].concat(),
        utf16,
    ] {
        undecodable(body, "no JSON");
    }
    for body in [utf16_with_mark, b"{\"goal\": \"\xff\"}".to_vec(), b"{\"goal\": \"\xc0\x80\"}".to_vec()] {
        undecodable(body, "no UTF-8");
    }
    undecodable("{\"goal\": \"\\ud800\"}", "no JSON");
    undecodable("{\"goal\": \"a\u{0}b\"}", "no JSON");
}

#[test]
fn every_truncation_of_an_event_is_undecodable() {
    for body in [goal_requested().to_string(), wrapped(&goal_requested()).to_string()] {
        for end in 0..body.len() {
            assert_eq!(
                Letter::bytes(&body.as_bytes()[..end]).read("research").unwrap_err().kind,
                CauseKind::Undecodable
            );
        }
    }
}

#[test]
fn json_that_is_neither_event_nor_goal_is_undecodable() {
    for body in ["null", "7", "\"goal\"", "[]", "[{\"goal\": \"g\"}]"] {
        undecodable(body, "no JSON object");
    }
    for body in ["{}", "{\"Goal\": \"g\"}", "{\"type\": \"goal.requested\"}"] {
        undecodable(body, "neither a CloudEvent");
    }
}

#[test]
fn a_key_that_stands_twice_is_undecodable_wherever_it_stands() {
    undecodable(r#"{"goal": "one", "goal": "other"}"#, "stands twice");
    undecodable(r#"{"goal": "g", "budget": {"usd": 1.0, "usd": 1000.0}}"#, "stands twice");
    let event = goal_requested().to_string().replacen('{', r#"{"source":"murmuration.user","#, 1);
    undecodable(event, "stands twice");
}

#[test]
fn deep_nesting_is_refused_before_it_is_parsed() {
    let deep = with(analysis_completed(), "extra", nested(40));
    refused(&Letter::of(&deep), "writer", CauseKind::Undecodable, "nested deeper than 32");
    assert!(Letter::of(&with(analysis_completed(), "extra", nested(31))).read("writer").is_ok());
    undecodable("[".repeat(50_000), "nested deeper");
    undecodable("{\"a\":".repeat(10_000), "nested deeper");
    let brackets_in_text = json!({"goal": "[[[[{{{{\\\"".repeat(50)});
    assert!(Letter::of(&brackets_in_text).read("research").is_ok());
}

#[test]
fn a_body_over_its_limit_is_refused_before_it_is_parsed() {
    let padded = |bytes: usize| {
        let body = goal_requested().to_string();
        let padding = " ".repeat(bytes - body.len());
        body + &padding
    };
    assert!(Letter::bytes(padded(BODY_BYTES_MAX)).read("research").is_ok());
    undecodable(padded(BODY_BYTES_MAX + 1), "151553 bytes where 151552 are the most");
}

#[test]
fn an_event_over_its_limit_is_refused_though_its_wrapper_would_fit() {
    let bytes = analysis_completed().to_string().len();
    let sized = |bytes_wanted: usize| {
        let mut event = analysis_completed();
        event["data"]["x"] = json!("x".repeat(bytes_wanted - bytes - r#","x":"""#.len()));
        event
    };
    assert!(Letter::of(&sized(EVENT_BYTES_MAX)).read("writer").is_ok());
    assert!(Letter::of(&wrapped(&sized(EVENT_BYTES_MAX))).read("writer").is_ok());
    for event in [sized(EVENT_BYTES_MAX + 1), wrapped(&sized(EVENT_BYTES_MAX + 1))] {
        refused(&Letter::of(&event), "writer", CauseKind::Undecodable, "49152 at most");
    }
}

#[test]
fn envelopes_that_are_none_are_undecodable() {
    for (field, value) in [
        ("specversion", json!("0.3")),
        ("specversion", json!(1.0)),
        ("datacontenttype", json!("text/xml")),
        ("id", json!("not an id")),
        ("goalid", json!(7)),
        ("time", json!("yesterday")),
        ("hops", json!(-1)),
        ("hops", json!(4_294_967_296_u64)),
        ("hops", json!("0")),
        ("tenant", json!("")),
        ("tenant", json!("a b")),
        ("tenant", json!("x".repeat(65))),
        ("deadline", json!(7)),
        ("causationid", json!("")),
        ("goalkey", json!("")),
        ("goalkey", json!("a\u{7}b")),
        ("goalkey", json!("k".repeat(257))),
        ("data", json!([])),
        ("data", json!("text")),
    ] {
        let cause = Letter::of(&with(analysis_completed(), field, value.clone())).read("writer").unwrap_err();
        assert_eq!(cause.kind, CauseKind::Undecodable, "{field} {value}: {cause}");
    }
    for field in
        ["specversion", "id", "source", "type", "time", "dataschema", "goalid", "idempotencykey", "hops", "data"]
    {
        let mut event = analysis_completed();
        event.as_object_mut().unwrap().remove(field);
        let cause = Letter::of(&event).read("writer").expect_err(field);
        assert_eq!(cause.kind, CauseKind::Undecodable, "{field}: {cause}");
    }
}

#[test]
fn an_unknown_version_is_undecodable_however_it_is_spelled() {
    for version in ["v2", "v0", "v", "v1.0", "vone", "", "v99999999999"] {
        let schema = format!("urn:murmuration:schema:analysis.completed.{version}");
        let event = with(analysis_completed(), "dataschema", json!(schema));
        refused(&Letter::of(&event), "writer", CauseKind::Undecodable, "");
    }
    let event = with(analysis_completed(), "dataschema", json!("urn:murmuration:schema:analysis.completed.v2"));
    refused(&Letter::of(&event), "writer", CauseKind::Undecodable, "version 2 where version 1 is known");
    let event = with(analysis_completed(), "dataschema", json!("urn:murmuration:schema:goal.requested.v1"));
    refused(&Letter::of(&event), "writer", CauseKind::Undecodable, "dataschema must be");
}

#[test]
fn data_of_another_shape_is_undecodable_with_the_place() {
    let mut event = analysis_completed();
    event["data"]["findings"][0]["confidence"] = json!("certain");
    refused(&Letter::of(&event), "writer", CauseKind::Undecodable, "/findings/0/confidence");
}

#[test]
fn an_event_on_the_queue_of_a_row_that_does_not_consume_it_is_undecodable() {
    refused(&Letter::of(&goal_requested()), "writer", CauseKind::Undecodable, "does not consume goal.requested");
    let bare = Letter::of(&json!({"goal": "g"}));
    refused(&bare, "writer", CauseKind::Undecodable, "bare goal belongs");
}

#[test]
fn a_source_that_may_not_say_this_is_a_forgery() {
    for source in
        ["murmuration.writer", "murmuration.user", "murmuration.choreography", "", "aws.s3", "murmuration.analysis "]
    {
        let event = with(analysis_completed(), "source", json!(source));
        refused(&Letter::of(&event), "writer", CauseKind::ForgedSource, "may not publish analysis.completed");
    }
    for source in ["murmuration.research", "murmuration.writer"] {
        let joined = with(example("research.completed"), "source", json!(source));
        refused(&Letter::of(&joined), "analysis", CauseKind::ForgedSource, "research.completed");
        let cancel = with(example("goal.cancel.requested"), "source", json!(source));
        refused(&Letter::of(&cancel), "research", CauseKind::ForgedSource, "goal.cancel.requested");
    }
    assert!(Letter::of(&example("research.completed")).read("analysis").is_ok());
}

#[test]
fn a_wrapper_that_says_otherwise_than_its_event_is_a_forgery() {
    for (field, value) in [("source", "murmuration.writer"), ("detail-type", "goal.cancel.requested")] {
        let letter = Letter::of(&with(wrapped(&goal_requested()), field, json!(value)));
        refused(&letter, "research", CauseKind::ForgedSource, "published");
    }
    undecodable(with(wrapped(&goal_requested()), "detail", json!("text")).to_string(), "");
}

#[test]
fn a_request_whose_ids_are_not_the_ones_that_its_key_leads_to_is_undecodable() {
    let other = json!("1b4e28ba-2fa1-51d2-883f-0016d3cca427");
    undecodable(with(goal_requested(), "goalid", other.clone()).to_string(), "goalid is not");
    undecodable(with(goal_requested(), "idempotencykey", json!("another")).to_string(), "goalid is not");
    undecodable(with(goal_requested(), "tenant", json!("acme")).to_string(), "goalid is not");
    undecodable(with(goal_requested(), "id", other).to_string(), "id is not");
}

#[test]
fn bare_goals_with_mistakes_in_them_are_undecodable() {
    for (body, words) in [
        (json!({"goal": "g", "gaol": "x"}), "unknown field `gaol`"),
        (json!({"goal": ""}), "empty"),
        (json!({"goal": " \t\n\u{a0}"}), "empty"),
        (json!({"goal": 7}), "invalid type"),
        (json!({"goal": null}), "invalid type"),
        (json!({"goal": "g", "key": ""}), "key"),
        (json!({"goal": "g", "key": "k".repeat(257)}), "key"),
        (json!({"goal": "g", "key": "a\nb"}), "key"),
        (json!({"goal": "g", "tenant": "a/b"}), "tenant"),
        (json!({"goal": "g", "on_dead_letter": "explode"}), "explode"),
        (json!({"goal": "g", "budget": {"usd": -1.0}}), "budget"),
        (json!({"goal": "g", "budget": {"usd": 1e30}}), "budget"),
        (json!({"goal": "g", "budget": {"tokens": -1}}), "invalid value"),
        (json!({"goal": "g", "deadline": "soon"}), "RFC 3339"),
        (json!({"goal": "g", "sources": "one"}), "invalid type"),
        (json!({"goal": "g", "sources": vec!["s"; 101]}), "more than 100"),
    ] {
        undecodable(body.to_string(), words);
    }
}

#[test]
fn a_goal_may_be_as_long_as_its_limit_and_no_longer_as_json_spells_it() {
    let sized = |text: &str, times| json!({"goal": text.repeat(times)}).to_string();
    assert!(Letter::bytes(sized("x", GOAL_TEXT_BYTES_MAX)).read("research").is_ok());
    undecodable(sized("x", GOAL_TEXT_BYTES_MAX + 1), "8193 bytes as JSON, 8192 at most");
    undecodable(sized("\"", GOAL_TEXT_BYTES_MAX / 2 + 1), "8194 bytes");
    undecodable(sized("x", 1024 * 1024), "are the most");
}

#[test]
fn malicious_trace_headers_are_dropped_and_a_fresh_trace_begins() {
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let fresh = Letter::of(&json!({"goal": "g"})).read("research").unwrap().trace;
    for parent in [
        "".to_owned(),
        good.to_uppercase(),
        good.replace("-01", "-01-extra"),
        good.replace("00-", "ff-"),
        good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
        good.replace("00f067aa0ba902b7", &"0".repeat(16)),
        good.replace('4', "+"),
        format!(" {good}"),
        format!("{good}\r\nx-admin: 1"),
        format!("{good}\0"),
        good.replace('b', "ｂ"),
        format!("01-{}{}", &good[3..], "-x".repeat(100)),
        "x".repeat(100_000),
    ] {
        assert_eq!(TraceContext::parse(&parent, None), None, "{parent:?}");
        let bare = Letter::of(&json!({"goal": "g"})).with("traceparent", &parent);
        assert_eq!(bare.read("research").unwrap().trace, fresh, "{parent:?}");
        if parent.len() < 1000 {
            let event = Letter::of(&with(goal_requested(), "traceparent", json!(parent))).read("research").unwrap();
            assert_ne!(event.trace.trace.0, 0);
            assert_ne!(event.trace.trace.to_string(), good[3..35]);
        }
    }
    for odd in [json!(7), json!(null), json!([good]), json!({"a": good})] {
        assert!(Letter::of(&with(goal_requested(), "traceparent", odd)).read("research").is_ok());
    }
    assert!(TraceContext::parse(&good.replace("00-4", "01-4").replace("-01", "-01-later"), None).is_some());
}

#[test]
fn a_malicious_trace_state_is_dropped_and_the_trace_kept() {
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for state in ["".to_owned(), "a=b\r\nx: y".into(), "a=\u{7f}".into(), "a=ü".into(), "a".repeat(513)] {
        let trace = TraceContext::parse(good, Some(&state)).unwrap();
        assert_eq!((trace.traceparent().as_str(), trace.state), (good, None), "{state:?}");
    }
    assert_eq!(TraceContext::parse(good, Some("a=b,c=d")).unwrap().state.as_deref(), Some("a=b,c=d"));
}

#[test]
fn an_xray_header_is_read_back_and_a_malformed_one_is_dropped_whole() {
    let good = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let trace = TraceContext::parse_xray(good).unwrap();
    assert_eq!(trace.traceparent(), "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01");
    assert_eq!(trace.xray(), good);
    // In any order, with fields that are not ours, with spaces; not sampled unless it says so.
    let odd = "Self=1-x; Sampled=?;Lineage=a:1|b;Parent=53995c3f42cd8ad8 ; Root=1-5759e988-bd862e3fe1be46a994272793";
    assert_eq!(TraceContext::parse_xray(odd), Some(TraceContext { sampled: false, ..trace }));
    for bad in [
        String::new(),
        good.replace("Root", "root"),
        good.replace("Root=1-", "Root=2-"),
        good.replace("5759e988", "5759E988"),
        good.replace("bd862e3f", "bd862e3"),
        good.replace("53995c3f42cd8ad8", "0000000000000000"),
        good.replace("5759e988-bd862e3fe1be46a994272793", "00000000-000000000000000000000000"),
        good.replace("Parent=53995c3f42cd8ad8;", ""),
        good.replace(';', ","),
        good.replace("Sampled", "S\u{e4}mpled"),
        format!("{good};Pad={}", "x".repeat(1_000)),
    ] {
        assert_eq!(TraceContext::parse_xray(&bad), None, "{bad:?}");
    }
}

#[test]
fn malformed_attributes_do_not_count_and_strange_names_do_no_harm() {
    let mut letter = Letter::of(&json!({"goal": "g"}))
        .with("idempotency-key", "a\u{0}b")
        .with("tenant", "../../etc")
        .with("goal-id", "not an id")
        .with("murmur-park", "{{{{");
    for name in ["", "\0", "Traceparent", "AWS.evil", "__proto__", &"n".repeat(300), "🐦"] {
        letter = letter.with(name, &"v\r\n".repeat(1000));
    }
    let all = &letter.attributes;
    assert_eq!((all.idempotency_key(), all.tenant(), all.goal(), all.park()), (None, None, None, None));
    assert_eq!(letter.read("research").unwrap().goal_key.as_deref(), Some(letters::MESSAGE_ID));
    assert!(!attributes::is_key(&"k".repeat(257)) && attributes::is_key(&"k".repeat(256)));
}

#[test]
fn a_park_note_is_read_strictly_and_its_words_are_made_harmless() {
    let note = ParkNote {
        n: 3,
        cause: Cause::new(CauseKind::Permanent, format!("no\r\n\u{1b}[31m{}", "ü".repeat(1000))),
        attempts: 2,
        goal: "1b4e28ba-2fa1-51d2-883f-0016d3cca427".parse().ok(),
        event: None,
        trace: None,
        body: None,
    };
    assert_eq!(ParkNote::parse(&note.render()), Some(note.clone()));
    assert!(note.cause.detail.len() <= CAUSE_TEXT_BYTES_MAX && !note.cause.detail.chars().any(char::is_control));
    let sneaked = note.render().replace("no  ", "no\\u0007\\n");
    assert!(!ParkNote::parse(&sneaked).unwrap().cause.detail.chars().any(char::is_control));
    for bad in [
        "",
        "{}",
        "null",
        "{\"n\": -1}",
        "{\"n\":1,\"cause\":{\"kind\":\"boredom\",\"detail\":\"\"}}",
        &" ".repeat(3000),
    ] {
        assert_eq!(ParkNote::parse(bad), None, "{bad:?}");
    }
}

#[test]
fn an_artifact_whose_bytes_or_length_changed_is_not_given_out() {
    let bytes = b"the report".to_vec();
    let wanted = ArtifactRef {
        uri: "artifact://x".into(),
        sha256: Digest::of(&bytes),
        bytes: 10,
        mediatype: "text/plain".into(),
    };
    assert_eq!(wanted.verified(bytes.clone()), Ok(bytes));
    let changed = wanted.verified(b"the resort".to_vec());
    assert!(matches!(&changed, Err(ArtifactError::Digest { .. })), "{changed:?}");
    let longer = wanted.verified(b"the report!".to_vec());
    assert_eq!(
        longer.unwrap_err().to_string().split(": ").next(),
        Some("artifact://x holds 11 bytes where 10 were promised")
    );
}

#[test]
fn a_result_of_half_a_megabyte_is_no_event_and_its_artifact_is_verified() {
    let large = vec![b'x'; 512 * 1024];
    let mut event = analysis_completed();
    event["data"]["summary"] = json!(String::from_utf8_lossy(&large));
    refused(&Letter::of(&event), "writer", CauseKind::Undecodable, "are the most");
    let digest = Digest::of(&large);
    let details = ArtifactRef {
        uri: format!("artifact://{digest}"),
        sha256: digest,
        bytes: large.len() as u64,
        mediatype: "text/plain".into(),
    };
    event["data"]["summary"] = json!("see details");
    event["data"]["details"] = json!(details);
    let read = Letter::of(&event).read("writer").unwrap();
    let found: ArtifactRef = serde_json::from_value(read.data["details"].clone()).unwrap();
    assert!(found.verified(large).is_ok());
}
