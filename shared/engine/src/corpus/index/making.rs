//! Owns the index on disk while it is made: a folder, the writer's threads, and what is left when they are done.
//! Never a published file changed: the folder is a copy of its own.
//! Next: `pack` stores what `seal` left.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use contract::documents::SourceId;
use contract::{Artifacts, PortError};
use tantivy::indexer::{IndexWriterOptions, NoMergePolicy};
use tantivy::schema::Schema;
use tantivy::{Index, IndexWriter, SegmentMeta};
use tempfile::TempDir;

use super::fields::Fields;
use super::pack::{Packed, new_folder, pack};
use super::words::{TOKENIZER, analyzer};
use super::{Reading, broken, in_background};
use crate::corpus::library::shelf::Shelf;

const THREADS: usize = 2;
const HEAP_BYTES_PER_THREAD: usize = 40 << 20;
/// With more than the first, the smallest are merged until the second are left.
const SEGMENTS_MAX: usize = 12;
const SEGMENTS_LEFT: usize = 6;

/// Nothing is written before something is added: most ingests find nothing new.
pub(super) struct Making {
    folder: Mutex<Option<TempDir>>,
    open: OnceLock<Result<Open, PortError>>,
}

struct Open {
    /// Dropped first: its threads write to the folder, which could not be removed while they do.
    writer: IndexWriter,
    index: Index,
    fields: Fields,
    folder: TempDir,
}

/// Done, and ready to be packed.
pub(super) struct Made {
    folder: TempDir,
    index: Index,
}

impl Making {
    pub(super) fn nothing() -> Making {
        Making { folder: Mutex::new(None), open: OnceLock::new() }
    }

    pub(super) fn upon(folder: TempDir) -> Making {
        Making { folder: Mutex::new(Some(folder)), open: OnceLock::new() }
    }

    pub(super) fn add(&self, reading: &Reading) -> Result<(), PortError> {
        let open = self.opened()?;
        open.writer.run(open.fields.group(reading)?).map_err(broken)?;
        Ok(())
    }

    pub(super) fn remove(&self, source: &SourceId) -> Result<(), PortError> {
        let open = self.opened()?;
        open.writer.delete_term(open.fields.all_of(source));
        Ok(())
    }

    pub(super) async fn seal(self) -> Result<Arc<Made>, PortError> {
        self.opened()?;
        let open = self.open.into_inner().unwrap_or_else(|| Err(broken("was never opened")))?;
        in_background(move || open.seal()).await.map(Arc::new)
    }

    fn opened(&self) -> Result<&Open, PortError> {
        let opened = self.open.get_or_init(|| {
            let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner).take();
            Open::of(folder)
        });
        opened.as_ref().map_err(Clone::clone)
    }
}

impl Open {
    fn of(folder: Option<TempDir>) -> Result<Open, PortError> {
        let (schema, fields) = Fields::schema();
        let (index, folder) = match folder {
            Some(folder) => (open_index(&folder)?, folder),
            None => {
                let folder = new_folder()?;
                (create_index(&folder, schema)?, folder)
            }
        };
        let options = IndexWriterOptions::builder()
            .num_worker_threads(THREADS)
            .memory_budget_per_thread(HEAP_BYTES_PER_THREAD)
            .num_merge_threads(1)
            .build();
        let writer = index.writer_with_options(options).map_err(broken)?;
        // Merging is done once, at the end, so that what comes out does not depend on when a thread ran.
        writer.set_merge_policy(Box::new(NoMergePolicy));
        Ok(Open { writer, index, fields, folder })
    }

    fn seal(mut self) -> Result<Made, PortError> {
        self.writer.commit().map_err(broken)?;
        let merged = to_merge(self.index.searchable_segment_metas().map_err(broken)?);
        if !merged.is_empty() {
            self.writer.merge(&merged).wait().map_err(broken)?;
        }
        self.writer.wait_merging_threads().map_err(broken)?;
        Ok(Made { folder: self.folder, index: self.index })
    }
}

/// Whatever holds something that was removed, because its words would still count; and the smallest of too many.
fn to_merge(mut segments: Vec<SegmentMeta>) -> Vec<tantivy::index::SegmentId> {
    segments.sort_by_key(|segment| (!segment.has_deletes(), segment.num_docs()));
    let stale = segments.iter().filter(|segment| segment.has_deletes()).count();
    let left = segments.len() - stale + usize::from(stale > 0);
    let surplus = if left > SEGMENTS_MAX { segments.len() - SEGMENTS_LEFT } else { 0 };
    segments[..stale.max(surplus)].iter().map(SegmentMeta::id).collect()
}

impl Made {
    pub(super) async fn pack(&self, artifacts: &Arc<dyn Artifacts>) -> Result<Vec<Packed>, PortError> {
        let metas = self.index.load_metas().map_err(broken)?;
        let mut names: Vec<String> = metas
            .list_segment_files()
            .iter()
            .filter(|name| self.folder.path().join(name).is_file())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.push("meta.json".to_owned());
        names.sort();
        pack(self.folder.path(), &names, artifacts).await
    }

    /// What was read of a source, as it was added.
    pub(super) fn reading(&self, source: &SourceId) -> Result<Option<Reading>, PortError> {
        Shelf::over(&self.index)?.reading(source)
    }
}

fn create_index(folder: &TempDir, schema: Schema) -> Result<Index, PortError> {
    let index = Index::create_in_dir(folder.path(), schema).map_err(broken)?;
    index.tokenizers().register(TOKENIZER, analyzer());
    Ok(index)
}

pub(crate) fn open_index(folder: &TempDir) -> Result<Index, PortError> {
    let index = Index::open_in_dir(folder.path()).map_err(broken)?;
    index.tokenizers().register(TOKENIZER, analyzer());
    Ok(index)
}

/// For a few readings that are asked once.
pub(crate) fn index_in_memory(readings: &[Reading]) -> Result<Index, PortError> {
    let (schema, fields) = Fields::schema();
    let index = Index::create_in_ram(schema);
    index.tokenizers().register(TOKENIZER, analyzer());
    let options = IndexWriterOptions::builder().num_worker_threads(1).num_merge_threads(1).build();
    let mut writer: IndexWriter = index.writer_with_options(options).map_err(broken)?;
    writer.set_merge_policy(Box::new(NoMergePolicy));
    for reading in readings {
        writer.run(fields.group(reading)?).map_err(broken)?;
    }
    writer.commit().map_err(broken)?;
    writer.wait_merging_threads().map_err(broken)?;
    Ok(index)
}
