//! Owns where something stands in a rule file: a text of it with its offset, a line and a column, a problem there.
//! Never guesses: text that the file spells with escapes has the place of its beginning.
//! Next: `pack` reads texts, `expression` and `template` find their problems in them.

use std::fmt;
use std::ops::Range;

/// One thing that is wrong in a rule file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.what)
    }
}

/// A file's whole text, and what was found wrong in it so far.
#[derive(Debug)]
pub(crate) struct File<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    pub(crate) problems: Vec<Problem>,
}

/// A string of the file.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// Of its first character in the file; of its opening quote where the file spells it with escapes.
    at: usize,
    verbatim: bool,
}

impl File<'_> {
    pub(crate) fn problem(&mut self, at: usize, what: impl Into<String>) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.problems.push(Problem { file: self.name.to_owned(), line, column, what: what.into() });
    }

    /// A string value by its span, quotes included.
    pub(crate) fn text(&self, value: &str, span: Range<usize>) -> Text {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let marks = if raw.starts_with("'''") || raw.starts_with("\"\"\"") { 3 } else { 1 };
        let inside = raw.get(marks..).unwrap_or_default();
        let line_end = if marks == 3 && inside.starts_with('\n') { 1 } else { 0 };
        let verbatim = inside.get(line_end..).is_some_and(|inside| inside.starts_with(value));
        let at = if verbatim { span.start + marks + line_end } else { span.start };
        Text { text: value.to_owned(), at, verbatim }
    }
}

impl Text {
    /// Where a byte of the text stands in the file.
    pub(crate) fn place(&self, offset: usize) -> usize {
        if self.verbatim { self.at + offset } else { self.at }
    }

    /// Where a line and a column of the text stand, both from 1, the column in characters.
    pub(crate) fn place_of(&self, line: isize, column: isize) -> usize {
        let line = usize::try_from(line.max(1)).unwrap_or(1) - 1;
        let column = usize::try_from(column.max(1)).unwrap_or(1) - 1;
        let before: usize = self.text.split_inclusive('\n').take(line).map(str::len).sum();
        let inside: usize = self.text[before.min(self.text.len())..].chars().take(column).map(char::len_utf8).sum();
        self.place(before + inside)
    }

    /// A part of it, as a text of its own.
    pub(crate) fn part(&self, range: Range<usize>) -> Text {
        Text { text: self.text[range.clone()].to_owned(), at: self.place(range.start), verbatim: self.verbatim }
    }
}
