//! Owns the daemons of a run: several replicas of each, every one with an access key of its own, so that calls tell whose.
//! Never leaves one behind, also when a run breaks off: what is dropped is killed, frozen or not.
//! Next: rounds strike one by its key; `account` tells the checker who lived when, and how each ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use contract::Clock;
use nix::sys::signal::Signal;
use processes::Bird;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::oracle::KEY;
use crate::history::{End, Process};

pub const DAEMONS: [&str; 4] = ["research", "analysis", "writer", "recommendation"];

#[derive(Debug)]
struct Living {
    bird: Bird,
    /// Its place in the account.
    at: usize,
}

/// All of them.
#[derive(Debug)]
pub struct Rookery {
    variables: BTreeMap<String, String>,
    living: Mutex<BTreeMap<String, Living>>,
    account: std::sync::Mutex<Vec<Process>>,
    hatched: AtomicUsize,
    clock: Arc<dyn Clock>,
}

impl Rookery {
    /// So many of each, all receiving.
    pub async fn start(
        variables: BTreeMap<String, String>,
        replicas: usize,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Rookery> {
        let living = Mutex::default();
        let rookery =
            Rookery { variables, living, account: std::sync::Mutex::default(), hatched: AtomicUsize::new(0), clock };
        for daemon in DAEMONS {
            for _ in 0..replicas {
                rookery.hatch(daemon).await?;
            }
        }
        Ok(rookery)
    }

    /// One more; its key begins with the daemon's name.
    pub async fn hatch(&self, daemon: &'static str) -> anyhow::Result<String> {
        let key = format!("{daemon}-{}", self.hatched.fetch_add(1, Ordering::Relaxed));
        let own = [("AWS_ACCESS_KEY_ID", &*key), (KEY, &*key)];
        let all = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut bird = Bird::with(daemon, daemon, all.chain(own))?;
        let id = bird.id().context("it ended at once")?;
        let at = self.noted(|account| {
            account.push(Process { name: daemon.into(), id, started_at: self.clock.now(), end: None });
            account.len() - 1
        });
        bird.until("receiving").await?;
        self.living.lock().await.insert(key.clone(), Living { bird, at });
        Ok(key)
    }

    /// SIGKILL, and another in its place. Whether there was anybody to kill.
    pub async fn kill(&self, key: &str) -> anyhow::Result<bool> {
        let Some(mut living) = self.living.lock().await.remove(key) else { return Ok(false) };
        living.bird.signal(Signal::SIGKILL)?;
        let at = self.clock.now();
        living.bird.ended().await?;
        self.over(living.at, End::Killed { at });
        self.hatch(daemon_of(key)?).await?;
        Ok(true)
    }

    /// SIGSTOP or SIGCONT. Whether there was anybody.
    pub async fn signal(&self, key: &str, signal: Signal) -> anyhow::Result<bool> {
        match self.living.lock().await.get(key) {
            Some(living) => living.bird.signal(signal).map(|()| true),
            None => Ok(false),
        }
    }

    /// SIGTERM; from then on it is nobody's that another round may strike.
    pub async fn term(&self, key: &str) -> anyhow::Result<Option<Leaving>> {
        let Some(living) = self.living.lock().await.remove(key) else { return Ok(None) };
        living.bird.signal(Signal::SIGTERM)?;
        Ok(Some(Leaving { living, since: Instant::now(), daemon: daemon_of(key)? }))
    }

    /// Waits for the end of one that was told to stop, and starts another in its place. How long it took.
    pub async fn left(&self, leaving: Leaving, within: Duration) -> anyhow::Result<Duration> {
        let Leaving { mut living, since, daemon } = leaving;
        let took = self.ended(&mut living, since, within).await?;
        self.hatch(daemon).await?;
        Ok(took)
    }

    async fn ended(&self, living: &mut Living, since: Instant, within: Duration) -> anyhow::Result<Duration> {
        let code = living.bird.ended().await?;
        let took = since.elapsed();
        let took_ms = u64::try_from(took.as_millis())?;
        self.over(living.at, End::Drained { at: self.clock.now(), took_ms, code });
        let told = || living.bird.told();
        ensure!(code == Some(0), "{} ended with {code:?} after SIGTERM:\n{}", living.bird.name, told());
        ensure!(took <= within, "{} took {took_ms} ms to end after SIGTERM:\n{}", living.bird.name, told());
        Ok(took)
    }

    /// Keys of those that live.
    pub async fn keys(&self) -> Vec<String> {
        self.living.lock().await.keys().cloned().collect()
    }

    /// Whoever has ended without being asked to is a defect.
    pub async fn all_live(&self) -> anyhow::Result<()> {
        for living in self.living.lock().await.values_mut() {
            if let Some(status) = living.bird.has_ended()? {
                let (name, told) = (living.bird.name, living.bird.told());
                self.over(living.at, End::ByItself { at: self.clock.now(), code: status.code() });
                bail!("{name} ended by itself ({status}):\n{told}");
            }
        }
        Ok(())
    }

    /// What they said last, for whoever must find out why.
    pub async fn told(&self) -> String {
        let living = self.living.lock().await;
        let last = |text: String| {
            text.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        living.iter().map(|(key, living)| format!("== {key}\n{}\n", last(living.bird.told()))).collect()
    }

    /// SIGTERM to all; each must end within the grace.
    pub async fn drain(&self, within: Duration) -> anyhow::Result<()> {
        let all = std::mem::take(&mut *self.living.lock().await);
        let since = Instant::now();
        for living in all.values() {
            living.bird.signal(Signal::SIGCONT)?;
            living.bird.signal(Signal::SIGTERM)?;
        }
        for mut living in all.into_values() {
            self.ended(&mut living, since, within).await?;
        }
        Ok(())
    }

    pub fn account(&self) -> Vec<Process> {
        self.noted(|account| account.clone())
    }

    fn over(&self, at: usize, end: End) {
        self.noted(|account| account[at].end = Some(end));
    }

    fn noted<T>(&self, look: impl FnOnce(&mut Vec<Process>) -> T) -> T {
        look(&mut self.account.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// One that was told to stop.
#[derive(Debug)]
pub struct Leaving {
    living: Living,
    since: Instant,
    daemon: &'static str,
}

fn daemon_of(key: &str) -> anyhow::Result<&'static str> {
    DAEMONS.into_iter().find(|daemon| key.starts_with(daemon)).with_context(|| format!("no daemon has the key {key}"))
}
