//! Owns how a request is spelled for the Messages API.
//! Never a decision about the way of asking: `Ways` says it, and a schema that cannot be said strictly goes by a tool.
//! Next: `wire` sends the body.

use serde_json::{Map, Value, json};

use super::{Structured, Ways};
use crate::model::{Message, OutputSchema, Part, Request, Role, ToolSpec};
use crate::providers::schema::{strict, tool_name};

pub(super) struct Question {
    pub body: Value,
    /// The tool that stands for the schema.
    pub document_tool: Option<String>,
}

pub(super) fn of(model: &str, ways: Ways, request: &Request) -> Question {
    let mut body = json!({
        "model": model,
        "max_tokens": request.sampling.output_tokens_max,
        "stream": true,
        "messages": request.messages.iter().map(message).collect::<Vec<_>>(),
    });
    if !request.system.is_empty() {
        body["system"] = request.system.clone().into();
    }
    // Newer models take one of them, never both.
    match (request.sampling.temperature, request.sampling.top_p) {
        (Some(temperature), _) if ways.sampling => body["temperature"] = temperature.into(),
        (None, Some(top_p)) if ways.sampling => body["top_p"] = top_p.into(),
        _ => {}
    }
    let mut tools: Vec<Value> = request.tools.iter().map(tool).collect();
    let document_tool = request.schema.as_ref().and_then(|schema| structured(&mut body, &mut tools, ways, schema));
    if !tools.is_empty() {
        body["tools"] = tools.into();
    }
    Question { body, document_tool }
}

/// The tool that stands for the schema, where the schema is not enforced otherwise.
fn structured(body: &mut Value, tools: &mut Vec<Value>, ways: Ways, schema: &OutputSchema) -> Option<String> {
    if let (Structured::Native, Some(strict)) = (ways.structured, strict(&schema.schema)) {
        body["output_config"] = json!({ "format": { "type": "json_schema", "schema": strict } });
        return None;
    }
    let name = tool_name(&schema.name);
    // With other tools beside it, the model may use those first.
    body["tool_choice"] =
        if tools.is_empty() { json!({ "type": "tool", "name": name }) } else { json!({ "type": "any" }) };
    tools.push(json!({
        "name": name,
        "description": "Gives the answer. Call it once, with the whole answer as its input.",
        "input_schema": schema.schema,
    }));
    Some(name)
}

fn tool(spec: &ToolSpec) -> Value {
    json!({ "name": spec.name, "description": spec.description, "input_schema": spec.arguments })
}

fn message(message: &Message) -> Value {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    // Results come before words, or they are refused; empty words are refused too.
    let (results, others): (Vec<_>, Vec<_>) =
        message.parts.iter().partition(|part| matches!(part, Part::ToolResult { .. }));
    let content: Vec<Value> = results.into_iter().chain(others).filter_map(part).collect();
    json!({ "role": role, "content": content })
}

fn part(part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text { text } if text.trim().is_empty() => return None,
        Part::Text { text } => json!({ "type": "text", "text": text }),
        Part::ToolCall { id, name, arguments } => {
            let input = if arguments.is_object() { arguments.clone() } else { Value::Object(Map::new()) };
            json!({ "type": "tool_use", "id": id, "name": name, "input": input })
        }
        Part::ToolResult { id, content, failed } => {
            json!({ "type": "tool_result", "tool_use_id": id, "content": content, "is_error": failed })
        }
    })
}
