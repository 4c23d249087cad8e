//! Owns what moves on a terminal while a command works: a few rows at the bottom, and lines above them.
//! Never moves a cursor where standard error is no terminal: there only lines are written.
//! Next: `run` and `up` say what stands in the rows.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use terminal_size::{Width, terminal_size_of};
use unicode_width::UnicodeWidthChar as _;

use crate::screen::{Screen, harmless};
use crate::show;
use crate::wish::Changed;

pub(crate) struct Live {
    screen: Screen,
    rows: Option<Rows>,
}

struct Rows {
    all: MultiProgress,
    by_name: BTreeMap<String, ProgressBar>,
}

impl Live {
    pub(crate) fn new(screen: Screen) -> Live {
        let moves = std::io::stderr().is_terminal();
        let rows = moves.then(|| Rows { all: drawn(), by_name: BTreeMap::new() });
        Live { screen, rows }
    }

    pub(crate) fn screen(&self) -> Screen {
        self.screen
    }

    pub(crate) fn moves(&self) -> bool {
        self.rows.is_some()
    }

    /// One more line of what has happened.
    pub(crate) fn line(&self, what: &str) {
        match &self.rows {
            Some(rows) => rows.all.suspend(|| self.screen.progress(what)),
            None => self.screen.progress(what),
        }
    }

    /// A step that changed: where rows move, they tell it, unless something went wrong.
    pub(crate) fn step(&self, changed: &Changed) {
        if !self.moves() || !matches!(changed.state.as_str(), "claimed" | "committed") {
            self.line(&show::step(changed));
        }
    }

    /// What stands in a row from now on; cut at the edge.
    pub(crate) fn row(&mut self, name: &str, what: &str) {
        let Some(rows) = &mut self.rows else { return };
        let columns = terminal_size_of(std::io::stderr()).map_or(80, |(Width(columns), _)| usize::from(columns));
        let row = rows.by_name.entry(name.to_owned()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            rows.all.add(ProgressBar::no_length().with_style(style))
        });
        row.set_message(cut(&harmless(what), columns));
    }

    pub(crate) fn clear(&mut self) {
        if let Some(rows) = &mut self.rows {
            // All at once: row by row, some of them would be left standing. A terminal that is gone needs no clearing.
            let _ = rows.all.clear();
            rows.all.set_draw_target(ProgressDrawTarget::hidden());
            rows.by_name.clear();
            rows.all = drawn();
        }
    }
}

/// With room for the `^C` that a terminal writes behind it: one line more than there seem to be could not be cleared.
fn cut(text: &str, columns: usize) -> String {
    let mut left = columns.saturating_sub("^C ".len());
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    };
    text.chars().take_while(fits).collect()
}

fn drawn() -> MultiProgress {
    MultiProgress::with_draw_target(ProgressDrawTarget::stderr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_leaves_room_at_the_edge_and_cuts_no_character_in_two() {
        assert_eq!(cut("  research  up", 80), "  research  up");
        assert_eq!(cut("abcdef", 7), "abcd");
        assert_eq!(cut("価格です", 8), "価格");
    }
}
