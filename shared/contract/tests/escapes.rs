//! Owns what characters may cost: the two that SQS refuses travel escaped, and an event in which every character is
//! escaped is as welcome as the same one spelled out.
//! Never what is refused for other reasons: `hostile.rs` holds that.
//! Next: `limits.rs`, the sums behind the sizes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod letters;

use contract::limits::{BODY_BYTES_MAX, CAUSE_TEXT_BYTES_MAX, EVENT_BYTES_MAX};
use contract::{CauseKind, Event, attributes, bounded};
use letters::{Letter, goal_requested};
use serde_json::json;

/// Every character outside ASCII as `\u…`, as some libraries spell JSON.
fn escaped(json: &str) -> String {
    let spell = |c: char| {
        let mut units = [0; 2];
        if c.is_ascii() {
            return c.to_string();
        }
        c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    };
    json.chars().map(spell).collect()
}

#[test]
fn a_key_with_a_character_that_sqs_refuses_is_refused() {
    for key in ["a\u{fffe}b", "\u{ffff}"] {
        assert!(!attributes::is_key(key), "{key:?}");
        let cause = Letter::of(&json!({"goal": "g", "key": key})).read("research").expect_err("it was let in");
        assert_eq!(cause.kind, CauseKind::Undecodable);
    }
    assert!(attributes::is_key("a\u{fffd}b"), "its neighbour is legal");
}

#[test]
fn an_event_whose_text_holds_what_sqs_refuses_travels_escaped_and_is_read_back_equal() {
    let mut event: Event = serde_json::from_value(goal_requested()).unwrap();
    event.data["context"] = "before \u{fffe} between \u{ffff} after \\ufffe".into();
    let json = event.to_json();
    assert!(!json.contains(['\u{fffe}', '\u{ffff}']), "{json}");
    let back: Event = serde_json::from_str(&json).unwrap();
    assert_eq!(back, event);
    assert_eq!(Letter::text(&json).read("research").unwrap().data["context"], event.data["context"]);
}

#[test]
fn a_body_in_which_every_character_is_escaped_is_let_in_like_the_same_one_spelled_out() {
    // Two bytes each become six, which is the worst that escaping can do.
    for text in ["é".repeat(23_000), "中".repeat(15_000), "\u{1f426}".repeat(11_000)] {
        let mut event = goal_requested();
        event["data"]["context"] = text.into();
        let (plain, long) = (event.to_string(), escaped(&event.to_string()));
        assert!(plain.len() <= EVENT_BYTES_MAX && long.len() > 52 * 1024 && long.len() <= BODY_BYTES_MAX);
        let let_in = Letter::text(&long).read("research").unwrap();
        assert_eq!(let_in, Letter::text(&plain).read("research").unwrap());
    }
}

#[test]
fn words_of_unknown_origin_are_cut_at_a_character_and_cleaned() {
    let words = bounded(format!("{}\n\u{ffff}\u{1b}{}", "x".repeat(300), "é".repeat(100_000)));
    assert!(words.len() <= CAUSE_TEXT_BYTES_MAX && words.len() > CAUSE_TEXT_BYTES_MAX - 4, "{}", words.len());
    assert!(words.starts_with("xxx") && words.contains("x   é"), "{words}");
}
