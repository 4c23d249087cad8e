//! The agent as a process: what it says of a bad configuration, when it is ready, and how it ends.
//! Never waits without a deadline, and takes a free port.
//! Next: `runtime::Service`, which every `main` runs.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws::clients::{Clients, Limits, environment};
use aws::provision::{Plan, Reporter, provision};
use aws_config::Region;
use aws_credential_types::Credentials;
use embedded_cloud::{EmbeddedCloud, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runtime::config::Config;

fn agent() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fact-check"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_bad_configuration_is_refused_with_64_and_all_of_its_problems() -> anyhow::Result<()> {
    let mut agent = agent();
    agent.env("MURMUR_LINGER_MS", "soon").env("MURMUR_TABEL", "x").env("MURMUR_HTTP", "here");
    let Output { status, stdout, stderr } = agent.output()?;
    let told = text(&stderr);
    ensure!(status.code() == Some(64), "{status}: {told}");
    for name in ["3 problems", "MURMUR_LINGER_MS", "MURMUR_TABEL", "MURMUR_HTTP"] {
        ensure!(told.contains(name), "nothing of {name}: {told}");
    }
    ensure!(stdout.is_empty(), "no log before the configuration is good: {}", text(&stdout));
    Ok(())
}

struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(endpoint: &str) -> anyhow::Result<Running> {
        let mut agent = agent();
        agent.env("AWS_ENDPOINT_URL", endpoint).env("AWS_REGION", "us-east-1").env("MURMUR_HTTP", "127.0.0.1:0");
        agent.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        // A poll that is under way is waited for when it drains.
        agent.env("MURMUR_RECEIVE_WAIT_S", "1");
        agent.env("MURMUR_ARTIFACTS", concat!("file://", env!("CARGO_TARGET_TMPDIR")));
        let mut child = agent.spawn()?;
        let lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        Ok(Running { child, lines })
    }

    /// The first log line that says this; the end of the log is the deadline of a process that ends without it.
    fn until(&mut self, says: &str) -> anyhow::Result<serde_json::Value> {
        for line in self.lines.by_ref() {
            let line: serde_json::Value = serde_json::from_str(&line?)?;
            if line["message"].as_str().is_some_and(|message| message.starts_with(says)) {
                return Ok(line);
            }
        }
        anyhow::bail!("the log ended before it said {says:?}")
    }
}

fn get(address: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The stand-in, with what five agents need.
async fn provisioned() -> anyhow::Result<EmbeddedCloud> {
    let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
    let choreography = fact_check::topology().check().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let credentials = Credentials::new("test", "test", None, None, "test");
    let loader = environment().region(Region::new("us-east-1")).credentials_provider(credentials);
    let clients = Clients::load(loader.endpoint_url(cloud.endpoint()), Limits::default()).await;
    provision(&clients, &Plan::of(&Config::of(&choreography)), &mut Reporter::silent()).await?;
    Ok(cloud)
}

fn a_signal_drains(signal: Signal) -> anyhow::Result<()> {
    let executor = tokio::runtime::Runtime::new()?;
    let cloud = executor.block_on(provisioned())?;
    let mut agent = Running::start(cloud.endpoint())?;
    let serving = agent.until("serving")?;
    let address = serving["address"].as_str().context("an address")?.to_owned();
    agent.until("receiving")?;
    let ready = get(&address, "/readyz")?;
    ensure!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    ensure!(get(&address, "/metrics")?.starts_with("HTTP/1.1 200"));
    kill(Pid::from_raw(i32::try_from(agent.child.id())?), signal)?;
    agent.until("draining")?;
    agent.until("drained")?;
    let status = agent.child.wait()?;
    ensure!(status.code() == Some(0), "{status}");
    Ok(())
}

#[test]
fn sigterm_drains_and_exits_with_0() -> anyhow::Result<()> {
    a_signal_drains(Signal::SIGTERM)
}

#[test]
fn sigint_does_the_same() -> anyhow::Result<()> {
    a_signal_drains(Signal::SIGINT)
}
