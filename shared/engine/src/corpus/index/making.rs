//! Owns the index on disk while it is made: a folder, the writer's threads, and what is left when they are done.
//! Never a published file changed: the folder is a copy of its own.
//! Next: `pack` stores what `seal` left.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use contract::documents::SourceId;
use contract::{Artifacts, PortError};
use tantivy::indexer::{IndexWriterOptions, NoMergePolicy, UserOperation};
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
    /// Held while operations are handed to the writer. It numbers them first and queues them afterwards: two threads in
    /// between queue a removal behind a later one, and the earlier one is then found too late, when it is taken to be
    /// about whatever its segment holds. A source that was just added is gone.
    in_turn: Mutex<()>,
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
        open.hand_over(open.fields.group(reading)?)
    }

    pub(super) fn remove(&self, source: &SourceId) -> Result<(), PortError> {
        let open = self.opened()?;
        open.hand_over([UserOperation::Delete(open.fields.all_of(source))])
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
        Ok(Open { writer, index, fields, folder, in_turn: Mutex::new(()) })
    }

    fn hand_over<Group>(&self, group: Group) -> Result<(), PortError>
    where
        Group: IntoIterator<Item = UserOperation>,
        Group::IntoIter: ExactSizeIterator,
    {
        let _turn = self.in_turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.writer.run(group).map_err(broken)?;
        Ok(())
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

    /// What was added, to be read again.
    pub(super) fn shelf(&self) -> Result<Shelf, PortError> {
        Shelf::over(&self.index)
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::corpus::{Raw, read};

    fn reading(address: &str, paragraphs: usize) -> Reading {
        let text = format!("# {address}\n\n{}", "Herons stand in the water and wait.\n\n".repeat(paragraphs));
        let raw = Raw { collection: "birds", address, mediatype: None, bytes: text.as_bytes() };
        read(raw).unwrap()
    }

    /// A group that, when the writer has numbered it and asks for its first operation, lets somebody else go first.
    struct Slow<Before> {
        group: std::vec::IntoIter<UserOperation>,
        before: Option<Before>,
    }

    impl<Before: FnOnce()> Iterator for Slow<Before> {
        type Item = UserOperation;

        fn next(&mut self) -> Option<UserOperation> {
            if let Some(before) = self.before.take() {
                before();
            }
            self.group.next()
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            self.group.size_hint()
        }
    }

    impl<Before: FnOnce()> ExactSizeIterator for Slow<Before> {}

    #[test]
    fn a_source_whose_thread_is_overtaken_while_it_hands_it_over_is_not_lost() {
        let (small, large) = (reading("small.md", 1), reading("large.md", 20_000));
        let making = Making::nothing();
        let open = making.opened().unwrap();
        let (begun, begin) = mpsc::channel();
        let (done, overtaken) = mpsc::channel();
        let (small_one, large_one) = (&small, &large);
        std::thread::scope(|threads| {
            threads.spawn(move || {
                begin.recv().unwrap();
                // Large, so that one of the writer's threads is busy with it, and the other takes the small one.
                open.hand_over(open.fields.group(large_one).unwrap()).unwrap();
                let _ = done.send(());
            });
            let before = move || {
                begun.send(()).unwrap();
                // Who must wait for its turn does not come.
                let _ = overtaken.recv_timeout(Duration::from_secs(1));
            };
            let group = open.fields.group(small_one).unwrap().into_iter();
            open.hand_over(Slow { group, before: Some(before) }).unwrap();
        });
        let made = making.open.into_inner().unwrap().unwrap().seal().unwrap();
        let shelf = made.shelf().unwrap();
        for source in [&small.source, &large.source] {
            assert!(shelf.reading(&source.id).unwrap().is_some(), "{} is lost", source.address);
        }
    }
}
