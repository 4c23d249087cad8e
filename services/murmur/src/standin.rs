//! Owns the stand-in for AWS as a process of its own, and the environment in which agents find it.
//! Never anything that reaches AWS: addresses and credentials of this run are said here, and no others are looked for.
//! Next: `flock` starts agents in this environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use aws::clients::{Clients, Limits, standin};
use aws::provision::{Plan, Reporter, provision};
use contract::Topology;
use contract::topology::Choreography;
use runtime::config::Config;
use runtime::ports::Ports;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const START_MAX: Duration = Duration::from_secs(30);
const REGION: &str = "us-east-1";

pub(crate) struct Standin {
    endpoint: String,
    artifacts: String,
    pub(crate) choreography: Choreography,
    server: Child,
}

impl Standin {
    pub(crate) async fn start(data: &Path) -> anyhow::Result<Standin> {
        let choreography = Topology::murmuration().check().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        let artifacts = data.join("artifacts");
        tokio::fs::create_dir_all(&artifacts).await?;
        let mut command = Command::new(beside("embedded-cloud")?);
        command.arg("--data").arg(data.join("cloud")).args(["--listen", "127.0.0.1:0"]);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut server = command.spawn().context("the stand-in does not start")?;
        let mut lines = BufReader::new(server.stdout.take().context("piped")?).lines();
        let first = tokio::time::timeout(START_MAX, lines.next_line()).await.context("the stand-in is silent")??;
        let Some(address) = first.as_deref().and_then(|line| line.split("http://").nth(1)?.split(' ').next()) else {
            bail!("the stand-in ended, or said something else: {first:?}");
        };
        Ok(Standin {
            endpoint: format!("http://{address}"),
            artifacts: format!("file://{}", artifacts.display()),
            choreography,
            server,
        })
    }

    /// Until it is gone: what it still writes would keep its folder from being removed.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.server.kill().await?)
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Queues, bus, rules and table made; ports of our own to them.
    pub(crate) async fn provisioned(&self) -> anyhow::Result<Ports> {
        let ours = self.environment().into_iter().filter(|(name, _)| name.starts_with("MURMUR_"));
        let config = Config::from_vars(ours, &self.choreography).map_err(|why| anyhow::anyhow!("{why}"))?;
        let clients = Clients::load(standin(&self.endpoint, REGION), Limits::default()).await;
        provision(&clients, &Plan::of(&config), &mut Reporter::silent()).await?;
        Ok(aws::connect_with(standin(&self.endpoint, REGION), Limits::default(), &config).await?)
    }

    /// What an agent of this run finds in its environment; what a person has set for agents holds beside it.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let passed = |(name, _): &(String, String)| name.starts_with("MURMUR_") || !name.starts_with("AWS_");
        let theirs =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut all: BTreeMap<String, String> = theirs.filter(passed).collect();
        for (name, value) in [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("MURMUR_ARTIFACTS", self.artifacts.as_str()),
            // A person waits for the end of this.
            ("MURMUR_SWEEP_EVERY_S", "1"),
            ("MURMUR_RECEIVE_WAIT_S", "1"),
        ] {
            all.insert(name.into(), value.into());
        }
        all
    }
}

/// A program that was built with this one.
pub(crate) fn beside(program: &str) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let found = this.parent().map(|folder| folder.join(program)).filter(|path| path.is_file());
    found.with_context(|| format!("{program} is not beside {}: make run builds all of them", this.display()))
}
