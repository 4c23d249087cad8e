//! Owns how a reading lies in the index: one group of documents, first its page, then its passages and tables.
//! Never a group parted: passages of a page stand beside each other, and so a neighbour is the next document.
//! Next: `index` adds groups, `library::shelf` reads them back.

use contract::PortError;
use contract::documents::{Passage, PassageId, Place, Source, SourceId, Table};
use serde::{Deserialize, Serialize};
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, STORED, STRING, Schema, TantivyDocument,
    TextFieldIndexing, TextOptions, Value,
};
use tantivy::{Term, indexer::UserOperation};

use super::broken;
use super::words::TOKENIZER;
use crate::corpus::Reading;

/// Another number: an index that an older program made is made anew.
pub(crate) const FORMAT: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Page,
    Passage,
    Table,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// The source's id, in every document of its group.
    pub(crate) source: Field,
    /// Place in the group and kind.
    pub(crate) slot: Field,
    pub(crate) text: Field,
    pub(crate) headings: Field,
    /// Title, date, and the last part of the address.
    pub(crate) title: Field,
    /// Title, columns and cells.
    pub(crate) table: Field,
    pub(crate) data: Field,
}

/// What is stored of a page beside its passages.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Page {
    pub(crate) source: Source,
    pub(crate) passages: u32,
    pub(crate) tables: u32,
    /// The text after the last passage; all of it where passages overlap.
    pub(crate) rest: String,
    pub(crate) whole: bool,
}

/// What is stored of a passage beside its words: its id, the text before it, its places and its headings.
#[derive(Debug, Serialize, Deserialize)]
struct Around(PassageId, String, [u64; 4], Vec<String>);

impl Fields {
    pub(crate) fn schema() -> (Schema, Fields) {
        let mut schema = Schema::builder();
        let words =
            TextFieldIndexing::default().set_tokenizer(TOKENIZER).set_index_option(IndexRecordOption::WithFreqs);
        let words = TextOptions::default().set_indexing_options(words);
        let fields = Fields {
            source: schema.add_text_field("source", STRING),
            slot: schema.add_u64_field("slot", NumericOptions::from(FAST) | INDEXED),
            text: schema.add_text_field("text", words.clone() | STORED),
            headings: schema.add_text_field("headings", words.clone()),
            title: schema.add_text_field("title", words.clone()),
            table: schema.add_text_field("table", words),
            data: schema.add_bytes_field("data", STORED),
        };
        (schema.build(), fields)
    }

    pub(crate) fn all_of(self, source: &SourceId) -> Term {
        Term::from_field_text(self.source, &source.0)
    }

    /// In the place of whatever that source was before.
    pub(crate) fn group(self, reading: &Reading) -> Result<Vec<UserOperation>, PortError> {
        let whole = !are_in_order(&reading.passages);
        let mut operations = vec![UserOperation::Delete(self.all_of(&reading.source.id))];
        let mut passages = Vec::with_capacity(reading.passages.len());
        let mut at = 0;
        for passage in &reading.passages {
            if !passage.stands_in(&reading.text) {
                return Err(PortError::permanent(format!(
                    "{}: {} is not its text",
                    reading.source.address, passage.id
                )));
            }
            let gap = if whole { "" } else { slice(&reading.text, at, passage.place.start) };
            at = passage.place.end;
            passages.push(self.passage(passage, gap)?);
        }
        let rest = if whole { reading.text.as_str() } else { slice(&reading.text, at, reading.text.len() as u64) };
        let tables = reading.tables.iter().map(|table| self.table(table)).collect::<Result<Vec<_>, _>>()?;
        let page = self.page(reading, rest, whole)?;
        for (ordinal, (mut document, kind)) in [(page, Kind::Page)]
            .into_iter()
            .chain(passages.into_iter().map(|document| (document, Kind::Passage)))
            .chain(tables.into_iter().map(|document| (document, Kind::Table)))
            .enumerate()
        {
            document.add_text(self.source, &reading.source.id.0);
            document.add_u64(self.slot, slot(ordinal as u64, kind));
            operations.push(UserOperation::Add(document));
        }
        Ok(operations)
    }

    fn page(self, reading: &Reading, rest: &str, whole: bool) -> Result<TantivyDocument, PortError> {
        let source = &reading.source;
        let mut document = TantivyDocument::new();
        let name = source.address.rsplit('/').next().unwrap_or_default();
        let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        document
            .add_text(self.title, format!("{} {name} {}", source.title, source.date.as_deref().unwrap_or_default()));
        let page = Page {
            source: source.clone(),
            passages: reading.passages.len() as u32,
            tables: reading.tables.len() as u32,
            rest: rest.to_owned(),
            whole,
        };
        document.add_bytes(self.data, &serde_json::to_vec(&page).map_err(broken)?);
        Ok(document)
    }

    fn passage(self, passage: &Passage, gap: &str) -> Result<TantivyDocument, PortError> {
        let mut document = TantivyDocument::new();
        document.add_text(self.text, &passage.quote);
        if !passage.headings.is_empty() {
            document.add_text(self.headings, passage.headings.join("\n"));
        }
        let places = [passage.place.start, passage.place.end, passage.origin.start, passage.origin.end];
        let around = Around(passage.id.clone(), gap.to_owned(), places, passage.headings.clone());
        document.add_bytes(self.data, &serde_json::to_vec(&around).map_err(broken)?);
        Ok(document)
    }

    fn table(self, table: &Table) -> Result<TantivyDocument, PortError> {
        let mut document = TantivyDocument::new();
        let columns = table.columns.iter().map(|column| column.name.as_str());
        let cells = table.rows.iter().flatten().map(|cell| cell.text.as_str());
        let words: Vec<&str> = std::iter::once(table.title.as_str()).chain(columns).chain(cells).collect();
        document.add_text(self.table, words.join("\n"));
        document.add_bytes(self.data, &serde_json::to_vec(table).map_err(broken)?);
        Ok(document)
    }

    pub(crate) fn stored<'a, T: Deserialize<'a>>(self, document: &'a TantivyDocument) -> Result<T, PortError> {
        let data = document.get_first(self.data).and_then(|value| value.as_bytes());
        serde_json::from_slice(data.unwrap_or_default()).map_err(broken)
    }

    pub(crate) fn quote(self, document: &TantivyDocument) -> &str {
        document.get_first(self.text).and_then(|value| value.as_str()).unwrap_or_default()
    }

    pub(crate) fn passage_id(self, document: &TantivyDocument) -> Result<PassageId, PortError> {
        self.stored::<Around>(document).map(|Around(id, ..)| id)
    }

    /// A passage, and the text before it.
    pub(crate) fn passage_of(
        self,
        source: SourceId,
        document: &TantivyDocument,
    ) -> Result<(Passage, String), PortError> {
        let Around(id, gap, [start, end, first, last], headings) = self.stored(document)?;
        let quote = self.quote(document).to_owned();
        let (place, origin) = (Place { start, end }, Place { start: first, end: last });
        Ok((Passage { id, source, place, origin, headings, quote, relevance: 0.0 }, gap))
    }
}

fn slot(ordinal: u64, kind: Kind) -> u64 {
    let kind = match kind {
        Kind::Page => 0,
        Kind::Passage => 1,
        Kind::Table => 2,
    };
    ordinal << 2 | kind
}

/// Place in the group, and kind.
pub(crate) fn of_slot(slot: u32) -> (u32, Kind) {
    let kind = match slot & 3 {
        0 => Kind::Page,
        1 => Kind::Passage,
        _ => Kind::Table,
    };
    (slot >> 2, kind)
}

fn are_in_order(passages: &[Passage]) -> bool {
    passages.windows(2).all(|pair| pair[0].place.end <= pair[1].place.start)
}

fn slice(text: &str, start: u64, end: u64) -> &str {
    Place { start, end }.of(text).unwrap_or_default()
}
