//! Owns what counts as a word: identifiers whole and in parts, any script, stemmed English, and what is no word at all.
//! Never different between a page and a question: both go through here.
//! Next: `fields` indexes with it, `library::words` asks with it.

use tantivy::tokenizer::{Language, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Named by the schema: another way to part words needs another name.
pub(crate) const TOKENIZER: &str = "words-1";

/// Longer ones are encoded data, and nobody asks for them.
const WORD_BYTES_MAX: usize = 96;

/// Sorted.
const STOP_WORDS: &[&str] = &[
    "a", "about", "above", "after", "again", "all", "almost", "also", "although", "always", "am", "among", "an", "and",
    "another", "any", "anything", "are", "aren", "as", "at", "away", "be", "because", "been", "before", "behind",
    "being", "below", "between", "both", "but", "by", "can", "cannot", "could", "couldn", "d", "did", "didn", "do",
    "does", "doesn", "doing", "don", "down", "during", "each", "either", "else", "ever", "every", "few", "for", "from",
    "further", "get", "gets", "got", "had", "has", "hasn", "have", "haven", "having", "he", "her", "here", "hers",
    "him", "his", "how", "however", "i", "if", "in", "into", "is", "isn", "it", "its", "itself", "just", "let", "lets",
    "like", "ll", "m", "made", "make", "makes", "many", "may", "me", "might", "more", "most", "much", "must", "my",
    "neither", "never", "no", "nor", "not", "now", "of", "off", "often", "on", "once", "one", "only", "onto", "or",
    "other", "others", "our", "ours", "out", "over", "own", "per", "re", "s", "same", "shall", "she", "should",
    "shouldn", "since", "so", "some", "still", "such", "t", "than", "that", "the", "their", "theirs", "them", "then",
    "there", "these", "they", "this", "those", "though", "through", "thus", "to", "too", "toward", "under", "until",
    "up", "upon", "us", "ve", "very", "via", "was", "wasn", "we", "well", "were", "what", "whatever", "when", "where",
    "whether", "which", "while", "who", "whole", "whom", "whose", "why", "will", "with", "within", "without", "won",
    "would", "wouldn", "yet", "you", "your", "yours",
];

/// Parts and stems; what the index and every question are made of.
pub(crate) fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(Words::default()).filter(Stemmer::new(Language::English)).build()
}

/// The words of a text in their order, stemmed, without stop words.
pub(crate) fn terms(text: &str) -> Vec<String> {
    let mut analyzer = analyzer();
    let mut stream = analyzer.token_stream(text);
    let mut found = Vec::new();
    while let Some(token) = stream.next() {
        found.push(token.text.clone());
    }
    found
}

/// Syllables that hold a Japanese sentence together: in nearly every text, so no reason to call one relevant.
pub(crate) fn is_grammar(term: &str) -> bool {
    term.chars().all(|c| matches!(c, '\u{3040}'..='\u{309f}' | 'ー'))
}

#[derive(Clone, Debug, Default)]
struct Words {
    text: String,
    ends: Vec<usize>,
    token: Token,
}

struct Parted<'a> {
    words: &'a mut Words,
    next: usize,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Parted<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Parted<'a> {
        self.text.clear();
        self.ends.clear();
        self.token.reset();
        let Words { text: all, ends, .. } = self;
        part(text, &mut |word| {
            if word.len() <= WORD_BYTES_MAX {
                all.push_str(word);
                ends.push(all.len());
            }
        });
        Parted { words: self, next: 0 }
    }
}

impl TokenStream for Parted<'_> {
    fn advance(&mut self) -> bool {
        let Words { text, ends, token } = &mut *self.words;
        let Some(end) = ends.get(self.next) else { return false };
        let start = if self.next == 0 { 0 } else { ends[self.next - 1] };
        token.text.clear();
        token.text.push_str(&text[start..*end]);
        token.position = self.next;
        self.next += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.words.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.words.token
    }
}

fn part(text: &str, emit: &mut impl FnMut(&str)) {
    let mut lower = String::new();
    for run in text.split(|c: char| !is_part(c) && !is_joiner(c)) {
        let run = run.trim_matches(is_joiner);
        if run.is_empty() {
            continue;
        }
        let after = run.as_ptr() as usize - text.as_ptr() as usize + run.len();
        let called = text.as_bytes().get(after) == Some(&b'(');
        if run.is_ascii() {
            part_joined(run, called, &mut lower, emit);
        } else {
            part_folded(&folded(run), called, &mut lower, emit);
        }
    }
}

/// A run of one or more scripts: those that put no spaces between words become pairs of characters.
fn part_folded(run: &str, called: bool, lower: &mut String, emit: &mut impl FnMut(&str)) {
    let mut rest = run;
    while let Some(first) = rest.chars().next() {
        let dense = is_dense(first);
        let end = rest.find(|c| is_dense(c) != dense).unwrap_or(rest.len());
        let (piece, later) = rest.split_at(end);
        if dense {
            part_dense(piece, emit);
        } else {
            part_joined(piece.trim_matches(is_joiner), called, lower, emit);
        }
        rest = later;
    }
}

fn part_dense(piece: &str, emit: &mut impl FnMut(&str)) {
    let starts: Vec<usize> = piece.char_indices().map(|(at, _)| at).chain([piece.len()]).collect();
    if starts.len() == 2 {
        emit(piece);
    }
    for pair in starts.windows(3) {
        emit(&piece[pair[0]..pair[2]]);
    }
}

/// `core.autocrlf` is itself, `core` and `autocrlf`. A word that is called like a function is never a stop word, nor is
/// one in capitals: `now()` and `NOT` are names.
fn part_joined(run: &str, called: bool, lower: &mut String, emit: &mut impl FnMut(&str)) {
    let joined = run.contains(is_joiner);
    if joined && !run.split(is_joiner).any(str::is_empty) {
        lowered(run, lower);
        emit(lower);
    }
    for word in run.split(is_joiner).filter(|word| !word.is_empty()) {
        lowered(word, lower);
        let named = (called && !joined) || (word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase()));
        if named || STOP_WORDS.binary_search(&lower.as_str()).is_err() {
            emit(lower);
            part_humps(word, lower, emit);
        }
    }
}

/// `autoVacuum` is `auto` and `vacuum` too.
fn part_humps(word: &str, lower: &mut String, emit: &mut impl FnMut(&str)) {
    let bytes = word.as_bytes();
    let humps = |pair: &[u8]| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
    if !bytes.windows(2).any(humps) {
        return;
    }
    let mut start = 0;
    for end in (1..bytes.len()).filter(|at| humps(&bytes[at - 1..=*at])).chain([bytes.len()]) {
        if end - start > 2 {
            lowered(&word[start..end], lower);
            emit(lower);
        }
        start = end;
    }
}

fn lowered(word: &str, into: &mut String) {
    into.clear();
    if word.is_ascii() {
        into.push_str(word);
        into.make_ascii_lowercase();
    } else {
        into.extend(word.chars().flat_map(char::to_lowercase));
    }
}

/// Without accents, and each character in its plain form.
fn folded(run: &str) -> String {
    let mut plain = String::with_capacity(run.len());
    for c in run.nfkc() {
        if is_dense(c) || c.is_ascii() {
            plain.push(c);
        } else if c == 'ß' {
            plain.push_str("ss");
        } else {
            plain.extend(std::iter::once(c).nfd().filter(|c| !is_accent(*c)));
        }
    }
    plain
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && is_combining_mark(c))
}

fn is_joiner(c: char) -> bool {
    matches!(c, '_' | '.' | '-')
}

fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

/// Of a script that is written without spaces, or, as Hangul, with endings grown onto the words.
fn is_dense(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_can_be_looked_up() {
        assert!(STOP_WORDS.is_sorted());
        assert_eq!(terms("How do I get it, and why?"), Vec::<String>::new());
    }

    #[test]
    fn identifiers_are_kept_whole_and_in_parts() {
        assert_eq!(terms("set core.autocrlf"), ["set", "core.autocrlf", "core", "autocrlf"]);
        assert_eq!(terms("--force-with-lease"), ["force-with-leas", "forc", "leas"]);
        assert!(terms("log_min_duration_statement").contains(&"durat".to_owned()));
        assert_eq!(terms("autoVacuum"), ["autovacuum", "auto", "vacuum"]);
    }

    #[test]
    fn a_function_or_a_keyword_is_no_stop_word() {
        assert_eq!(terms("now() and now"), ["now"]);
        assert_eq!(terms("NOT null, not null"), ["not", "null", "null"]);
    }

    #[test]
    fn scripts_without_spaces_become_pairs() {
        assert_eq!(terms("価格の比較"), ["価格", "格の", "の比", "比較"]);
        assert_eq!(terms("ﾃﾞｰﾀ 料"), ["デー", "ータ", "料"]);
        assert_eq!(terms("AWSの料金"), ["aw", "の料", "料金"]);
    }

    #[test]
    fn accents_and_widths_do_not_matter() {
        assert_eq!(terms("Café ＡＢＣＤ Ёлка"), ["cafe", "abcd", "елка"]);
    }
}
