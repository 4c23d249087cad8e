//! Owns how a request is spelled for chat completions.
//! Never a decision about the way of asking: `Ways` says it.
//! Next: `wire` sends the body.

use serde_json::{Value, json};

use super::settings::{OutputCap, Structured, Ways};
use crate::model::{Message, OutputSchema, Part, Request, Role, ToolSpec};
use crate::providers::schema::{instruction, strict, tool_name};

pub(super) fn of(model: &str, ways: Ways, request: &Request) -> Value {
    let mut body = json!({ "model": model, "stream": true, "messages": messages(ways, request) });
    let cap = match ways.cap {
        OutputCap::MaxTokens => "max_tokens",
        OutputCap::MaxCompletionTokens => "max_completion_tokens",
    };
    body[cap] = request.sampling.output_tokens_max.into();
    if ways.counts {
        body["stream_options"] = json!({ "include_usage": true });
    }
    if ways.sampling {
        let sampling = [("temperature", request.sampling.temperature), ("top_p", request.sampling.top_p)];
        for (name, value) in sampling.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            body[name] = value.into();
        }
    }
    if !request.tools.is_empty() {
        body["tools"] = request.tools.iter().map(tool).collect();
    }
    if let Some(format) = request.schema.as_ref().and_then(|schema| format(ways.structured, schema)) {
        body["response_format"] = format;
    }
    body
}

fn format(structured: Structured, schema: &OutputSchema) -> Option<Value> {
    match structured {
        Structured::JsonSchema => {
            let strict = strict(&schema.schema);
            let (enforced, schema_sent) = (strict.is_some(), strict.unwrap_or_else(|| schema.schema.clone()));
            let named = json!({ "name": tool_name(&schema.name), "strict": enforced, "schema": schema_sent });
            Some(json!({ "type": "json_schema", "json_schema": named }))
        }
        Structured::SchemaInJsonObject => Some(json!({ "type": "json_object", "schema": schema.schema })),
        Structured::JsonObject => Some(json!({ "type": "json_object" })),
        Structured::Prompt => None,
    }
}

fn messages(ways: Ways, request: &Request) -> Vec<Value> {
    let mut system = request.system.clone();
    if let Some(schema) = request.schema.as_ref().filter(|_| ways.structured != Structured::JsonSchema) {
        let between = if system.is_empty() { "" } else { "\n\n" };
        system = format!("{system}{between}{}", instruction(schema));
    }
    let system = (!system.is_empty()).then(|| json!({ "role": "system", "content": system }));
    system.into_iter().chain(request.messages.iter().flat_map(message)).collect()
}

/// Each result of a tool is a message of its own, before the words that follow it.
fn message(message: &Message) -> Vec<Value> {
    let mut all: Vec<Value> = message.parts.iter().filter_map(result).collect();
    let calls: Vec<Value> = message.parts.iter().filter_map(call).collect();
    let words: Vec<&str> = message.parts.iter().filter_map(words).collect();
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let content = (!words.is_empty()).then(|| words.join("\n\n"));
    if content.is_some() || !calls.is_empty() {
        let mut spoken = json!({ "role": role, "content": content });
        if !calls.is_empty() {
            spoken["tool_calls"] = calls.into();
        }
        all.push(spoken);
    }
    all
}

fn words(part: &Part) -> Option<&str> {
    match part {
        Part::Text { text } if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn call(part: &Part) -> Option<Value> {
    let Part::ToolCall { id, name, arguments } = part else { return None };
    let function = json!({ "name": name, "arguments": arguments.to_string() });
    Some(json!({ "id": id, "type": "function", "function": function }))
}

fn result(part: &Part) -> Option<Value> {
    let Part::ToolResult { id, content, failed } = part else { return None };
    let content = if *failed { format!("failed: {content}") } else { content.clone() };
    Some(json!({ "role": "tool", "tool_call_id": id, "content": content }))
}

fn tool(spec: &ToolSpec) -> Value {
    let function = json!({ "name": spec.name, "description": spec.description, "parameters": spec.arguments });
    json!({ "type": "function", "function": function })
}
