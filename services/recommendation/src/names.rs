//! Owns whom a sentence speaks of: a thing that a table or a number is named after, in the sentence or before it.
//! Never a name by its spelling alone: what no table knows may be anybody.
//! Next: `facts` tells rules of whom something is said.

use std::collections::BTreeSet;

use contract::documents::Analysed;

use crate::facts::Sentence;

/// A cell that is longer is no name.
const NAME_BYTES_MAX: usize = 40;

/// What the first column of each table is called by, and the groups of numbers.
pub(crate) fn known(analysed: &Analysed) -> BTreeSet<String> {
    let rows = analysed.tables.iter().flat_map(|table| &table.rows);
    let cells = rows.filter_map(|cells| cells.first()).filter(|cell| cell.value.is_none()).map(|cell| cell.text.trim());
    let groups = analysed.metrics.iter().flat_map(|metric| metric.group.values()).map(String::as_str);
    let is_name = |text: &&str| (2..=NAME_BYTES_MAX).contains(&text.len()) && text.starts_with(char::is_uppercase);
    cells.chain(groups).filter(is_name).map(str::to_owned).collect()
}

/// In the sentence the name that it begins with or has first; else that of the nearest sentence before it, which it goes on
/// from; else one in its heading.
pub(crate) fn subject<'a>(
    names: &BTreeSet<String>,
    sentence: &Sentence,
    mut before: impl Iterator<Item = &'a Sentence>,
) -> Option<String> {
    let first = |text: &str| -> Option<String> {
        let found = names.iter().filter_map(|name| Some((place(text, name)?, name)));
        // Of two that begin at one place, the longer one is meant.
        found.min_by_key(|(at, name)| (*at, std::cmp::Reverse(name.len()))).map(|(_, name)| name.clone())
    };
    first(&sentence.text).or_else(|| before.find_map(|other| first(&other.text))).or_else(|| first(&sentence.headings))
}

/// Where a name stands as a word of its own.
fn place(text: &str, name: &str) -> Option<usize> {
    let is_end = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let stands = |at: &usize| is_end(text[..*at].chars().next_back()) && is_end(text[at + name.len()..].chars().next());
    text.match_indices(name).map(|(at, _)| at).find(stands)
}
