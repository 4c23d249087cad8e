//! Owns daemons as processes: starts them, reads what they say, signals them, and leaves none behind.
//! Never a name to end them by: each by the id that it was started with.
//! Next: `bin/scripted-agent` is what runs in each.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Site;
use crate::agents::NAMES;

const START_MAX: Duration = Duration::from_secs(60);
const END_MAX: Duration = Duration::from_secs(60);

/// The four daemons.
#[derive(Debug)]
pub struct Flock {
    pub birds: Vec<Bird>,
}

/// One daemon as a process.
#[derive(Debug)]
pub struct Bird {
    pub name: &'static str,
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    lines: watch::Receiver<usize>,
    reading: JoinHandle<()>,
}

impl Flock {
    /// The four scripted ones, ready.
    pub async fn start(site: &Site) -> anyhow::Result<Flock> {
        Flock::ready(NAMES.iter().map(|name| Bird::start(name, site)).collect::<Result<_, _>>()?).await
    }

    /// The four agents themselves, ready.
    pub async fn start_agents(site: &Site) -> anyhow::Result<Flock> {
        Flock::ready(NAMES.iter().map(|name| Bird::agent(name, site)).collect::<Result<_, _>>()?).await
    }

    async fn ready(birds: Vec<Bird>) -> anyhow::Result<Flock> {
        let mut flock = Flock { birds };
        for bird in &mut flock.birds {
            bird.until("receiving").await?;
        }
        Ok(flock)
    }

    pub fn bird(&mut self, name: &str) -> anyhow::Result<&mut Bird> {
        self.birds.iter_mut().find(|bird| bird.name == name).with_context(|| format!("no daemon {name}"))
    }

    /// SIGTERM to all of them; each must drain and end with 0.
    pub async fn drain(mut self) -> anyhow::Result<()> {
        for bird in &self.birds {
            bird.signal(Signal::SIGTERM)?;
        }
        for bird in &mut self.birds {
            let code = bird.ended().await?;
            if code != Some(0) {
                bail!("{} ended with {code:?}:\n{}", bird.name, bird.told());
            }
        }
        Ok(())
    }
}

impl Bird {
    /// A scripted agent.
    pub fn start(name: &'static str, site: &Site) -> anyhow::Result<Bird> {
        let mut command = Command::new(built("scripted-agent")?);
        command.env_clear().envs(site.environment()).env("SCRIPTED_AGENT", name);
        Bird::hatch(name, command)
    }

    /// The agent itself.
    pub fn agent(name: &'static str, site: &Site) -> anyhow::Result<Bird> {
        let mut command = Command::new(built(name)?);
        command.env_clear().envs(site.environment());
        Bird::hatch(name, command)
    }

    /// The program of that name, with these variables and no others: one of several replicas, say.
    pub fn with<'v>(
        name: &'static str,
        program: &str,
        variables: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) -> anyhow::Result<Bird> {
        let mut command = Command::new(built(program)?);
        command.env_clear().envs(variables);
        Bird::hatch(name, command)
    }

    /// Nothing once it has ended and somebody has waited for that.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it has ended, without waiting.
    pub fn has_ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    fn hatch(name: &'static str, mut command: Command) -> anyhow::Result<Bird> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{name} does not start"))?;
        let said = Arc::<Mutex<Vec<String>>>::default();
        let (count, lines) = watch::channel(0);
        let out = BufReader::new(child.stdout.take().context("piped")?).lines();
        let err = BufReader::new(child.stderr.take().context("piped")?).lines();
        let keeping = said.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with the process that it reads from")]
        let reading = tokio::spawn(async move {
            let (mut out, mut err) = (out, err);
            let (mut out_ended, mut err_ended) = (false, false);
            // Both to their end: a pipe that nobody reads stops whoever writes to it, and the last words matter most.
            while !(out_ended && err_ended) {
                let (line, ended) = tokio::select! {
                    line = out.next_line(), if !out_ended => (line, &mut out_ended),
                    line = err.next_line(), if !err_ended => (line, &mut err_ended),
                };
                let Ok(Some(line)) = line else {
                    *ended = true;
                    continue;
                };
                keeping.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                count.send_modify(|count| *count += 1);
            }
        });
        Ok(Bird { name, child, said, lines, reading })
    }

    /// Waits until the log has a line that says this.
    pub async fn until(&mut self, says: &str) -> anyhow::Result<()> {
        let found = async {
            loop {
                self.lines.borrow_and_update();
                if self.told().contains(says) {
                    return true;
                }
                if self.lines.changed().await.is_err() {
                    return self.told().contains(says);
                }
            }
        };
        match tokio::time::timeout(START_MAX, found).await {
            Ok(true) => Ok(()),
            _ => bail!("{} never said {says:?}:\n{}", self.name, self.told()),
        }
    }

    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = self.child.id().context("it has ended")?;
        Ok(kill(Pid::from_raw(i32::try_from(id)?), signal)?)
    }

    /// Waits for the end; the exit code, where it was not a signal's.
    pub async fn ended(&mut self) -> anyhow::Result<Option<i32>> {
        let status = tokio::time::timeout(END_MAX, self.child.wait()).await;
        let status = status.with_context(|| format!("{} does not end:\n{}", self.name, self.told()))??;
        Ok(status.code())
    }

    /// Everything it has said.
    pub fn told(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }
}

impl Drop for Bird {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// A program of this workspace. It lies beside the test, or one folder up.
pub fn built(program: &str) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let found = this.ancestors().skip(1).take(2).map(|folder: &Path| folder.join(program)).find(|path| path.is_file());
    found.with_context(|| format!("{program} is not built: cargo build --workspace --bins --tests"))
}
