//! Owns the stand-in as a process that can be killed: started over one directory and one port, again and again.
//! Never two at once over a directory: the server itself refuses that.
//! Next: `bin/killable-cloud` is what runs.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::flock::built;

const START_MAX: Duration = Duration::from_secs(30);

/// The server, and where it keeps its things.
#[derive(Debug)]
pub struct Standin {
    data: PathBuf,
    address: String,
    child: Option<Child>,
}

impl Standin {
    /// On a free port, which it keeps over every restart.
    pub async fn start(data: &Path) -> anyhow::Result<Standin> {
        let mut standin = Standin { data: data.to_owned(), address: "127.0.0.1:0".into(), child: None };
        standin.restart().await?;
        Ok(standin)
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts it where it was; returns once it listens.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(built("killable-cloud")?);
        command.arg("--data").arg(&self.data).args(["--listen", &self.address, "--control"]);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let first =
            tokio::time::timeout(START_MAX, lines.next_line()).await.context("it does not say where it is")??;
        let Some(address) = first.as_deref().and_then(|line| line.split("http://").nth(1)?.split(' ').next()) else {
            bail!("it ended, or said something else: {first:?}");
        };
        self.address = address.to_owned();
        self.child = Some(child);
        Ok(())
    }

    /// SIGKILL, in the middle of whatever it does.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }
}
