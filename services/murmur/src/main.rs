//! Owns the command line: what a person types, and what they are shown.
//! Never works on a goal: it starts those who do, and reads what they wrote.
//! Next: `run` is the main job.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(2)
}
