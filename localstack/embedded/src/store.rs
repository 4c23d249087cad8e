//! Owns what survives: one SQLite file of rows, each a key in a space with a JSON value, changed in whole transactions.
//! Never read while serving: the state lives in memory, rows are read at the start and after a commit that failed.
//! Next: `Journal` gathers one round's changes; `engine` commits them before it answers.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::checkpoints::Checkpoints;

/// The format of the rows. A directory of a later one is refused.
const FORMAT: i64 = 1;
/// 32 MB.
const LOG_PAGES_MAX: i64 = 8192;

/// What kind of thing a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Space {
    // sqs
    Queue = 1,
    /// What a message says: written once.
    Message = 2,
    /// Where a message stands: visibility, receives. Written at every receive.
    Flight = 3,
    Deduplication = 4,
    MoveTask = 5,
    // events
    Bus = 20,
    Rule = 21,
    Archive = 22,
    Archived = 23,
    Replay = 24,
    /// A delivery to a target that is still to be tried again.
    Pending = 25,
}

/// One row as it was stored.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) space: i64,
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
}

impl Row {
    pub(crate) fn is_in(&self, space: Space) -> bool {
        self.space == space as i64
    }
    pub(crate) fn is_of_sqs(&self) -> bool {
        self.space < Space::Bus as i64
    }
    pub(crate) fn value<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        serde_json::from_slice(&self.value).map_err(|why| StoreError::Row {
            space: self.space,
            key: self.key.clone(),
            why: why.to_string(),
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path}: {why}")]
    Directory { path: PathBuf, why: std::io::Error },
    #[error("{0} is in use by another embedded-cloud: stop that one, or name another --data directory")]
    Locked(PathBuf),
    #[error(
        "{path} was written by a later version (format {found}, this one knows {FORMAT}): use that version, or another directory"
    )]
    Newer { path: PathBuf, found: i64 },
    #[error("row {key} of space {space} cannot be read: {why}")]
    Row { space: i64, key: String, why: String },
    #[error("a thread does not start: {0}")]
    Thread(std::io::Error),
    #[error("{path}: {why}")]
    Sqlite { path: PathBuf, why: rusqlite::Error },
}

#[derive(Debug)]
enum Change {
    Put { space: Space, key: String, value: Vec<u8> },
    Delete { space: Space, key: String },
    DeleteUnder { space: Space, prefix: String },
}

/// The changes of one round, in order. In memory only, it keeps nothing.
#[derive(Debug)]
pub(crate) struct Journal {
    durable: bool,
    changes: Vec<Change>,
}

impl Journal {
    pub(crate) fn new(durable: bool) -> Journal {
        Journal { durable, changes: vec![] }
    }

    pub(crate) fn put(&mut self, space: Space, key: impl Into<String>, value: &impl Serialize) {
        if self.durable {
            // Our own types: strings, numbers and maps with string keys, which always have a JSON form.
            let value = serde_json::to_vec(value).unwrap_or_default();
            self.changes.push(Change::Put { space, key: key.into(), value });
        }
    }

    pub(crate) fn delete(&mut self, space: Space, key: impl Into<String>) {
        if self.durable {
            self.changes.push(Change::Delete { space, key: key.into() });
        }
    }

    /// Every row of that space whose key begins with `prefix`.
    pub(crate) fn delete_under(&mut self, space: Space, prefix: impl Into<String>) {
        if self.durable {
            self.changes.push(Change::DeleteUnder { space, prefix: prefix.into() });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.changes.clear();
    }
}

/// An open data directory. Its lock is held as long as this lives.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    rows: Connection,
    checkpoints: Checkpoints,
    _lock: std::fs::File,
}

impl Store {
    /// Opens or makes the directory; refuses one that is in use, or of a later version.
    pub(crate) fn open(directory: &Path) -> Result<Store, StoreError> {
        let failed = |why| StoreError::Directory { path: directory.to_owned(), why };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let lock = std::fs::File::create(directory.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(StoreError::Locked(directory.to_owned())),
            Err(std::fs::TryLockError::Error(why)) => return Err(failed(why)),
        }
        let path = directory.join("cloud.sqlite");
        let wrong = |why| StoreError::Sqlite { path: path.clone(), why };
        let rows = Connection::open(&path).map_err(wrong)?;
        let found: i64 = rows.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(wrong)?;
        if found > FORMAT {
            return Err(StoreError::Newer { path, found });
        }
        prepare(&rows, found == 0).map_err(wrong)?;
        let checkpoints = Checkpoints::start(&path).map_err(StoreError::Thread)?;
        Ok(Store { path, rows, checkpoints, _lock: lock })
    }

    /// Every row, in the order of spaces and keys.
    pub(crate) fn read(&self, mut each: impl FnMut(Row) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let wrong = |why| StoreError::Sqlite { path: self.path.clone(), why };
        let mut select = self.rows.prepare("SELECT space, key, value FROM row ORDER BY space, key").map_err(wrong)?;
        let mut rows = select.query([]).map_err(wrong)?;
        while let Some(row) = rows.next().map_err(wrong)? {
            let read = || Ok(Row { space: row.get(0)?, key: row.get(1)?, value: row.get(2)? });
            each(read().map_err(wrong)?)?;
        }
        Ok(())
    }

    /// All of the journal or nothing of it.
    pub(crate) fn commit(&mut self, journal: &mut Journal) -> Result<(), StoreError> {
        let wrong = |why| StoreError::Sqlite { path: self.path.clone(), why };
        let changes = journal.changes.len();
        let round = self.rows.transaction().map_err(wrong)?;
        for change in journal.changes.drain(..) {
            apply(&round, change).map_err(wrong)?;
        }
        round.commit().map_err(wrong)?;
        self.checkpoints.committed(changes);
        Ok(())
    }
}

/// WAL without a sync at every commit: it survives a killed process, which is what this server promises.
fn prepare(rows: &Connection, new: bool) -> rusqlite::Result<()> {
    if new {
        // Nothing is in it that could be lost, and each sync would be waited for by whoever starts the server.
        rows.pragma_update(None, "synchronous", "OFF")?;
    }
    rows.pragma_update(None, "journal_mode", "WAL")?;
    // `checkpoints` moves the log into the file before it is so long. Under a load without a pause it never has all of
    // it: then a commit here takes the rest, and the log begins anew.
    rows.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
    rows.pragma_update(None, "user_version", FORMAT)?;
    rows.set_prepared_statement_cache_capacity(8);
    rows.execute_batch(
        "CREATE TABLE IF NOT EXISTS row (space INTEGER, key TEXT, value BLOB NOT NULL, PRIMARY KEY (space, key)) WITHOUT ROWID",
    )?;
    rows.pragma_update(None, "synchronous", "NORMAL")
}

fn apply(round: &rusqlite::Transaction<'_>, change: Change) -> rusqlite::Result<()> {
    match change {
        Change::Put { space, key, value } => {
            let mut put = round.prepare_cached("INSERT OR REPLACE INTO row (space, key, value) VALUES (?, ?, ?)")?;
            put.execute(params![space as i64, key, value])?;
        }
        Change::Delete { space, key } => {
            round.prepare_cached("DELETE FROM row WHERE space = ? AND key = ?")?.execute(params![space as i64, key])?;
        }
        Change::DeleteUnder { space, prefix } => {
            // Keys are printable: nothing sorts behind U+10FFFF.
            let end = format!("{prefix}\u{10ffff}");
            round.prepare_cached("DELETE FROM row WHERE space = ? AND key >= ? AND key < ?")?.execute(params![
                space as i64,
                prefix,
                end
            ])?;
        }
    }
    Ok(())
}
