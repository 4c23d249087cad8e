//! Owns the way of what was committed from SQLite's log into its file: on a thread of its own, for it waits for the disk.
//! Never in a commit's way: a checkpoint that fails is tried again with the next, and the log holds all until then.
//! Next: `store` asks for one from time to time.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

/// About a thousand pages of the log, which is what SQLite takes by itself.
const CHANGES_BETWEEN: usize = 2000;

/// Ends its thread, and waits for it, when it goes.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    asks: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    changes: usize,
}

impl Checkpoints {
    pub(crate) fn start(path: &Path) -> std::io::Result<Checkpoints> {
        let (asks, asked) = sync_channel(1);
        let path = path.to_owned();
        let thread = std::thread::Builder::new().name("checkpoints".into()).spawn(move || serve(path, &asked))?;
        Ok(Checkpoints { asks: Some(asks), thread: Some(thread), changes: 0 })
    }

    pub(crate) fn committed(&mut self, changes: usize) {
        self.changes += changes;
        if self.changes >= CHANGES_BETWEEN {
            self.changes = 0;
            // Full: one is waiting already.
            self.asks.as_ref().map(|asks| asks.try_send(()).ok());
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the thread owns it")]
fn serve(path: PathBuf, asked: &Receiver<()>) {
    let mut log: Option<Connection> = None;
    while asked.recv().is_ok() {
        log = log.or_else(|| Connection::open(&path).ok());
        if let Some(log) = &log {
            // Passive: it takes what it can without holding anybody up.
            drop(log.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0)));
        }
    }
}
