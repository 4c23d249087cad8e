//! Owns one open version of a collection: its documents by place, and what is kept beside them in memory.
//! Never changed: a newer version is another shelf, and this one's folder goes when the last search of it is done.
//! Next: `score` runs over its postings, `library` takes passages, tables and sources from it.

use std::fmt;
use std::sync::Arc;

use contract::PortError;
use contract::documents::{Passage, Source, SourceId, Table};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet, Index, ReloadPolicy, Searcher, SegmentReader, TERMINATED, TantivyDocument};
use tempfile::TempDir;

use crate::corpus::Reading;
use crate::corpus::index::broken;
use crate::corpus::index::fields::{Fields, Kind, Page, of_slot};

/// Blocks of 16 KB that stay unpacked, for each segment.
const CACHED_BLOCKS: usize = 8;

pub(crate) struct Shelf {
    pub(crate) fields: Fields,
    pub(crate) searcher: Searcher,
    pub(crate) segments: Vec<Segment>,
    /// Dropped last: the files are mapped while the searcher lives.
    _folder: Option<TempDir>,
}

/// What a segment's documents are, by their number.
pub(crate) struct Segment {
    slots: Vec<u32>,
    /// Words of the passages of a page, at the page; 0 elsewhere.
    pub(crate) page_words: Vec<u32>,
    /// Words of all passages, headings, titles and tables. Counted from the lengths that scores are made of: what the
    /// index itself counts is an estimate once something was removed.
    pub(crate) words: Words,
    pub(crate) pages: u32,
    pub(crate) passages: u32,
    pub(crate) tables: u32,
    /// Pages, in their order, each with a number made of its source's id.
    sources: Vec<(u32, u64)>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Words {
    pub(crate) text: u64,
    pub(crate) headings: u64,
    pub(crate) title: u64,
    pub(crate) table: u64,
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("documents", &self.searcher.num_docs()).finish_non_exhaustive()
    }
}

impl Shelf {
    pub(crate) fn open(folder: TempDir) -> Result<Shelf, PortError> {
        let index = crate::corpus::index::open_index(&folder)?;
        Ok(Shelf { _folder: Some(folder), ..Shelf::over(&index)? })
    }

    /// Of an index that somebody else keeps.
    pub(crate) fn over(index: &Index) -> Result<Shelf, PortError> {
        let (_, fields) = Fields::schema();
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(CACHED_BLOCKS)
            .try_into()
            .map_err(broken)?;
        let searcher = reader.searcher();
        let segments: Result<Vec<Segment>, PortError> =
            searcher.segment_readers().iter().map(|reader| Segment::of(reader, fields)).collect();
        Ok(Shelf { fields, segments: segments?, searcher, _folder: None })
    }

    pub(crate) fn document(&self, at: DocAddress) -> Result<TantivyDocument, PortError> {
        self.searcher.doc(at).map_err(broken)
    }

    /// The page that a passage or table belongs to.
    pub(crate) fn page_of(&self, at: DocAddress) -> Result<(DocAddress, Page), PortError> {
        let segment = &self.segments[at.segment_ord as usize];
        let page = DocAddress::new(at.segment_ord, segment.page_of(at.doc_id));
        Ok((page, self.fields.stored(&self.document(page)?)?))
    }

    /// The passage there, and the text between it and the one before.
    pub(crate) fn passage(&self, source: &SourceId, at: DocAddress) -> Result<(Passage, String), PortError> {
        self.fields.passage_of(source.clone(), &self.document(at)?)
    }

    pub(crate) fn table(&self, at: DocAddress) -> Result<Table, PortError> {
        self.fields.stored(&self.document(at)?)
    }

    /// A source's whole text.
    pub(crate) fn text(&self, at: DocAddress, page: &Page) -> Result<String, PortError> {
        if page.whole {
            return Ok(page.rest.clone());
        }
        let mut text = String::new();
        for passage in 1..=page.passages {
            let (passage, gap) = self.passage(&page.source.id, DocAddress::new(at.segment_ord, at.doc_id + passage))?;
            text.push_str(&gap);
            text.push_str(&passage.quote);
        }
        text.push_str(&page.rest);
        Ok(text)
    }

    /// A source as it was added.
    pub(crate) fn reading(&self, source: &SourceId) -> Result<Option<Reading>, PortError> {
        let Some(at) = self.find(source)? else { return Ok(None) };
        let page: Page = self.fields.stored(&self.document(at)?)?;
        let beside = |number: u32| DocAddress::new(at.segment_ord, at.doc_id + number);
        let passages = (1..=page.passages).map(|number| Ok(self.passage(source, beside(number))?.0));
        let tables = (1..=page.tables).map(|number| self.table(beside(page.passages + number)));
        Ok(Some(Reading {
            text: self.text(at, &page)?,
            passages: passages.collect::<Result<_, PortError>>()?,
            tables: tables.collect::<Result<_, PortError>>()?,
            source: Source { text: None, ..page.source },
        }))
    }

    fn find(&self, source: &SourceId) -> Result<Option<DocAddress>, PortError> {
        let term = self.fields.all_of(source);
        for (number, reader) in self.searcher.segment_readers().iter().enumerate() {
            let postings = reader.inverted_index(self.fields.source).map_err(broken)?;
            let found = postings.read_postings(&term, IndexRecordOption::Basic).map_err(broken)?;
            let first = found.map_or(TERMINATED, |found| found.doc());
            if first != TERMINATED {
                return Ok(Some(DocAddress::new(number as u32, first)));
            }
        }
        Ok(None)
    }
}

impl Segment {
    fn of(reader: &SegmentReader, fields: Fields) -> Result<Segment, PortError> {
        let column = reader.fast_fields().u64("slot").map_err(broken)?;
        let norms = |field| reader.get_fieldnorms_reader(field).map_err(broken);
        let (text, headings) = (norms(fields.text)?, norms(fields.headings)?);
        let (title, table) = (norms(fields.title)?, norms(fields.table)?);
        let documents = reader.max_doc();
        let (mut slots, mut page_words) = (Vec::with_capacity(documents as usize), vec![0; documents as usize]);
        let (mut pages, mut passages, mut tables, mut words) = (0, 0, 0, Words::default());
        for document in 0..documents {
            let slot = column.first(document).and_then(|slot| u32::try_from(slot).ok());
            let slot = slot.ok_or_else(|| broken("a document has no place"))?;
            slots.push(slot);
            let (ordinal, kind) = of_slot(slot);
            let page = document.checked_sub(ordinal).ok_or_else(|| broken("a page is not where it should be"))?;
            if reader.is_deleted(document) {
                continue;
            }
            match kind {
                Kind::Page => {
                    pages += 1;
                    words.title += u64::from(title.fieldnorm(document));
                }
                Kind::Table => {
                    tables += 1;
                    words.table += u64::from(table.fieldnorm(document));
                }
                Kind::Passage => {
                    passages += 1;
                    page_words[page as usize] += text.fieldnorm(document);
                    words.text += u64::from(text.fieldnorm(document));
                    words.headings += u64::from(headings.fieldnorm(document));
                }
            }
        }
        let sources = sources(reader, fields)?;
        Ok(Segment { slots, page_words, words, pages, passages, tables, sources })
    }

    /// A place among all documents that is the same in whatever order they were added: by source, then in its group.
    pub(crate) fn order_of(&self, document: u32) -> (u64, u32) {
        let page = self.page_of(document);
        let source = self.sources.binary_search_by_key(&page, |(page, _)| *page).map(|at| self.sources[at].1);
        (source.unwrap_or_default(), document - page)
    }

    pub(crate) fn documents(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn page_of(&self, document: u32) -> u32 {
        document - of_slot(self.slots[document as usize]).0
    }

    pub(crate) fn is(&self, document: u32, kind: Kind) -> bool {
        of_slot(self.slots[document as usize]).1 == kind
    }
}

fn sources(reader: &SegmentReader, fields: Fields) -> Result<Vec<(u32, u64)>, PortError> {
    let ids = reader.inverted_index(fields.source).map_err(broken)?;
    let mut all = ids.terms().stream().map_err(broken)?;
    let mut sources = Vec::with_capacity(ids.terms().num_terms());
    while all.advance() {
        let mut group = ids.read_postings_from_terminfo(all.value(), IndexRecordOption::Basic).map_err(broken)?;
        while group.doc() != TERMINATED && reader.is_deleted(group.doc()) {
            group.advance();
        }
        if group.doc() != TERMINATED {
            // An id is a letter, a dash and twelve hexadecimal digits.
            let digits = std::str::from_utf8(all.key()).ok().and_then(|id| id.get(2..)).unwrap_or_default();
            sources.push((group.doc(), u64::from_str_radix(digits, 16).unwrap_or_default()));
        }
    }
    sources.sort_unstable();
    Ok(sources)
}

/// One document of one of several shelves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    pub(crate) shelf: usize,
    pub(crate) at: DocAddress,
}

/// The shelves that one question is asked over, as if they were one.
#[derive(Clone, Debug)]
pub struct Shelves(pub(crate) Vec<Arc<Shelf>>);

impl Shelves {
    pub(crate) fn shelf(&self, spot: Spot) -> &Shelf {
        &self.0[spot.shelf]
    }

    /// Every segment with its number: shelf, segment in it.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (usize, usize, &Segment, &SegmentReader)> {
        self.0.iter().enumerate().flat_map(|(number, shelf)| {
            let readers = shelf.searcher.segment_readers();
            let both = shelf.segments.iter().zip(readers).enumerate();
            both.map(move |(within, (segment, reader))| (number, within, segment, reader))
        })
    }
}
