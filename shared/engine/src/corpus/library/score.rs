//! Owns the counting: how well the words of a question fit every passage, its headings, its page and its neighbours.
//! Never the text itself: only postings and lengths, so that a question costs milliseconds.
//! Next: `words` looks more closely at the best of them.

use std::collections::HashMap;

use contract::PortError;
use tantivy::postings::Postings;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocSet, TERMINATED, Term};

use super::shelf::{Segment, Shelves, Spot};
use crate::corpus::index::broken;
use crate::corpus::index::fields::{Fields, Kind};

/// How many times as many as were wanted are looked at, where they are all alike.
const TIES: usize = 4;

/// What counts how much. Chosen on the tuning half of `bench/eval`, where a wide range around each does as well.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// How soon another occurrence of the same word counts little.
    pub saturation: f32,
    /// How much a long passage is held to be long-winded.
    pub length: f32,
    pub headings: f32,
    pub title: f32,
    /// Of the page as a whole.
    pub page: f32,
    /// Of the passage before and the one after.
    pub neighbours: f32,
    /// Of all words that the best passages bring beside the question's own.
    pub expansion: f32,
    /// Of words that stand as close to each other as in the question.
    pub closeness: f32,
}

impl Default for Weights {
    fn default() -> Weights {
        Weights {
            saturation: 0.9,
            length: 0.4,
            headings: 0.3,
            title: 0.4,
            page: 1.0,
            neighbours: 0.4,
            expansion: 0.1,
            closeness: 0.1,
        }
    }
}

/// One word and what it counts.
#[derive(Clone, Debug)]
pub(crate) struct Weighted {
    pub(crate) word: String,
    pub(crate) weight: f32,
    /// Which of the question's own words it is.
    pub(crate) bit: u64,
}

/// One row of counts for each document, one sheet for each segment.
#[derive(Debug)]
struct Sheet {
    own: Vec<f32>,
    /// At the page's document.
    page: Vec<f32>,
    met: Vec<u64>,
}

#[derive(Debug)]
pub(crate) struct Sheets<'a> {
    shelves: &'a Shelves,
    weights: Weights,
    sheets: Vec<Sheet>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scored {
    pub(crate) spot: Spot,
    pub(crate) score: f32,
    /// The question's words that stand in it, around it or above it.
    pub(crate) met: u64,
}

/// Where a word stands, and how often: segment (counted through), document, times.
struct Occurrences {
    found: Vec<(usize, u32, u32)>,
}

impl<'a> Sheets<'a> {
    pub(crate) fn new(shelves: &'a Shelves, weights: Weights) -> Sheets<'a> {
        let sheet = |segment: &Segment| Sheet {
            own: vec![0.0; segment.documents()],
            page: vec![0.0; segment.documents()],
            met: vec![0; segment.documents()],
        };
        Sheets { shelves, weights, sheets: shelves.segments().map(|(_, _, segment, _)| sheet(segment)).collect() }
    }

    /// Counts words in. What each is worth, for being rare among passages, in the order of the words.
    pub(crate) fn count(&mut self, words: &[Weighted]) -> Result<Vec<f32>, PortError> {
        let weights = self.weights;
        let mut worth = Vec::with_capacity(words.len());
        for word in words {
            let text = self.occurrences(&word.word, |fields| fields.text)?;
            worth.push(rarity(self.passages(), text.found.len()));
            self.add_own(&text, word, |fields| fields.text, 1.0)?;
            self.add_pages(&text, word.weight * weights.page);
            let headings = self.occurrences(&word.word, |fields| fields.headings)?;
            self.add_own(&headings, word, |fields| fields.headings, weights.headings)?;
            let titles = self.occurrences(&word.word, |fields| fields.title)?;
            self.add_titles(&titles, word)?;
        }
        Ok(worth)
    }

    /// The same for tables, whose words are one field.
    pub(crate) fn count_tables(&mut self, words: &[Weighted]) -> Result<Vec<f32>, PortError> {
        let mut worth = Vec::with_capacity(words.len());
        for word in words {
            let cells = self.occurrences(&word.word, |fields| fields.table)?;
            worth.push(rarity(self.total(|segment| segment.tables), cells.found.len()));
            self.add_own(&cells, word, |fields| fields.table, 1.0)?;
            let titles = self.occurrences(&word.word, |fields| fields.title)?;
            self.add_titles(&titles, word)?;
        }
        Ok(worth)
    }

    pub(crate) fn passages(&self) -> f32 {
        self.total(|segment| segment.passages)
    }

    /// How many passages have a word.
    pub(crate) fn passages_with(&self, word: &str) -> Result<usize, PortError> {
        let mut sum = 0;
        for (shelf, _, _, reader) in self.shelves.segments() {
            let field = self.shelves.0[shelf].fields.text;
            let index = reader.inverted_index(field).map_err(broken)?;
            sum += index.doc_freq(&Term::from_field_text(field, word)).map_err(broken)? as usize;
        }
        Ok(sum)
    }

    fn total(&self, of: impl Fn(&Segment) -> u32) -> f32 {
        self.shelves.segments().map(|(_, _, segment, _)| of(segment) as f32).sum()
    }

    fn occurrences(&self, word: &str, field: impl Fn(&Fields) -> Field) -> Result<Occurrences, PortError> {
        let mut found = Vec::new();
        for (number, (shelf, _, _, reader)) in self.shelves.segments().enumerate() {
            let field = field(&self.shelves.0[shelf].fields);
            let index = reader.inverted_index(field).map_err(broken)?;
            let term = Term::from_field_text(field, word);
            let Some(mut postings) = index.read_postings(&term, IndexRecordOption::WithFreqs).map_err(broken)? else {
                continue;
            };
            while postings.doc() != TERMINATED {
                if !reader.is_deleted(postings.doc()) {
                    found.push((number, postings.doc(), postings.term_freq()));
                }
                postings.advance();
            }
        }
        Ok(Occurrences { found })
    }

    /// BM25 of one field, onto the documents themselves.
    fn add_own(
        &mut self,
        occurrences: &Occurrences,
        word: &Weighted,
        field: impl Fn(&Fields) -> Field,
        weight: f32,
    ) -> Result<(), PortError> {
        if occurrences.found.is_empty() {
            return Ok(());
        }
        let (documents, words) = self.size(&field);
        let value = rarity(documents, occurrences.found.len()) * word.weight * weight;
        let (average, weights) = ((words / documents.max(1.0)).max(1.0), self.weights);
        let mut norms = Vec::new();
        for (shelf, _, _, reader) in self.shelves.segments() {
            norms.push(reader.get_fieldnorms_reader(field(&self.shelves.0[shelf].fields)).map_err(broken)?);
        }
        for (segment, document, times) in &occurrences.found {
            let length = norms[*segment].fieldnorm(*document) as f32 / average;
            let sheet = &mut self.sheets[*segment];
            sheet.own[*document as usize] += value * weights.saturated(*times as f32, length);
            sheet.met[*document as usize] |= word.bit;
        }
        Ok(())
    }

    /// How many documents may have such a field, and how many words stand in it.
    fn size(&self, field: &impl Fn(&Fields) -> Field) -> (f32, f32) {
        let (mut documents, mut words) = (0, 0);
        for (shelf, _, segment, _) in self.shelves.segments() {
            let fields = &self.shelves.0[shelf].fields;
            let field = field(fields);
            let (more, longer) = if field == fields.table {
                (segment.tables, segment.words.table)
            } else if field == fields.title {
                (segment.pages, segment.words.title)
            } else if field == fields.headings {
                (segment.passages, segment.words.headings)
            } else {
                (segment.passages, segment.words.text)
            };
            documents += more;
            words += longer;
        }
        (documents as f32, words as f32)
    }

    /// BM25 of whole pages: the words of a page are those of its passages, which stand one after the other.
    fn add_pages(&mut self, text: &Occurrences, weight: f32) {
        let segments: Vec<&Segment> = self.shelves.segments().map(|(_, _, segment, _)| segment).collect();
        let mut pages: Vec<(usize, u32, u32)> = Vec::new();
        for (segment, document, times) in &text.found {
            let page = segments[*segment].page_of(*document);
            match pages.last_mut() {
                Some((last, same, sum)) if (*last, *same) == (*segment, page) => *sum += times,
                _ => pages.push((*segment, page, *times)),
            }
        }
        let count = self.total(|segment| segment.pages);
        let words = segments.iter().map(|segment| segment.words.text).sum::<u64>() as f32;
        let (average, value) = ((words / count.max(1.0)).max(1.0), rarity(count, pages.len()) * weight);
        for (segment, page, times) in pages {
            let length = segments[segment].page_words[page as usize] as f32 / average;
            self.sheets[segment].page[page as usize] += value * saturated(times as f32, length, 1.2, 0.75);
        }
    }

    fn add_titles(&mut self, titles: &Occurrences, word: &Weighted) -> Result<(), PortError> {
        let (documents, words) = self.size(&|fields: &Fields| fields.title);
        let value = rarity(documents, titles.found.len()) * word.weight * self.weights.title;
        let average = (words / documents.max(1.0)).max(1.0);
        let mut norms = Vec::new();
        for (shelf, _, _, reader) in self.shelves.segments() {
            norms.push(reader.get_fieldnorms_reader(self.shelves.0[shelf].fields.title).map_err(broken)?);
        }
        for (segment, page, times) in &titles.found {
            let length = norms[*segment].fieldnorm(*page) as f32 / average;
            let sheet = &mut self.sheets[*segment];
            sheet.page[*page as usize] += value * saturated(*times as f32, length, 1.2, 0.75);
            sheet.met[*page as usize] |= word.bit;
        }
        Ok(())
    }

    /// The best of one kind; those that are as good as the last of them too.
    pub(crate) fn best(&self, kind: Kind, depth: usize) -> Vec<Scored> {
        let mut all = Vec::new();
        for ((shelf, within, segment, _), sheet) in self.shelves.segments().zip(&self.sheets) {
            for document in 0..segment.documents() as u32 {
                if segment.is(document, kind) {
                    let (score, met) = sheet.of(segment, document, kind, self.weights.neighbours);
                    if score > 0.0 {
                        let spot = Spot { shelf, at: DocAddress::new(within as u32, document) };
                        all.push(Scored { spot, score, met });
                    }
                }
            }
        }
        if all.len() > depth {
            let (_, last, _) = all.select_nth_unstable_by(depth, |one, other| other.score.total_cmp(&one.score));
            let last = last.score;
            all.retain(|scored| scored.score >= last);
        }
        // Those that are as good as the last one wanted stay, and not all of them: which of them do is no matter of where
        // in the index they stand, since that is chance.
        let segments: HashMap<(usize, u32), &Segment> =
            self.shelves.segments().map(|(shelf, within, segment, _)| ((shelf, within as u32), segment)).collect();
        let order = |spot: &Spot| {
            segments.get(&(spot.shelf, spot.at.segment_ord)).map(|segment| segment.order_of(spot.at.doc_id))
        };
        all.sort_by(|one, other| {
            let by_score = other.score.total_cmp(&one.score);
            by_score.then_with(|| (order(&one.spot), one.spot).cmp(&(order(&other.spot), other.spot)))
        });
        all.truncate(depth.saturating_mul(TIES));
        all
    }
}

impl Sheet {
    fn of(&self, segment: &Segment, document: u32, kind: Kind, neighbours: f32) -> (f32, u64) {
        let at = document as usize;
        let page = segment.page_of(document) as usize;
        let (mut score, mut met) = (self.own[at], self.met[at]);
        // What stands beside a passage makes it better, never an answer.
        if score <= 0.0 {
            return (0.0, 0);
        }
        if kind == Kind::Passage {
            // The document before a page's first passage is the page itself, and has no words of its own.
            for beside in [at - 1, at + 1] {
                if beside != page && beside < self.own.len() && segment.is(beside as u32, kind) {
                    score += neighbours * self.own[beside];
                    met |= self.met[beside];
                }
            }
        }
        (score + self.page[page], met | self.met[page])
    }
}

impl Weights {
    fn saturated(&self, times: f32, length: f32) -> f32 {
        saturated(times, length, self.saturation, self.length)
    }
}

fn saturated(times: f32, length: f32, saturation: f32, by_length: f32) -> f32 {
    times * (saturation + 1.0) / (times + saturation * (1.0 - by_length + by_length * length))
}

/// What a word is worth that stands in so many of all documents.
pub(crate) fn rarity(documents: f32, with: usize) -> f32 {
    let with = with as f32;
    (1.0 + (documents - with + 0.5).max(0.0) / (with + 0.5)).ln()
}
