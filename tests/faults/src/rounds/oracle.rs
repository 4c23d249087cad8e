//! Owns the model of these runs: a server of chat completions whose answers fit every prompt of the four agents.
//! Never thinks: it answers from a script, can keep one answer back, and writes down who asked what for which goal.
//! Next: `words` reads the prompts; `points` keep an answer back while something happens to whoever asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use contract::UnixMs;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::words;

/// The variable by which each daemon says who it is: its key, as far as the model knows.
pub(super) const KEY: &str = "FAULTS_BIRD";

/// A question's goal, by the word that only it has, and the row that asks.
pub(super) type About = (String, &'static str);

/// One question.
#[derive(Clone, Debug)]
pub struct Question {
    pub at: UnixMs,
    pub word: String,
    pub row: &'static str,
    pub caller: String,
}

/// How the next answers about something are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// No answer fits its form: the step parks.
    Nonsense,
    /// 503: the attempt fails.
    Unavailable,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    Waited,
    Held { caller: String },
}

#[derive(Debug, Default)]
struct Script {
    asked: Vec<Question>,
    wrong: BTreeMap<About, (Wrong, u32)>,
}

#[derive(Clone, Debug)]
struct Shared {
    script: Arc<Mutex<Script>>,
    kept: watch::Sender<BTreeMap<About, Kept>>,
    clock: Arc<dyn contract::Clock>,
}

/// The server.
#[derive(Debug)]
pub struct Oracle {
    address: String,
    shared: Shared,
    _serving: JoinSet<()>,
}

impl Oracle {
    pub async fn start(clock: Arc<dyn contract::Clock>) -> anyhow::Result<Oracle> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}/v1", listener.local_addr()?);
        let shared = Shared { script: Arc::default(), kept: watch::Sender::new(BTreeMap::new()), clock };
        let pages = Router::new().route("/v1/chat/completions", post(answer)).with_state(shared.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // Ends with the set.
            let _ = axum::serve(listener, pages).await;
        });
        Ok(Oracle { address, shared, _serving: serving })
    }

    /// The models file that leads all four agents here. What cannot be answered parks its step: nobody does without.
    pub fn models_file(&self) -> String {
        let model = |agent: &str| {
            format!(
                "[models.{agent}]\nprovider = \"openai\"\nmodel = \"{agent}\"\nbase_url = \"{}\"\nkey_env = \"{KEY}\"\n\n\
                 [agents.{agent}]\nmodels = [\"{agent}\"]\noutput_tokens_max = 1000\nif_unusable = \"park\"\n\
                 tries_max = 1\n\n[prices.\"openai-compatible/{agent}\"]\nin = 1.0\nout = 2.0\n\n",
                self.address
            )
        };
        ["research", "analysis", "writer", "recommendation"].map(model).concat()
    }

    /// The next so many answers about this are wrong.
    pub fn mislead(&self, word: &str, row: &'static str, wrong: Wrong, answers: u32) {
        self.with(|script| script.wrong.insert((word.to_owned(), row), (wrong, answers)));
    }

    /// Keeps the next answer about this back.
    pub fn keep_back(&self, word: &str, row: &'static str) {
        self.shared.kept.send_modify(|kept| drop(kept.insert((word.to_owned(), row), Kept::Waited)));
    }

    /// Who asked, once somebody has.
    pub async fn asked_by(&self, word: &str, row: &'static str) -> String {
        let about = (word.to_owned(), row);
        let mut changes = self.shared.kept.subscribe();
        loop {
            if let Some(Kept::Held { caller }) = changes.borrow_and_update().get(&about) {
                return caller.clone();
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The answer goes out, if anybody still waits for it.
    pub fn let_go(&self, word: &str, row: &'static str) {
        self.shared.kept.send_modify(|kept| drop(kept.remove(&(word.to_owned(), row))));
    }

    pub fn let_all_go(&self) {
        self.shared.kept.send_modify(BTreeMap::clear);
    }

    /// How often it was asked about this.
    pub fn count(&self, word: &str, row: &str) -> usize {
        self.with(|script| script.asked.iter().filter(|asked| asked.word == word && asked.row == row).count())
    }

    pub fn asked(&self) -> Vec<Question> {
        self.with(|script| script.asked.clone())
    }

    fn with<T>(&self, look: impl FnOnce(&mut Script) -> T) -> T {
        look(&mut self.shared.script.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared {
    /// Writes it down; says how its answer is to be wrong.
    fn heard(&self, question: Question) -> Option<Wrong> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let about = (question.word.clone(), question.row);
        script.asked.push(question);
        let (wrong, left) = script.wrong.get_mut(&about)?;
        *left = left.checked_sub(1)?;
        Some(*wrong)
    }

    async fn while_kept_back(&self, about: &About, caller: &str) {
        let mut changes = self.kept.subscribe();
        let mine = self.kept.send_if_modified(|kept| {
            let is_waited_for = kept.get(about) == Some(&Kept::Waited);
            if is_waited_for {
                kept.insert(about.clone(), Kept::Held { caller: caller.into() });
            }
            is_waited_for
        });
        if mine {
            // Released, or gone with the server.
            let _ = changes.wait_for(|kept| !kept.contains_key(about)).await;
        }
    }
}

async fn answer(State(shared): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let Ok(request) = serde_json::from_str::<Value>(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let caller = headers.get("authorization").and_then(|key| key.to_str().ok()).unwrap_or_default();
    let caller = caller.trim_start_matches("Bearer ").to_owned();
    let text = words::of_request(&request);
    let (Some(row), Some(word)) = (words::row_of(&request, &text), words::word_of(&text)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let about = (word.clone(), row);
    let wrong = shared.heard(Question { at: shared.clock.now(), word: word.clone(), row, caller: caller.clone() });
    shared.while_kept_back(&about, &caller).await;
    let said = match wrong {
        Some(Wrong::Unavailable) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Wrong::Nonsense) => json!({"nonsense": true}),
        None => words::answer(row, &word, &text),
    };
    let message = json!({"role": "assistant", "content": said.to_string()});
    let whole = json!({
        "id": "answer", "object": "chat.completion", "model": row,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    });
    ([(CONTENT_TYPE, "application/json")], whole.to_string()).into_response()
}
