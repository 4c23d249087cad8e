//! Owns one daemon as a process: starts it as an operator would, and knows when it receives.
//! Never a pipe: what it says goes to a file, so that nobody's reading slows it.
//! Invariant: the process ends with its `Agent`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::place::Place;

pub(crate) const AGENTS: [&str; 4] = ["research", "analysis", "writer", "recommendation"];
const START_MAX: Duration = Duration::from_secs(30);
const END_MAX: Duration = Duration::from_secs(45);
const POLL: Duration = Duration::from_millis(2);

/// Which program plays an agent's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cast {
    /// The agent itself.
    Real,
    /// `tests/processes/src/agents.rs`: the same runtime, and next to no work of its own.
    Scripted,
}

#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) name: String,
    child: Child,
    log: PathBuf,
}

impl Agent {
    /// Returns at once; `number` tells replicas apart.
    pub(crate) fn start(
        programs: &Path,
        place: &Place,
        name: &str,
        cast: Cast,
        number: usize,
    ) -> anyhow::Result<Agent> {
        let program = programs.join(if cast == Cast::Real { name } else { "scripted-agent" });
        let log = place.folder.path().join(format!("{name}-{number}.log"));
        let said = File::create(&log)?;
        let mut command = Command::new(&program);
        command.env_clear().envs(place.site.environment());
        if cast == Cast::Scripted {
            // It has the agents' runtime and not their own settings.
            command.env_remove("MURMUR_MODELS").env("SCRIPTED_AGENT", name);
        }
        command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("{} is not built", program.display()))?;
        Ok(Agent { name: name.to_owned(), child, log })
    }

    /// All four, receiving.
    pub(crate) async fn four(programs: &Path, place: &Place, cast: Cast) -> anyhow::Result<Vec<Agent>> {
        let mut agents = vec![];
        for name in AGENTS {
            agents.push(Agent::start(programs, place, name, cast, 0)?);
        }
        for agent in &mut agents {
            agent.ready().await?;
        }
        Ok(agents)
    }

    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        self.child.id().with_context(|| format!("{} has ended", self.name))
    }

    pub(crate) async fn ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_MAX;
        while !self.told().contains("\"receiving\"") {
            let ended = self.child.try_wait()?;
            anyhow::ensure!(ended.is_none(), "{} ended at its start: {}", self.name, self.told());
            anyhow::ensure!(Instant::now() < deadline, "{} does not receive: {}", self.name, self.told());
            sleep(POLL).await;
        }
        Ok(())
    }

    pub(crate) fn alive(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    pub(crate) fn told(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// As an operator stops it; it must end well.
    pub(crate) async fn drained(mut self) -> anyhow::Result<()> {
        kill(Pid::from_raw(i32::try_from(self.id()?)?), Signal::SIGTERM)?;
        let ended = tokio::time::timeout(END_MAX, self.child.wait()).await??;
        anyhow::ensure!(ended.success(), "{} ended with {ended}: {}", self.name, self.told());
        Ok(())
    }
}
