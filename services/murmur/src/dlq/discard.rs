//! Owns `murmur dlq discard`: letters are written to a file, and then deleted for good.
//! Never without a copy: what could not be written stays where it is.
//! Next: nothing; the ledger keeps saying why a step gave up.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use contract::PortError;
use serde_json::{Value, json};

use super::choice::{self, Held, Which};
use super::desk::Desk;
use super::draft::folder;
use super::letter::Letter;
use super::{confirm, verdict};
use crate::exit::Exit;
use crate::reach::{Reach, Where};
use crate::screen::{Screen, harmless};

const FILE: &str = "discarded-letters.jsonl";

/// Delete dead letters for good, after writing them to a file
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  murmur dlq discard g41c0de --yes --keep discarded.jsonl")]
pub(crate) struct Asked {
    #[command(flatten)]
    which: Which,
    /// Append them to this file; without it, to discarded-letters.jsonl in the data directory
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach().await?;
    let Held { desk, letters, left } = asked.which.hold(&reach, screen).await?;
    let means = desk.while_held(consequences(&letters, &reach)).await?;
    if !screen.json {
        for (letter, means) in letters.iter().zip(&means) {
            screen.prose(&harmless(&format!("{}  for {}: {means}", letter.short(), letter.destination.name())))?;
        }
    }
    if !letters.is_empty() {
        let question = format!("Delete {} for good?", choice::counted(letters.len()));
        ensure!(desk.while_held(confirm::sure(&question, asked.which.yes)).await?, "nothing was deleted");
    }
    let file = asked.keep.clone().map_or_else(|| Ok(folder(place)?.join(FILE)), anyhow::Ok)?;
    let kept = desk.while_held(deleted(&letters, &file, &desk, &reach)).await?;
    desk.close().await?;
    let discarded = letters.len() - kept.len();
    if screen.json {
        let letters: Vec<_> =
            letters.iter().zip(&means).map(|(letter, means)| json!({"id": letter.id, "means": means})).collect();
        screen.document(&json!({
            "discarded": discarded, "kept": kept, "left": left, "file": file, "letters": letters,
        }))?;
    } else if letters.is_empty() {
        screen.text("no dead letters")?;
    } else {
        screen.text(&format!("{discarded} discarded; a copy of each is in {}", file.display()))?;
        for one in &kept {
            screen.text(&format!("kept   {}  {}", one["id"], one["why"]))?;
        }
    }
    Ok(if kept.len() + left == 0 { Exit::Done } else { Exit::Failed })
}

/// With what had not fitted it; where that is gone, as it lies there.
async fn restored(letter: &Letter, reach: &Reach) -> Letter {
    let choreography = &reach.config.choreography;
    let whole = letter.clone().restored(&*reach.ports.artifacts, choreography).await;
    whole.unwrap_or_else(|_| letter.clone().with_its_event(choreography))
}

async fn consequences(chosen: &[Letter], reach: &Reach) -> Result<Vec<String>, PortError> {
    let mut means = vec![];
    for letter in chosen {
        means.push(verdict::consequence(&restored(letter, reach).await, reach).await?);
    }
    Ok(means)
}

/// Those that could not be, and why.
async fn deleted(chosen: &[Letter], file: &Path, desk: &Desk, reach: &Reach) -> anyhow::Result<Vec<Value>> {
    let mut kept = vec![];
    for letter in chosen {
        // SQS takes the delete of a letter that somebody else holds by now, and deletes nothing.
        if let Err(why) = desk.still_ours(letter).await {
            let why = format!("the hold on it is over, somebody else may have it: {why}");
            kept.push(json!({"id": letter.id, "why": why}));
            continue;
        }
        keep(&restored(letter, reach).await, file)?;
        if let Err(why) = desk.delete(letter).await {
            kept.push(json!({"id": letter.id, "why": why.to_string()}));
        }
    }
    Ok(kept)
}

/// Whole, and on the disk before it is deleted.
fn keep(letter: &Letter, file: &Path) -> anyhow::Result<()> {
    let mut told = letter.told();
    told["body"] = letter.body.clone().into();
    told["attributes"] = json!(letter.attributes.0);
    let written = || -> std::io::Result<()> {
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let mut kept = OpenOptions::new().create(true).append(true).open(file)?;
        writeln!(kept, "{told}")?;
        kept.sync_all()
    };
    written()
        .with_context(|| format!("{} cannot be written: nothing more was deleted; name another --keep", file.display()))
}
