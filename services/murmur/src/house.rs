//! Owns a data directory: where everything in it lies, and the locks by which several murmurs share it.
//! Never a process: who holds which lock says who may start and stop one.
//! Next: `standin` and `flock` keep their processes in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::CommandFactory as _;
use etcetera::BaseStrategy as _;
use etcetera::base_strategy::Xdg;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::commands::Flags;
use crate::exit::Misconfigured;
use crate::process::Process;

const OURS: &str = "murmuration";
const USERS: &str = "users.lock";
/// Whoever only looks who holds a lock holds it for a moment.
const LOOKED_AT_MAX: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(5);
const TAIL_BYTES_MAX: u64 = 1 << 20;

/// A folder that can be written.
#[derive(Clone, Debug)]
pub(crate) struct House {
    folder: PathBuf,
}

/// Held until it is dropped, or its process has ended in whatever way.
#[derive(Debug)]
pub(crate) struct Lock(File);

/// Who holds a lock, in its own words.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Holder {
    #[serde(flatten)]
    pub(crate) process: Process,
    pub(crate) command: String,
}

impl House {
    /// The folder that was named, or the one among the user's own data; made where it is missing.
    pub(crate) fn open(named: Option<&Path>) -> anyhow::Result<House> {
        let folder = House::place(named)?;
        let unfit = |why: &dyn std::fmt::Display| {
            let folder = folder.display();
            Misconfigured(format!(
                "the data directory {folder} cannot be written ({why}): name another with --data DIR"
            ))
        };
        let made = std::fs::create_dir_all(folder.join("logs")).and_then(|()| folder.canonicalize());
        let house = House { folder: made.map_err(|why| unfit(&why))? };
        for part in [house.artifacts(), house.cloud()] {
            std::fs::create_dir_all(part).map_err(|why| unfit(&why))?;
        }
        // Those that read it must be able to lock it.
        opened(&house.folder.join(USERS)).map_err(|why| unfit(&why))?;
        Ok(house)
    }

    /// The one that a murmur has made there; nothing is made now.
    pub(crate) fn find(named: Option<&Path>) -> anyhow::Result<Option<House>> {
        if House::place(named)?.join(USERS).is_file() { House::open(named).map(Some) } else { Ok(None) }
    }

    /// Where it is, or would be.
    pub(crate) fn place(named: Option<&Path>) -> anyhow::Result<PathBuf> {
        named.map_or_else(among_the_users_data, |folder| Ok(std::path::absolute(folder)?))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn artifacts(&self) -> PathBuf {
        self.folder.join("artifacts")
    }

    pub(crate) fn cloud(&self) -> PathBuf {
        self.folder.join("cloud")
    }

    pub(crate) fn log(&self, of: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{of}.log"))
    }

    /// Of everybody who uses the stand-in: while anybody holds it, nobody else stops that.
    pub(crate) async fn using(&self, within: Duration) -> anyhow::Result<Lock> {
        let path = self.folder.join(USERS);
        until(within, || Lock::take(&path, File::try_lock_shared)).await?.with_context(|| self.taken(USERS))
    }

    /// Of whoever stops the stand-in: nobody uses it.
    pub(crate) fn nobody_uses(&self) -> std::io::Result<Option<Lock>> {
        Lock::take(&self.folder.join(USERS), File::try_lock)
    }

    /// Of whoever starts the stand-in, or looks whether one runs.
    pub(crate) async fn starting(&self, within: Duration) -> anyhow::Result<Lock> {
        let path = self.folder.join("starting.lock");
        let lock = until(within, || Lock::take(&path, File::try_lock)).await?;
        let mut lock = lock.with_context(|| self.taken("starting.lock"))?;
        lock.sign()?;
        Ok(lock)
    }

    /// Of whoever runs the agents: one at a time.
    pub(crate) async fn running_agents(&self) -> anyhow::Result<Lock> {
        let path = self.folder.join("agents.lock");
        let Some(mut lock) = until(LOOKED_AT_MAX, || Lock::take(&path, File::try_lock)).await? else {
            bail!("{}", self.taken("agents.lock"));
        };
        lock.sign()?;
        Ok(lock)
    }

    /// Whether anybody runs the agents.
    pub(crate) fn has_agents(&self) -> std::io::Result<bool> {
        Ok(Lock::take(&self.folder.join("agents.lock"), File::try_lock)?.is_none())
    }

    pub(crate) fn holder(&self, lock: &str) -> Option<Holder> {
        serde_json::from_slice(&std::fs::read(self.folder.join(lock)).ok()?).ok()
    }

    fn taken(&self, lock: &str) -> String {
        let who = match self.holder(lock) {
            Some(Holder { process, command }) => format!("{command} (process {})", process.pid),
            None => "another murmur".into(),
        };
        format!(
            "{who} holds the data directory {}: let it end, stop it with murmur down, or name another with --data DIR",
            self.folder.display()
        )
    }

    /// What a murmur has noted here; nothing where there is no such note, or none that can be read.
    pub(crate) fn note<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&std::fs::read(self.folder.join(name)).ok()?).ok()
    }

    /// Whoever reads it meanwhile finds the old note or the new one.
    pub(crate) fn put_note(&self, name: &str, note: &impl Serialize) -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer(&mut file, note)?;
        file.persist(self.folder.join(name))?;
        Ok(())
    }

    pub(crate) fn remove_note(&self, name: &str) {
        // Gone already is as good.
        let _ = std::fs::remove_file(self.folder.join(name));
    }
}

impl Lock {
    fn take(path: &Path, by: fn(&File) -> Result<(), TryLockError>) -> std::io::Result<Option<Lock>> {
        let file = opened(path)?;
        match by(&file) {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(why)) => Err(why),
        }
    }

    /// Says in the file who holds it, for whoever is refused.
    fn sign(&mut self) -> anyhow::Result<()> {
        let tree = Flags::command();
        let named = std::env::args().skip(1).find(|word| tree.find_subcommand(word).is_some());
        let process = Process::of(std::process::id()).context("this process is unknown to the system")?;
        let holder = Holder { process, command: format!("murmur {}", named.unwrap_or_default()) };
        self.0.set_len(0)?;
        self.0.rewind()?;
        self.0.write_all(&serde_json::to_vec(&holder)?)?;
        Ok(())
    }
}

fn opened(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)
}

async fn until<T>(within: Duration, look: impl Fn() -> std::io::Result<Option<T>>) -> anyhow::Result<Option<T>> {
    let deadline = Instant::now() + within;
    loop {
        match look()? {
            None if Instant::now() < deadline => sleep(POLL).await,
            found => return Ok(found),
        }
    }
}

fn among_the_users_data() -> anyhow::Result<PathBuf> {
    let homeless = "no home directory is known: set HOME or XDG_DATA_HOME, or name a data directory with --data DIR";
    let base = Xdg::new().map_err(|_| Misconfigured(homeless.into()))?;
    Ok(base.data_dir().join(OURS))
}

/// The end of a log, for whoever must find out why.
pub(crate) fn last_lines(log: &Path, from: u64, count: usize) -> String {
    let mut told = vec![];
    let read = File::open(log).and_then(|mut file| {
        // Of one that ran for days, nobody reads all.
        let from = from.max(file.metadata()?.len().saturating_sub(TAIL_BYTES_MAX));
        file.seek(std::io::SeekFrom::Start(from))?;
        file.take(TAIL_BYTES_MAX).read_to_end(&mut told)
    });
    if read.is_err() {
        return String::new();
    }
    let told = String::from_utf8_lossy(&told);
    let lines: Vec<&str> = told.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
