//! Owns the answer to one question: rankings fused, what says the same twice left out, tables beside passages.
//! Never a passage without its source.
//! Next: `library` stores the texts of the sources that are named here.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use contract::PortError;
use contract::documents::{Passage, PassageId, Source, Table};
use tantivy::DocAddress;

use super::Query;
use super::rank::{Ranker, fused};
use super::score::{Scored, Sheets, Weights};
use super::shelf::{Shelves, Spot};
use super::words::Asked;
use crate::corpus::index::fields::Kind;
use crate::corpus::index::words::terms;

/// How many more passages are ranked than are wanted, because some will say the same.
const SPARE: usize = 3;
/// Two passages say the same where this part of their word pairs is the same.
const SAME: f64 = 0.8;

/// Of all tables of one answer: it is recorded, handed on and stored several times over, each time as one artifact.
const TABLES_BYTES_MAX: usize = 4 << 20;
/// What stands around the text of a cell.
const CELL_BYTES: usize = 48;

#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) sources: Vec<(Source, Spot)>,
    pub(super) passages: Vec<Passage>,
    pub(super) tables: Vec<Table>,
    pub(super) left_out: Vec<String>,
}

/// A passage or table with what orders it among equals.
struct Placed<T> {
    score: f64,
    source: Source,
    page: Spot,
    what: T,
}

impl Answer {
    pub(super) fn of(query: &Query, rankers: &[Arc<dyn Ranker>], shelves: &Shelves) -> Result<Answer, PortError> {
        let mut answer = Answer::default();
        if shelves.0.is_empty() || query.question.trim().is_empty() {
            return Ok(answer);
        }
        if query.passages_max > 0 {
            answer.passages(query, rankers, shelves)?;
        }
        if query.tables_max > 0 {
            answer.tables(query, shelves)?;
        }
        Ok(answer)
    }

    fn passages(&mut self, query: &Query, rankers: &[Arc<dyn Ranker>], shelves: &Shelves) -> Result<(), PortError> {
        let depth = query.passages_max.saturating_mul(SPARE);
        let rankings: Result<Vec<_>, PortError> =
            rankers.iter().map(|ranker| ranker.rank(shelves, &query.question, depth)).collect();
        let mut seen: Vec<HashSet<u64>> = Vec::new();
        for ranked in fused(&rankings?) {
            if self.passages.len() >= query.passages_max {
                break;
            }
            let (page, of) = shelves.shelf(ranked.spot).page_of(ranked.spot.at)?;
            let (passage, _) = shelves.shelf(ranked.spot).passage(&of.source.id, ranked.spot.at)?;
            let pairs = word_pairs(&passage.quote);
            if seen.iter().any(|other| is_same(other, &pairs)) {
                continue;
            }
            seen.push(pairs);
            self.passages.push(Passage { relevance: ranked.strength, ..passage });
            self.name(of.source, Spot { at: page, ..ranked.spot });
        }
        Ok(())
    }

    fn tables(&mut self, query: &Query, shelves: &Shelves) -> Result<(), PortError> {
        let asked = Asked::of(&query.question);
        let mut sheets = Sheets::new(shelves, Weights::default());
        let worth = sheets.count_tables(&asked.words)?;
        let best = sheets.best(Kind::Table, query.tables_max);
        let best: Vec<Scored> = best.into_iter().filter(|scored| asked.is_met(&worth, scored.met)).collect();
        let top = best.first().map_or(1.0, |top| top.score);
        let mut placed = Vec::with_capacity(best.len());
        for Scored { spot, score, met } in best {
            let shelf = shelves.shelf(spot);
            let (page, of) = shelf.page_of(spot.at)?;
            let strength = f64::from(score / top) * f64::from(asked.coverage(&worth, met)).sqrt();
            let what = Table { relevance: strength.clamp(0.0, 1.0), ..shelf.table(spot.at)? };
            placed.push(Placed { score: f64::from(score), source: of.source, page: Spot { at: page, ..spot }, what });
        }
        in_order(&mut placed, |table| table.id.0.clone());
        let mut room_bytes = TABLES_BYTES_MAX;
        for Placed { source, page, what, .. } in placed.into_iter().take(query.tables_max) {
            let bytes: usize = what.rows.iter().flatten().map(|cell| CELL_BYTES + cell.text.len()).sum();
            if bytes > room_bytes {
                self.left_out.push(format!(
                    "the table {:?} of {}, {} rows",
                    what.title,
                    source.address,
                    what.rows.len()
                ));
                continue;
            }
            room_bytes -= bytes;
            self.rows(&what, &source, page, shelves)?;
            self.tables.push(what);
            self.name(source, page);
        }
        Ok(())
    }

    /// The passages that a table's rows stand in, so that a number leads back to them.
    fn rows(&mut self, table: &Table, source: &Source, page: Spot, shelves: &Shelves) -> Result<(), PortError> {
        let mut wanted: HashSet<&PassageId> = table.passages.iter().collect();
        for passage in &self.passages {
            wanted.remove(&passage.id);
        }
        let shelf = shelves.shelf(page);
        let (_, of) = shelf.page_of(page.at)?;
        for number in 1..=of.passages {
            if wanted.is_empty() {
                break;
            }
            let at = DocAddress::new(page.at.segment_ord, page.at.doc_id + number);
            let (passage, _) = shelf.passage(&source.id, at)?;
            if wanted.remove(&passage.id) {
                self.passages.push(passage);
            }
        }
        Ok(())
    }

    fn name(&mut self, source: Source, page: Spot) {
        if self.sources.iter().all(|(known, _)| known.id != source.id) {
            self.sources.push((source, page));
        }
    }
}

/// The best first; among equals by their place in the sources, since their place in the index is chance.
fn in_order<T>(placed: &mut [Placed<T>], id: impl Fn(&T) -> String) {
    placed.sort_by(|one, other| {
        other
            .score
            .total_cmp(&one.score)
            .then_with(|| {
                (&one.source.collection, &one.source.address).cmp(&(&other.source.collection, &other.source.address))
            })
            .then_with(|| id(&one.what).cmp(&id(&other.what)))
    });
}

impl Shelves {
    /// The whole text of a page.
    pub(crate) fn text(&self, page: Spot) -> Result<String, PortError> {
        let shelf = self.shelf(page);
        let (_, of) = shelf.page_of(page.at)?;
        shelf.text(page.at, &of)
    }
}

fn word_pairs(quote: &str) -> HashSet<u64> {
    let words = terms(quote);
    let hashed = |pair: &[String]| {
        let mut hasher = DefaultHasher::new();
        pair.hash(&mut hasher);
        hasher.finish()
    };
    if words.len() < 2 { HashSet::from([hashed(&words)]) } else { words.windows(2).map(hashed).collect() }
}

fn is_same(one: &HashSet<u64>, other: &HashSet<u64>) -> bool {
    let both = one.intersection(other).count() as f64;
    both >= SAME * (one.len() + other.len()) as f64 / (1.0 + SAME)
}
