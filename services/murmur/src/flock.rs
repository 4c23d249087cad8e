//! Owns the four agents as processes: started side by side, each with a log of its own, and stopped by SIGTERM.
//! Never a name to end them by: each by the id that it was started with.
//! Next: an agent's own `main`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::standin::{Standin, beside};

const NAMES: [&str; 4] = ["research", "analysis", "writer", "recommendation"];
const START_MAX: Duration = Duration::from_secs(30);
const END_MAX: Duration = Duration::from_secs(45);
const POLL: Duration = Duration::from_millis(10);

pub(crate) struct Flock(Vec<Bird>);

struct Bird {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Flock {
    /// All four, receiving.
    pub(crate) async fn start(standin: &Standin, logs: &Path) -> anyhow::Result<Flock> {
        std::fs::create_dir_all(logs)?;
        let mut flock = Flock(NAMES.iter().map(|name| Bird::start(name, standin, logs)).collect::<Result<_, _>>()?);
        for bird in &mut flock.0 {
            bird.until("receiving").await?;
        }
        Ok(flock)
    }

    /// SIGTERM to all; what they have at work is ended or given back.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        for bird in &self.0 {
            if let Some(id) = bird.child.id() {
                kill(Pid::from_raw(i32::try_from(id)?), Signal::SIGTERM)?;
            }
        }
        for bird in &mut self.0 {
            let ended = tokio::time::timeout(END_MAX, bird.child.wait()).await;
            ended.with_context(|| format!("{} does not end", bird.name))??;
        }
        Ok(())
    }
}

impl Bird {
    fn start(name: &'static str, standin: &Standin, logs: &Path) -> anyhow::Result<Bird> {
        let log = logs.join(format!("{name}.log"));
        let file = File::create(&log)?;
        let mut command = Command::new(beside(name)?);
        command.env_clear().envs(standin.environment()).stdin(Stdio::null()).kill_on_drop(true);
        command.stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("{name} does not start"))?;
        Ok(Bird { name, child, log })
    }

    /// Waits until its log says this.
    async fn until(&mut self, says: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_MAX;
        loop {
            let told = std::fs::read_to_string(&self.log).unwrap_or_default();
            if told.contains(says) {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() || Instant::now() >= deadline {
                bail!("{} does not come up:\n{told}", self.name);
            }
            sleep(POLL).await;
        }
    }
}
