//! Owns where two values differ, in words: a path and both sides, or lines of a text; artifacts by what is in them.
//! Never a difference that is none: an artifact that is elsewhere, and says the same, is the same.
//! Next: `replay` compares a step with itself, `diff` with another goal's.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::{ArtifactRef, Artifacts, PortError};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;
use similar::TextDiff;
use tokio::time::Instant;

use crate::screen::{Screen, harmless};

/// A reader wants the first ones.
const SHOWN_MAX: usize = 50;
const LINES_MAX: usize = 80;
const CONTEXT_LINES: usize = 2;
/// Two texts that have many lines in common, in another order, would take hours to compare as well as can be.
const LINES_LOOKED_AT_MAX: Duration = Duration::from_secs(5);
/// An artifact in an artifact in an artifact …
const ARTIFACTS_MAX: usize = 200;

/// One place where two sides differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Difference {
    /// `emits[0].data.title`; `»` leads into an artifact.
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) how: How,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum How {
    /// What stood there and what stands there; nothing where there is nothing.
    Values { then: Value, now: Value },
    /// Unified, as of a file.
    Lines(String),
    /// Nothing that could be read beside each other.
    Bytes { then: u64, now: u64 },
}

/// Where artifacts are looked for.
#[derive(Clone, Copy)]
pub(crate) struct Contents<'a> {
    pub(crate) store: &'a dyn Artifacts,
    /// Those that are not stored, by address: base64.
    pub(crate) beside: &'a BTreeMap<String, String>,
}

struct Found {
    differences: Vec<Difference>,
    artifacts: Vec<(String, Sides)>,
}

/// Two references at one place.
struct Sides {
    then: ArtifactRef,
    now: ArtifactRef,
}

/// All differences, as far as a reader wants them; none where both say the same.
pub(crate) async fn differences(
    then: &Value,
    now: &Value,
    contents: &Contents<'_>,
) -> Result<Vec<Difference>, PortError> {
    let mut found = Found { differences: vec![], artifacts: vec![] };
    found.compare(then, now, "");
    let mut looked_at = 0;
    while let Some((path, sides)) = found.artifacts.pop() {
        looked_at += 1;
        if found.differences.len() >= SHOWN_MAX {
            break;
        }
        if looked_at > ARTIFACTS_MAX {
            // Not looked into is not the same.
            found.add(&path, How::Bytes { then: sides.then.bytes, now: sides.now.bytes });
            break;
        }
        let (then, now) = (contents.of(&sides.then).await?, contents.of(&sides.now).await?);
        found.contents(&path, &sides, then, now);
    }
    found.differences.truncate(SHOWN_MAX);
    Ok(found.differences)
}

impl Contents<'_> {
    async fn of(&self, at: &ArtifactRef) -> Result<Option<Vec<u8>>, PortError> {
        if let Some(text) = self.beside.get(&at.uri) {
            return Ok(STANDARD.decode(text).ok());
        }
        match self.store.get(&at.uri).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(PortError::Permanent { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Found {
    fn compare(&mut self, then: &Value, now: &Value, path: &str) {
        if then == now {
            return;
        }
        if let (Some(then), Some(now)) = (reference(then), reference(now)) {
            if then.sha256 != now.sha256 {
                let sides = Sides { then, now };
                self.artifacts.insert(0, (path.to_owned(), sides));
            }
            return;
        }
        match (then, now) {
            (Value::Object(a), Value::Object(b)) => {
                for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                    let none = Value::Null;
                    let joint = if path.is_empty() || path.ends_with(' ') { "" } else { "." };
                    let at = format!("{path}{joint}{key}");
                    self.compare(a.get(key).unwrap_or(&none), b.get(key).unwrap_or(&none), &at);
                }
            }
            (Value::Array(a), Value::Array(b)) => {
                for at in 0..a.len().max(b.len()) {
                    let none = Value::Null;
                    self.compare(a.get(at).unwrap_or(&none), b.get(at).unwrap_or(&none), &format!("{path}[{at}]"));
                }
            }
            (Value::String(a), Value::String(b)) if a.contains('\n') || b.contains('\n') => {
                self.add(path, How::Lines(lines(a, b)));
            }
            _ => self.add(path, How::Values { then: then.clone(), now: now.clone() }),
        }
    }

    /// Structured where both are, by lines where both are texts.
    fn contents(&mut self, path: &str, sides: &Sides, then: Option<Vec<u8>>, now: Option<Vec<u8>>) {
        let path = format!("{path} »");
        let bytes = How::Bytes { then: sides.then.bytes, now: sides.now.bytes };
        let (Some(then), Some(now)) = (then, now) else { return self.add(&path, bytes) };
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
        if let (Some(then), Some(now)) = (json(&then), json(&now)) {
            return self.compare(&then, &now, &format!("{path} "));
        }
        match (String::from_utf8(then), String::from_utf8(now)) {
            (Ok(then), Ok(now)) => self.add(&path, How::Lines(lines(&then, &now))),
            _ => self.add(&path, bytes),
        }
    }

    fn add(&mut self, path: &str, how: How) {
        if self.differences.len() < SHOWN_MAX {
            self.differences.push(Difference { path: path.to_owned(), how });
        }
    }
}

fn reference(value: &Value) -> Option<ArtifactRef> {
    value.get("sha256")?;
    ArtifactRef::deserialize(value).ok()
}

fn lines(then: &str, now: &str) -> String {
    lines_within(then, now, LINES_LOOKED_AT_MAX)
}

/// What was not compared to its end is told as gone and come: true, but longer than it need be.
fn lines_within(then: &str, now: &str, most: Duration) -> String {
    let began = Instant::now();
    let diff = TextDiff::configure().timeout(most).diff_lines(then, now);
    let is_approximate = began.elapsed() >= most;
    let mut unified = diff.unified_diff().context_radius(CONTEXT_LINES).to_string();
    if unified.lines().count() > LINES_MAX {
        unified = unified.lines().take(LINES_MAX).map(|line| format!("{line}\n")).collect();
        unified.push_str("…\n");
    }
    if is_approximate {
        let after = humantime::format_duration(most);
        unified.insert_str(0, &format!("(approximate: these texts could not be compared to the end in {after})\n"));
    }
    unified
}

/// For a person: cut to the width of their screen.
pub(crate) fn shown(differences: &[Difference], screen: Screen) -> String {
    let mut text = String::new();
    let mut line = |mark: &str, what: &str| {
        text.push_str(&fitting(&format!("    {mark}{}", harmless(&what.replace('\n', " "))), screen.columns));
        text.push('\n');
    };
    for Difference { path, how } in differences {
        line("", path);
        match how {
            How::Values { then, now } => {
                line("- ", &spelt(then));
                line("+ ", &spelt(now));
            }
            How::Lines(lines) => lines.lines().for_each(|one| line("  ", one)),
            How::Bytes { then, now } => {
                line("- ", &format!("{then} bytes"));
                line("+ ", &format!("{now} bytes"));
            }
        }
    }
    text
}

fn spelt(value: &Value) -> String {
    match value {
        Value::Null => "(nothing)".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// As many characters as have room, wide ones counted as two.
fn fitting(text: &str, columns: usize) -> String {
    use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut room = columns.saturating_sub(1);
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        let fits = width <= room;
        room = room.saturating_sub(width);
        fits
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use async_trait::async_trait;
    use contract::Digest;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default)]
    struct Shelf(BTreeMap<String, Vec<u8>>);

    impl Shelf {
        fn keep(&mut self, at: &str, bytes: &[u8]) -> Value {
            let uri = format!("{at}/{}", Digest::of(bytes));
            self.0.insert(uri.clone(), bytes.to_vec());
            json!({"uri": uri, "sha256": Digest::of(bytes), "bytes": bytes.len(), "mediatype": "text/plain"})
        }
    }

    #[async_trait]
    impl Artifacts for Shelf {
        async fn put(&self, _: &[u8], _: &str) -> Result<ArtifactRef, PortError> {
            Err(PortError::permanent("full"))
        }
        async fn get(&self, uri: &str) -> Result<Vec<u8>, PortError> {
            self.0.get(uri).cloned().ok_or_else(|| PortError::permanent("not there"))
        }
        async fn publish(&self, _: &str, _: u64, _: &ArtifactRef) -> Result<bool, PortError> {
            Ok(false)
        }
        async fn latest(&self, _: &str) -> Result<Option<(u64, ArtifactRef)>, PortError> {
            Ok(None)
        }
    }

    async fn between(then: &Value, now: &Value, shelf: &Shelf) -> Vec<Difference> {
        let none = BTreeMap::new();
        differences(then, now, &Contents { store: shelf, beside: &none }).await.unwrap()
    }

    #[tokio::test]
    async fn an_artifact_that_lies_elsewhere_is_the_same_and_another_one_is_opened() {
        let mut shelf = Shelf::default();
        let (here, there) = (shelf.keep("a:/", b"one\ntwo\nthree\n"), shelf.keep("b:/", b"one\ntwo\nthree\n"));
        assert!(between(&json!({"report": here}), &json!({"report": there}), &shelf).await.is_empty());
        let changed = shelf.keep("a:/", b"one\n2\nthree\n");
        let found = between(&json!({"report": here}), &json!({"report": changed}), &shelf).await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "report »");
        let How::Lines(lines) = &found[0].how else { panic!("{found:?}") };
        assert!(lines.contains("-two\n+2\n"), "{lines}");
    }

    #[tokio::test]
    async fn a_value_deep_in_an_artifact_of_an_artifact_is_named_by_its_path() {
        let mut shelf = Shelf::default();
        let mut whole = |price: u32| {
            let inner = shelf.keep("a:/", json!({"rows": [{"price": price}]}).to_string().as_bytes());
            json!([{"data": {"details": shelf.keep("a:/", json!({"table": inner}).to_string().as_bytes())}}])
        };
        let (then, now) = (whole(49), whole(59));
        let found = between(&then, &now, &shelf).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, "[0].data.details » table » rows[0].price");
        assert_eq!(found[0].how, How::Values { then: json!(49), now: json!(59) });
    }

    /// Lines that come again and again, in an order that has no end of common parts.
    fn shuffled(seed: u64, lines: usize) -> String {
        let mut last = seed;
        let mut line = || {
            last = last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("line {}\n", (last >> 33) % 500)
        };
        (0..lines).map(|_| line()).collect()
    }

    #[test]
    fn two_large_texts_with_little_in_common_are_compared_as_far_as_there_is_time_and_it_is_said() {
        let (then, now) = (shuffled(1, 20_000), shuffled(2, 20_000));
        let began = Instant::now();
        let cut = lines_within(&then, &now, Duration::from_millis(20));
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        assert!(cut.starts_with("(approximate: ") && cut.contains("20ms"), "{cut}");
        assert!(cut.contains("\n-line") && cut.lines().count() <= LINES_MAX + 2, "{cut}");
        let whole = lines_within("one\ntwo\n", "one\n2\n", Duration::from_secs(60));
        assert!(whole.contains("-two\n+2\n") && !whole.contains("approximate"), "{whole}");
    }

    #[test]
    fn wide_characters_are_cut_where_the_screen_ends() {
        assert_eq!(fitting("価格は高い", 6), "価格…");
        assert_eq!(fitting("short", 6), "short");
        let differences = [Difference {
            path: "title".into(),
            how: How::Values { then: json!("x".repeat(200)), now: json!("a\u{1b}[31mb") },
        }];
        let screen = Screen { json: false, is_terminal: false, colour: false, columns: 40 };
        let text = shown(&differences, screen);
        assert!(text.lines().all(|line| line.chars().count() <= 40) && !text.contains('\u{1b}'), "{text}");
    }
}
