//! Owns the note of which agents run in a data directory, for those who did not start them.
//! Never believed blindly: a process counts only while it lives, and is the one that was noted.
//! Next: `flock` writes it, `status` shows it, `down` and the next start clear up what a killed murmur left.

use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::house::House;
use crate::process::Process;

/// How the names of servers begin that are stand-ins.
pub(crate) const STANDIN: &str = "the stand-in";
const NOTE: &str = "agents.json";
const END_MAX: Duration = Duration::from_secs(45);

/// Who runs which agents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) keeper: Process,
    /// It stays until it is told to stop.
    pub(crate) stays: bool,
    /// What they work over, as `Server::name` has it.
    pub(crate) server: String,
    /// Of the murmur that started them: agents of another one may speak of other events.
    pub(crate) version: String,
    /// All of them have come up.
    pub(crate) ready: bool,
    pub(crate) agents: Vec<Noted>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// `research`, and `research-2` for the second of them.
    pub(crate) name: String,
    pub(crate) agent: String,
    pub(crate) state: State,
    #[serde(flatten)]
    pub(crate) process: Option<Process>,
    pub(crate) restarts: u32,
    /// How it ended, the last time that it did.
    pub(crate) last_end: Option<String>,
    pub(crate) log: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Starting,
    Up,
    /// It crashed, and is started again after a while.
    Waiting,
}

impl Kept {
    /// By whoever lives.
    pub(crate) fn running(house: &House) -> Option<Kept> {
        house.note::<Kept>(NOTE).filter(|kept| kept.keeper.is_alive())
    }

    /// By one that was killed: its agents work on.
    pub(crate) fn left(house: &House) -> Option<Kept> {
        let lives = |agent: &Noted| agent.process.is_some_and(|process| process.is_alive());
        let mut kept = house.note::<Kept>(NOTE).filter(|kept| !kept.keeper.is_alive())?;
        kept.agents.retain(lives);
        (!kept.agents.is_empty()).then_some(kept)
    }

    /// Whether its agents work over the data directory's own.
    pub(crate) fn has_standin(&self) -> bool {
        self.server.starts_with(STANDIN)
    }

    pub(crate) fn put(&self, house: &House) -> anyhow::Result<()> {
        house.put_note(NOTE, self)
    }

    pub(crate) fn forget(house: &House) {
        house.remove_note(NOTE);
    }

    /// Stops the agents of a keeper that is gone; their names. For whoever holds the lock of the agents.
    pub(crate) async fn clear_leftovers(house: &House) -> Vec<String> {
        let Some(kept) = house.note::<Kept>(NOTE) else { return vec![] };
        let processes = kept.agents.iter().filter_map(|agent| Some((&agent.name, agent.process?)));
        let alive: Vec<_> = processes.filter(|(_, process)| process.is_alive()).collect();
        for (_, process) in &alive {
            process.signal(Signal::SIGTERM);
        }
        for (_, process) in &alive {
            if !process.is_gone_within(END_MAX).await {
                process.signal(Signal::SIGKILL);
                process.is_gone_within(END_MAX).await;
            }
        }
        Kept::forget(house);
        alive.into_iter().map(|(name, _)| name.clone()).collect()
    }
}
