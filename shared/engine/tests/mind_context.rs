//! Owns what is proved of a context that turns out too small: one shorter question, what is learned of it, the same replay.
//! Never a real provider: a server of the test's own counts tokens as it likes.
//! Next: `mind_asking` has what fits by our own count.
#![allow(clippy::unwrap_used, reason = "what a test cannot make is a test that fails")]

mod desk;

use std::sync::Arc;

use desk::{Answer, Desk, PRICE, Puppet, Turn, ask, good, mind_of, settings};
use engine::exchange::Secrets;
use engine::mind::config::{AgentSettings, ModelSettings};
use engine::mind::{Mind, Thinker};
use engine::model::{Model, Stop};
use engine::prompt::Untrusted;
use engine::providers::{OpenAi, openai};
use engine::{Instead, Unanswered};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Of the server; its configuration says four times as much.
const CONTEXT: usize = 4_096;
const SOURCES: usize = 20;

fn agent() -> AgentSettings {
    AgentSettings { output_tokens_max: 200, ..AgentSettings::default() }
}

fn configured(mut settings: ModelSettings) -> ModelSettings {
    settings.context_tokens = 16_384;
    settings
}

fn asking() -> engine::Ask<'static, Answer> {
    let text = "Flock costs 49 USD a month and more words. ".repeat(12);
    let source = |n: usize| Untrusted { id: format!("p-{n}"), text: text.clone() };
    engine::Ask { sources: (1..=SOURCES).map(source).collect(), ..ask("prices") }
}

fn shown(body: &str) -> usize {
    body.matches("id=\\\"p-").count()
}

/// It counts a token for every two bytes, and refuses as llama.cpp's Python server does.
fn answered(request: &Request) -> ResponseTemplate {
    let tokens = request.body.len() / 2;
    if tokens + 200 > CONTEXT {
        let message = format!(
            "This model's maximum context length is {CONTEXT} tokens. However, you requested {} tokens ({tokens} in the \
             messages, 200 in the completion). Please reduce the length of the messages or completion.",
            tokens + 200
        );
        let error = json!({ "message": message, "type": "invalid_request_error", "param": "messages",
                            "code": "context_length_exceeded" });
        return ResponseTemplate::new(400).set_body_json(json!({ "error": error }));
    }
    let content = json!({ "statement": "Flock costs 49 USD.", "cites": ["p-1"] }).to_string();
    let choice = json!({ "index": 0, "message": { "role": "assistant", "content": content }, "finish_reason": "stop" });
    let usage = json!({ "prompt_tokens": tokens, "completion_tokens": 20, "total_tokens": tokens + 20 });
    ResponseTemplate::new(200).set_body_json(json!({ "id": "c-1", "object": "chat.completion", "model": "small",
                                                     "choices": [choice], "usage": usage }))
}

async fn serving() -> (MockServer, Mind, String) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answered).mount(&server).await;
    let url = server.uri().parse().unwrap();
    let model: Arc<dyn Model> = Arc::new(OpenAi::new(openai::Settings::new("small", None, url)).unwrap());
    let name = model.name().to_owned();
    let thinker = Thinker::new(model, configured(settings(&name)), PRICE);
    (server, Mind::with(agent(), vec![thinker], Secrets::default(), None), name)
}

/// How many sources stood in each question.
async fn sent(server: &MockServer) -> Vec<usize> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| shown(std::str::from_utf8(&request.body).unwrap())).collect()
}

#[tokio::test]
async fn a_question_that_a_server_finds_too_long_is_asked_once_more_with_fewer_sources_and_the_next_one_fits_at_once() {
    let (server, mind, name) = serving().await;
    let (first, second) = (Desk::new(), Desk::new());
    let answer = mind.at(&first).ask(asking()).await.unwrap();
    assert_eq!(answer.cites, ["p-1"]);
    mind.at(&second).ask(asking()).await.unwrap();
    let counts = sent(&server).await;
    assert_eq!((counts.len(), counts[0]), (3, SOURCES), "{counts:?}");
    assert!((1..SOURCES).contains(&counts[1]) && (1..SOURCES).contains(&counts[2]), "{counts:?}");
    let noted = first.exchanges();
    assert_eq!((noted.len(), noted[0].cost.tokens), (2, 0), "what was refused at the door costs nothing");
    assert_eq!(second.exchanges().len(), 1);
    // What this process has learned is not known to one that replays: the record has what was sent.
    for desk in [first, second] {
        let silent = Puppet::new(&name, vec![]);
        let replay = desk.replayed();
        let again = mind_of(&[&silent], agent(), configured, None).at(&replay).ask(asking()).await.unwrap();
        assert_eq!((again, silent.times()), (answer.clone(), 0));
        assert!(replay.exchanges().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_stays_too_small_is_asked_twice_and_then_the_next_one() {
    let too_long = || Turn::Stops(Stop::TooLong { context_tokens: None }, "too long".into());
    let (small, large) = (Puppet::new("m/small", vec![too_long()]), Puppet::new("m/large", vec![good()]));
    let desk = Desk::new();
    mind_of(&[&small, &large], agent(), configured, None).at(&desk).ask(asking()).await.unwrap();
    assert_eq!((small.times(), large.times()), (2, 1));
    let size = |n: usize| shown(&Value::to_string(&serde_json::to_value(small.request(n)).unwrap()));
    assert!(size(1) < size(0) && size(1) > 0, "{} and {}", size(0), size(1));
    // One source cannot be fewer.
    let alone = Puppet::new("m/small", vec![too_long()]);
    let mind = mind_of(&[&alone], agent(), configured, None);
    let desk = Desk::new();
    let unanswered = mind.at(&desk).ask(ask("prices")).await.unwrap_err();
    assert!(matches!(&unanswered, Unanswered::Instead(Instead { note: Some(note) }) if note.contains("no model")));
    assert_eq!((alone.times(), desk.spent().tokens), (1, 0));
    let silent = Puppet::new("m/small", vec![]);
    let again = mind_of(&[&silent], agent(), configured, None).at(&desk.replayed()).ask(ask("prices")).await;
    assert_eq!(again.unwrap_err(), unanswered);
}
