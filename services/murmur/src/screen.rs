//! Owns what a command prints: for a person or as JSON, to a terminal of any width or to a file, with or without colour.
//! Never lets through what a terminal would obey: words of sources and of models pass `harmless` first.
//! Next: every command; progress goes to standard error, results to standard output.

use std::io::{IsTerminal as _, Write as _};

use contract::Clock as _;
use serde::Serialize;
use textwrap::{Options, WordSplitter};
use unicode_width::UnicodeWidthStr as _;

/// Where the results of one command go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// The result is one JSON document (or, of what follows, one on each line).
    pub(crate) json: bool,
    /// Somebody reads it there; elsewhere it is kept, or read by a program.
    pub(crate) is_terminal: bool,
    pub(crate) colour: bool,
    pub(crate) columns: usize,
}

const COLUMNS_WITHOUT_TERMINAL: usize = 100;

impl Screen {
    pub(crate) fn new(json: bool) -> Screen {
        let is_terminal = std::io::stdout().is_terminal();
        let columns = terminal_columns().unwrap_or(COLUMNS_WITHOUT_TERMINAL);
        Screen { json, is_terminal, colour: is_terminal && !no_colour(), columns }
    }

    /// Several lines of a result, for a person.
    pub(crate) fn text(&self, text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", text.trim_end_matches('\n'))?;
        out.flush()?;
        Ok(())
    }

    /// Likewise, in words: a terminal gets them wrapped between words; a file, as they are.
    pub(crate) fn prose(&self, text: &str) -> anyhow::Result<()> {
        match std::io::stdout().is_terminal() {
            true => self.text(&fitting(text, self.columns)),
            false => self.text(text),
        }
    }

    /// The result, for a program.
    pub(crate) fn document(&self, document: &impl Serialize) -> anyhow::Result<()> {
        self.text(&serde_json::to_string_pretty(document)?)
    }

    /// One of several results that follow each other, for a program: one line.
    pub(crate) fn record(&self, record: &impl Serialize) -> anyhow::Result<()> {
        self.text(&serde_json::to_string(record)?)
    }

    /// One line of progress, on standard error; nobody may be listening.
    pub(crate) fn progress(&self, what: &str) {
        let _ = writeln!(std::io::stderr(), "· {}", harmless(what));
    }
}

/// Names of files and words of sources may hold what a terminal obeys.
pub(crate) fn harmless(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "?")
}

/// Wrapped between words, deeper where a line goes on. What is longer than a line, and a command that ends one, stays in
/// one piece, for whoever copies it.
pub(crate) fn fitting(text: &str, columns: usize) -> String {
    text.split('\n').map(|line| fitting_line(line, columns)).collect::<Vec<_>>().join("\n")
}

fn fitting_line(line: &str, columns: usize) -> String {
    if line.width() <= columns {
        return line.to_owned();
    }
    let deeper = " ".repeat(line.len() - line.trim_start_matches(' ').len() + 2);
    let said = match line.find(": murmur ").or_else(|| line.find("  murmur ")) {
        _ if line.trim_start().starts_with("murmur ") => 0,
        Some(at) => at + 1,
        None => line.len(),
    };
    let (words, command) = line.split_at(said);
    let options = Options::new(columns.max(8)).subsequent_indent(&deeper).break_words(false);
    let mut wrapped = textwrap::fill(words, options.word_splitter(WordSplitter::NoHyphenation));
    if !wrapped.is_empty() && !command.is_empty() {
        let last = wrapped.lines().last().unwrap_or_default().width();
        if last + command.width() > columns {
            return format!("{wrapped}\n{deeper}{}", command.trim_start());
        }
    }
    wrapped.push_str(command);
    wrapped
}

fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty())
}

fn terminal_columns() -> Option<usize> {
    let columns = terminal_size::terminal_size()?.0.0;
    (columns > 0).then_some(usize::from(columns))
}

/// `12.3 MB`
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{} kB", count / 1_000),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

/// How long ago, in one or two units.
pub(crate) fn since(epoch_s: u64) -> String {
    let now_s = runtime::ports::SystemClock.now().0 / 1_000;
    let s = u64::try_from(now_s).unwrap_or(0).saturating_sub(epoch_s);
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min", s / 60),
        3_600..86_400 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_between_words_and_what_is_copied_stays_in_one_piece() {
        let status = "the stand-in at http://127.0.0.1:41234 in /home/somebody/.local/share/murmuration; no agents: \
                      murmur up starts them";
        let told = fitting(status, 40);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&told), words(status), "no word is broken");
        assert!(told.lines().all(|line| line.width() <= 40 || words(line).len() == 1), "{told}");
        assert!(told.lines().skip(1).all(|line| line.starts_with("  ")), "{told}");
        let hint = "  why: murmur explain 6f1c0d5e-93ab-5c1d-8a70-0d3fb7b2b0e1 --data /somewhere/else";
        assert_eq!(fitting(hint, 40), hint.replace("why: ", "why:\n    "));
        assert_eq!(fitting("価格の 一覧です", 8), "価格の\n  一覧です");
        assert_eq!(fitting("short\n", 40), "short\n");
    }
}
