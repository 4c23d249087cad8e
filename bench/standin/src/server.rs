//! Owns the server that is measured: the release program as a process, what it says at the start, what the kernel knows of it.
//! Never the library: a bench of a process must be one.
//! Invariant: the process ends with its `Server`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use figures::kernel;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    /// Open as long as the process may say something.
    _says: Lines<BufReader<ChildStdout>>,
    pub(crate) endpoint: String,
    /// From before the process was made until it had answered a request.
    pub(crate) answered_after: Duration,
}

impl Server {
    pub(crate) async fn start(program: &Path, data: &Path) -> anyhow::Result<Server> {
        let began = Instant::now();
        let mut process = Command::new(program)
            .arg("--data")
            .arg(data)
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| program.display().to_string())?;
        let stdout = process.stdout.take().context("no output")?;
        let mut says = BufReader::new(stdout).lines();
        let first = says.next_line().await?.context("it ended before it said where it is")?;
        let endpoint = first.split_whitespace().find(|word| word.starts_with("http://")).context("no address")?;
        answer_of(endpoint, "AmazonSQS.ListQueues").await?;
        let answered_after = began.elapsed();
        Ok(Server { process, _says: says, endpoint: endpoint.to_owned(), answered_after })
    }

    /// As `kill -9`, and gone when this returns.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }

    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let id = self.process.id().context("the server has ended")?;
        kernel::processor_s(id)
    }

    pub(crate) fn resident_mb(&self) -> anyhow::Result<f64> {
        let id = self.process.id().context("the server has ended")?;
        kernel::resident_mb(id)
    }
}

/// One request by hand: an SDK's own start would be measured with it.
pub(crate) async fn answer_of(endpoint: &str, target: &str) -> anyhow::Result<()> {
    let address: SocketAddr = endpoint.trim_start_matches("http://").parse()?;
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nx-amz-target: {target}\r\ncontent-type: application/x-amz-json-1.0\r\n\
         content-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "{target}: {answer}");
    Ok(())
}
