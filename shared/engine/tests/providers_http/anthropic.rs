//! Owns the proof that the Messages API is understood: text, tools in pieces, documents, refusals, and its own errors.
//! Never what fails below it: that is in `failures`.
//! Next: `tests/shapes/anthropic` has the answers.

use contract::PortError;
use engine::model::{Delta, Model as _, Part, Request, Stop, Usage};
use engine::providers::anthropic::Structured;
use serde_json::json;

use super::fixture::*;

macro_rules! shape {
    ($name:literal) => {
        include_str!(concat!("../shapes/anthropic/", $name, ".sse"))
    };
}

const COUNTED: Usage = Usage { input_tokens: 100, output_tokens: 15, cached_tokens: 70, estimated: false };

#[tokio::test]
async fn words_come_in_order_and_the_whole_is_their_sum() {
    let server = serving(sse(shape!("text"))).await;
    let model = anthropic_at(&server.uri(), SHORT);
    let (reply, heard) = asked(&model, &hello()).await;
    let reply = reply.unwrap();
    assert_eq!(heard, text(&["Prices ", "rose by ", "8 €."]));
    assert_eq!(reply.text(), "Prices rose by 8 €.");
    assert_eq!((reply.stop, reply.usage), (Stop::End, COUNTED));
    assert_eq!(reply.model, "claude-test-1-20260101");
    assert_eq!(model.name(), "anthropic/claude-test-1");
}

#[tokio::test]
async fn the_request_is_spelled_as_the_api_has_it() {
    let server = serving(sse(shape!("text"))).await;
    let (reply, _) = asked(&anthropic_at(&server.uri(), SHORT), &with_tools()).await;
    reply.unwrap();
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.url.path(), "/v1/messages");
    assert_eq!(request.headers["x-api-key"], KEY);
    assert_eq!(request.headers["anthropic-version"], "2023-06-01");
    assert!(!request.headers.contains_key("authorization"));
    let asked: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let schema = json!({ "type": "object", "properties": { "query": { "type": "string" } } });
    let result = json!({ "type": "tool_result", "tool_use_id": "t1", "content": "nothing", "is_error": true });
    assert_eq!(
        asked,
        json!({
            "model": "claude-test-1", "max_tokens": 500, "stream": true, "system": "You are brief.", "temperature": 0.2,
            "messages": [
                { "role": "user", "content": [{ "type": "text", "text": "How did prices move?" }] },
                { "role": "assistant", "content": [
                    { "type": "tool_use", "id": "t1", "name": "search", "input": { "query": "prices" } },
                ] },
                { "role": "user", "content": [result, { "type": "text", "text": "go on" }] },
            ],
            "tools": [
                { "name": "search", "description": "Does search.", "input_schema": schema },
                { "name": "today", "description": "Does today.", "input_schema": schema },
            ],
        })
    );
}

#[tokio::test]
async fn tool_calls_in_pieces_are_whole_in_the_reply() {
    let server = serving(sse(shape!("tools"))).await;
    let (reply, heard) = asked(&anthropic_at(&server.uri(), SHORT), &with_tools()).await;
    let reply = reply.unwrap();
    let [search, today] = two_calls("toolu_01", "toolu_02");
    assert_eq!(reply.parts, [Part::Text { text: "Let me look.".into() }, search, today]);
    assert_eq!(reply.stop, Stop::ToolCall);
    let calls = ["search", "{\"query\":", " \"pri", "cing\"}", "today"].map(|piece| Delta::ToolCall(piece.into()));
    assert_eq!(heard, [text(&["Let me ", "look."]), calls.to_vec()].concat());
}

#[tokio::test]
async fn a_schema_goes_as_an_output_format_and_the_document_is_the_text() {
    let server = serving(sse(shape!("document"))).await;
    let (reply, _) = asked(&anthropic_at(&server.uri(), SHORT), &with_schema()).await;
    assert_eq!(reply.unwrap().document(), Ok(json!({ "title": "Pricing", "steps": [1, 2] })));
    let asked = &bodies(&server).await[0];
    let format = &asked["output_config"]["format"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(format["schema"]["additionalProperties"], false);
    assert_eq!(asked.get("tool_choice"), None);
}

#[tokio::test]
async fn a_server_without_output_formats_is_asked_by_a_tool_the_next_time() {
    let words = "output_config: Extra inputs are not permitted";
    let error = json!({ "type": "error", "error": { "type": "invalid_request_error", "message": words } });
    let server = serving(refusal(400, &error)).await;
    let model = anthropic_at(&server.uri(), SHORT);
    let (reply, _) = asked(&model, &with_schema()).await;
    assert!(matches!(reply, Err(PortError::Transient { retry_after: Some(wait), .. }) if wait.is_zero()));
    assert_eq!(model.ways().structured, Structured::Tool);
    server.reset().await;
    wiremock::Mock::given(wiremock::matchers::any()).respond_with(sse(shape!("document-tool"))).mount(&server).await;
    let (reply, heard) = asked(&model, &with_schema()).await;
    let reply = reply.unwrap();
    assert_eq!((reply.document(), reply.stop), (Ok(json!({ "title": "Pricing", "steps": [1, 2] })), Stop::End));
    assert_eq!(heard, text(&["Here it is.", "{\"title\":\"Pri", "cing\",\"steps\":[1,2]}"]));
    let asked = &bodies(&server).await[0];
    assert_eq!(asked["tool_choice"], json!({ "type": "tool", "name": "plan" }));
    assert_eq!(asked["tools"][0]["input_schema"], with_schema().schema.unwrap().schema);
    assert_eq!(asked.get("output_config"), None);
}

#[tokio::test]
async fn a_model_that_refuses_a_temperature_gets_none_the_next_time() {
    let words = "`temperature` is deprecated for this model";
    let error = json!({ "type": "error", "error": { "type": "invalid_request_error", "message": words } });
    let server = serving(refusal(400, &error)).await;
    let model = anthropic_at(&server.uri(), SHORT);
    assert!(matches!(asked(&model, &hello()).await.0, Err(PortError::Transient { .. })));
    // Now nothing is left to leave out.
    assert!(matches!(asked(&model, &hello()).await.0, Err(PortError::Permanent { .. })));
    let asked = bodies(&server).await;
    assert_eq!((asked[0].get("temperature"), asked[1].get("temperature")), (Some(&json!(0.2)), None));
}

#[tokio::test]
async fn each_reason_to_stop_is_told() {
    let cases = [
        (shape!("refusal"), Stop::Refused, "I cannot"),
        (shape!("truncated"), Stop::Truncated, "Prices rose"),
        (shape!("paused"), Stop::Truncated, "Looking"),
        (shape!("thoughts"), Stop::End, "Eight."),
    ];
    for (shape, stop, words) in cases {
        let server = serving(sse(shape)).await;
        let reply = asked(&anthropic_at(&server.uri(), SHORT), &hello()).await.0.unwrap();
        assert_eq!((reply.stop, reply.text().as_str(), reply.parts.len()), (stop, words, 1));
    }
}

#[tokio::test]
async fn an_error_inside_of_a_stream_is_what_its_name_says() {
    let server = serving(sse(shape!("overloaded"))).await;
    let (reply, heard) = asked(&anthropic_at(&server.uri(), SHORT), &hello()).await;
    assert_eq!(heard, text(&["Prices"]));
    assert!(matches!(&reply, Err(PortError::Transient { why, .. }) if why.contains("Overloaded")), "{reply:?}");
    let denied = shape!("overloaded").replace("overloaded_error", "permission_error");
    let server = serving(sse(&denied)).await;
    let (reply, _) = asked(&anthropic_at(&server.uri(), SHORT), &hello()).await;
    assert!(matches!(reply, Err(PortError::Permanent { .. })), "{reply:?}");
}

#[tokio::test]
async fn a_model_may_use_its_tools_before_it_gives_the_document() {
    let map = json!({ "type": "object", "additionalProperties": { "type": "number" } });
    let mut request = Request { tools: with_tools().tools, ..with_schema() };
    request.schema.as_mut().unwrap().schema = map.clone();
    let server = serving(sse(shape!("tools"))).await;
    let reply = asked(&anthropic_at(&server.uri(), SHORT), &request).await.0.unwrap();
    assert_eq!((reply.stop, reply.parts.len()), (Stop::ToolCall, 3));
    // No output format can enforce a map.
    let asked = &bodies(&server).await[0];
    assert_eq!((&asked["tool_choice"], &asked["tools"][2]["input_schema"]), (&json!({ "type": "any" }), &map));
}
