//! Owns the file in which a person edits a letter, and the editor that opens it.
//! Never loses what was typed: the file goes only when its text was sent or is what it was at first; otherwise it is
//! named, whatever ended the command.
//! Next: `edit` reads it back.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};

use crate::exit::Misconfigured;
use crate::reach::Where;

const COPIES_MAX: u32 = 1_000;

/// Where this machine's `murmur` keeps things.
pub(super) fn folder(place: &Where) -> anyhow::Result<PathBuf> {
    Ok(place.house()?.folder().to_owned())
}

#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    at_first: String,
    done: bool,
}

impl Draft {
    /// A new file beside all earlier ones.
    pub(super) fn new(place: &Where, name: &str, text: &str) -> anyhow::Result<Draft> {
        let folder = folder(place)?.join("drafts");
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        for number in 0..COPIES_MAX {
            let ending = if number == 0 { String::new() } else { format!("-{number}") };
            let path = folder.join(format!("letter-{name}{ending}.json"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    file.write_all(text.as_bytes())?;
                    return Ok(Draft { path, at_first: text.to_owned(), done: false });
                }
                Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(why) => return Err(why).with_context(|| format!("{} cannot be made", path.display())),
            }
        }
        bail!("{} is full of drafts of this letter: remove those that nobody needs", folder.display())
    }

    /// Somebody's own file, which stays.
    pub(super) fn given(path: &Path) -> Draft {
        Draft { path: path.to_owned(), at_first: String::new(), done: true }
    }

    pub(super) fn text(&self) -> anyhow::Result<String> {
        fs::read_to_string(&self.path).with_context(|| format!("{} cannot be read", self.path.display()))
    }

    pub(super) fn is_unchanged(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.at_first)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns once the editor has ended, and ended well.
    pub(super) async fn open(&self) -> anyhow::Result<()> {
        let named = |name: &str| std::env::var_os(name).filter(|set| !set.is_empty());
        let Some(editor) = named("VISUAL").or_else(|| named("EDITOR")) else {
            let why = "neither VISUAL nor EDITOR says which editor to use: set one, or give the edited text by --file";
            return Err(Misconfigured(why.into()).into());
        };
        // By a shell, as others do it: the variable may hold options.
        let mut line = editor.clone();
        line.push(OsString::from(" \"$@\""));
        let mut command = tokio::process::Command::new("sh");
        command.arg("-c").arg(line).arg(&editor).arg(&self.path);
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        let ended = command.status().await.context("sh does not start")?;
        anyhow::ensure!(ended.success(), "the editor {} failed ({ended}): nothing was changed", editor.display());
        Ok(())
    }

    /// Its text was sent: it is not needed any more.
    pub(super) fn sent(mut self) {
        if !self.done {
            // A file that stays is no harm.
            let _ = fs::remove_file(&self.path);
        }
        self.done = true;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if self.is_unchanged() {
            let _ = fs::remove_file(&self.path);
        } else {
            // Nobody may be listening; the file is there all the same.
            let _ = writeln!(std::io::stderr(), "your text is kept in {}", self.path.display());
        }
    }
}
