//! Owns a person at a shell: a home of its own, commands typed there, and what they said.
//! Never a variable of this process: a test says all that a command finds in its environment.
//! Next: the tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// Debug programs on a busy machine.
pub(crate) const COMMAND_MAX: Duration = Duration::from_secs(120);
pub(crate) const POLL: Duration = Duration::from_millis(10);

pub(crate) struct Shell {
    home: TempDir,
    variables: BTreeMap<String, String>,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Shell {
    pub(crate) fn new() -> anyhow::Result<Shell> {
        let home = TempDir::new()?;
        let variables = [("HOME".to_owned(), home.path().display().to_string())].into();
        Ok(Shell { home, variables })
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Shell {
        self.variables.insert(name.into(), value.into());
        self
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where murmur keeps everything, unless it is told otherwise.
    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join(".local/share/murmuration")
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        let this = std::env::current_exe()?;
        let near = this.ancestors().skip(1).take(2).map(|folder| folder.join("murmur"));
        let program = near.into_iter().find(|path| path.is_file()).context("murmur is not built")?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(&self.variables).current_dir(self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Ok(command.spawn()?)
    }

    /// To its end, whatever that is.
    pub(crate) async fn types(&self, arguments: &[&str]) -> anyhow::Result<Said> {
        Said::by(self.start(arguments)?).await.with_context(|| format!("murmur {}", arguments.join(" ")))
    }

    /// A command that must do what it is for.
    pub(crate) async fn does(&self, arguments: &[&str]) -> anyhow::Result<Said> {
        let said = self.types(arguments).await?;
        ensure!(said.code == Some(0), "murmur {} ended with {said:?}", arguments.join(" "));
        Ok(said)
    }

    pub(crate) async fn status(&self) -> anyhow::Result<Value> {
        self.does(&["status", "--json"]).await?.document()
    }

    /// Until `status` shows it.
    pub(crate) async fn status_until(&self, shows: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let deadline = Instant::now() + COMMAND_MAX;
        loop {
            let status = self.status().await?;
            if shows(&status) {
                return Ok(status);
            }
            ensure!(Instant::now() < deadline, "status never shows it: {status:#}");
            sleep(POLL).await;
        }
    }
}

impl Said {
    /// What it says until it ends.
    pub(crate) async fn by(child: Child) -> anyhow::Result<Said> {
        let ended = timeout(COMMAND_MAX, child.wait_with_output()).await.context("it does not end")??;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Said { code: ended.status.code(), out: text(ended.stdout), err: text(ended.stderr) })
    }

    pub(crate) fn document(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.out).with_context(|| format!("no document: {self:?}"))
    }

    /// It failed with this code, and told a person so.
    pub(crate) fn refuses(&self, code: i32, words: &[&str]) -> anyhow::Result<()> {
        ensure!(self.code == Some(code), "not {code}: {self:?}");
        for word in words {
            ensure!(self.err.contains(word), "{word:?} is not said: {self:?}");
        }
        Ok(())
    }
}

/// Until it has said these words as progress.
pub(crate) async fn says(child: &mut Child, words: &str) -> anyhow::Result<()> {
    let mut lines = BufReader::new(child.stderr.as_mut().context("it was heard already")?).lines();
    let mut said = vec![];
    let found = async {
        while let Some(line) = lines.next_line().await? {
            if line.contains(words) {
                return Ok(());
            }
            said.push(line);
        }
        anyhow::bail!("it ended without {words:?}: {said:?}")
    };
    timeout(COMMAND_MAX, found).await.with_context(|| format!("{words:?} is never said"))?
}

pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + COMMAND_MAX;
    while !holds() {
        ensure!(Instant::now() < deadline, "never: {what}");
        sleep(POLL).await;
    }
    Ok(())
}

pub(crate) fn signal(pid: Option<u32>, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(pid.context("it has ended")?)?;
    Ok(kill(Pid::from_raw(pid), signal)?)
}

/// Of one process of a status.
pub(crate) fn process<'s>(status: &'s Value, name: &str) -> Option<&'s Value> {
    status["processes"].as_array()?.iter().find(|process| process["name"] == name)
}

pub(crate) fn pids(status: &Value) -> Vec<u32> {
    let all = status["processes"].as_array().into_iter().flatten();
    all.filter_map(|process| u32::try_from(process["pid"].as_u64()?).ok()).collect()
}

/// Whether somebody has this number and has not ended.
pub(crate) fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}
