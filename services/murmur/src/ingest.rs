//! Owns filling collections from the command line.
//! Never a queue or a table: only artifacts are written.
//! Next: `engine::corpus` reads the files; research finds the new version by itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::Artifacts;
use engine::corpus::{self, Ingested};
use serde_json::{Value, json};

use crate::exit::{Exit, Misused};
use crate::reach::Where;
use crate::screen::Screen;
use crate::show;

/// Read folders and files into a collection, for goals to use
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  murmur ingest ./prices --collection pricing")]
pub(crate) struct Asked {
    /// Folders and files
    #[arg(required = true, value_name = "DIR")]
    sources: Vec<PathBuf>,
    /// Goals name the collections that they use; one that names none uses this
    #[arg(long, value_name = "NAME", default_value = corpus::DEFAULT_COLLECTION, value_parser = collection)]
    collection: String,
}

/// The name of one.
pub(crate) fn collection(text: &str) -> Result<String, String> {
    corpus::named(text).map(|()| text.to_owned()).map_err(|why| why.to_string())
}

/// Done where every file could be read.
pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    for folder in &asked.sources {
        if !folder.exists() {
            return Err(Misused(format!("{} does not exist", folder.display())).into());
        }
    }
    // A folder takes what is not in it out of the collection: there is one at most, and it comes before single files.
    let (folders, files): (Vec<_>, Vec<_>) = asked.sources.iter().partition(|source| source.is_dir());
    if folders.len() > 1 {
        let why = "each of two folders would remove what the other has: ingest them into two collections";
        return Err(Misused(why.into()).into());
    }
    let reach = place.reach().await?;
    let artifacts = &reach.ports.artifacts;
    let (mut all, mut sources) = (true, vec![]);
    for folder in folders.into_iter().chain(files) {
        let told = one(screen, folder, &asked.collection, artifacts).await?;
        all &= told.failed.is_empty();
        sources.push(document(folder, &told));
    }
    if screen.json {
        screen.document(&json!({"collection": asked.collection, "sources": sources}))?;
    }
    Ok(if all { Exit::Done } else { Exit::Failed })
}

fn document(folder: &Path, told: &Ingested) -> Value {
    let failed: Vec<_> = told.failed.iter().map(|(what, why)| json!({"address": what, "why": why})).collect();
    json!({
        "source": folder.display().to_string(), "version": told.version, "read": told.read, "unchanged": told.unchanged,
        "removed": told.removed, "passages": told.passages, "tables": told.tables, "failed": failed,
    })
}

/// One folder or file, and what became of it.
pub(crate) async fn one(
    screen: Screen,
    folder: &Path,
    collection: &str,
    artifacts: &Arc<dyn Artifacts>,
) -> anyhow::Result<Ingested> {
    let told = corpus::ingest(folder, collection, artifacts, &*corpus::ingest::shown()).await?;
    show::ingested(screen, &folder.display().to_string(), &told);
    Ok(told)
}
