//! Owns `murmur man`: the manual pages of murmur and of each of its commands.
//! Never a word of its own: all of it is read off the tree in `commands`.
//! Next: `make install` puts them where `man` looks.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_mangen::Man;
use serde_json::json;

use crate::commands::Flags;
use crate::exit::Exit;
use crate::screen::Screen;

/// Print the manual page, or write those of all commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  murmur man | man -l -\n  murmur man --out ~/.local/share/man/man1")]
pub(crate) struct Asked {
    /// Write one page for each command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(asked: &Asked, screen: Screen) -> anyhow::Result<Exit> {
    let Some(folder) = &asked.out else {
        let mut page = vec![];
        Man::new(Flags::command()).render(&mut page)?;
        let page = String::from_utf8(page)?;
        if screen.json {
            screen.document(&json!({"page": page}))?;
        } else {
            screen.text(&page)?;
        }
        return Ok(Exit::Done);
    };
    let unwritten = || format!("the pages cannot be written into {}", folder.display());
    std::fs::create_dir_all(folder).with_context(unwritten)?;
    clap_mangen::generate_to(Flags::command(), folder).with_context(unwritten)?;
    screen.progress(&format!("the pages are in {}", folder.display()));
    if screen.json {
        screen.document(&json!({"folder": folder.display().to_string()}))?;
    }
    Ok(Exit::Done)
}
