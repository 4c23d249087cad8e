//! Owns the proof against a real model: one question with streaming, one with a schema, over a server nobody here wrote.
//! Never judges what a model of 135 million parameters says, only how it arrives.
//! Next: `make test-real-model` starts the server (`tests/real-model/serve.sh`).

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails, its target says where the model is, and a person reads what it answered"
)]

use std::time::Duration;

use engine::model::{Delta, Message, Model as _, OutputSchema, Reply, Request, Sampling, Stop};
use engine::providers::{Limits, OpenAi, openai};
use serde_json::json;
use tokio::time::Instant;
use url::Url;

fn model() -> OpenAi {
    let url = std::env::var("MURMUR_TEST_MODEL_URL").expect("MURMUR_TEST_MODEL_URL: run `make test-real-model`");
    let settings = openai::Settings::new("smollm2-135m", None, Url::parse(&url).unwrap());
    let limits = Limits { first_token: Duration::from_secs(120), ..Limits::default() };
    OpenAi::new(openai::Settings { limits, ..settings }).unwrap()
}

fn question(text: &str) -> Request {
    let sampling = Sampling { temperature: Some(0.0), top_p: None, output_tokens_max: 60 };
    Request { system: "You are brief.".into(), messages: vec![Message::user(text)], sampling, ..Request::default() }
}

fn report(what: &str, began: Instant, reply: &Reply) {
    let (usage, took_ms) = (reply.usage, began.elapsed().as_millis());
    println!(
        "{what}: {} in, {} out, estimated: {}, {took_ms} ms: {:?}",
        usage.input_tokens,
        usage.output_tokens,
        usage.estimated,
        reply.text()
    );
}

#[tokio::test]
async fn a_question_is_answered_in_a_stream() {
    let (mut pieces, began) = (vec![], Instant::now());
    let mut heard = |delta: &Delta| pieces.push(delta.clone());
    let reply = model().reply(&question("What is the capital of France?"), &mut heard).await.unwrap();
    report("stream", began, &reply);
    assert!(pieces.len() > 1, "{pieces:?}");
    let told: String =
        pieces.iter().map(|piece| if let Delta::Text(text) = piece { text.as_str() } else { "" }).collect();
    assert_eq!(told, reply.text());
    assert!(matches!(reply.stop, Stop::End | Stop::Truncated));
    assert!(reply.usage.input_tokens > 5 && reply.usage.output_tokens > 1, "{:?}", reply.usage);
}

#[tokio::test]
async fn a_schema_is_kept_once_the_server_has_said_what_it_takes() {
    let properties = json!({ "city": { "type": "string", "maxLength": 20 }, "is_capital": { "type": "boolean" } });
    let schema = json!({ "type": "object", "properties": properties, "required": ["city", "is_capital"] });
    let schema = Some(OutputSchema { name: "place".into(), schema });
    let (model, request) = (model(), Request { schema, ..question("Paris is the capital of France. Describe it.") });
    let began = Instant::now();
    // This server knows `json_object` with a schema in it only: its first refusal teaches that.
    let refused = model.reply(&request, &mut |_| {}).await.unwrap_err();
    println!("first: {refused}");
    assert_eq!(model.ways().structured, openai::Structured::SchemaInJsonObject);
    let reply = model.reply(&request, &mut |_| {}).await.unwrap();
    report("structured", began, &reply);
    let document = reply.document().unwrap();
    assert!(document["city"].is_string() && document["is_capital"].is_boolean(), "{document}");
}
