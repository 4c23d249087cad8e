//! Owns all tasks' evidence as one: each source, passage and table once, and which passages each question brought.
//! Never cites what it does not have: a passage without its source, or a row without its passage, is left out.
//! Next: `offline` computes and compares over it.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::{Gathered, Missed, Passage, PassageId, Source, SourceId, Table, TableId};
use contract::{Digest, UnixMs};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::words;

/// Words this short stand in many places without being copied.
const COPY_BYTES_MIN: usize = 40;

#[derive(Debug, Default)]
pub(crate) struct Pool {
    pub(crate) sources: BTreeMap<SourceId, Source>,
    pub(crate) passages: Vec<Passage>,
    pub(crate) tables: Vec<Table>,
    /// Each question, with its passages, the best first.
    pub(crate) asked: Vec<(String, Vec<PassageId>)>,
    pub(crate) missed: Vec<Missed>,
    /// Sources whose words all stand in another one as well, word for word, by passage.
    pub(crate) copies: usize,
    /// Words of the topic that some task found in no collection.
    unknown: BTreeSet<String>,
    index: BTreeMap<PassageId, usize>,
    /// How well each table answers the questions that brought it: 0 to 1.
    brought: BTreeMap<(String, TableId), f64>,
}

impl Pool {
    /// Of what was gathered up to this time. A source that is dated later is taken for undated: a page that says it is of
    /// the year 2999 would make every other one old.
    pub(crate) fn of(gathered: Vec<Gathered>, now: UnixMs) -> Pool {
        let last_day = last_day(now);
        let mut pool = Pool::default();
        let mut words = BTreeMap::new();
        let mut tables = BTreeSet::new();
        for mut found in gathered {
            let changed = pool.changed(&found.sources);
            found.passages.retain(|passage| !changed.contains(&passage.source));
            found.tables.retain(|table| !changed.contains(&table.source));
            for mut source in found.sources {
                source.date = source.date.filter(|date| last_day.as_ref().is_none_or(|last| date <= last));
                pool.sources.entry(source.id.clone()).or_insert(source);
            }
            let mut ids = vec![];
            for passage in found.passages {
                if let Some(id) = pool.take(passage, &mut words)
                    && !ids.contains(&id)
                {
                    ids.push(id);
                }
            }
            for table in &found.tables {
                pool.brought.insert((found.question.clone(), table.id.clone()), table.relevance.clamp(0.0, 1.0));
            }
            match pool.asked.iter_mut().find(|(question, _)| *question == found.question) {
                Some((_, before)) => {
                    before.extend(ids.into_iter().filter(|id| !before.contains(id)).collect::<Vec<_>>());
                }
                None => pool.asked.push((found.question, ids)),
            }
            pool.tables.extend(found.tables.into_iter().filter(|table| tables.insert(table.id.clone())));
            pool.missed.extend(found.missed);
            pool.unknown.extend(found.unknown);
        }
        pool.tables.retain(|table| pool.sources.contains_key(&table.source) && fits(table));
        for table in &mut pool.tables {
            for id in &mut table.passages {
                if let Some(kept) = pool.index.get(id) {
                    *id = pool.passages[*kept].id.clone();
                }
            }
        }
        pool.missed = distinct(std::mem::take(&mut pool.missed));
        pool
    }

    /// Sources that another task read before, with other words: a place in these is no place in those.
    fn changed(&mut self, sources: &[Source]) -> BTreeSet<SourceId> {
        let text = |source: &Source| source.text.as_ref().map_or(source.sha256.clone(), |text| text.sha256.clone());
        let is_other = |source: &&Source| self.sources.get(&source.id).is_some_and(|known| text(known) != text(source));
        let changed: Vec<&Source> = sources.iter().filter(is_other).collect();
        let why = "it changed between two readings: what the later one says is left out";
        self.missed.extend(changed.iter().map(|source| Missed { what: source.address.clone(), why: why.into() }));
        changed.into_iter().map(|source| source.id.clone()).collect()
    }

    fn take(&mut self, passage: Passage, words: &mut BTreeMap<Digest, usize>) -> Option<PassageId> {
        if !self.sources.contains_key(&passage.source) {
            return None;
        }
        if let Some(at) = self.index.get(&passage.id) {
            let kept = &mut self.passages[*at];
            kept.relevance = kept.relevance.max(passage.relevance);
            return Some(kept.id.clone());
        }
        let tidied = words::tidied(&passage.quote);
        if tidied.len() >= COPY_BYTES_MIN {
            let digest = Digest::of(tidied.as_bytes());
            if let Some(at) = words.get(&digest) {
                self.copies += usize::from(self.passages[*at].source != passage.source);
                self.index.insert(passage.id, *at);
                return Some(self.passages[*at].id.clone());
            }
            words.insert(digest, self.passages.len());
        }
        self.index.insert(passage.id.clone(), self.passages.len());
        self.passages.push(passage);
        self.passages.last().map(|passage| passage.id.clone())
    }

    /// How well a table answers a question; nothing where the question did not bring it.
    pub(crate) fn brought(&self, question: &str, table: &TableId) -> f64 {
        self.brought.get(&(question.to_owned(), table.clone())).copied().unwrap_or(0.0)
    }

    /// Words of the topic that nothing here has: what one task did not find, the address of another may say.
    pub(crate) fn unmentioned(&self) -> Vec<&String> {
        let titles = self.sources.values().map(|source| words::stems(&source.title));
        let passages =
            self.passages.iter().map(|one| words::stems(&format!("{} {}", one.headings.join(" "), one.quote)));
        let said: words::Stems = titles.chain(passages).flatten().collect();
        self.unknown.iter().filter(|word| words::stems(word).is_disjoint(&said)).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.passages.is_empty()
    }

    pub(crate) fn passage(&self, id: &PassageId) -> Option<&Passage> {
        self.index.get(id).map(|at| &self.passages[*at])
    }

    pub(crate) fn source(&self, id: &SourceId) -> Option<&Source> {
        self.sources.get(id)
    }

    /// The last part of the address; the whole of it where two sources end alike, and its collection where even that is
    /// the same: numbers are known by this name.
    pub(crate) fn name(&self, id: &SourceId) -> String {
        let Some(source) = self.sources.get(id) else { return id.to_string() };
        let last = last_part(&source.address);
        let alike = self.sources.values().filter(|other| last_part(&other.address) == last).count();
        match self.sources.values().filter(|other| other.address == source.address).count() {
            2.. => format!("{}:{}", source.collection, source.address),
            _ if alike > 1 => source.address.clone(),
            _ => last.to_owned(),
        }
    }

    /// The newest day that any source names.
    pub(crate) fn newest(&self) -> Option<&str> {
        self.sources.values().filter_map(|source| source.date.as_deref()).max()
    }

    /// Passages that a table's rows stand in.
    pub(crate) fn in_tables(&self) -> BTreeSet<&PassageId> {
        self.tables.iter().flat_map(|table| &table.passages).collect()
    }
}

/// Somewhere on earth it is tomorrow already.
fn last_day(now: UnixMs) -> Option<String> {
    let today = Timestamp::from_millisecond(now.0).ok()?.to_zoned(TimeZone::UTC).date();
    today.tomorrow().ok().map(|day| day.to_string())
}

fn last_part(address: &str) -> &str {
    let bare = address.split(['?', '#']).next().unwrap_or(address).trim_end_matches('/');
    bare.rsplit('/').next().unwrap_or(bare)
}

/// A table that does not keep its own promise is no table: as many cells as columns, a passage for each row.
fn fits(table: &Table) -> bool {
    let columns = table.columns.len();
    columns > 0 && table.rows.len() == table.passages.len() && table.rows.iter().all(|row| row.len() == columns)
}

fn distinct(missed: Vec<Missed>) -> Vec<Missed> {
    let mut seen = BTreeSet::new();
    missed.into_iter().filter(|one| seen.insert((one.what.clone(), one.why.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(address: &str, date: &str) -> Source {
        Source {
            id: SourceId::derive("web", address),
            address: address.into(),
            collection: "web".into(),
            title: address.into(),
            date: Some(date.into()),
            mediatype: "text/html".into(),
            sha256: Digest::of(address.as_bytes()),
            text: None,
        }
    }

    #[test]
    fn a_page_that_says_it_is_of_a_day_to_come_makes_no_other_one_old() {
        let sources = vec![dated("a", "2999-01-01"), dated("b", "2026-10-23"), dated("c", "2026")];
        let gathered = vec![Gathered { sources, ..Gathered::default() }];
        // 2026-11-18.
        let pool = Pool::of(gathered.clone(), UnixMs(1_795_000_000_000));
        assert_eq!(pool.newest(), Some("2026-10-23"));
        assert_eq!(pool.sources.values().filter(|source| source.date.is_none()).count(), 1);
        let later = Pool::of(gathered, UnixMs(32_500_000_000_000));
        assert_eq!(later.newest(), Some("2999-01-01"));
    }
}
