//! Owns how words of a rule are found in texts of an analysis: stems, sentences, numbers beside a unit.
//! Never a guess: all words of an alternative stand there, or it is not found.
//! Next: `facts` looks through labels, cells and passages with it.

use std::collections::BTreeSet;

use engine::words;
use unicode_segmentation::UnicodeSegmentation;

pub(crate) type Stems = BTreeSet<String>;

/// Names of columns and files are taken apart as well.
pub(crate) fn stems(text: &str) -> Stems {
    let spaced = text.replace(['-', '/', ':', '.'], " ");
    words::plain(&spaced).iter().map(|word| words::stem(word)).collect()
}

/// Words to look for: alternatives with `|` between, of each of which all words must be there.
#[derive(Clone, Debug)]
pub(crate) struct Wanted(Vec<Stems>);

impl Wanted {
    pub(crate) fn of(text: &str) -> Wanted {
        Wanted(text.split('|').map(stems).collect())
    }

    pub(crate) fn found_in(&self, there: &Stems) -> bool {
        self.0.iter().any(|words| words.is_subset(there))
    }

    /// Each alternative by itself, in the order in which they were written.
    pub(crate) fn alternatives(&self) -> impl Iterator<Item = &Stems> {
        self.0.iter()
    }
}

/// Sentences of a quote, roughly: they are looked through and shown, and nobody cites a place in them.
pub(crate) fn sentences(quote: &str) -> Vec<String> {
    let paragraphs = quote.split("\n\n").flat_map(|paragraph| paragraph.split("\n- "));
    let lines = paragraphs.map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    let bare = |one: &str| words::without_stray_mark(one.trim()).to_owned();
    let split = |line: String| line.split_sentence_bounds().map(bare).collect::<Vec<_>>();
    lines.flat_map(split).filter(|sentence| !sentence.is_empty()).collect()
}

/// The first number of a text that is so counted: `70 percent` for `percent`, `$49` for `USD`.
pub(crate) fn number_of(text: &str, unit: &str) -> Option<f64> {
    let spelled: Vec<&str> = match unit {
        "percent" | "%" => vec!["percent", "%"],
        "USD" => vec!["USD", "dollars", "dollar", "$"],
        "EUR" => vec!["EUR", "euros", "euro", "€"],
        other => vec![other],
    };
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()).map(|offset| at + offset) {
        let length =
            text[start..].bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.')).count();
        let digits = text[start..start + length].trim_end_matches([',', '.']);
        at = start + length;
        let (before, after) = (text[..start].trim_end(), text[start + digits.len()..].trim_start());
        let counted = spelled.iter().any(|unit| {
            let next = after.get(..unit.len()).is_some_and(|next| next.eq_ignore_ascii_case(unit));
            next || (unit.len() <= 3 && !unit.starts_with(char::is_alphanumeric) && before.ends_with(unit))
        });
        if counted && let Some(number) = plain_number(digits) {
            return Some(number);
        }
    }
    None
}

/// Digits with commas at the thousands, and nothing else beside a currency or a unit.
pub(crate) fn plain_number(text: &str) -> Option<f64> {
    let bare = text
        .trim()
        .trim_start_matches(['$', '€', '£'])
        .trim_end_matches(|c: char| c.is_alphabetic() || matches!(c, '%' | '$' | '€' | ' '));
    bare.replace(',', "").parse().ok().filter(|number: &f64| number.is_finite())
}

pub(crate) fn shortened(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mut end = bytes_max.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", text[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_by_its_unit() {
        assert_eq!(number_of("a gross margin of at least 70 percent, in 12 months", "percent"), Some(70.0));
        assert_eq!(number_of("from 12 developers, $1,049.50 a month", "USD"), Some(1049.5));
        assert_eq!(number_of("from 12 developers", "USD"), None);
        assert_eq!(plain_number("20,000,000"), Some(2e7));
        assert_eq!(plain_number("free"), None);
    }

    #[test]
    fn words_are_found_by_their_stems_and_by_alternatives() {
        let there = stems("median of monthly price (USD), plans.csv");
        assert!(Wanted::of("monthly prices").found_in(&there) && Wanted::of("cost|price plans").found_in(&there));
        assert!(!Wanted::of("yearly price").found_in(&there));
    }
}
