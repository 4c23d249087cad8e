//! Owns the tables: a section for each document, a table for each group of its rows.
//! Never a figure that stands in no document.
//! Next: `page` sets them between their marks.

use serde_json::Value;

use crate::{Document, Row, plot, quantile, shown};

/// Rows that belong together, in the order in which they were measured.
pub fn groups(document: &Document) -> Vec<(&str, Vec<&Row>)> {
    let mut groups: Vec<(&str, Vec<&Row>)> = vec![];
    for row in &document.rows {
        match groups.iter_mut().find(|(group, _)| *group == row.group) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((&row.group, vec![row])),
        }
    }
    groups
}

/// A document as a section, with the pictures that lie in `folder`, seen from the page.
pub fn section(document: &Document, folder: &str) -> String {
    let mut text = told(document);
    for (group, rows) in groups(document) {
        if !group.is_empty() {
            text.push_str(&format!("\n### {group}\n"));
        }
        text.push_str(&with_pictures(document, group, &rows, folder));
    }
    text
}

/// One group of a document by itself, for a page that is about nothing else.
pub fn of_group(document: &Document, group: &str, rows: &[&Row], folder: &str) -> String {
    told(document) + &with_pictures(document, group, rows, folder)
}

/// How it was made, when, and beside what.
fn told(Document { at, load, command, .. }: &Document) -> String {
    format!("Made by `{command}`, {}; load average {}.\n", plain(at), plain(load))
}

fn with_pictures(document: &Document, group: &str, rows: &[&Row], folder: &str) -> String {
    let mut text = format!("\n{}", table(rows));
    for picture in plot::pictures(&document.bench, group, rows) {
        text.push_str(&format!("\n![{}]({folder}/{}.svg)\n", picture.title, picture.name));
    }
    text
}

fn table(rows: &[&Row]) -> String {
    let barred = rows.iter().any(|row| row.bar.is_some());
    let noted = rows.iter().any(|row| !row.note.is_empty());
    let mut heads = vec!["what", "median", "p99", "samples"];
    if barred {
        heads.extend(["bar", "verdict"]);
    }
    if noted {
        heads.push("note");
    }
    let mut lines = vec![joined(heads.iter().map(ToString::to_string)), joined(heads.iter().map(|_| "---".into()))];
    for row in rows {
        let p99 = if row.samples.len() > 1 { shown(quantile(&row.samples, 0.99)) } else { String::new() };
        let mut cells = vec![
            cell(&row.what),
            format!("{} {}", shown(row.median()), cell(&row.unit)),
            p99,
            row.samples.len().to_string(),
        ];
        if barred {
            let verdict = if row.misses() { "**missed**" } else { "met" };
            cells.extend(row.bar.map_or([String::new(), String::new()], |bar| [bar.told(&row.unit), verdict.into()]));
        }
        if noted {
            cells.push(cell(&row.note));
        }
        lines.push(joined(cells.into_iter()));
    }
    lines.join("\n") + "\n"
}

fn joined(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// A text as it is, numbers with commas between.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "not said".into(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Figure;

    #[test]
    fn a_section_says_when_under_what_load_and_which_bar_was_missed() {
        let rows = vec![
            Row::new("hops", "one | two", "ms", vec![1.0, 2.0, 3.0]).at_most(Figure::P99, 2.0),
            Row::new("", "alone", "MB", vec![4.0]),
        ];
        let (at, load) = (json!("2026-11-20"), json!([0.5, 1]));
        let document = Document { bench: "trial".into(), at, load, command: "make trial".into(), rows };
        let text = section(&document, "figures");
        for wanted in [
            "`make trial`, 2026-11-20; load average 0.5 1.",
            "one \\| two",
            "p99 ≤ 2.00 ms | **missed** |",
            "| 4.00 MB |",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }
}
