//! Owns the numbering of references: one for each place that is cited, in the order of first citation.
//! Never a reference to what cannot be found: that is a fault.
//! Next: `offline` cites through it while it writes.

use std::collections::BTreeMap;

use contract::documents::{Analysed, Metric, Passage, PassageId, Place, Source, SourceId, Support};

use crate::bounds::{ROWS_QUOTE_BYTES_MAX, ROWS_QUOTES_MAX, SHOWN_QUOTE_BYTES_MAX};
use crate::report::{Quotation, Reference};
use crate::{Fault, Texts, escape};

pub(crate) struct References<'a> {
    texts: &'a Texts,
    passages: BTreeMap<&'a PassageId, &'a Passage>,
    sources: BTreeMap<&'a SourceId, &'a Source>,
    by_place: BTreeMap<(SourceId, u64, u64), u32>,
    pub(crate) all: Vec<Reference>,
    pub(crate) faults: Vec<Fault>,
}

/// Where the words of a support stand in the source's text. No words: the passage's own.
pub(crate) fn place_of(support: &Support, passage: &Passage) -> Option<Place> {
    if support.quote.is_empty() {
        return Some(passage.place);
    }
    let at = passage.quote.find(&support.quote)? as u64;
    let start = passage.place.start + at;
    Some(Place { start, end: start + support.quote.len() as u64 })
}

impl<'a> References<'a> {
    pub(crate) fn over(analysed: &'a Analysed, texts: &'a Texts) -> References<'a> {
        References {
            texts,
            passages: analysed.passages.iter().map(|passage| (&passage.id, passage)).collect(),
            sources: analysed.sources.iter().map(|source| (&source.id, source)).collect(),
            by_place: BTreeMap::new(),
            all: vec![],
            faults: vec![],
        }
    }

    /// The number of the reference to these words.
    pub(crate) fn cite(&mut self, support: &Support) -> Option<u32> {
        let Some(passage) = self.passages.get(&support.passage).copied() else {
            self.faults.push(Fault::NoPassage { passage: support.passage.to_string() });
            return None;
        };
        let Some(place) = place_of(support, passage) else {
            self.faults.push(Fault::NotInPassage { passage: passage.id.to_string(), quote: support.quote.clone() });
            return None;
        };
        let quote = if support.quote.is_empty() { &passage.quote } else { &support.quote };
        self.numbered(passage, place, quote.clone(), vec![passage.id.clone()])
    }

    /// By this, equal supports are known.
    pub(crate) fn place(&self, support: &Support) -> Option<(SourceId, u64, u64)> {
        let passage = self.passages.get(&support.passage)?;
        place_of(support, passage).map(|place| (passage.source.clone(), place.start, place.end))
    }

    pub(crate) fn has_rows(&self, citation: u32, metric: &Metric) -> bool {
        let Some(reference) = self.all.get(citation as usize - 1) else { return false };
        let mut rows = metric.evidence.iter().filter_map(|row| self.passages.get(row));
        rows.any(|row| row.source == reference.source && row.place.overlaps(reference.place))
    }

    /// The same, and its words for showing beside the statement.
    pub(crate) fn quoted(&mut self, support: &Support) -> Option<Quotation> {
        let citation = self.cite(support)?;
        let whole = &self.all.get(citation as usize - 1)?.quote;
        let text = escape::cut(whole.trim(), SHOWN_QUOTE_BYTES_MAX).to_owned();
        Some(Quotation { cut: text.len() < whole.trim().len(), text, citation })
    }

    /// The numbers of the references to where rows of a table stand: neighbouring rows are one place.
    pub(crate) fn cite_rows<'b>(&mut self, rows: impl IntoIterator<Item = &'b PassageId>) -> Vec<u32> {
        self.cite_runs(rows, ROWS_QUOTES_MAX)
    }

    /// Only the first such place.
    pub(crate) fn cite_first_rows<'b>(&mut self, rows: impl IntoIterator<Item = &'b PassageId>) -> Option<u32> {
        self.cite_runs(rows, 1).pop()
    }

    fn cite_runs<'b>(&mut self, rows: impl IntoIterator<Item = &'b PassageId>, most: usize) -> Vec<u32> {
        let mut places: Vec<(&Passage, &PassageId)> = vec![];
        for row in rows {
            match self.passages.get(row) {
                Some(passage) => places.push((passage, row)),
                None => self.faults.push(Fault::NoPassage { passage: row.to_string() }),
            }
        }
        places.sort_by(|a, b| (&a.0.source, a.0.place.start).cmp(&(&b.0.source, b.0.place.start)));
        let mut runs: Vec<(&Passage, Place, Vec<PassageId>)> = vec![];
        for (passage, id) in places {
            match runs.last_mut() {
                Some((first, place, ids)) if self.continues(first, *place, passage) => {
                    place.end = place.end.max(passage.place.end);
                    if ids.last() != Some(id) {
                        ids.push(id.clone());
                    }
                }
                _ => runs.push((passage, passage.place, vec![id.clone()])),
            }
        }
        let cited = runs.into_iter().take(most).filter_map(|(passage, place, ids)| {
            let quote = match self.texts.of(&passage.source).and_then(|text| place.of(text)) {
                Some(quote) if ids.len() > 1 => quote.to_owned(),
                _ => passage.quote.clone(),
            };
            self.numbered(passage, place, quote, ids)
        });
        cited.collect()
    }

    /// Whether a passage goes on where a place ends, and both are still a quote that a person would look at.
    fn continues(&self, first: &Passage, place: Place, next: &Passage) -> bool {
        let fits = next.place.end.saturating_sub(place.start) <= ROWS_QUOTE_BYTES_MAX as u64;
        let between = Place { start: place.end, end: next.place.start };
        let touches = next.place.start <= place.end
            || self
                .texts
                .of(&first.source)
                .and_then(|text| between.of(text))
                .is_some_and(|gap| gap.len() <= 4 && gap.trim().is_empty());
        first.source == next.source && touches && (fits || next.place.end <= place.end)
    }

    fn numbered(&mut self, passage: &Passage, place: Place, quote: String, ids: Vec<PassageId>) -> Option<u32> {
        let key = (passage.source.clone(), place.start, place.end);
        if let Some(number) = self.by_place.get(&key) {
            return Some(*number);
        }
        let Some(source) = self.sources.get(&passage.source).copied() else {
            self.faults.push(Fault::NoSource { passage: passage.id.to_string() });
            return None;
        };
        let number = u32::try_from(self.all.len() + 1).unwrap_or(u32::MAX);
        self.by_place.insert(key, number);
        self.all.push(Reference {
            number,
            source: source.id.clone(),
            passages: ids,
            title: source.title.clone(),
            address: source.address.clone(),
            collection: source.collection.clone(),
            date: source.date.clone(),
            headings: passage.headings.clone(),
            place,
            quote,
        });
        Some(number)
    }
}
