//! Owns filling collections from the command line.
//! Never a queue or a table: only artifacts are written.
//! Next: `engine::corpus` reads the files; research finds the new version by itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::ensure;
use contract::Artifacts;
use engine::corpus;

use crate::exit::Exit;
use crate::reach::Where;
use crate::screen::Screen;
use crate::show;

/// Read folders and files into a collection, where the environment says that artifacts are kept
#[derive(Debug, clap::Args)]
pub(crate) struct Asked {
    /// Folders and files
    #[arg(required = true, value_name = "DIR")]
    sources: Vec<PathBuf>,
    #[arg(long, value_name = "NAME", default_value = corpus::DEFAULT_COLLECTION)]
    collection: String,
}

/// Done where every file could be read.
pub(crate) async fn run(asked: &Asked, place: &Where, _screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach().await?;
    let artifacts = &reach.ports.artifacts;
    let mut all = true;
    for folder in &asked.sources {
        ensure!(folder.exists(), "{} does not exist", folder.display());
    }
    // A folder takes what is not in it out of the collection: there is one at most, and it comes before single files.
    let (folders, files): (Vec<_>, Vec<_>) = asked.sources.iter().partition(|source| source.is_dir());
    ensure!(folders.len() < 2, "each of two folders would remove what the other has: ingest them into two collections");
    for folder in folders.into_iter().chain(files) {
        all &= one(folder, &asked.collection, artifacts).await?;
    }
    Ok(if all { Exit::Done } else { Exit::Failed })
}

/// One folder or file; whether all of it could be read.
pub(crate) async fn one(folder: &Path, collection: &str, artifacts: &Arc<dyn Artifacts>) -> anyhow::Result<bool> {
    let told = corpus::ingest(folder, collection, artifacts, &*corpus::ingest::shown()).await?;
    show::ingested(&folder.display().to_string(), &told);
    Ok(told.failed.is_empty())
}
