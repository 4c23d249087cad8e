//! Owns servers for one test each: one answer, whatever they are asked, and what they were asked.
//! Never a server that outlives its test.
//! Next: the tests beside it.

use std::time::Duration;

use contract::PortError;
use engine::model::{Delta, Message, Model, OutputSchema, Part, Reply, Request, Role, Sampling, ToolSpec};
use engine::providers::{Anthropic, Limits, OpenAi, anthropic, openai};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

pub(crate) const KEY: &str = "sk-never-to-be-seen-0123456789";
/// Far below the limits that hold without these, so that a test fails and does not wait.
pub(crate) const SHORT: Limits = Limits {
    connect: Duration::from_secs(5),
    first_token: Duration::from_secs(5),
    silence: Duration::from_secs(5),
    whole: Duration::from_secs(5),
    answer_bytes_max: 100_000,
};

pub(crate) fn key() -> SecretString {
    KEY.into()
}

pub(crate) fn sse(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream; charset=utf-8")
}

pub(crate) fn refusal(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

pub(crate) async fn serving(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

pub(crate) fn anthropic_at(url: &str, limits: Limits) -> Anthropic {
    let settings = anthropic::Settings::new("claude-test-1", key(), Url::parse(url).unwrap());
    Anthropic::new(anthropic::Settings { limits, ..settings }).unwrap()
}

pub(crate) fn openai_at(url: &str, limits: Limits) -> OpenAi {
    let settings = openai::Settings::new("gpt-test", Some(key()), Url::parse(url).unwrap());
    OpenAi::new(openai::Settings { limits, ..settings }).unwrap()
}

/// One of each, at the same server.
pub(crate) fn both(url: &str, limits: Limits) -> [Box<dyn Model>; 2] {
    [Box::new(anthropic_at(url, limits)), Box::new(openai_at(url, limits))]
}

/// The reply, and what was heard of it while it came.
pub(crate) async fn asked(model: &dyn Model, request: &Request) -> (Result<Reply, PortError>, Vec<Delta>) {
    let (reply, mut heard) = watched(model, request).await;
    heard.retain(|delta| !matches!(delta, Delta::Thought(_)));
    (reply, heard)
}

/// The same, with what it thinks.
pub(crate) async fn watched(model: &dyn Model, request: &Request) -> (Result<Reply, PortError>, Vec<Delta>) {
    let mut heard = vec![];
    let reply = model.reply(request, &mut |delta| heard.push(delta.clone())).await;
    (reply, heard)
}

/// What was asked, as the server saw it.
pub(crate) async fn bodies(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}

pub(crate) fn hello() -> Request {
    Request {
        system: "You are brief.".into(),
        messages: vec![Message::user("How did prices move?")],
        sampling: Sampling { temperature: Some(0.2), top_p: None, output_tokens_max: 500 },
        ..Request::default()
    }
}

pub(crate) fn with_schema() -> Request {
    let steps = json!({ "type": "array", "items": { "type": "integer", "minimum": 0 } });
    let properties = json!({ "title": { "type": "string" }, "steps": steps });
    let schema = json!({ "type": "object", "properties": properties, "required": ["title"] });
    Request { schema: Some(OutputSchema { name: "plan".into(), schema }), ..hello() }
}

/// In the middle of a conversation with tools.
pub(crate) fn with_tools() -> Request {
    let spec = |name: &str| ToolSpec {
        name: name.into(),
        description: format!("Does {name}."),
        arguments: json!({ "type": "object", "properties": { "query": { "type": "string" } } }),
    };
    let call = Part::ToolCall { id: "t1".into(), name: "search".into(), arguments: json!({ "query": "prices" }) };
    let result = Part::ToolResult { id: "t1".into(), content: "nothing".into(), failed: true };
    let assistant = Message { role: Role::Assistant, parts: vec![Part::Text { text: String::new() }, call] };
    let user = Message { role: Role::User, parts: vec![Part::Text { text: "go on".into() }, result] };
    let messages = vec![Message::user("How did prices move?"), assistant, user];
    Request { messages, tools: vec![spec("search"), spec("today")], ..hello() }
}

pub(crate) fn text(pieces: &[&str]) -> Vec<Delta> {
    pieces.iter().map(|piece| Delta::Text((*piece).to_owned())).collect()
}

/// The two calls that every shape with tools makes.
pub(crate) fn two_calls(first: &str, second: &str) -> [Part; 2] {
    let search = Part::ToolCall { id: first.into(), name: "search".into(), arguments: json!({ "query": "pricing" }) };
    [search, Part::ToolCall { id: second.into(), name: "today".into(), arguments: json!({}) }]
}

/// What a listener does once it has heard a request and said what it has to say.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    Hang,
    Close,
}

/// A listener without manners. It ends with the test.
pub(crate) struct Raw {
    pub(crate) url: String,
    _serving: JoinSet<()>,
}

impl Raw {
    pub(crate) async fn saying(words: String, then: Then) -> Raw {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let words = words.clone();
                open.spawn(async move { drop(say(connection, &words, then).await) });
            }
        });
        Raw { url, _serving: serving }
    }

    /// A stream that begins with this.
    pub(crate) async fn streaming(events: &str, then: Then) -> Raw {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        Raw::saying(format!("{head}{:x}\r\n{events}\r\n", events.len()), then).await
    }
}

async fn say(mut connection: TcpStream, words: &str, then: Then) -> std::io::Result<()> {
    let mut bytes = [0; 16_000];
    let _ = connection.read(&mut bytes).await?;
    connection.write_all(words.as_bytes()).await?;
    match then {
        Then::Hang => std::future::pending().await,
        Then::Close => Ok(()),
    }
}
