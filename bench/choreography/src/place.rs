//! Owns the place of one part: a stand-in as a process over a directory of its own, provisioned, and how to reach it.
//! Never shared between parts: what one left would be another's load.
//! Invariant: the process ends with its `Place`.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use processes::Site;
use runtime::ports::Ports;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::operations::Operations;

/// Servers, and ports to them.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) site: Site,
    pub(crate) ports: Ports,
    pub(crate) operations: Operations,
    /// For logs and models files.
    pub(crate) folder: TempDir,
    standin: Child,
    /// Open as long as it may say something.
    _says: Lines<BufReader<ChildStdout>>,
}

impl Place {
    /// As a person has it who sets nothing.
    pub(crate) async fn open(programs: &Path) -> anyhow::Result<Place> {
        Place::with(programs, &[]).await
    }

    /// Likewise, with these variables for the daemons; `MURMUR_MODELS` only agents know.
    pub(crate) async fn with(programs: &Path, variables: &[(&str, &str)]) -> anyhow::Result<Place> {
        let folder = TempDir::new()?;
        let program = programs.join("embedded-cloud");
        let mut command = Command::new(&program);
        command.arg("--data").arg(folder.path().join("cloud")).args(["--listen", "127.0.0.1:0", "--control"]);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut standin = command.spawn().with_context(|| format!("{} is not built", program.display()))?;
        let mut says = BufReader::new(standin.stdout.take().context("piped")?).lines();
        let first = says.next_line().await?;
        let Some(endpoint) = first.iter().flat_map(|line| line.split(' ')).find(|word| word.starts_with("http://"))
        else {
            bail!("the stand-in ended, or said something else: {first:?}");
        };
        // Tests wait for less; here daemons do what they do when nobody sets anything.
        let mut site = Site::at(endpoint)?.and("MURMUR_RECEIVE_WAIT_S", "20").and("MURMUR_SWEEP_EVERY_S", "20");
        for (name, value) in variables {
            site = if *name == "MURMUR_MODELS" { site.and_agents(name, value) } else { site.and(name, value) };
        }
        site.provision().await?;
        let ports = site.ports().await?;
        let operations = Operations::of(endpoint)?;
        Ok(Place { site, ports, operations, folder, standin, _says: says })
    }

    /// The stand-in's process.
    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        self.standin.id().context("the stand-in has ended")
    }
}
