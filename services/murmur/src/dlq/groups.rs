//! Owns what makes dead letters alike: kind of cause, row, and the words of the cause without their particulars.
//! Never a judgement of the cause itself.
//! Next: `list` shows a line for each group, `choice` takes a group for all its letters.

use std::collections::BTreeMap;

use contract::{Digest, UnixMs};
use serde_json::{Value, json};

use super::letter::Letter;

/// From so many hexadecimal digits on, a word is an id.
const HEX_MIN: usize = 8;
const WORDS_MAX: usize = 40;

/// Letters of one cause.
#[derive(Debug)]
pub(super) struct Group<'l> {
    /// `g` and six hexadecimal digits: the same whenever somebody looks, and never the beginning of a letter's id.
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) to: String,
    /// Of its newest letter.
    pub(super) detail: String,
    pub(super) newest: UnixMs,
    /// Newest first.
    pub(super) letters: Vec<&'l Letter>,
}

pub(super) fn id_of(letter: &Letter) -> String {
    let key = format!("{}\n{}\n{}", letter.why.kind, letter.destination.name(), plain(&letter.why.detail));
    let digest = Digest::of(key.as_bytes());
    format!("g{}", digest.as_str().get(..6).unwrap_or_default())
}

/// Groups by their newest letter, newest first.
pub(super) fn of(letters: &[Letter]) -> Vec<Group<'_>> {
    let mut by_id: BTreeMap<String, Vec<&Letter>> = BTreeMap::new();
    for letter in letters {
        by_id.entry(id_of(letter)).or_default().push(letter);
    }
    let mut groups: Vec<Group<'_>> = by_id
        .into_iter()
        .filter_map(|(id, mut letters)| {
            letters.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.id.cmp(&b.id)));
            let newest = letters.first()?;
            let (kind, to) = (newest.why.kind.clone(), newest.destination.name());
            let (detail, newest) = (newest.why.detail.clone(), newest.at);
            Some(Group { id, kind, to, detail, newest, letters })
        })
        .collect();
    groups.sort_by(|a, b| b.newest.cmp(&a.newest).then_with(|| a.id.cmp(&b.id)));
    groups
}

impl Group<'_> {
    pub(super) fn told(&self) -> Value {
        json!({
            "id": self.id,
            "cause": {"kind": self.kind, "detail": self.detail},
            "for": self.to,
            "newest": self.newest,
            "letters": self.letters.iter().map(|letter| letter.told()).collect::<Vec<_>>(),
        })
    }
}

/// Without ids, numbers and times: what two failures of one cause have in common.
fn plain(detail: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    let mut said: Vec<String> = vec![];
    for part in detail.split(|c: char| !word(c)).filter(|part| !part.is_empty()).take(WORDS_MAX) {
        let part = part.trim_matches(|c: char| !c.is_alphanumeric());
        let digits = part.chars().filter(char::is_ascii_digit).count();
        let hex = part.len() >= HEX_MIN && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let number = part.starts_with(|c: char| c.is_ascii_digit());
        said.push(if digits > 0 && (hex || number) { "#".into() } else { part.to_lowercase() });
    }
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_failures_of_one_cause_read_alike_without_their_particulars() {
        for (one, other) in [
            ("3 attempts; the last: no answer after 12.5 s", "4 attempts; the last: no answer after 9 s"),
            (
                "step#analysis#6ba7b810-9dad-11d1-80b4-00c04fd430c8 was claimed before",
                "step#analysis#0af76519-16cd-43dd-8448-eb211c80319c was claimed before",
            ),
            ("blob 5759e988bd862e3f is gone", "blob 0123456789abcdef is gone"),
        ] {
            assert_eq!(plain(one), plain(other));
        }
    }

    #[test]
    fn other_words_are_another_cause() {
        assert_ne!(plain("no answer from the model"), plain("no answer from the index"));
        assert_ne!(plain("the table v2 is gone"), plain("the table v3 is gone"), "a name is no number");
    }
}
