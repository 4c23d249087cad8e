//! Owns showing how far an ingest is: a bar where somebody watches, a line now and then where nobody does.
//! Never fails an ingest: a closed pipe shows nothing.
//! Next: whoever calls `ingest` picks one.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Progress;

/// A bar if standard error is a terminal, lines otherwise.
pub fn shown() -> Box<dyn Progress> {
    if std::io::stderr().is_terminal() { Box::new(Terminal::new()) } else { Box::new(Lines::new(std::io::stderr())) }
}

/// Shows nothing.
pub fn quiet() -> impl Progress {
    Quiet
}

struct Quiet;

impl Progress for Quiet {
    fn found(&self, _files: usize) {}

    fn done(&self, _address: &str) {}
}

#[derive(Debug)]
pub struct Terminal {
    bar: ProgressBar,
}

impl Terminal {
    pub fn new() -> Terminal {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} files, {per_sec}, {eta} left  {wide_msg}");
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        Terminal { bar: bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())) }
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Terminal::new()
    }
}

impl Progress for Terminal {
    fn found(&self, files: usize) {
        self.bar.set_length(files as u64);
    }

    fn done(&self, address: &str) {
        // A name may hold what a terminal obeys.
        self.bar.set_message(address.replace(char::is_control, "?"));
        self.bar.inc(1);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A line when the files are found, and one for each tenth of them.
pub struct Lines<W: Write + Send> {
    state: Mutex<State<W>>,
}

struct State<W> {
    to: W,
    files: usize,
    done: usize,
}

impl<W: Write + Send> Lines<W> {
    pub fn new(to: W) -> Lines<W> {
        Lines { state: Mutex::new(State { to, files: 0, done: 0 }) }
    }
}

impl<W: Write + Send> fmt::Debug for Lines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines")
    }
}

impl<W: Write + Send> Progress for Lines<W> {
    fn found(&self, files: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.files = files;
        let _ = writeln!(state.to, "ingest: {files} files");
    }

    fn done(&self, _address: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        let (done, files) = (state.done, state.files);
        let tenth = |done: usize| (done * 10).checked_div(files).unwrap_or(0);
        if tenth(done) > tenth(done - 1) {
            let _ = writeln!(state.to, "ingest: {done} of {files} files");
        }
    }
}
