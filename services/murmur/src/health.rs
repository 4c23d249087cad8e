//! Owns asking an address whether a stand-in answers there, and over which directory.
//! Never takes silence for absence: a busy machine is slow, and only a process that has ended is gone.
//! Next: `standin` decides what to do about the answer.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long whoever lives is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Before somebody is told, and it is asked again.
    pub(crate) each: Duration,
    pub(crate) all: Duration,
}

pub(crate) const PATIENCE: Patience = Patience { each: Duration::from_secs(5), all: Duration::from_secs(60) };

pub(crate) enum Pulse {
    Standin(Health),
    /// Nobody listens there, or somebody who says other things.
    NoStandin,
    Silent,
}

/// What a stand-in says of itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Health {
    pub(crate) endpoint: String,
    /// Where it keeps everything, unless that is in memory only.
    #[serde(default)]
    pub(crate) data: Option<PathBuf>,
}

/// `127.0.0.1:41234`, asked once.
pub(crate) async fn of(address: &str, within: Duration) -> Pulse {
    match timeout(within, answer(address)).await {
        Err(_) => Pulse::Silent,
        Ok(Err(_)) => Pulse::NoStandin,
        Ok(Ok(answer)) => {
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            serde_json::from_str(body).map_or(Pulse::NoStandin, Pulse::Standin)
        }
    }
}

async fn answer(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /_embedded/health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
