//! Owns finding the one JSON value in what a model wrote: bare, in a code block, or with words around it.
//! Never chooses between two, never reads one that two readers could read differently, never one that is deep or huge.
//! Next: `form` holds it against its schema.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

/// What a model may write at most.
pub(super) const ANSWER_BYTES_MAX: usize = 10_000_000;
const DEPTH_MAX: usize = 64;
/// How many brackets are looked at before it is no JSON.
const TRIES_MAX: usize = 2_000;

pub(super) fn read(text: &str, only_objects: bool) -> Result<Value, String> {
    if text.len() > ANSWER_BYTES_MAX {
        return Err(format!("it has {} bytes: at most {ANSWER_BYTES_MAX} are read", text.len()));
    }
    let text = text.trim().trim_start_matches('\u{feff}');
    if text.is_empty() {
        return Err("it is empty: write the JSON that was asked for".into());
    }
    if depth(text) > DEPTH_MAX {
        return Err(format!("it is nested deeper than {DEPTH_MAX}"));
    }
    let found = values(text, only_objects);
    match found[..] {
        [] => Err(match serde_json::from_str::<IgnoredAny>(text) {
            Err(why) if text.starts_with(['{', '[']) => format!("its JSON is broken: {why}"),
            _ => "there is no JSON object in it".into(),
        }),
        [value] => contract::json::parse(value).map_err(|why| format!("its JSON is broken: {why}")),
        _ => Err("there is more than one JSON value in it: write exactly one, and nothing else".into()),
    }
}

/// Every whole value that stands in a text.
fn values(text: &str, only_objects: bool) -> Vec<&str> {
    let begins = |c: char| c == '{' || (c == '[' && !only_objects);
    let (mut found, mut at, mut tries) = (vec![], 0, 0);
    while let Some(next) = text[at..].find(begins) {
        let start = at + next;
        let mut stream = Deserializer::from_str(&text[start..]).into_iter::<IgnoredAny>();
        at = match stream.next() {
            Some(Ok(IgnoredAny)) => {
                let end = start + stream.byte_offset();
                found.push(&text[start..end]);
                end
            }
            _ => start + 1,
        };
        tries += 1;
        if tries > TRIES_MAX {
            break;
        }
    }
    found
}

fn depth(text: &str) -> usize {
    let (mut now, mut most, mut in_string, mut escaped) = (0usize, 0usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_found_bare_in_a_block_and_between_words() {
        for text in [
            r#"{"a": [1]}"#,
            "```json\n{\"a\": [1]}\n```",
            "Sure! Here it is, see [1]:\n```\n{\"a\": [1]}\n```\nAnything else?",
            "\u{feff}{\"a\":[1]}",
        ] {
            assert_eq!(read(text, true), Ok(json!({"a": [1]})), "{text}");
        }
        assert_eq!(read("[1, 2]", false), Ok(json!([1, 2])));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        assert!(read(r#"{"a":1}{"a":2}"#, true).unwrap_err().contains("more than one"));
        assert!(read(r#"{"a":1,"a":2}"#, true).unwrap_err().contains("twice"));
    }

    #[test]
    fn what_is_no_json_or_too_much_of_it_is_refused_with_the_reason() {
        assert!(read("PWNED", true).unwrap_err().contains("no JSON object"));
        assert!(read("  ", true).unwrap_err().contains("empty"));
        assert!(read("{\"a\": ", true).unwrap_err().contains("broken"));
        assert!(read(&format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)), false).unwrap_err().contains("nested"));
        assert!(read(&"x".repeat(ANSWER_BYTES_MAX + 1), true).unwrap_err().contains("bytes"));
    }

    #[test]
    fn broken_brackets_without_end_take_no_time() {
        assert!(read(&"{\"a\" ".repeat(60), true).is_err());
        assert!(read(&"} {".repeat(300_000), true).is_err());
    }
}
