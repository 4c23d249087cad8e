//! Owns how a command ends: its exit code, and the errors that have one of their own.
//! Never a message: errors carry their own words, and `main` says them once.
//! Next: `main` turns every end into a code; 0 done, 1 failed, 2 usage, 64 bad configuration.

use std::process::ExitCode;

/// What came of a command that ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    /// It ran, and what it was about went wrong: a failed goal, a check that found something.
    Failed,
}

/// The command line asks for what cannot be: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misused(pub(crate) String);

/// The environment or a file is set up wrongly: exit code 64.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misconfigured(pub(crate) String);

/// Whoever reads our output went away: everybody's way to stop a long listing, and no failure.
pub(crate) fn is_closed_pipe(why: &anyhow::Error) -> bool {
    let broken = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|why| why.kind() == std::io::ErrorKind::BrokenPipe)
    };
    why.chain().any(broken)
}

pub(crate) fn code(ended: &anyhow::Result<Exit>) -> ExitCode {
    match ended {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::FAILURE,
        Err(why) if is_closed_pipe(why) => ExitCode::SUCCESS,
        Err(why) if why.is::<Misused>() => ExitCode::from(2),
        Err(why) if why.is::<Misconfigured>() => ExitCode::from(runtime::config::EXIT_BAD_CONFIGURATION),
        Err(_) => ExitCode::FAILURE,
    }
}
