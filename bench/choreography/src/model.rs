//! Owns a model that only waits: a server of chat completions on loopback that answers each question after a given time.
//! Never a judge of prompts: `answers` makes an answer that the agents can use, out of what they show.
//! Invariant: the server ends with its `Waiting`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::agent::AGENTS;
use crate::answers;

/// Questions about a goal with this word take the longer time.
pub(crate) const SLOWLY: &str = "slowly";

/// How long an answer takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) usual: Duration,
    pub(crate) slow: Duration,
}

impl Pace {
    pub(crate) fn of(ms: u64) -> Pace {
        Pace { usual: Duration::from_millis(ms), slow: Duration::from_millis(ms) }
    }
}

#[derive(Debug)]
struct Desk {
    pace: Pace,
    asked: AtomicU64,
    unanswerable: AtomicU64,
}

/// The server, and the file that names it to agents.
#[derive(Debug)]
pub(crate) struct Waiting {
    desk: Arc<Desk>,
    folder: TempDir,
    _serving: JoinSet<std::io::Result<()>>,
}

impl Waiting {
    pub(crate) async fn start(pace: Pace) -> anyhow::Result<Waiting> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk { pace, asked: AtomicU64::new(0), unanswerable: AtomicU64::new(0) });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&desk));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await });
        let folder = TempDir::new()?;
        let agents = AGENTS.map(|agent| format!("[agents.{agent}]\nmodels = [\"waiting\"]\n"));
        let model = format!(
            "[models.waiting]\nprovider = \"openai\"\nmodel = \"waiting\"\nbase_url = \"http://{address}\"\n\
             context_tokens = 1000000\n"
        );
        let price = "[prices.\"openai-compatible/waiting\"]\nin = 0.05\nout = 0.2\n";
        std::fs::write(folder.path().join("models.toml"), format!("{model}\n{}\n{price}", agents.join("\n")))?;
        Ok(Waiting { desk, folder, _serving: serving })
    }

    /// For `MURMUR_MODELS`.
    pub(crate) fn file(&self) -> anyhow::Result<String> {
        let path: PathBuf = self.folder.path().join("models.toml");
        Ok(path.to_str().context("a path of text")?.to_owned())
    }

    /// Questions so far.
    pub(crate) fn asked(&self) -> u64 {
        self.desk.asked.load(Ordering::Relaxed)
    }

    /// That nothing was asked that it could not answer: such work was done without a model.
    pub(crate) fn ensure_answered(&self) -> anyhow::Result<()> {
        let count = self.desk.unanswerable.load(Ordering::Relaxed);
        anyhow::ensure!(count == 0, "{count} questions that the bench cannot answer: its answers are out of date");
        Ok(())
    }
}

async fn answer(State(desk): State<Arc<Desk>>, body: Bytes) -> impl IntoResponse {
    desk.asked.fetch_add(1, Ordering::Relaxed);
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = answers::of(&asked);
    if text.is_none() {
        desk.unanswerable.fetch_add(1, Ordering::Relaxed);
    }
    let slow = answers::words(&asked).contains(SLOWLY);
    tokio::time::sleep(if slow { desk.pace.slow } else { desk.pace.usual }).await;
    let choice = json!({
        "index": 0,
        "finish_reason": "stop",
        "message": { "role": "assistant", "content": text.unwrap_or_default() },
    });
    let reply = json!({
        "id": "waited",
        "object": "chat.completion",
        "choices": [choice],
        "usage": { "prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200 },
    });
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], reply.to_string())
}
