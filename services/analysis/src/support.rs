//! Owns the choice of words that stand behind a number: the row's own line out of its passage, byte for byte.
//! Never more of a passage than a reader needs, and never a changed character.
//! Next: findings and conflicts carry it; the writer's checker holds it against the source.

use contract::documents::{PassageId, Support};

use crate::pool::Pool;
use crate::sheet::Sheet;

/// A quote that is still read.
pub(crate) const QUOTE_BYTES_MAX: usize = 600;

/// The line of a row: its passage's quote, or where that is long, the line of it that has most of the row's cells.
pub(crate) fn of_row(pool: &Pool, sheet: &Sheet<'_>, row: usize) -> Option<Support> {
    let passage = pool.passage(&sheet.table.passages[row])?;
    let cells: Vec<&str> =
        sheet.table.rows[row].iter().map(|cell| cell.text.trim()).filter(|text| !text.is_empty()).collect();
    let has = |line: &&str| cells.iter().filter(|cell| line.contains(**cell)).count();
    let quote = &passage.quote;
    let line = if quote.len() <= 160 {
        None
    } else {
        quote.lines().filter(|line| has(line) > 1).max_by_key(|line| (has(line), std::cmp::Reverse(line.len())))
    };
    let chosen = line.unwrap_or(quote).trim();
    (!chosen.is_empty()).then(|| Support { passage: passage.id.clone(), quote: cut(chosen).to_owned() })
}

/// The whole quote of a passage, or its beginning.
pub(crate) fn of_passage(pool: &Pool, id: &PassageId) -> Option<Support> {
    let quote = pool.passage(id)?.quote.trim();
    (!quote.is_empty()).then(|| Support { passage: id.clone(), quote: cut(quote).to_owned() })
}

/// At most so many bytes, between characters: still an exact part.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(QUOTE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim_end()
}
