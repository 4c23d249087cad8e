//! Owns the grid of a table: spans filled in, header rows made names, a table on its side turned.
//! Never a row whose cells stand in no block.
//! Next: `flow` puts it into the draft, `table` gives cells their meaning.

use super::super::draft::{CELLS_MAX, DraftRow};
use super::super::table::{Signature, signature};
use super::tags::Tag;
use super::tree::{Event, Node};

/// Wider than any table that is read; a span may say more.
const COLUMNS_MAX: usize = 256;
/// Words of cells, as often as they span.
const SPANNED_BYTES_MAX: usize = 64 << 20;
/// What is turned must stand in one passage.
const TURNED_CELLS_MAX: usize = 400;

#[derive(Debug)]
pub(super) struct GridCell {
    pub(super) text: String,
    is_header: bool,
    rows: u16,
    columns: u16,
}

#[derive(Debug)]
pub(super) struct GridRow {
    pub(super) cells: Vec<GridCell>,
    pub(super) block: usize,
    in_head: bool,
}

pub(super) struct Grid {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<DraftRow>,
    pub(super) is_sideways: bool,
}

impl GridCell {
    pub(super) fn new(is_header: bool, rows: u16, columns: u16) -> GridCell {
        GridCell { text: String::new(), is_header, rows: rows.max(1), columns: columns.max(1) }
    }
}

impl GridRow {
    pub(super) fn new(in_head: bool) -> GridRow {
        GridRow { cells: Vec::new(), block: 0, in_head }
    }

    fn width(&self) -> usize {
        self.cells.iter().map(|cell| usize::from(cell.columns)).sum::<usize>().min(COLUMNS_MAX)
    }
}

/// Whether there are two rows, of which one has two cells: less is no table.
pub(super) fn is_table(events: &[Event], nodes: &[Node]) -> bool {
    let (mut rows, mut cells, mut cells_most) = (0, 0, 0);
    for event in events {
        let Event::Open(number) = event else { continue };
        match nodes[*number as usize].tag {
            Tag::Row => (rows, cells) = (rows + 1, 0),
            Tag::Cell(_) => cells += 1,
            _ => {}
        }
        cells_most = cells_most.max(cells);
    }
    rows >= 2 && cells_most >= 2
}

/// A row with its spans filled in.
struct Filled {
    cells: Vec<(String, bool)>,
    /// Cells that were there, with the columns they span.
    own: usize,
    block: usize,
    in_head: bool,
    /// One cell over all columns: a heading inside of the table.
    is_banner: bool,
}

pub(super) fn table(rows: Vec<GridRow>) -> Option<Grid> {
    if is_too_large(&rows) {
        return None;
    }
    let filled = fill(rows);
    let width = filled.iter().map(|row| row.cells.len()).max()?;
    let headers = header_rows(&filled);
    let (head, body) = filled.split_at(headers);
    let body: Vec<&Filled> = body.iter().filter(|row| !row.is_banner).collect();
    if body.is_empty() || width < 2 {
        return None;
    }
    let width = head.iter().map(|row| row.cells.len()).max().unwrap_or(width);
    let columns: Vec<String> = (0..width).map(|column| name(head, column)).collect();
    if headers > 0 && is_sideways(&columns, &body) {
        return Some(turned(&columns, &body, head[0].block));
    }
    let rows = body
        .iter()
        .map(|row| {
            let mut cells: Vec<String> = row.cells.iter().map(|(text, _)| text.clone()).collect();
            cells.resize(width, String::new());
            DraftRow { cells, ragged: row.own != width, block: row.block }
        })
        .collect();
    Some(Grid { columns, rows, is_sideways: false })
}

/// Spans filled in; what hangs down may make any row as wide as can be.
fn is_too_large(rows: &[GridRow]) -> bool {
    let cells = || rows.iter().flat_map(|row| &row.cells);
    let hangs = cells().any(|cell| cell.rows > 1);
    let widest = if hangs { COLUMNS_MAX } else { rows.iter().map(GridRow::width).max().unwrap_or_default() };
    let spanned = |cell: &GridCell| {
        let places = usize::from(cell.rows).min(rows.len()) * usize::from(cell.columns).min(COLUMNS_MAX);
        cell.text.len().saturating_mul(places)
    };
    rows.len().saturating_mul(widest) > CELLS_MAX
        || cells().map(spanned).fold(0, usize::saturating_add) > SPANNED_BYTES_MAX
}

fn fill(rows: Vec<GridRow>) -> Vec<Filled> {
    // What hangs down from the rows above, by column: rows left, text, whether it is a header.
    let mut hanging: Vec<(u16, String, bool)> = Vec::new();
    rows.into_iter()
        .map(|row| {
            let mut cells = Vec::new();
            let only = row.cells.len() == 1 && row.cells.iter().all(|cell| cell.columns > 1);
            let mut waiting = row.cells.into_iter();
            let mut next = waiting.next();
            while cells.len() < COLUMNS_MAX {
                let column = cells.len();
                if let Some((left, text, is_header)) = hanging.get_mut(column).filter(|(left, ..)| *left > 0) {
                    *left -= 1;
                    cells.push((text.clone(), *is_header));
                    continue;
                }
                let Some(cell) = next else { break };
                for column in column..(column + usize::from(cell.columns)).min(COLUMNS_MAX) {
                    hanging.resize(hanging.len().max(column + 1), (0, String::new(), false));
                    hanging[column] = (cell.rows - 1, cell.text.clone(), cell.is_header);
                    cells.push((cell.text.clone(), cell.is_header));
                }
                next = waiting.next();
            }
            Filled { own: cells.len(), cells, block: row.block, in_head: row.in_head, is_banner: only }
        })
        .collect()
}

/// How many of the first rows are names of columns.
fn header_rows(rows: &[Filled]) -> usize {
    let is_header = |row: &&Filled| {
        let filled = row.cells.iter().filter(|(text, _)| !text.is_empty());
        row.in_head || filled.clone().count() > 0 && filled.clone().all(|(_, is_header)| *is_header)
    };
    let said = rows.iter().take_while(is_header).count();
    if said > 0 {
        return said;
    }
    let is_typed =
        |row: &Filled| row.cells.iter().any(|(text, _)| signature("", text).is_some_and(Signature::is_typed));
    let named =
        rows.first().is_some_and(|row| row.cells.iter().skip(1).all(|(text, _)| !text.is_empty()) && !is_typed(row));
    usize::from(named && rows.iter().skip(1).any(is_typed))
}

/// From the outermost header to the innermost, each once.
fn name(head: &[Filled], column: usize) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for row in head.iter().filter(|row| !row.is_banner || head.len() == 1) {
        if let Some((text, _)) = row.cells.get(column).filter(|(text, _)| !text.is_empty())
            && parts.last() != Some(&text.as_str())
        {
            parts.push(text);
        }
    }
    if parts.is_empty() { format!("Column {}", column + 1) } else { parts.join(" / ") }
}

/// Whether each line is of one kind and each column of several: then the things that are compared are the columns.
fn is_sideways(columns: &[String], body: &[&Filled]) -> bool {
    let width = columns.len();
    if body.len() < 2 || width < 3 || width * body.len() > TURNED_CELLS_MAX {
        return false;
    }
    let mut names: Vec<&str> = body.iter().filter_map(|row| row.cells.first()).map(|(text, _)| text.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let typed_name = |name: &&str| signature("", name).is_none_or(Signature::is_typed);
    if names.len() < body.len()
        || names.iter().any(typed_name)
        || columns[1..].iter().any(|name| typed_name(&name.as_str()))
    {
        return false;
    }
    let of = |row: &Filled, column: usize| {
        let (text, _) = row.cells.get(column)?;
        signature(row.cells.first().map_or("", |(name, _)| name), text)
    };
    let alike = |signatures: Vec<Signature>| {
        let first = signatures.first().copied();
        first.filter(|first| signatures.iter().all(|other| other == first))
    };
    let lines: Vec<Option<Signature>> =
        body.iter().map(|row| alike((1..width).filter_map(|column| of(row, column)).collect())).collect();
    let of_one_kind = lines.iter().flatten().filter(|line| line.is_typed()).count();
    let upright = (1..width).any(|column| alike(body.iter().filter_map(|row| of(row, column)).collect()).is_some());
    of_one_kind * 5 >= lines.len() * 4 && !upright
}

/// All lines were one block: the one of the first.
fn turned(columns: &[String], body: &[&Filled], block: usize) -> Grid {
    let corner = columns[0].clone();
    let names = body.iter().map(|row| row.cells.first().map_or_else(String::new, |(text, _)| text.clone()));
    let corner = if corner == "Column 1" { "Name".to_owned() } else { corner };
    let rows = columns
        .iter()
        .enumerate()
        .skip(1)
        .map(|(column, name)| {
            let values =
                body.iter().map(|row| row.cells.get(column).map_or_else(String::new, |(text, _)| text.clone()));
            let ragged = body.iter().any(|row| row.cells.len() != columns.len());
            DraftRow { cells: std::iter::once(name.clone()).chain(values).collect(), ragged, block }
        })
        .collect();
    Grid { columns: std::iter::once(corner).chain(names).collect(), rows, is_sideways: true }
}
