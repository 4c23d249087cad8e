//! Owns proper names in a sentence: what it speaks of, as far as its spelling tells.
//! Never a month, and never only the first word, of which nobody can tell alone whether it is a name.
//! Next: `conflicts` asks whether two sentences speak of the same, `answers` whether one speaks of anything by name.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use engine::words;

/// As stems are compared: `octob` is a month.
static MONTH_STEMS: LazyLock<Vec<String>> =
    LazyLock::new(|| words::MONTHS.iter().map(|month| words::stem(month)).collect());

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Names {
    /// Written large though they do not begin the sentence, or within.
    sure: BTreeSet<String>,
    /// The first word, where it is written large.
    first: Option<String>,
}

impl Names {
    pub(crate) fn of(sentence: &str) -> Names {
        let bare = |word: &str| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word).to_owned()
        };
        let is_large = |word: &String| word.chars().next().is_some_and(char::is_uppercase) && word.chars().count() > 2;
        let within = |word: &String| word.chars().skip(1).any(|c| c.is_uppercase() || c.is_numeric());
        let words: Vec<String> = sentence.split_whitespace().map(bare).collect();
        let first = words.first().filter(|word| is_large(word)).cloned();
        let named = words.into_iter().enumerate().filter(|(at, word)| is_large(word) && (*at > 0 || within(word)));
        let sure =
            named.map(|(_, word)| word).filter(|word| !is_month(&word.to_lowercase()) && !is_unit(word)).collect();
        Names { sure, first }
    }

    pub(crate) fn into_sure(self) -> BTreeSet<String> {
        self.sure
    }

    /// The first word is a name as well, where it is known as one.
    pub(crate) fn with_first_of(mut self, known: &BTreeSet<String>) -> Names {
        self.sure.extend(self.first.clone().filter(|first| known.contains(first)));
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sure.is_empty()
    }

    /// A name that both speak of. None where each also has one that the other does not have: those are two subjects.
    pub(crate) fn shared(&self, other: &Names) -> Option<String> {
        let all = |names: &Names, name: &String| names.sure.contains(name) || names.first.as_ref() == Some(name);
        let own = self.sure.iter().any(|name| !all(other, name));
        let other_own = other.sure.iter().any(|name| !all(self, name));
        if own && other_own {
            return None;
        }
        let known: BTreeSet<&String> = self.sure.iter().chain(&self.first).collect();
        known.into_iter().find(|name| all(other, name)).cloned()
    }
}

/// `USD`, `MB`: written large, and nobody's name.
fn is_unit(word: &str) -> bool {
    matches!(word, "USD" | "EUR" | "GBP" | "CHF" | "KB" | "MB" | "GB" | "TB")
}

/// A month's name, its first three letters or its stem.
pub(crate) fn is_month(lower: &str) -> bool {
    let is_name = |month: &&str| *month == lower || (lower.len() == 3 && month.starts_with(lower));
    words::MONTHS.iter().any(is_name) || MONTH_STEMS.iter().any(|stem| stem == lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sentences_share_a_subject_only_where_one_names_no_other() {
        let names = |sentence| Names::of(sentence);
        let one = names("The hosted plan of Larkspur keeps messages in October.");
        assert_eq!(one.shared(&names("Larkspur loses messages.")), Some("Larkspur".into()));
        assert_eq!(one.shared(&names("The hosted plan of Foxglove keeps messages.")), None);
        assert!(names("Last changed on 1 October 2026.").is_empty());
        assert!(!names("They pay 79 USD for Boil.").is_empty());
        assert!(names("They pay 79 USD.").is_empty());
        for month in ["october", "oct", &words::stem("october"), &words::stem("january"), "may"] {
            assert!(is_month(month), "{month}");
        }
        assert!(!is_month("decide") && !is_month("mar-a-lago"));
    }
}
