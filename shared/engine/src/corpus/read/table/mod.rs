//! Owns tables with meaning: each column gets a kind, each cell its value, each row its passage.
//! Never a value that the text does not say: what does not fit its column's kind has none.
//! Next: the analysis agent computes on them.

mod column;
mod value;

use contract::Digest;
use contract::documents::{Cell, Column, PassageId, SourceId, Table, TableId};

use super::draft::{Draft, DraftTable};
use super::passages::Cut;

pub(super) use value::{Signature, signature};

pub(super) fn finish(draft: &Draft, cut: &Cut, source: &SourceId, content: &Digest, title: &str) -> Vec<Table> {
    let of_row = |block: usize| cut.passages.get(*cut.of_block.get(block)?).map(|passage| passage.id.clone());
    let tables = draft.tables.iter().filter(|table| !table.rows.is_empty() && !table.columns.is_empty());
    tables
        .enumerate()
        .map(|(number, table)| {
            let passages: Option<Vec<PassageId>> = table.rows.iter().map(|row| of_row(row.block)).collect();
            let (columns, rows) = typed(table);
            Table {
                id: TableId(format!(
                    "t-{}",
                    &Digest::of(format!("{source}\n{content}\n{number}").as_bytes()).as_str()[..12]
                )),
                source: source.clone(),
                title: super::one_line(if table.title.is_empty() { title } else { &table.title }),
                columns,
                rows,
                passages: passages.unwrap_or_default(),
                ragged: (1..).zip(&table.rows).filter(|(_, row)| row.ragged).map(|(number, _)| number).collect(),
                relevance: 0.0,
            }
        })
        .collect()
}

fn typed(table: &DraftTable) -> (Vec<Column>, Vec<Vec<Cell>>) {
    let mut rows: Vec<Vec<Cell>> = table.rows.iter().map(|row| Vec::with_capacity(row.cells.len())).collect();
    let columns = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let texts: Vec<&str> = table.rows.iter().map(|row| row.cells.get(at).map_or("", String::as_str)).collect();
            let (kind, values) = column::typed(name, &texts);
            for ((row, text), value) in rows.iter_mut().zip(texts).zip(values) {
                row.push(Cell { text: text.to_owned(), value });
            }
            Column { name: name.clone(), kind }
        })
        .collect();
    (columns, rows)
}
