//! Owns running one recorded step in its agent's own program, cut off from everybody.
//! Never lets it ask: no endpoint, no credential and no proxy is in its environment, and `replay` connects to nothing.
//! Next: `runtime::replay` is what runs there.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use runtime::replay::{RecordedStep, Replayed};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::standin::beside;
use crate::surroundings;

/// Longer than any handler computes.
const REPLAY_MAX: Duration = Duration::from_secs(300);
const WHY_CHARS_MAX: usize = 600;

pub(super) async fn replayed(
    daemon: &str,
    recorded: &RecordedStep,
    surroundings: BTreeMap<String, String>,
) -> anyhow::Result<Replayed> {
    let mut command = Command::new(beside(daemon)?);
    command.arg("replay").env_clear();
    command.envs(surroundings::for_agent(daemon, surroundings).into_iter().filter(|(name, _)| is_harmless(name)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("{daemon} does not start"))?;
    let mut input = child.stdin.take().context("piped")?;
    let bytes = serde_json::to_vec(recorded)?;
    let feed = async move {
        // One that ended before it read everything says why.
        let _ = input.write_all(&bytes).await;
        drop(input);
    };
    let run = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = tokio::time::timeout(REPLAY_MAX, run).await.with_context(|| format!("{daemon} takes too long"))??;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let why: String = said.trim().chars().take(WHY_CHARS_MAX).collect();
        bail!("{}", if why.is_empty() { format!("{daemon} ended with {}", output.status) } else { why });
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("{daemon} said something else than a replay"))
}

/// Of this process's environment, what leads nowhere: the agent's own settings, and what any program needs.
fn is_harmless(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let leads_away = ["AWS_", "OTEL_"].iter().any(|start| upper.starts_with(start))
        || ["_PROXY", "_ENDPOINT", "_ENDPOINT_URL"].iter().any(|end| upper.ends_with(end));
    !leads_away
}

#[cfg(test)]
mod tests {
    use super::is_harmless;

    #[test]
    fn a_replay_gets_its_settings_and_no_way_out() {
        for name in ["MURMUR_MODELS", "MURMUR_RULES", "PATH", "HOME", "OPENAI_API_KEY"] {
            assert!(is_harmless(name), "{name}");
        }
        for name in [
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_SQS",
            "AWS_ACCESS_KEY_ID",
            "https_proxy",
            "ALL_PROXY",
            "MURMUR_OTLP_ENDPOINT",
        ] {
            assert!(!is_harmless(name), "{name}");
        }
    }
}
