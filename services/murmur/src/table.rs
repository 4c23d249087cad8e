//! Owns a table for a person: columns where they fit, named values below each other where they do not.
//! Never wider than the terminal, as long as a name and a value fit into it.
//! Next: `status` and `doctor` show theirs with it.

use unicode_width::UnicodeWidthStr as _;

use crate::screen::{fitting, harmless};

const GAP: usize = 2;

pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&'static str]) -> Table {
        Table { head: head.to_vec(), rows: vec![] }
    }

    /// As many cells as the head has.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.into_iter().map(|cell| harmless(&cell).replace('\n', " ")).collect());
    }

    pub(crate) fn shown(&self, columns: usize) -> String {
        let widths: Vec<usize> =
            self.head.iter().enumerate().map(|(at, head)| self.width(at).max(head.width())).collect();
        let wide = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        if wide <= columns { self.side_by_side(&widths) } else { self.stacked(columns) }
    }

    fn width(&self, column: usize) -> usize {
        self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
    }

    fn side_by_side(&self, widths: &[usize]) -> String {
        let mut text = String::new();
        let head: Vec<String> = self.head.iter().map(|head| (*head).to_owned()).collect();
        for row in std::iter::once(&head).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line += cell;
                line += &" ".repeat(width - cell.width() + GAP);
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    /// The first cell heads what belongs to it.
    fn stacked(&self, columns: usize) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let mut cells = self.head.iter().zip(row);
            if let Some((_, first)) = cells.next() {
                text += &fitting(first, columns);
                text.push('\n');
            }
            let told: Vec<String> =
                cells.filter(|(_, cell)| !cell.is_empty()).map(|(head, cell)| format!("{head}: {cell}")).collect();
            text += &wrapped(&told, columns);
        }
        text
    }
}

/// As many on a line as fit.
fn wrapped(parts: &[String], columns: usize) -> String {
    let (mut text, mut line) = (String::new(), String::new());
    for part in parts {
        if !line.is_empty() && line.width() + GAP + part.width() > columns {
            text += &format!("{}\n", fitting(&line, columns));
            line.clear();
        }
        line += &format!("{}{part}", " ".repeat(GAP));
    }
    if line.is_empty() { text } else { text + &fitting(&line, columns) + "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["name", "size"]);
        table.row(vec!["価格".into(), "1".into()]);
        table.row(vec!["prices".into(), "22".into()]);
        table
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(table().shown(80), "name    size\n価格    1\nprices  22\n");
    }

    #[test]
    fn what_is_too_wide_is_stacked() {
        assert_eq!(table().shown(11), "価格\n  size: 1\nprices\n  size: 22\n");
        let parts = ["a: 1".to_owned(), "b: 2".to_owned(), "c: 3".to_owned()];
        assert_eq!(wrapped(&parts, 12), "  a: 1  b: 2\n  c: 3\n");
        let long = ["state: crashed by signal 9".to_owned(), "pid: 7".to_owned()];
        assert_eq!(wrapped(&long, 18), "  state: crashed\n    by signal 9\n  pid: 7\n");
    }
}
