//! Owns the proof that the Converse API is understood: its frames, its refusals, and every way to fail.
//! Never a server that knows Bedrock: each answers one thing, whatever it is asked.
//! Next: `aws::bedrock`; what holds for every model is in the engine's tests of its providers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws::bedrock::{Bedrock, Settings, Structured};
use aws::clients::{Clients, environment};
use aws_config::Region;
use aws_credential_types::Credentials;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message as Frame};
use contract::PortError;
use engine::model::{Delta, Message, Model as _, OutputSchema, Part, Reply, Request, Sampling, Stop, ToolSpec, Usage};
use engine::providers::Limits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    first_token: Duration::from_secs(5),
    silence: Duration::from_secs(5),
    whole: Duration::from_secs(5),
    answer_bytes_max: 1000,
};
const SECRET: &str = "never-to-be-seen-0123456789";

/// What a server sends; then it hangs up, or not.
#[derive(Clone)]
struct Answer {
    bytes: Vec<u8>,
    hangs: bool,
}

/// A server of one answer. It ends with the test.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    _serving: JoinSet<()>,
}

impl Server {
    async fn of(answer: Answer) -> Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (mut serving, asked) = (JoinSet::new(), Arc::<Mutex<Vec<_>>>::default());
        let noting = asked.clone();
        serving.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let (answer, noting) = (answer.clone(), noting.clone());
                open.spawn(async move { drop(serve(connection, &answer, &noting).await) });
            }
        });
        Ok(Server { url, asked, _serving: serving })
    }

    async fn model(&self, limits: Limits) -> Bedrock {
        let credentials = Credentials::new("test", SECRET, None, None, "fixture");
        let loader = environment().region(Region::new("us-east-1")).credentials_provider(credentials);
        let clients = Clients::load(loader.endpoint_url(&self.url), aws::clients::Limits::default()).await;
        Bedrock::new(&clients, Settings { limits, ..Settings::new("test.model-1:0") })
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut connection: TcpStream, answer: &Answer, noting: &Mutex<Vec<(String, Value)>>) -> Result<()> {
    let mut bytes = vec![];
    let (head, body) = loop {
        anyhow::ensure!(connection.read_buf(&mut bytes).await? > 0, "the client hung up");
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("a request without a length")?.trim().parse()?;
        if bytes.len() >= end + 4 + length {
            break (head, serde_json::from_slice(&bytes[end + 4..])?);
        }
    };
    noting.lock().unwrap().push((head.lines().next().unwrap_or_default().to_owned(), body));
    connection.write_all(&answer.bytes).await?;
    if answer.hangs {
        std::future::pending::<()>().await;
    }
    Ok(())
}

fn frame(kind: &str, name: &str, payload: &Value) -> Vec<u8> {
    let header = |name: &'static str, value: &str| Header::new(name, HeaderValue::String(value.to_owned().into()));
    let named = if kind == "event" { ":event-type" } else { ":exception-type" };
    let frame = Frame::new(payload.to_string().into_bytes())
        .add_header(header(":message-type", kind))
        .add_header(header(named, name))
        .add_header(header(":content-type", "application/json"));
    let mut bytes = vec![];
    write_message_to(&frame, &mut bytes).unwrap();
    bytes
}

fn event(name: &str, payload: &Value) -> Vec<u8> {
    frame("event", name, payload)
}

fn delta(index: usize, delta: &Value) -> Vec<u8> {
    event("contentBlockDelta", &json!({ "contentBlockIndex": index, "delta": delta }))
}

fn text(index: usize, text: &str) -> Vec<u8> {
    delta(index, &json!({ "text": text }))
}

fn call(index: usize, id: &str, name: &str, pieces: &[&str]) -> Vec<u8> {
    let start = json!({ "contentBlockIndex": index, "start": { "toolUse": { "toolUseId": id, "name": name } } });
    let pieces = pieces.iter().flat_map(|piece| delta(index, &json!({ "toolUse": { "input": piece } })));
    event("contentBlockStart", &start).into_iter().chain(pieces).collect()
}

fn end(reason: &str) -> Vec<u8> {
    let usage = json!({ "inputTokens": 10, "outputTokens": 7, "totalTokens": 27, "cacheReadInputTokens": 10 });
    let told = event("metadata", &json!({ "usage": usage, "metrics": { "latencyMs": 9 } }));
    [event("messageStop", &json!({ "stopReason": reason })), told].concat()
}

fn stream(frames: &[Vec<u8>]) -> Answer {
    let begun = event("messageStart", &json!({ "role": "assistant" }));
    let body = [begun, frames.concat()].concat();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Answer { bytes: [head.into_bytes(), body].concat(), hangs: false }
}

/// The same, and more was announced than comes.
fn unfinished(frames: &[Vec<u8>], hangs: bool) -> Answer {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ncontent-length: 99999\r\n\r\n";
    Answer { bytes: [head.as_bytes(), &frames.concat()].concat(), hangs }
}

fn refusal(status: u16, code: &str, message: &str, headers: &str) -> Answer {
    let body = json!({ "message": message }).to_string();
    let head = format!(
        "HTTP/1.1 {status} No\r\nx-amzn-errortype: {code}\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Answer { bytes: format!("{head}{body}").into_bytes(), hangs: false }
}

fn hello() -> Request {
    let sampling = Sampling { temperature: Some(0.5), top_p: Some(0.9), output_tokens_max: 500 };
    let messages = vec![Message::user("How did prices move?")];
    Request { system: "You are brief.".into(), messages, sampling, ..Request::default() }
}

fn with_schema() -> Request {
    let schema = json!({ "type": "object", "properties": { "title": { "type": "string" } } });
    Request { schema: Some(OutputSchema { name: "plan".into(), schema }), ..hello() }
}

async fn asked(model: &Bedrock, request: &Request) -> (Result<Reply, PortError>, Vec<Delta>) {
    let mut heard = vec![];
    let reply = model.reply(request, &mut |delta| heard.push(delta.clone())).await;
    // What it says, without what it thinks.
    heard.retain(|delta| !matches!(delta, Delta::Thought(_)));
    (reply, heard)
}

async fn transient(answer: Answer, limits: Limits) -> Result<(String, Option<Duration>)> {
    match asked(&Server::of(answer).await?.model(limits).await, &hello()).await.0 {
        Err(PortError::Transient { why, retry_after }) => Ok((why, retry_after)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn words_come_in_order_and_the_request_is_spelled_as_the_api_has_it() -> Result<()> {
    let server = Server::of(stream(&[text(0, "Prices "), text(0, "rose."), end("end_turn")])).await?;
    let model = server.model(LIMITS).await;
    let tools = vec![ToolSpec { name: "search".into(), description: "Looks.".into(), arguments: json!({ "n": 1.5 }) }];
    let result = Part::ToolResult { id: "t1".into(), content: "nothing".into(), failed: true };
    let mut request = Request { tools, ..hello() };
    request.messages.push(Message { parts: vec![Part::Text { text: "go on".into() }, result], ..Message::user("") });
    let (reply, heard) = asked(&model, &request).await;
    let reply = reply?;
    assert_eq!(heard, ["Prices ", "rose."].map(|piece| Delta::Text(piece.into())));
    assert_eq!((reply.text().as_str(), reply.stop), ("Prices rose.", Stop::End));
    assert_eq!(reply.usage, Usage { input_tokens: 20, output_tokens: 7, cached_tokens: 10, estimated: false });
    let (line, body) = &server.asked()[0];
    assert!(line.starts_with("post /model/test.model-1%3a0/converse-stream"), "{line}");
    let result = json!({ "toolUseId": "t1", "content": [{ "text": "nothing" }], "status": "error" });
    let spec = json!({ "name": "search", "description": "Looks.", "inputSchema": { "json": { "n": 1.5 } } });
    assert_eq!(
        *body,
        json!({
            "system": [{ "text": "You are brief." }],
            "messages": [
                { "role": "user", "content": [{ "text": "How did prices move?" }] },
                { "role": "user", "content": [{ "toolResult": result }, { "text": "go on" }] },
            ],
            "inferenceConfig": { "maxTokens": 500, "temperature": 0.5 },
            "toolConfig": { "tools": [{ "toolSpec": spec }] },
        })
    );
    assert_eq!(model.name(), "bedrock/test.model-1:0");
    Ok(())
}

#[tokio::test]
async fn tool_calls_in_pieces_are_whole_in_the_reply() -> Result<()> {
    let calls = [call(1, "a", "search", &["{\"query\":", "\"pricing\"}"]), call(2, "b", "today", &[])].concat();
    let server = Server::of(stream(&[text(0, "Let me look."), calls, end("tool_use")])).await?;
    let reply = asked(&server.model(LIMITS).await, &hello()).await.0?;
    let call = |id: &str, name: &str, arguments| Part::ToolCall { id: id.into(), name: name.into(), arguments };
    let calls = [call("a", "search", json!({ "query": "pricing" })), call("b", "today", json!({}))];
    assert_eq!((&reply.parts[1..], reply.stop), (&calls[..], Stop::ToolCall));
    Ok(())
}

#[tokio::test]
async fn a_schema_goes_as_an_output_format_then_as_a_tool_then_in_the_prompt() -> Result<()> {
    let words = "outputConfig.textFormat and toolConfig are not supported by this model";
    let server = Server::of(refusal(400, "ValidationException", words, "")).await?;
    let model = server.model(LIMITS).await;
    for structured in [Structured::Tool, Structured::Prompt] {
        assert!(matches!(asked(&model, &with_schema()).await.0, Err(PortError::Transient { .. })));
        assert_eq!(model.ways().structured, structured);
    }
    assert!(matches!(asked(&model, &with_schema()).await.0, Err(PortError::Permanent { .. })));
    let bodies: Vec<Value> = server.asked().into_iter().map(|(_, body)| body).collect();
    let format = &bodies[0]["outputConfig"]["textFormat"];
    let schema: Value =
        serde_json::from_str(format["structure"]["jsonSchema"]["schema"].as_str().context("a schema")?)?;
    assert_eq!((&format["type"], &schema["additionalProperties"]), (&json!("json_schema"), &json!(false)));
    assert_eq!(bodies[1]["toolConfig"]["toolChoice"], json!({ "tool": { "name": "plan" } }));
    assert!(bodies[2]["system"][0]["text"].as_str().context("a system")?.contains("JSON Schema"));
    Ok(())
}

#[tokio::test]
async fn the_tool_that_stands_for_the_schema_gives_the_text() -> Result<()> {
    let server = Server::of(stream(&[call(0, "a", "plan", &["{\"title\":", "\"Pricing\"}"]), end("tool_use")])).await?;
    let request = with_schema();
    let map = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let schema = Some(OutputSchema { name: "plan".into(), schema: map });
    let reply = asked(&server.model(LIMITS).await, &Request { schema, ..request }).await.0?;
    assert_eq!((reply.document(), reply.stop), (Ok(json!({ "title": "Pricing" })), Stop::End));
    Ok(())
}

#[tokio::test]
async fn each_reason_to_stop_is_told() -> Result<()> {
    let reasons = [
        ("max_tokens", Stop::Truncated),
        ("model_context_window_exceeded", Stop::Truncated),
        ("guardrail_intervened", Stop::Refused),
        ("content_filtered", Stop::Refused),
        ("stop_sequence", Stop::End),
        ("of_next_year", Stop::Truncated),
    ];
    for (reason, stop) in reasons {
        let server = Server::of(stream(&[text(0, "Prices"), end(reason)])).await?;
        assert_eq!(asked(&server.model(LIMITS).await, &hello()).await.0?.stop, stop, "{reason}");
    }
    transient(stream(&[text(0, "Prices"), end("malformed_tool_use")]), LIMITS).await?;
    Ok(())
}

#[tokio::test]
async fn what_may_pass_is_transient_and_asked_once_and_a_wait_is_passed_on() -> Result<()> {
    let cases = [
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
        (408, "ModelTimeoutException"),
        (429, "ModelNotReadyException"),
        (424, "ModelErrorException"),
    ];
    for (status, code) in cases {
        let server = Server::of(refusal(status, code, "later", "retry-after: 7\r\n")).await?;
        let error = asked(&server.model(LIMITS).await, &hello()).await.0.unwrap_err();
        let PortError::Transient { why, retry_after } = &error else { panic!("{code}: {error:?}") };
        assert!(why.contains("bedrock/test.model-1:0") && why.contains(code), "{why}");
        assert_eq!((*retry_after, server.asked().len()), (Some(Duration::from_secs(7)), 1), "{code}");
    }
    Ok(())
}

#[tokio::test]
async fn what_will_not_pass_is_permanent_and_says_what_to_do() -> Result<()> {
    for (status, code) in
        [(400, "ValidationException"), (403, "AccessDeniedException"), (404, "ResourceNotFoundException")]
    {
        let server = Server::of(refusal(status, code, "no", "")).await?;
        let error = asked(&server.model(LIMITS).await, &hello()).await.0.unwrap_err();
        let PortError::Permanent { reason } = &error else { panic!("{code}: {error:?}") };
        assert!(reason.contains(code) && reason.contains("may use it") && !reason.contains(SECRET), "{reason}");
    }
    Ok(())
}

#[tokio::test]
async fn an_exception_inside_of_a_stream_is_what_its_name_says() -> Result<()> {
    let throttled = frame("exception", "throttlingException", &json!({ "message": "slow down" }));
    let (why, _) = transient(stream(&[text(0, "Prices"), throttled]), LIMITS).await?;
    assert!(why.contains("slow down"), "{why}");
    let invalid = frame("exception", "validationException", &json!({ "message": "no" }));
    let server = Server::of(stream(&[invalid])).await?;
    let error = asked(&server.model(LIMITS).await, &hello()).await.0.unwrap_err();
    assert!(matches!(error, PortError::Permanent { .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_hangs_is_left_after_its_time() -> Result<()> {
    let short = Duration::from_millis(300);
    let first = Limits { first_token: short, ..LIMITS };
    let (why, _) = transient(Answer { bytes: vec![], hangs: true }, first).await?;
    assert!(why.contains("no word of an answer within 0.3 s"), "{why}");
    let silence = Limits { silence: short, ..LIMITS };
    let (why, _) = transient(unfinished(&[text(0, "Prices")], true), silence).await?;
    assert!(why.contains("silent for 0.3 s"), "{why}");
    Ok(())
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_nonsense_is_transient() -> Result<()> {
    let (why, _) = transient(unfinished(&[text(0, "Prices")], false), LIMITS).await?;
    assert!(why.contains("broke off"), "{why}");
    let (why, _) = transient(stream(&[text(0, "Prices")]), LIMITS).await?;
    assert!(why.contains("before it gave a reason"), "{why}");
    let (why, _) = transient(stream(&[b"<html>this is no frame at all</html>".to_vec()]), LIMITS).await?;
    assert!(why.contains("broke off"), "{why}");
    Ok(())
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_off() -> Result<()> {
    let server = Server::of(stream(&[text(0, &"x".repeat(600)), text(0, &"x".repeat(600)), end("end_turn")])).await?;
    let error = asked(&server.model(LIMITS).await, &hello()).await.0.unwrap_err();
    assert!(
        matches!(&error, PortError::Permanent { reason } if reason.contains("larger than 1000 bytes")),
        "{error:?}"
    );
    Ok(())
}

#[test]
fn a_models_file_that_names_bedrock_makes_a_mind_without_asking_aws() -> Result<()> {
    let folder = tempfile::TempDir::new()?;
    let file = folder.path().join("models.toml");
    std::fs::write(
        &file,
        "[models.one]\nprovider = \"bedrock\"\nmodel = \"anthropic.claude-sonnet-4-5\"\nregion = \"eu-west-1\"\n\
         [agents.analysis]\nmodels = [\"one\"]\n",
    )?;
    let own = std::collections::BTreeMap::from([("MURMUR_MODELS", file.display().to_string())]);
    let mind = engine::Mind::of_with("analysis", &own, &aws::models::makers()).map_err(anyhow::Error::msg)?;
    assert!(format!("{mind:?}").contains("bedrock/anthropic.claude-sonnet-4-5"), "{mind:?}");
    Ok(())
}
