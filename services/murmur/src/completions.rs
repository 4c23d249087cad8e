//! Owns `murmur completions`: what a shell needs to complete murmur's commands and flags.
//! Never a command by hand: all of it is read off the tree in `commands`.
//! Next: `make install` puts them where shells look.

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::commands::Flags;
use crate::exit::Exit;
use crate::screen::Screen;

/// Print what a shell needs to complete murmur's commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  murmur completions bash > ~/.local/share/bash-completion/completions/murmur")]
pub(crate) struct Asked {
    shell: Shell,
}

pub(crate) fn run(asked: &Asked, screen: Screen) -> anyhow::Result<Exit> {
    let mut script = vec![];
    clap_complete::generate(asked.shell, &mut Flags::command(), "murmur", &mut script);
    let (shell, script) = (asked.shell.to_string(), String::from_utf8(script)?);
    if screen.json {
        screen.document(&json!({"shell": shell, "script": script}))?;
    } else {
        screen.text(&script)?;
    }
    Ok(Exit::Done)
}
