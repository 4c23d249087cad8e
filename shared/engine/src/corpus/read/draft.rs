//! Owns what a reader of one format makes: text, the blocks it falls into, its tables, and where each word came from.
//! Never a passage: blocks are as small as the format makes them.
//! Next: `passages` cuts and joins blocks, `table` gives cells their meaning.

use std::ops::Range;

/// Of one table, those that rows are filled up with counted too: a larger one is read as text alone. A file of 32 MiB
/// may have a line of 512 names and sixteen million lines of one letter.
pub(super) const CELLS_MAX: usize = 2_000_000;

#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) text: String,
    pub(super) origins: Origins,
    pub(super) blocks: Vec<Block>,
    /// Heading paths, outermost first; blocks name them by number.
    pub(super) paths: Vec<Vec<String>>,
    pub(super) tables: Vec<DraftTable>,
    pub(super) title: Option<String>,
    pub(super) date: Option<String>,
}

/// A paragraph, an item, a row: what is not cut if it can be helped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) place: Range<usize>,
    pub(super) shape: Shape,
    /// The headings that it stands under, as a number of `paths`. Two sections of one name are two paths.
    pub(super) section: usize,
    /// The same with the terms that it explains: the headings of a passage that begins with this block.
    pub(super) context: usize,
    /// It says what the next block is about.
    pub(super) leads: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Prose,
    /// Cut at line ends.
    Lines,
    /// Of the table with this number: never cut, joined with rows of the same table alone.
    Row(usize),
}

#[derive(Debug, Default)]
pub(super) struct DraftTable {
    pub(super) title: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<DraftRow>,
}

#[derive(Debug)]
pub(super) struct DraftRow {
    pub(super) cells: Vec<String>,
    pub(super) ragged: bool,
    /// The block that it stands in.
    pub(super) block: usize,
}

impl Draft {
    /// A draft whose text is the file.
    pub(super) fn of_file(text: &str) -> Draft {
        Draft { text: text.to_owned(), origins: Origins::Same, paths: vec![Vec::new()], ..Draft::default() }
    }

    /// A draft whose text is yet to be written.
    pub(super) fn of_words() -> Draft {
        Draft { origins: Origins::Parts(Vec::new()), paths: vec![Vec::new()], ..Draft::default() }
    }

    pub(super) fn path(&mut self, path: Vec<String>) -> usize {
        self.paths.push(path);
        self.paths.len() - 1
    }

    /// The place without the white space around it; None where nothing is left.
    pub(super) fn trimmed(&self, place: Range<usize>) -> Option<Range<usize>> {
        trimmed(&self.text, place)
    }

    pub(super) fn block(&mut self, place: Range<usize>, shape: Shape, section: usize) {
        if let Some(place) = self.trimmed(place) {
            self.blocks.push(Block { place, shape, section, context: section, leads: false });
        }
    }
}

pub(super) fn trimmed(text: &str, place: Range<usize>) -> Option<Range<usize>> {
    let part = text.get(place.clone())?;
    let start = place.start + (part.len() - part.trim_start().len());
    let place = start..start + part.trim().len();
    (!place.is_empty()).then_some(place)
}

/// Where the text came from, in the decoded file.
#[derive(Debug, Default)]
pub(super) enum Origins {
    #[default]
    Same,
    Parts(Vec<Part>),
}

/// A stretch of text and the stretch of the file that it was made of; of equal length, they are the same bytes.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) text: Range<usize>,
    pub(super) origin: Range<usize>,
}

impl Part {
    fn is_exact(&self) -> bool {
        self.text.len() == self.origin.len()
    }
}

impl Origins {
    /// The next stretch, behind all there are.
    pub(super) fn add(&mut self, text: Range<usize>, origin: Range<usize>) {
        let Origins::Parts(parts) = self else { return };
        if let Some(last) = parts.last_mut()
            && last.text.end == text.start
            && last.origin.end == origin.start
            && last.is_exact()
            && text.len() == origin.len()
        {
            last.text.end = text.end;
            last.origin.end = origin.end;
        } else if !text.is_empty() {
            parts.push(Part { text, origin });
        }
    }

    /// Forgets what lies behind this end of the text.
    pub(super) fn truncate(&mut self, end: usize) {
        let Origins::Parts(parts) = self else { return };
        while let Some(last) = parts.last_mut() {
            if last.text.start >= end {
                parts.pop();
                continue;
            }
            if last.text.end > end {
                if last.is_exact() {
                    last.origin.end -= last.text.end - end;
                }
                last.text.end = end;
            }
            return;
        }
    }

    /// Where the words of this place came from, from the first to the last.
    pub(super) fn of(&self, place: Range<usize>) -> Range<usize> {
        let Origins::Parts(parts) = self else { return place };
        let first = parts.partition_point(|part| part.text.end <= place.start);
        let last = parts.partition_point(|part| part.text.start < place.end);
        let (Some(first), Some(last)) = (parts.get(first), last.checked_sub(1).and_then(|at| parts.get(at))) else {
            return 0..0;
        };
        let start = if first.is_exact() && place.start > first.text.start {
            first.origin.start + (place.start - first.text.start)
        } else {
            first.origin.start
        };
        let end = if last.is_exact() && place.end < last.text.end {
            last.origin.start + (place.end - last.text.start)
        } else {
            last.origin.end
        };
        start..end.max(start)
    }
}
