//! Owns a list of goals as lines that fit a terminal: wide characters take two columns, and what is too long is cut.
//! Never what a terminal would obey, and never a line break within a goal.
//! Next: `list` prints it.

use std::collections::BTreeSet;

use contract::{Tenant, UnixMs};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::listing::{Row, State};
use super::span;
use crate::screen::{Screen, harmless};

/// Characters of an id that are shown at least.
const ID_MIN: usize = 8;
const GAP: usize = 2;
/// Less room is no room for words.
const WORDS_MIN: usize = 12;

/// A column: its head, and its cells.
struct Column {
    head: &'static str,
    cells: Vec<String>,
}

pub(super) fn table(rows: &[Row], now: UnixMs, screen: Screen) -> String {
    let id = id_length(rows);
    let of = |head, cell: &dyn Fn(&Row) -> String| Column { head, cells: rows.iter().map(cell).collect() };
    // In the order of their worth: what does not fit beside the words goes from the end.
    let mut columns = vec![
        of("GOAL", &|row| row.goal.to_string()[..id].to_owned()),
        of("STATE", &|row| row.state.as_str().to_owned()),
        of("AGE", &|row| span(row.accepted_at.until(now))),
        of("SPENT", &|row| format!("${:.2}", row.usd)),
    ];
    if rows.iter().any(|row| row.tenant != Tenant::default()) {
        columns.insert(3, of("TENANT", &|row| cut(row.tenant.as_str(), 16)));
    }
    while columns.len() > 2 && taken(&columns) + WORDS_MIN > screen.columns {
        columns.pop();
    }
    let room = screen.columns.saturating_sub(taken(&columns)).max(WORDS_MIN);
    let mut lines = vec![line(columns.iter().map(|column| (column.head.to_owned(), width(column))), "WANTED")];
    for (at, row) in rows.iter().enumerate() {
        let cells = columns.iter().map(|column| (column.cells[at].clone(), width(column)));
        lines.push(painted(line(cells, &cut(&one_line(&row.words), room)), row.state, screen));
    }
    lines.join("\n")
}

/// So many characters that no two goals of the list look alike.
fn id_length(rows: &[Row]) -> usize {
    let ids: Vec<String> = rows.iter().map(|row| row.goal.to_string()).collect();
    let differ = |length: &usize| ids.iter().map(|id| &id[..*length]).collect::<BTreeSet<_>>().len() == ids.len();
    (ID_MIN..36).find(differ).unwrap_or(36)
}

fn width(column: &Column) -> usize {
    column.cells.iter().map(|cell| cell.width()).chain([column.head.len()]).max().unwrap_or(0)
}

fn taken(columns: &[Column]) -> usize {
    columns.iter().map(|column| width(column) + GAP).sum()
}

fn line(cells: impl Iterator<Item = (String, usize)>, words: &str) -> String {
    let mut line = String::new();
    for (cell, width) in cells {
        line.push_str(&cell);
        line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + GAP));
    }
    line.push_str(words);
    line.trim_end().to_owned()
}

fn painted(line: String, state: State, screen: Screen) -> String {
    let colour = match state {
        _ if !screen.colour => return line,
        State::Running => 34,
        State::Stalled => 33,
        State::Completed => 32,
        State::Failed => 31,
        State::Cancelled => 90,
    };
    let (name, painted) = (state.as_str(), format!("\u{1b}[{colour}m{}\u{1b}[0m", state.as_str()));
    line.replacen(name, &painted, 1)
}

fn one_line(words: &str) -> String {
    harmless(&words.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// At most so many columns, with an ellipsis where something is left out.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let (mut kept, mut used) = (String::new(), 1);
    for cluster in text.graphemes(true) {
        used += cluster.width();
        if used > columns {
            break;
        }
        kept.push_str(cluster);
    }
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use contract::GoalId;

    use super::*;

    const NOW: UnixMs = UnixMs(1_795_000_000_000);

    fn row(key: &str, state: State, words: &str) -> Row {
        Row {
            goal: GoalId::derive(&Tenant::default(), key),
            state,
            accepted_at: UnixMs(NOW.0 - 90_000),
            ended_at: None,
            deadline: NOW,
            tenant: Tenant::default(),
            key: None,
            tokens: 0,
            usd: 0.125,
            words: words.into(),
        }
    }

    fn screen(columns: usize) -> Screen {
        Screen { json: false, is_terminal: false, colour: false, columns }
    }

    #[test]
    fn a_table_fits_its_terminal_whatever_stands_in_it() {
        let rows = [
            row(
                "a",
                State::Completed,
                "Compare the prices of hosted message brokers for small teams in Europe, with sources",
            ),
            row("b", State::Stalled, "小さなチーム向けのメッセージブローカーの価格を比較して、要約を作成してください"),
            row("c", State::Running, "two\nlines \u{1b}[2Jand a \u{1f469}\u{200d}\u{1f52c} \u{1f469}\u{200d}\u{1f52c}"),
        ];
        for columns in [40, 80, 120] {
            let told = table(&rows, NOW, screen(columns));
            assert_eq!(told.lines().count(), 4, "{told}");
            assert!(told.lines().all(|line| line.width() <= columns), "{columns}:\n{told}");
            assert!(!told.contains('\u{1b}'), "{told}");
            assert_eq!(told.contains("SPENT"), columns > 40, "{told}");
        }
    }

    #[test]
    fn tenants_are_shown_where_there_are_several() {
        let mine = row("a", State::Running, "mine");
        assert!(!table(std::slice::from_ref(&mine), NOW, screen(80)).contains("TENANT"));
        let theirs = Row { tenant: "acme".parse().unwrap_or_default(), ..row("b", State::Failed, "theirs") };
        assert!(table(&[mine, theirs], NOW, screen(80)).contains("acme"));
    }

    #[test]
    fn a_cut_leaves_no_half_of_a_wide_character() {
        assert_eq!([cut("abc", 3), cut("abcd", 3), cut("日本語", 4), cut("", 0)], ["abc", "ab…", "日…", ""]);
    }
}
