//! Owns words: stems that two spellings share, sentences as exact parts of a quote, and what two texts have in common.
//! Never changes a byte of what it cuts out: a sentence is a slice of its quote.
//! Next: `prose`, `claims` and `columns` compare by these.

use std::collections::BTreeSet;

use unicode_segmentation::UnicodeSegmentation;

use engine::words::without_stray_mark;
pub(crate) use engine::words::{plain, stem};

pub(crate) type Stems = BTreeSet<String>;

const EMPTY_WORDS: &[&str] = &[
    "a", "about", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could",
    "did", "do", "does", "each", "for", "from", "had", "has", "have", "he", "her", "his", "how", "i", "if", "in",
    "into", "is", "it", "its", "may", "more", "most", "of", "on", "one", "or", "our", "she", "should", "so", "such",
    "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "us", "was", "we",
    "were", "what", "when", "where", "which", "who", "why", "will", "with", "would", "you", "your",
    // What goals say of themselves, and sources do not.
    "create", "find", "make", "new", "product", "report", "research", "summary", "write",
];

/// The words of a text as they are compared: lower case, without ending, without those that say nothing.
pub(crate) fn stems(text: &str) -> Stems {
    in_order(text).into_iter().collect()
}

/// The same, in the order of the text, with repetitions.
pub(crate) fn in_order(text: &str) -> Vec<String> {
    plain(text).into_iter().filter(|word| !EMPTY_WORDS.contains(&word.as_str())).map(|word| stem(&word)).collect()
}

/// Sentences of a quote, each an exact part of it. A line that only goes on does not end one.
pub(crate) fn sentences(quote: &str) -> Vec<&str> {
    let flat = flattened(quote);
    let mut found = vec![];
    for (at, piece) in flat.split_sentence_bound_indices() {
        let whole = &quote[at..at + piece.len()];
        let trimmed = without_stray_mark(without_number(without_marks(whole)).trim_end());
        if !trimmed.is_empty() {
            found.push(trimmed);
        }
    }
    found
}

/// As many bytes as the quote: a line end inside of a paragraph becomes a space, where a new line begins something
/// else it stays.
fn flattened(quote: &str) -> String {
    let mut flat = String::with_capacity(quote.len());
    for (at, character) in quote.char_indices() {
        let goes_on = character == '\n' && !ends_line(&quote[..at], &quote[at + 1..]);
        flat.push(if goes_on { ' ' } else { character });
    }
    flat
}

fn ends_line(before: &str, after: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let next = after.split('\n').next().unwrap_or_default().trim_start();
    let heading = line.starts_with('#') || line.starts_with('|');
    let item =
        next.starts_with(['-', '*', '+', '>', '#', '|', '•', '"', '“']) || without_number(next).len() < next.len();
    // What stands over a record: `id: hx-1172 | date: 2026-08-05 | author: haar`.
    let is_record = |line: &str| line.matches(" | ").count() > 1;
    let record = is_record(line) || is_record(next);
    let dated = next.len() > 10 && next.as_bytes()[..4].iter().all(u8::is_ascii_digit) && next.as_bytes()[4] == b'-';
    line.trim().is_empty() || next.is_empty() || heading || item || record || dated
}

/// Without what opens a line and is not part of what it says: a heading's, quote's, table's or item's mark.
fn without_marks(text: &str) -> &str {
    let mut bare = text.trim_start();
    loop {
        let item = bare.strip_prefix(['-', '*', '+', '•']).filter(|rest| rest.starts_with(char::is_whitespace));
        match item.or_else(|| bare.strip_prefix(['#', '>', '|'])) {
            Some(rest) => bare = rest.trim_start(),
            None => return bare,
        }
    }
}

/// Without the number of a list's item: `2. `, `3) `.
fn without_number(text: &str) -> &str {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    let is_item = (1..=2).contains(&digits) && (rest.starts_with(". ") || rest.starts_with(") "));
    if is_item { rest[2..].trim_start() } else { text }
}

/// One line, with one space between words, without the marks of Markdown around words.
pub(crate) fn tidied(text: &str) -> String {
    let bare = without(&without(text, "**"), "`");
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without a mark, but for where two numbers would become one: `2**32` is not 232.
fn without(text: &str, mark: &str) -> String {
    let separates = |c: char| matches!(c, '.' | ',' | '\'' | '’');
    let mut bare = String::with_capacity(text.len());
    for (at, part) in text.split(mark).enumerate() {
        let before = bare.trim_end_matches(separates).ends_with(char::is_numeric);
        if at > 0 && before && part.trim_start_matches(separates).starts_with(char::is_numeric) {
            bare.push_str(mark);
        }
        bare.push_str(part);
    }
    bare
}

/// What two sets share, as a part of all that is in them.
pub(crate) fn likeness(one: &Stems, other: &Stems) -> f64 {
    let shared = one.intersection(other).count();
    let all = one.len() + other.len() - shared;
    if all == 0 { 0.0 } else { shared as f64 / all as f64 }
}

/// At most so many bytes, cut between characters, with an ellipsis where something is missing.
pub(crate) fn shortened(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let room = bytes_max.saturating_sub('…'.len_utf8());
    let mut end = room;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = &text[..end];
    // Half a number is another number.
    let without_digits = cut.trim_end_matches(|c: char| c.is_numeric() || matches!(c, '.' | ','));
    let whole_words = cut.rfind(' ').filter(|at| *at > room / 2).map_or(without_digits, |at| &cut[..at]);
    format!("{}…", whole_words.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_an_exact_part_of_its_quote_even_where_lines_are_wrapped() {
        let quote =
            "## Head\n\nOne sentence that\ngoes on. \"Another\none.\"\n\n- an item\n- **bold** item\n2. third. Last";
        let found = sentences(quote);
        assert!(found.iter().all(|sentence| quote.contains(sentence)));
        assert_eq!(
            found,
            ["Head", "One sentence that\ngoes on.", "\"Another\none.\"", "an item", "**bold** item", "third.", "Last"]
        );
        assert_eq!(tidied(found[4]), "bold item");
        let speech = "\"I do not mind the price. A cap that I set is worth more.\" He said so.";
        assert_eq!(sentences(speech), ["I do not mind the price.", "A cap that I set is worth more.", "He said so."]);
        assert_eq!(tidied("**2** of 2**32, `80`,`443`"), "2 of 2**32, 80,`443");
    }

    #[test]
    fn two_spellings_of_a_word_are_the_same_word_and_other_scripts_have_words_too() {
        assert_eq!(stems("Agencies and startups"), stems("agency startup"));
        assert_eq!(stems("monthly_price_usd").len(), 3);
        assert!(!stems("价格是多少").is_empty());
        assert!(likeness(&stems("Цена месячная"), &stems("цена")) > 0.4);
    }

    #[test]
    fn what_is_shortened_is_cut_between_characters() {
        assert_eq!(shortened("short", 10), "short");
        assert!(shortened("ünïcödé wörds äre löng", 12).len() <= 12);
        assert!(shortened("价格价格价格", 7).ends_with('…'));
    }
}
