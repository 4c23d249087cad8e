//! Owns what a message may say: its characters, its attributes and their rules, its size.
//! Never a queue's own limits: those are checked where the queue is known.
//! Next: `request` reads a message through it; `message` keeps the attributes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::refusal;
use crate::ApiError;

/// For a message, and for a whole batch.
pub(crate) const LARGEST_BYTES: usize = 1_048_576;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    Text(Box<str>),
    #[serde(with = "as_base64")]
    Binary(Vec<u8>),
}

/// A message attribute. Messages keep theirs sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attribute {
    pub(crate) name: Box<str>,
    /// `String`, `Number` or `Binary`, each perhaps with a suffix.
    pub(crate) kind: Box<str>,
    pub(crate) content: Content,
}

impl Attribute {
    pub(crate) fn size_bytes(&self) -> usize {
        let content = match &self.content {
            Content::Text(text) => text.len(),
            Content::Binary(bytes) => bytes.len(),
        };
        self.name.len() + self.kind.len() + content
    }
}

pub(crate) mod as_base64 {
    use super::*;

    pub(crate) fn serialize<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}

/// An attribute's value as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SentValue {
    data_type: Option<String>,
    string_value: Option<String>,
    binary_value: Option<String>,
    string_list_values: Option<Vec<String>>,
    binary_list_values: Option<Vec<String>>,
}

pub(crate) fn check_body(body: &str) -> Result<(), ApiError> {
    if body.is_empty() {
        return Err(refusal::missing("MessageBody"));
    }
    if has_illegal_characters(body) { Err(refusal::contents()) } else { Ok(()) }
}

fn has_illegal_characters(text: &str) -> bool {
    // Most bodies are plain ASCII: bytes are quicker than characters.
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, 0x9 | 0xA | 0xD);
    text.bytes().any(|byte| control(&byte)) || text.contains(['\u{fffe}', '\u{ffff}'])
}

pub(crate) fn attributes(sent: BTreeMap<String, SentValue>) -> Result<Vec<Attribute>, ApiError> {
    if sent.len() > 10 {
        return Err(refusal::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [10].",
            sent.len()
        )));
    }
    sent.into_iter().map(|(name, value)| attribute(name, value)).collect()
}

fn attribute(name: String, value: SentValue) -> Result<Attribute, ApiError> {
    check_name(&name)?;
    let kind = value.data_type.filter(|kind| !kind.is_empty()).ok_or_else(|| {
        refusal::invalid(format!("The message attribute '{name}' must contain a non-empty message attribute type."))
    })?;
    if value.string_list_values.is_some_and(|list| !list.is_empty())
        || value.binary_list_values.is_some_and(|list| !list.is_empty())
    {
        return Err(refusal::invalid(format!(
            "Message attribute list values in SendMessage operation are not supported: '{name}'."
        )));
    }
    let base = kind.split('.').next().unwrap_or_default();
    if kind.len() > 256 || kind.ends_with('.') || !matches!(base, "String" | "Number" | "Binary") {
        return Err(refusal::invalid(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
        )));
    }
    let content = match base {
        "Binary" => binary(&name, &kind, value.binary_value)?,
        _ => Content::Text(text(&name, &kind, base == "Number", value.string_value)?),
    };
    Ok(Attribute { name: name.into(), kind: kind.into(), content })
}

fn empty_value(name: &str, kind: &str) -> ApiError {
    refusal::invalid(format!("Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."))
}

fn binary(name: &str, kind: &str, sent: Option<String>) -> Result<Content, ApiError> {
    let sent = sent.filter(|sent| !sent.is_empty()).ok_or_else(|| empty_value(name, kind))?;
    let bytes = STANDARD.decode(&sent).map_err(|why| {
        refusal::unreadable(format!("BinaryValue of message attribute '{name}' is not base64: {why}."))
    })?;
    Ok(Content::Binary(bytes))
}

fn text(name: &str, kind: &str, number: bool, sent: Option<String>) -> Result<Box<str>, ApiError> {
    let sent = sent.filter(|sent| !sent.is_empty()).ok_or_else(|| empty_value(name, kind))?;
    if has_illegal_characters(&sent) {
        return Err(refusal::invalid(refusal::contents().message));
    }
    if number && !is_number(&sent) {
        return Err(refusal::invalid(format!(
            "Can't cast the value of message (user) attribute '{name}' to a number."
        )));
    }
    Ok(sent.into())
}

fn is_number(text: &str) -> bool {
    // `parse` also knows words such as `inf`, which are no decimal numbers.
    text.parse::<f64>().is_ok()
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if name.is_empty() || name.len() > 256 {
        return Err(refusal::invalid("Message (user) attribute names must be 1 to 256 bytes long."));
    }
    if !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')) {
        return Err(refusal::invalid(format!(
            "The message attribute name '{name}' can only contain letters, digits, periods, hyphens and underscores."
        )));
    }
    let lower = name.to_lowercase();
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(refusal::invalid(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use.",
        ));
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(refusal::invalid(format!(
            "The message attribute name '{name}' must not start or end with a period, or have two in a row."
        )));
    }
    Ok(())
}

/// Of `MessageSystemAttributes`: X-Ray's header is the only one that can be sent.
pub(crate) fn trace_header(sent: BTreeMap<String, SentValue>) -> Result<Option<Box<str>>, ApiError> {
    let mut header = None;
    for (name, value) in sent {
        if name != "AWSTraceHeader" {
            return Err(refusal::invalid(format!("Message system attribute name '{name}' is invalid.")));
        }
        if value.data_type.as_deref() != Some("String") {
            return Err(refusal::invalid("The message system attribute 'AWSTraceHeader' must be of type 'String'."));
        }
        header = Some(text(&name, "String", false, value.string_value)?);
    }
    Ok(header)
}

/// A group or a deduplication id.
pub(crate) fn check_token(value: Option<&str>, parameter: &str) -> Result<(), ApiError> {
    match value {
        Some(value) if !(1..=128).contains(&value.len()) || !value.bytes().all(|byte| byte.is_ascii_graphic()) => {
            let reason =
                format!("{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.");
            Err(refusal::invalid_value(value, parameter, &reason))
        }
        _ => Ok(()),
    }
}
