//! Owns the sums behind the limits: what may be large at once fits one event, whatever its characters.
//! Never a limit by itself: `hostile.rs` looks at those one by one.
//! Next: the runtime's joins, which trust that a joined event can be published.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod letters;

use contract::events::{ArrivalStatus, Arrived};
use contract::limits::{
    ARRIVAL_FRAME_BYTES_MAX, ENVELOPE_BYTES_MAX, EVENT_BYTES_MAX, GOAL_TEXT_BYTES_MAX, JOIN_HEAD_BYTES_MAX,
    JOIN_MEMBERS_MAX, TRACESTATE_BYTES_MAX,
};
use contract::topology::Members;
use contract::{ArtifactRef, Digest, Event, TraceContext};
use letters::CHOREOGRAPHY;
use serde_json::{Value, json};

/// An envelope in which everything is as long as it may be, and every character needs an escape.
fn longest_envelope(data: Value) -> Event {
    let example = letters::example("research.completed");
    let mut event: Event = serde_json::from_value(example).unwrap();
    event.goal_key = Some("\"".repeat(256));
    event.tenant = "t".repeat(64).parse().unwrap();
    event.hops = u32::MAX;
    event.kind = "k".repeat(100).into();
    event.source = format!("murmuration.{}", "d".repeat(48)).into();
    event.version = u32::MAX;
    event.trace = TraceContext { state: Some("\"".repeat(TRACESTATE_BYTES_MAX)), ..event.trace };
    event.data = data;
    event
}

/// JSON text of exactly so many bytes.
fn sized(bytes: usize) -> Value {
    let value = Value::String("x".repeat(bytes - 2));
    assert_eq!(value.to_string().len(), bytes);
    value
}

#[test]
fn the_longest_envelope_fits_the_room_that_joins_leave_for_it() {
    let bytes = longest_envelope(json!({})).to_json().len();
    assert!(bytes <= ENVELOPE_BYTES_MAX, "{bytes}");
}

#[test]
fn what_stands_around_a_result_fits_its_frame() {
    let event = "1b4e28ba-2fa1-51d2-883f-0016d3cca427".to_owned();
    for member in [event, "r".repeat(48)] {
        let arrived = Arrived { member, status: ArrivalStatus::Failed, data: Some(json!({})), reference: None };
        let bytes = json!(arrived).to_string().len();
        assert!(bytes <= ARRIVAL_FRAME_BYTES_MAX, "{bytes}");
    }
}

#[test]
fn a_reference_is_no_larger_than_the_result_that_it_stands_for() {
    let digest = Digest::of(b"x");
    let uri = format!("artifact://{digest}");
    let reference = ArtifactRef { uri, sha256: digest, bytes: u64::MAX, mediatype: "m".repeat(127) };
    for join in &CHOREOGRAPHY.joins {
        assert!(json!(reference).to_string().len() <= join.inline_bytes_max, "{}", join.name);
    }
}

#[test]
fn a_joined_event_with_everything_at_its_largest_may_be_published() {
    for join in &CHOREOGRAPHY.joins {
        let members = match &join.members {
            Members::Opened => JOIN_MEMBERS_MAX,
            Members::Terminal { required, optional } => required.len() + optional.len(),
        };
        let arrived: Vec<_> = (0..members)
            .map(|_| Arrived {
                member: "r".repeat(48),
                status: ArrivalStatus::Ok,
                data: Some(sized(join.inline_bytes_max)),
                reference: None,
            })
            .collect();
        let head = json!({"goal": ""}).to_string().len();
        let data = json!({"goal": "x".repeat(JOIN_HEAD_BYTES_MAX - head), "arrived": arrived, "missing": []});
        let bytes = longest_envelope(data).to_json().len();
        assert!(bytes <= EVENT_BYTES_MAX, "{}: {bytes} of {EVENT_BYTES_MAX}", join.name);
    }
}

#[test]
fn the_longest_goal_fits_the_head_of_a_join() {
    let head = json!({"goal": "x".repeat(GOAL_TEXT_BYTES_MAX), "questions": []});
    assert!(head.to_string().len() <= JOIN_HEAD_BYTES_MAX);
}
