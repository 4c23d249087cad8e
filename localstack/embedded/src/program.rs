//! Owns what the program `embedded-cloud` does: its flags, what it prints at the start, and its end.
//! Never a decision about AWS: those are made further in.
//! Next: `EmbeddedCloud` serves.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::{EmbeddedCloud, Options};
use clap::Parser;

/// SQS, EventBridge and DynamoDB on your own machine, in one process. Signatures are not checked: keep it on loopback.
#[derive(Debug, Parser)]
#[command(name = "embedded-cloud", version)]
struct Flags {
    /// Keep everything in this directory; without it, in memory only
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4566")]
    listen: SocketAddr,
    /// What clients reach it by, where that is another name than where it listens: queue URLs say so
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    endpoint: Option<String>,
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Twelve digits
    #[arg(long, default_value = "000000000000", value_parser = account)]
    account: String,
    /// Serve faults, clock and the log of operations below /_embedded/: for tests
    #[arg(long)]
    control: bool,
    /// Of faults with a probability
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn endpoint(text: &str) -> Result<String, String> {
    let good =
        ["http://", "https://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    good.then(|| text.trim_end_matches('/').to_owned()).ok_or_else(|| "must begin with http:// or https://".into())
}

fn account(text: &str) -> Result<String, String> {
    let good = text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit());
    good.then(|| text.to_owned()).ok_or_else(|| "must be twelve digits".into())
}

/// The whole program, from its arguments to its exit code.
pub fn program() -> ExitCode {
    let flags = Flags::parse();
    let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ran = executor.map_err(|why| why.to_string()).and_then(|executor| executor.block_on(serve(flags)));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("embedded-cloud: {why}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve(flags: Flags) -> Result<(), String> {
    let Flags { data, listen, endpoint, region, account, control, seed } = flags;
    let kept = data.as_ref().map_or("in memory only".into(), |data| format!("data in {}", data.display()));
    let mut ended = signals()?;
    let options = Options { data, listen, endpoint, region, account, control, seed, ..Options::in_memory() };
    let cloud = EmbeddedCloud::start(options).await.map_err(|why| why.to_string())?;
    say(&format!(
        "embedded-cloud: {} (SQS, EventBridge, DynamoDB; signatures are not checked); {kept}",
        cloud.endpoint()
    ));
    if !listen.ip().is_loopback() {
        say("embedded-cloud: this address is reachable from other machines, and whoever reaches it may do everything");
    }
    say(&format!("  export AWS_ENDPOINT_URL={}", cloud.endpoint()));
    ended.recv().await;
    cloud.stop().await;
    Ok(())
}

/// Hears SIGTERM and SIGINT from the start on.
fn signals() -> Result<tokio::sync::mpsc::Receiver<()>, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let deaf = |why: std::io::Error| format!("signals cannot be heard: {why}");
    let (mut term, mut int) =
        (signal(SignalKind::terminate()).map_err(deaf)?, signal(SignalKind::interrupt()).map_err(deaf)?);
    let (tell, told) = tokio::sync::mpsc::channel(1);
    #[expect(clippy::disallowed_methods, reason = "lives as long as the process")]
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        // Whoever listens has ended already where this fails.
        let _ = tell.send(()).await;
    });
    Ok(told)
}

/// For a person, or a script that wants the address. Whoever has stopped reading does not stop the server.
fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{what}").and_then(|()| out.flush());
}
