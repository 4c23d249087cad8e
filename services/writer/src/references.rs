//! Owns the numbering of references: one for each place that is cited, in the order of first citation.
//! Never a reference to what cannot be found: that is a fault.
//! Next: `offline` cites through it while it writes.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::{Analysed, Metric, Passage, PassageId, Place, Source, SourceId, Support, TableId};

use crate::bounds::{ROWS_QUOTE_BYTES_MAX, ROWS_QUOTES_MAX, SHOWN_QUOTE_BYTES_MAX};
use crate::report::{Quotation, Reference};
use crate::{Fault, Texts, escape};

/// Neighbouring rows.
#[derive(Clone)]
struct Run<'a> {
    first: &'a Passage,
    place: Place,
    rows: Vec<PassageId>,
}

pub(crate) struct References<'a> {
    metrics: &'a [Metric],
    by_table: BTreeMap<TableId, Vec<Run<'a>>>,
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
            metrics: &analysed.metrics,
            by_table: BTreeMap::new(),
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

    /// The same, and its words for showing beside the statement.
    pub(crate) fn quoted(&mut self, support: &Support) -> Option<Quotation> {
        let citation = self.cite(support)?;
        let whole = &self.all.get(citation as usize - 1)?.quote;
        let text = escape::cut(whole.trim(), SHOWN_QUOTE_BYTES_MAX).to_owned();
        Some(Quotation { cut: text.len() < whole.trim().len(), text, citation })
    }

    /// The numbers of the references to where the rows of metrics stand: neighbouring rows are one place.
    pub(crate) fn cite_rows(&mut self, metrics: &[&Metric]) -> Vec<u32> {
        let tables: BTreeSet<&TableId> = metrics.iter().map(|metric| &metric.table).collect();
        let mut cited = vec![];
        for table in tables {
            let rows: BTreeSet<&PassageId> = metrics.iter().flat_map(|metric| &metric.evidence).collect();
            let runs = self.runs(table).into_iter().filter(|run| run.rows.iter().any(|row| rows.contains(row)));
            for run in runs.take(ROWS_QUOTES_MAX).collect::<Vec<_>>() {
                cited.extend(self.cite_run(run));
            }
        }
        cited
    }

    /// Only the place that has most of the rows.
    pub(crate) fn cite_most_rows(&mut self, metric: &Metric) -> Option<u32> {
        let has = |run: &Run<'_>| metric.evidence.iter().filter(|row| run.rows.contains(row)).count();
        let mut best: Option<Run<'a>> = None;
        for run in self.runs(&metric.table) {
            if has(&run) > best.as_ref().map_or(0, has) {
                best = Some(run);
            }
        }
        self.cite_run(best?)
    }

    /// Where the rows stand that were computed on, of one table: the same places whoever cites them.
    fn runs(&mut self, table: &TableId) -> Vec<Run<'a>> {
        if let Some(runs) = self.by_table.get(table) {
            return runs.clone();
        }
        let rows: BTreeSet<&PassageId> =
            self.metrics.iter().filter(|metric| metric.table == *table).flat_map(|metric| &metric.evidence).collect();
        let mut places: Vec<&Passage> = vec![];
        for row in rows {
            match self.passages.get(row) {
                Some(passage) => places.push(passage),
                None => self.faults.push(Fault::NoPassage { passage: row.to_string() }),
            }
        }
        places.sort_by(|a, b| (&a.source, a.place.start).cmp(&(&b.source, b.place.start)));
        let mut runs: Vec<Run<'a>> = vec![];
        for passage in places {
            match runs.last_mut() {
                Some(run) if self.continues(run, passage) => {
                    run.place.end = run.place.end.max(passage.place.end);
                    run.rows.push(passage.id.clone());
                }
                _ => runs.push(Run { first: passage, place: passage.place, rows: vec![passage.id.clone()] }),
            }
        }
        self.by_table.insert(table.clone(), runs.clone());
        runs
    }

    fn cite_run(&mut self, run: Run<'a>) -> Option<u32> {
        let whole = self.texts.of(&run.first.source).and_then(|text| run.place.of(text)).map(str::to_owned);
        match whole {
            Some(quote) if run.rows.len() > 1 => self.numbered(run.first, run.place, quote, run.rows),
            _ => self.numbered(run.first, run.first.place, run.first.quote.clone(), vec![run.first.id.clone()]),
        }
    }

    /// Whether a passage goes on where a place ends, and both are still a quote that a person would look at.
    fn continues(&self, run: &Run<'_>, next: &Passage) -> bool {
        let (first, place) = (run.first, run.place);
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
