//! Owns how a request is spelled for the Converse API.
//! Never a decision about the way of asking: `Ways` says it, and a schema that cannot be said strictly goes by a tool.
//! Next: `Bedrock` sends it.

use aws_sdk_bedrockruntime::error::BuildError;
use aws_sdk_bedrockruntime::operation::converse_stream::builders::ConverseStreamFluentBuilder;
use aws_sdk_bedrockruntime::types::{
    AnyToolChoice, ContentBlock, ConversationRole, InferenceConfiguration, JsonSchemaDefinition, Message, OutputConfig,
    OutputFormat, OutputFormatStructure, OutputFormatType, SpecificToolChoice, SystemContentBlock, Tool, ToolChoice,
    ToolConfiguration, ToolInputSchema, ToolResultBlock, ToolResultContentBlock, ToolResultStatus, ToolSpecification,
    ToolUseBlock,
};
use aws_smithy_types::{Document, Number};
use engine::model::{self, OutputSchema, Part, Request, Role, Sampling};
use engine::providers::{instruction, strict, tool_name};
use serde_json::Value;

use super::{Structured, Ways};

#[derive(Default)]
pub(super) struct Question {
    system: String,
    messages: Vec<Message>,
    inference: Option<InferenceConfiguration>,
    tools: Option<ToolConfiguration>,
    output: Option<OutputConfig>,
    /// The tool that stands for the schema.
    pub(super) document_tool: Option<String>,
}

impl Question {
    pub(super) fn of(ways: Ways, request: &Request) -> Result<Question, String> {
        Question::built(ways, request).map_err(|why| format!("the request cannot be spelled: {why}"))
    }

    fn built(ways: Ways, request: &Request) -> Result<Question, BuildError> {
        let mut question = Question {
            system: request.system.clone(),
            messages: request.messages.iter().map(message).collect::<Result<_, _>>()?,
            inference: Some(inference(ways, &request.sampling)),
            ..Question::default()
        };
        let specs = request.tools.iter().map(|spec| tool(&spec.name, &spec.description, &spec.arguments));
        let mut tools = specs.collect::<Result<Vec<_>, _>>()?;
        let choice = match &request.schema {
            Some(schema) => question.structured(ways, schema, &mut tools)?,
            None => None,
        };
        if !tools.is_empty() {
            let configured = ToolConfiguration::builder().set_tools(Some(tools)).set_tool_choice(choice).build()?;
            question.tools = Some(configured);
        }
        Ok(question)
    }

    fn structured(
        &mut self,
        ways: Ways,
        schema: &OutputSchema,
        tools: &mut Vec<Tool>,
    ) -> Result<Option<ToolChoice>, BuildError> {
        let name = tool_name(&schema.name);
        match (ways.structured, strict(&schema.schema)) {
            (Structured::Native, Some(strict)) => {
                let definition = JsonSchemaDefinition::builder().name(name).schema(strict.to_string()).build()?;
                let structure = OutputFormatStructure::JsonSchema(definition);
                let format =
                    OutputFormat::builder().r#type(OutputFormatType::JsonSchema).structure(structure).build()?;
                self.output = Some(OutputConfig::builder().text_format(format).build());
                Ok(None)
            }
            (Structured::Prompt, _) => {
                let between = if self.system.is_empty() { "" } else { "\n\n" };
                self.system = format!("{}{between}{}", self.system, instruction(schema));
                Ok(None)
            }
            _ => {
                let only = SpecificToolChoice::builder().name(&name).build()?;
                // With other tools beside it, the model may use those first.
                let choice = if tools.is_empty() {
                    ToolChoice::Tool(only)
                } else {
                    ToolChoice::Any(AnyToolChoice::builder().build())
                };
                let told = "Gives the answer. Call it once, with the whole answer as its input.";
                tools.push(tool(&name, told, &schema.schema)?);
                self.document_tool = Some(name);
                Ok(Some(choice))
            }
        }
    }

    pub(super) fn call(self, call: ConverseStreamFluentBuilder) -> ConverseStreamFluentBuilder {
        let system = (!self.system.is_empty()).then(|| vec![SystemContentBlock::Text(self.system)]);
        call.set_system(system)
            .set_messages(Some(self.messages))
            .set_inference_config(self.inference)
            .set_tool_config(self.tools)
            .set_output_config(self.output)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the API has them so: a temperature needs no more digits")]
fn inference(ways: Ways, sampling: &Sampling) -> InferenceConfiguration {
    let cap = i32::try_from(sampling.output_tokens_max).unwrap_or(i32::MAX);
    let temperature = sampling.temperature.filter(|_| ways.sampling);
    // Newer models take one of them, never both.
    let top_p = sampling.top_p.filter(|_| ways.sampling && temperature.is_none());
    InferenceConfiguration::builder()
        .max_tokens(cap)
        .set_temperature(temperature.map(|value| value as f32))
        .set_top_p(top_p.map(|value| value as f32))
        .build()
}

fn tool(name: &str, description: &str, schema: &Value) -> Result<Tool, BuildError> {
    let described = Some(description.to_owned()).filter(|description| !description.is_empty());
    let schema = ToolInputSchema::Json(document(schema));
    let spec = ToolSpecification::builder().name(name).set_description(described).input_schema(schema).build()?;
    Ok(Tool::ToolSpec(spec))
}

fn message(message: &model::Message) -> Result<Message, BuildError> {
    let role = match message.role {
        Role::User => ConversationRole::User,
        Role::Assistant => ConversationRole::Assistant,
    };
    // Results come before words, and empty words are refused.
    let (results, others): (Vec<_>, Vec<_>) =
        message.parts.iter().partition(|part| matches!(part, Part::ToolResult { .. }));
    let content = results.into_iter().chain(others).filter_map(|part| block(part).transpose());
    Message::builder().role(role).set_content(Some(content.collect::<Result<_, _>>()?)).build()
}

fn block(part: &Part) -> Result<Option<ContentBlock>, BuildError> {
    Ok(Some(match part {
        Part::Text { text } if text.trim().is_empty() => return Ok(None),
        Part::Text { text } => ContentBlock::Text(text.clone()),
        Part::ToolCall { id, name, arguments } => {
            let call = ToolUseBlock::builder().tool_use_id(id).name(name).input(document(arguments));
            ContentBlock::ToolUse(call.build()?)
        }
        Part::ToolResult { id, content, failed } => {
            let status = if *failed { ToolResultStatus::Error } else { ToolResultStatus::Success };
            let words = ToolResultContentBlock::Text(content.clone());
            let result = ToolResultBlock::builder().tool_use_id(id).content(words).status(status);
            ContentBlock::ToolResult(result.build()?)
        }
    }))
}

fn document(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(truth) => Document::Bool(*truth),
        Value::Number(number) => Document::Number(match (number.as_u64(), number.as_i64()) {
            (Some(whole), _) => Number::PosInt(whole),
            (None, Some(whole)) => Number::NegInt(whole),
            (None, None) => Number::Float(number.as_f64().unwrap_or_default()),
        }),
        Value::String(text) => Document::String(text.clone()),
        Value::Array(all) => Document::Array(all.iter().map(document).collect()),
        Value::Object(fields) => {
            Document::Object(fields.iter().map(|(name, value)| (name.clone(), document(value))).collect())
        }
    }
}
