//! Owns tables as files: the text is the file, each record a row, the first one the names of the columns.
//! Never a row that is dropped: ragged ones are filled up, or cut in the table alone, and listed.
//! Next: `table` gives cells their meaning.

use csv::{ReaderBuilder, Trim};

use super::ReadError;
use super::draft::{CELLS_MAX, Draft, DraftRow, DraftTable, Shape};

const COLUMNS_MAX: usize = 512;

pub(super) fn draft(text: &str, delimiter: u8) -> Result<Draft, ReadError> {
    let mut draft = Draft::of_file(text);
    let mut reader = ReaderBuilder::new()
        .delimiter(chosen(text, delimiter))
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let mut table = DraftTable::default();
    let mut is_too_large = false;
    let mut record = csv::StringRecord::new();
    loop {
        let start = position(&reader);
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(why) => return Err(ReadError::Damaged(why.to_string())),
        }
        let blocks = draft.blocks.len();
        draft.block(start..position(&reader).min(text.len()), Shape::Row(0), 0);
        if draft.blocks.len() == blocks || record.iter().all(str::is_empty) {
            continue;
        }
        let cells: Vec<String> = record.iter().take(COLUMNS_MAX).map(str::to_owned).collect();
        if table.columns.is_empty() {
            table.columns = names(cells);
            continue;
        }
        if (table.rows.len() + 1) * table.columns.len() > CELLS_MAX {
            is_too_large = true;
            table.rows.clear();
        }
        if is_too_large {
            continue;
        }
        let ragged = record.len() != table.columns.len();
        let mut cells = cells;
        cells.resize(table.columns.len(), String::new());
        table.rows.push(DraftRow { cells, ragged, block: blocks });
    }
    draft.tables.push(table);
    Ok(draft)
}

fn position(reader: &csv::Reader<&[u8]>) -> usize {
    usize::try_from(reader.position().byte()).unwrap_or(usize::MAX)
}

fn names(cells: Vec<String>) -> Vec<String> {
    (1..).zip(cells).map(|(number, name)| if name.is_empty() { format!("Column {number}") } else { name }).collect()
}

/// Many a `.csv` has semicolons: what the first line has more of, where it has no comma at all.
fn chosen(text: &str, said: u8) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if first.bytes().any(|byte| byte == said) {
        return said;
    }
    let count = |wanted: u8| first.bytes().filter(|&byte| byte == wanted).count();
    [b';', b'\t', b'|', b',']
        .into_iter()
        .filter(|&other| count(other) > 0)
        .max_by_key(|&other| count(other))
        .unwrap_or(said)
}
