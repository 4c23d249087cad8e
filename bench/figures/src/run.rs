//! Owns one run of a bench: each row is said as it comes, all are written at the end, and a missed bar is the exit code.
//! Never an end before everything is measured: a missed bar is noted and the run goes on.
//! Next: `document` is what is written.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use crate::kernel::load_average;
use crate::{Document, Figure, Row, quantile, shown};

/// What a bench has seen so far.
#[derive(Debug)]
pub struct Run {
    document: Document,
    load_before: String,
    folder: Option<PathBuf>,
}

impl Run {
    /// It begins now, under the load that the machine has.
    pub fn of(bench: &str) -> Run {
        let command: Vec<String> = std::env::args().skip(1).collect();
        #[expect(clippy::disallowed_methods, reason = "when a bench ran is a fact about the world")]
        let at = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
        let document = Document {
            bench: bench.into(),
            at: json!(at),
            load: json!(null),
            command: format!("{bench} {}", command.join(" ")).trim().into(),
            rows: vec![],
        };
        let load_before = load_average();
        say(&format!("{bench}: {at}, load average {load_before}"));
        Run { document, load_before, folder: beside_the_programs() }
    }

    /// As a person would type it.
    #[must_use]
    pub fn typed(mut self, command: &str) -> Run {
        self.document.command = command.into();
        self
    }

    /// One more row, said at once.
    pub fn add(&mut self, row: Row) {
        say(&line(&row));
        self.document.rows.push(row);
    }

    pub fn rows(&self) -> &[Row] {
        &self.document.rows
    }

    /// Writes the document, sums up, and says how it went.
    fn conclude(mut self) -> anyhow::Result<bool> {
        let load_after = load_average();
        self.document.load = json!(format!("{} before, {load_after} after", self.load_before));
        let bench = &self.document.bench;
        if let Some(folder) = &self.folder {
            std::fs::create_dir_all(folder)?;
            let place = folder.join(format!("{bench}.json"));
            let text = serde_json::to_string_pretty(&self.document)?;
            std::fs::write(&place, text).with_context(|| format!("{} cannot be written", place.display()))?;
        }
        let barred = self.document.rows.iter().filter(|row| row.bar.is_some());
        let (missed, met): (Vec<&Row>, Vec<&Row>) = barred.partition(|row| row.misses());
        for row in &missed {
            say(&format!("{bench}: MISSED {}", row.what));
        }
        say(&format!(
            "{bench}: {} of {} bars met, {} rows, load average {load_after}",
            met.len(),
            met.len() + missed.len(),
            self.document.rows.len()
        ));
        Ok(missed.is_empty())
    }
}

/// What a bench's `main` ends with: all bars met, or not, or it could not go on.
pub fn ended(bench: &str, ran: anyhow::Result<Run>) -> ExitCode {
    match ran.and_then(Run::conclude) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            say(&format!("{bench}: {why:?}"));
            ExitCode::FAILURE
        }
    }
}

/// For who waits. A closed pipe ends no measurement.
pub fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{what}").and_then(|()| out.flush());
}

fn line(row: &Row) -> String {
    let verdict = match row.bar {
        None => "        ",
        Some(_) if row.misses() => "MISSED  ",
        Some(_) => "met     ",
    };
    let spread = match row.samples.len() {
        0 | 1 => String::new(),
        count => format!(", p99 {}, {count} samples", shown(quantile(&row.samples, 0.99))),
    };
    let bar = row.bar.map(|bar| format!(" (bar {})", bar.told(&row.unit))).unwrap_or_default();
    let note = if row.note.is_empty() { String::new() } else { format!("; {}", row.note) };
    format!("{verdict}{}: {} {}{spread}{bar}{note}", row.what, shown(Figure::Median.of(&row.samples)), row.unit)
}

/// `target/bench`, where the program itself lies in `target/release`.
fn beside_the_programs() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    Some(program.parent().and_then(Path::parent)?.join("bench"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_bar_is_in_its_line_and_is_the_runs_end() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let mut run = Run { folder: Some(folder.path().into()), ..Run::of("trial") };
        run.add(Row::new("", "fast", "ms", vec![1.0]).at_most(Figure::Median, 2.0));
        run.add(Row::new("", "slow", "ms", vec![3.0]).at_most(Figure::Median, 2.0));
        assert!(line(&run.rows()[0]).starts_with("met") && line(&run.rows()[1]).starts_with("MISSED"));
        assert!(!run.conclude()?);
        let documents = crate::documents(folder.path())?;
        assert_eq!((documents.len(), documents[0].rows.len()), (1, 2));
        assert!(documents[0].load.to_string().contains("before"));
        Ok(())
    }
}
