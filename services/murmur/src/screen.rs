//! Owns what a command prints: for a person or as JSON, to a terminal of any width or to a file, with or without colour.
//! Never lets through what a terminal would obey: words of sources and of models pass `harmless` first.
//! Next: every command; progress goes to standard error, results to standard output.

use std::io::{IsTerminal as _, Write as _};

use contract::Clock as _;
use serde::Serialize;

/// Where the results of one command go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// The result is one JSON document (or, of what follows, one on each line).
    pub(crate) json: bool,
    /// Somebody reads it there; elsewhere it is kept, or read by a program.
    pub(crate) is_terminal: bool,
    pub(crate) colour: bool,
    pub(crate) columns: usize,
}

const COLUMNS_WITHOUT_TERMINAL: usize = 100;

impl Screen {
    pub(crate) fn new(json: bool) -> Screen {
        let is_terminal = std::io::stdout().is_terminal();
        let columns = terminal_columns().unwrap_or(COLUMNS_WITHOUT_TERMINAL);
        Screen { json, is_terminal, colour: is_terminal && !no_colour(), columns }
    }

    /// Several lines of a result, for a person.
    pub(crate) fn text(&self, text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", text.trim_end_matches('\n'))?;
        out.flush()?;
        Ok(())
    }

    /// The result, for a program.
    pub(crate) fn document(&self, document: &impl Serialize) -> anyhow::Result<()> {
        self.text(&serde_json::to_string_pretty(document)?)
    }

    /// One of several results that follow each other, for a program: one line.
    pub(crate) fn record(&self, record: &impl Serialize) -> anyhow::Result<()> {
        self.text(&serde_json::to_string(record)?)
    }

    /// One line of progress, on standard error; nobody may be listening.
    pub(crate) fn progress(&self, what: &str) {
        let _ = writeln!(std::io::stderr(), "· {}", harmless(what));
    }
}

/// Names of files and words of sources may hold what a terminal obeys.
pub(crate) fn harmless(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "?")
}

fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty())
}

fn terminal_columns() -> Option<usize> {
    let columns = terminal_size::terminal_size()?.0.0;
    (columns > 0).then_some(usize::from(columns))
}

/// `12.3 MB`
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{} kB", count / 1_000),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

/// How long ago, in one or two units.
pub(crate) fn since(epoch_s: u64) -> String {
    let now_s = runtime::ports::SystemClock.now().0 / 1_000;
    let s = u64::try_from(now_s).unwrap_or(0).saturating_sub(epoch_s);
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min", s / 60),
        3_600..86_400 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}
