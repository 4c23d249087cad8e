//! Owns the measure: SQLite's FTS5 over the very same passages, with its own bm25 and its Porter stemmer.
//! Never helped and never hindered: all words of the question, any of which may match.
//! Next: `main` holds both against the gold.

use std::path::Path;

use anyhow::Context as _;
use contract::documents::Place;
use engine::corpus::{Raw, read};
use rusqlite::{Connection, params};

use super::{COLLECTION, pages};

pub(crate) struct Fts(Connection);

impl Fts {
    pub(crate) fn over(manuals: &Path) -> anyhow::Result<Fts> {
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch(
            "CREATE TABLE place(id INTEGER PRIMARY KEY, address TEXT, first INTEGER, last INTEGER);
             CREATE VIRTUAL TABLE passage USING fts5(text, content='', tokenize='porter');",
        )?;
        let transaction = connection.transaction()?;
        {
            let mut place = transaction.prepare("INSERT INTO place VALUES (?, ?, ?, ?)")?;
            let mut passage = transaction.prepare("INSERT INTO passage(rowid, text) VALUES (?, ?)")?;
            let mut id = 0_i64;
            for (address, path) in pages(manuals)? {
                let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
                let raw = Raw { collection: COLLECTION, address: &address, mediatype: None, bytes: &bytes };
                let Ok(reading) = read(raw) else { continue };
                for found in reading.passages {
                    id += 1;
                    place.execute(params![id, address, found.origin.start as i64, found.origin.end as i64])?;
                    passage.execute(params![id, found.quote])?;
                }
            }
        }
        transaction.commit()?;
        Ok(Fts(connection))
    }

    pub(crate) fn search(&self, question: &str, count: usize) -> anyhow::Result<Vec<(String, Place)>> {
        let words: Vec<String> = question
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| format!("\"{word}\""))
            .collect();
        let mut ranked = self.0.prepare_cached(
            "SELECT address, first, last FROM passage JOIN place ON place.id = passage.rowid
             WHERE passage MATCH ? ORDER BY bm25(passage), passage.rowid LIMIT ?",
        )?;
        let place = |row: &rusqlite::Row<'_>| {
            let (start, end): (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok((row.get(0)?, Place { start: start as u64, end: end as u64 }))
        };
        let rows = ranked.query_map(params![words.join(" OR "), count as i64], place)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
