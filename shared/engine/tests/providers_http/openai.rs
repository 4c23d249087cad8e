//! Owns the proof that chat completions are understood, as OpenAI has them and as other servers do.
//! Never what fails below it: that is in `failures`.
//! Next: `tests/shapes/openai` has the answers.

use contract::PortError;
use engine::model::{Delta, Model as _, Part, Stop, Usage};
use engine::providers::openai::{OutputCap, Server, Settings, Structured};
use engine::providers::{Limits, OpenAi};
use serde_json::{Value, json};
use url::Url;
use wiremock::ResponseTemplate;

use super::fixture::*;

macro_rules! shape {
    ($name:literal) => {
        include_str!(concat!("../shapes/openai/", $name, ".sse"))
    };
}

const COUNTED: Usage = Usage { input_tokens: 20, output_tokens: 7, cached_tokens: 16, estimated: false };

#[tokio::test]
async fn words_come_in_order_and_the_whole_is_their_sum() {
    let server = serving(sse(shape!("text"))).await;
    let (reply, heard) = asked(&openai_at(&server.uri(), SHORT), &hello()).await;
    let reply = reply.unwrap();
    assert_eq!(heard, text(&["Prices ", "rose by ", "8 €."]));
    assert_eq!(reply.text(), "Prices rose by 8 €.");
    assert_eq!((reply.stop, reply.usage, reply.model.as_str()), (Stop::End, COUNTED, "gpt-test-2026-01-01"));
}

#[tokio::test]
async fn the_request_is_spelled_as_the_api_has_it() {
    let server = serving(sse(shape!("text"))).await;
    asked(&openai_at(&server.uri(), SHORT), &with_tools()).await.0.unwrap();
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.url.path(), "/v1/chat/completions");
    assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
    let asked: Value = serde_json::from_slice(&request.body).unwrap();
    let schema = json!({ "type": "object", "properties": { "query": { "type": "string" } } });
    let tool = |name: &str, description: &str| json!({ "type": "function", "function": { "name": name, "description": description, "parameters": schema } });
    let call = json!({ "name": "search", "arguments": "{\"query\":\"prices\"}" });
    assert_eq!(
        asked,
        json!({
            "model": "gpt-test", "max_tokens": 500, "temperature": 0.2,
            "stream": true, "stream_options": { "include_usage": true },
            "messages": [
                { "role": "system", "content": "You are brief." },
                { "role": "user", "content": "How did prices move?" },
                { "role": "assistant", "content": null, "tool_calls": [{ "id": "t1", "type": "function", "function": call }] },
                { "role": "tool", "tool_call_id": "t1", "content": "failed: nothing" },
                { "role": "user", "content": "go on" },
            ],
            "tools": [tool("search", "Does search."), tool("today", "Does today.")],
        })
    );
}

#[tokio::test]
async fn tool_calls_in_pieces_are_whole_in_the_reply() {
    let server = serving(sse(shape!("tools"))).await;
    let (reply, heard) = asked(&openai_at(&server.uri(), SHORT), &with_tools()).await;
    let reply = reply.unwrap();
    assert_eq!((reply.parts.as_slice(), reply.stop), (&two_calls("call_a", "call_b")[..], Stop::ToolCall));
    let pieces = ["search", "{\"que", "ry\":\"pricing\"}", "today", "{}"];
    assert_eq!(heard, pieces.map(|piece| Delta::ToolCall(piece.into())));
}

#[tokio::test]
async fn two_whole_calls_under_one_index_are_two_and_stop_means_tools() {
    let server = serving(sse(shape!("ollama-tools"))).await;
    let reply = asked(&openai_at(&server.uri(), SHORT), &with_tools()).await.0.unwrap();
    assert_eq!((reply.parts.as_slice(), reply.stop), (&two_calls("call_1", "call_2")[..], Stop::ToolCall));
    assert!(reply.usage.estimated);
}

#[tokio::test]
async fn a_schema_goes_as_a_response_format_and_the_document_is_the_text() {
    let server = serving(sse(shape!("document"))).await;
    let reply = asked(&openai_at(&server.uri(), SHORT), &with_schema()).await.0.unwrap();
    assert_eq!(reply.document(), Ok(json!({ "title": "Pricing", "steps": [1, 2] })));
    let format = &bodies(&server).await[0]["response_format"]["json_schema"];
    assert_eq!((&format["name"], &format["strict"]), (&json!("plan"), &json!(true)));
    assert_eq!(format["schema"]["required"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_server_that_does_not_know_schemas_is_asked_with_less_each_time() {
    let error =
        json!({ "error": { "message": "response_format: Input should be 'text'", "type": "internal_server_error" } });
    let server = serving(refusal(500, &error)).await;
    let model = openai_at(&server.uri(), SHORT);
    for structured in [Structured::SchemaInJsonObject, Structured::JsonObject, Structured::Prompt] {
        assert!(matches!(asked(&model, &with_schema()).await.0, Err(PortError::Transient { .. })));
        assert_eq!(model.ways().structured, structured);
    }
    asked(&model, &with_schema()).await.0.unwrap_err();
    let asked = bodies(&server).await;
    let formats: Vec<_> = asked.iter().map(|body| body["response_format"]["type"].as_str()).collect();
    assert_eq!(formats, [Some("json_schema"), Some("json_object"), Some("json_object"), None]);
    assert_eq!(asked[1]["response_format"]["schema"], with_schema().schema.unwrap().schema);
    assert!(asked[3]["messages"][0]["content"].as_str().unwrap().contains("JSON Schema"), "{}", asked[3]);
}

#[tokio::test]
async fn each_reason_to_stop_is_told() {
    let cases = [
        (shape!("refusal"), Stop::Refused, "I cannot help with that."),
        (shape!("truncated"), Stop::Truncated, "Prices rose"),
        (shape!("azure-filtered"), Stop::Refused, "Prices "),
        (shape!("vllm-thoughts"), Stop::End, "Eight."),
        (shape!("no-reason"), Stop::End, "Prices rose."),
        (shape!("no-done"), Stop::End, "Prices rose."),
        (shape!("llama-cpp-python-recorded"), Stop::Truncated, "La France est la cité de la France, le Canada"),
    ];
    for (shape, stop, words) in cases {
        let server = serving(sse(shape)).await;
        let reply = asked(&openai_at(&server.uri(), SHORT), &hello()).await.0.unwrap();
        assert_eq!((reply.stop, reply.text().as_str()), (stop, words));
    }
}

#[tokio::test]
async fn a_server_that_does_not_count_is_estimated() {
    let server = serving(sse(shape!("llama-cpp-python-recorded"))).await;
    let usage = asked(&openai_at(&server.uri(), SHORT), &hello()).await.0.unwrap().usage;
    assert!(usage.estimated && (20..200).contains(&usage.input_tokens), "{usage:?}");
    // It wrote twelve.
    assert!((12..20).contains(&usage.output_tokens), "{usage:?}");
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood_too() {
    let message = json!({ "role": "assistant", "content": "Eight.", "tool_calls": null });
    let answer = json!({
        "object": "chat.completion", "model": "m", "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 2 },
    });
    let server = serving(ResponseTemplate::new(200).set_body_json(answer)).await;
    let (reply, heard) = asked(&openai_at(&server.uri(), SHORT), &hello()).await;
    let usage = Usage { input_tokens: 3, output_tokens: 2, cached_tokens: 0, estimated: false };
    assert_eq!((heard, reply.unwrap().usage), (text(&["Eight."]), usage));
}

#[tokio::test]
async fn an_error_inside_of_a_stream_is_what_its_code_says() {
    let server = serving(sse(shape!("error-inside"))).await;
    let (reply, heard) = asked(&openai_at(&server.uri(), SHORT), &hello()).await;
    assert_eq!(heard, text(&["Prices"]));
    assert!(matches!(&reply, Err(PortError::Transient { why, .. }) if why.contains("engine is dead")), "{reply:?}");
}

fn azure(url: &str) -> OpenAi {
    let settings = Settings::of(Server::Azure, "prices", Some(key()), Url::parse(url).unwrap());
    OpenAi::new(Settings { limits: Limits { answer_bytes_max: 100_000, ..SHORT }, ..settings }).unwrap()
}

#[tokio::test]
async fn azure_has_its_deployment_in_the_path_and_its_key_in_a_header_of_its_own() {
    let server = serving(sse(shape!("text"))).await;
    let model = azure(&server.uri());
    asked(&model, &hello()).await.0.unwrap();
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.url.path(), "/openai/deployments/prices/chat/completions");
    assert_eq!(request.url.query(), Some("api-version=2024-10-21"));
    assert_eq!((&request.headers["api-key"], request.headers.get("authorization")), (&KEY.parse().unwrap(), None));
    assert_eq!(bodies(&server).await[0]["max_completion_tokens"], 500);
    assert_eq!((model.name(), model.ways().cap), ("azure/prices", OutputCap::MaxCompletionTokens));
}

#[tokio::test]
async fn azures_filter_before_the_model_is_a_refusal_and_no_failure() {
    let inner = json!({ "code": "ResponsibleAIPolicyViolation", "content_filter_result": {} });
    let error = json!({ "message": "The response was filtered.", "param": "prompt", "code": "content_filter", "innererror": inner });
    let server = serving(refusal(400, &json!({ "error": error }))).await;
    let reply = asked(&azure(&server.uri()), &hello()).await.0.unwrap();
    let said = [Part::Text { text: "The response was filtered.".into() }];
    assert_eq!((reply.stop, reply.parts.as_slice(), reply.usage), (Stop::Refused, &said[..], Usage::default()));
}

#[tokio::test]
async fn without_a_key_no_header_is_sent() {
    let server = serving(sse(shape!("text"))).await;
    let model = OpenAi::new(Settings::new("m", None, Url::parse(&server.uri()).unwrap())).unwrap();
    asked(&model, &hello()).await.0.unwrap();
    assert!(!server.received_requests().await.unwrap()[0].headers.contains_key("authorization"));
}
