//! Owns what is wrong with a configuration file: every problem with its place, and with what would do instead.
//! Never the value of a variable that holds a key.
//! Next: `Mind::of` hands the list to whoever started the program.

use std::fmt;
use std::ops::Range;

#[derive(Debug, Default)]
pub(in crate::mind) struct Problems {
    file: String,
    /// Where each line of the text begins.
    lines: Vec<usize>,
    found: Vec<(usize, String)>,
}

impl Problems {
    pub(in crate::mind) fn of(file: &str, text: &str) -> Problems {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Problems { file: file.to_owned(), lines: std::iter::once(0).chain(after).collect(), found: vec![] }
    }

    pub(in crate::mind) fn add(&mut self, at: &Range<usize>, what: impl Into<String>) {
        self.found.push((at.start, what.into()));
    }

    pub(in crate::mind) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut found = self.found.clone();
        found.sort();
        found.dedup();
        write!(f, "MURMUR_MODELS: {} has {} problems:", self.file, found.len())?;
        for (at, what) in found {
            let line = self.lines.partition_point(|begin| *begin <= at);
            let column = at - self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0) + 1;
            write!(f, "\n  - {}:{line}:{column}: {what}", self.file)?;
        }
        Ok(())
    }
}
