//! Owns judging a history that was kept in a file: `faults-checker history.json`, once more and by itself.
//! Never a run: it asks no server and starts no daemon.
//! Next: `faults::checker`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use faults::checker::judge;
use faults::history::History;

fn main() -> anyhow::Result<ExitCode> {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    anyhow::ensure!(!files.is_empty(), "which history? faults-checker history.json …");
    let mut clean = true;
    for file in files {
        let text = std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let history: History =
            serde_json::from_slice(&text).with_context(|| format!("{} is no history", file.display()))?;
        let verdict = judge(&history);
        clean &= verdict.is_clean();
        // Whoever closed the pipe does not want more.
        let _ = write!(std::io::stdout(), "{}: {verdict}", file.display());
    }
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
