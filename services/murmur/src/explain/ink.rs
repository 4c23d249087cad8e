//! Owns how lines of text are made: colours, wrapping, and columns that count what a terminal shows.
//! Never a word of its own.
//! Next: `timeline`, and the other commands about one goal.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};
use contract::Spend;
use runtime::story::money;
use textwrap::Options;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::screen::harmless;

/// Colours where somebody sees them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ink {
    colour: bool,
}

impl Ink {
    pub(crate) fn new(colour: bool) -> Ink {
        Ink { colour }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }
    pub(crate) fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default(), text)
    }
    pub(crate) fn odd(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }
    pub(crate) fn live(self, text: &str) -> String {
        self.paint(AnsiColor::Cyan.on_default(), text)
    }
    pub(crate) fn soft(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }
    pub(crate) fn strong(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Wrapped to so many columns; foreign words cannot steer the terminal, and no line is longer, if it has to break a word.
pub(crate) fn lines(text: &str, columns: usize) -> Vec<String> {
    let text = clean(text);
    let options = Options::new(columns.max(8)).break_words(true);
    textwrap::wrap(&text, options).into_iter().map(Cow::into_owned).collect()
}

/// One line of it, whatever it was.
pub(super) fn clean(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    harmless(&spaced).replace(is_steering, "?")
}

/// Marks that turn the direction of what follows.
fn is_steering(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Parts with a dot between them; a line ends only between two parts, unless one is too long for any.
pub(super) fn joined(parts: &[String], columns: usize) -> Vec<String> {
    let mut all: Vec<String> = vec![];
    for part in parts.iter().filter(|part| !part.is_empty()) {
        match all.last_mut() {
            Some(line) if line.width() + 3 + part.width() <= columns => *line = format!("{line} · {part}"),
            _ => all.extend(lines(part, columns)),
        }
    }
    all
}

/// Cut or filled to just so many columns.
pub(super) fn fitted(text: &str, columns: usize) -> String {
    let text = clean(text);
    let width = text.width();
    if width <= columns {
        return format!("{text}{}", " ".repeat(columns - width));
    }
    let (mut cut, mut used) = (String::new(), 0);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > columns.saturating_sub(1) {
            break;
        }
        cut.push(c);
        used += wide;
    }
    format!("{cut}…{}", " ".repeat(columns.saturating_sub(used + 1)))
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut told = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told
}

pub(crate) fn tokens_of(spend: Spend) -> String {
    let unit = if spend.tokens == 1 { "token" } else { "tokens" };
    format!("{} {unit}", grouped(spend.tokens))
}

pub(crate) fn money_of(spend: Spend) -> String {
    money(spend.micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns_when_cut_filled_and_wrapped() {
        assert_eq!(fitted("競合価格", 8), "競合価格");
        assert_eq!(fitted("競合価格", 7), "競合価…");
        assert_eq!(fitted("競合価格", 6), "競合… ");
        assert_eq!(fitted("ab", 4), "ab  ");
        let wrapped = lines("競合他社の価格を調べて報告書にまとめる", 10);
        assert!(wrapped.len() == 4 && wrapped.iter().all(|line| line.width() <= 10), "{wrapped:?}");
    }

    #[test]
    fn no_foreign_word_steers_the_terminal_or_breaks_a_line() {
        assert_eq!(clean("a\u{1b}[31m\r\nb\u{202e}c\td"), "a?[31m  b?c d");
        let long = "x".repeat(100);
        assert!(lines(&long, 30).iter().all(|line| line.width() <= 30));
    }

    #[test]
    fn parts_stay_whole_while_they_fit() {
        let parts: Vec<String> = ["bus 4 ms", "queue 15 ms", "", "work 43 ms"].map(str::to_owned).to_vec();
        assert_eq!(joined(&parts, 22), ["bus 4 ms · queue 15 ms", "work 43 ms"]);
        assert_eq!(joined(&parts, 21), ["bus 4 ms", "queue 15 ms", "work 43 ms"]);
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
