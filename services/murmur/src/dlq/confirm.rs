//! Owns the question before something that cannot be undone.
//! Never takes silence for a yes: without a terminal there is nobody to ask, and --yes must say it.
//! Next: the commands that send or delete many letters.

use std::io::{IsTerminal as _, Write as _};

use crate::exit::Misused;

/// Whether the person says yes.
pub(super) async fn sure(question: &str, yes: bool) -> anyhow::Result<bool> {
    if yes {
        return Ok(true);
    }
    if !can_ask() {
        return Err(Misused(format!("{question} There is no terminal to ask at: say --yes")).into());
    }
    Ok(answer(&format!("{question} [y/N] ")).await?.is_some_and(|said| matches!(said.as_str(), "y" | "yes")))
}

pub(super) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// In lower case; None where the terminal is closed.
pub(super) async fn answer(question: &str) -> anyhow::Result<Option<String>> {
    {
        let mut err = std::io::stderr().lock();
        write!(err, "{question}")?;
        err.flush()?;
    }
    let (told, hears) = tokio::sync::oneshot::channel();
    // A thread of its own: an executor that ends would wait for a read that nobody answers.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line).map(|bytes| (bytes > 0).then_some(line));
        let _ = told.send(read);
    });
    Ok(hears.await??.map(|line| line.trim().to_lowercase()))
}
