//! Owns an answer while it comes: text, and tool calls whose arguments come in pieces; each piece told once, in order.
//! Never grows beyond its cap, and never passes on a tool call whose arguments are not whole.
//! Next: an adapter feeds it what its provider streams, and makes the reply of what it finished as.

use std::collections::BTreeMap;

use contract::PortError;
use serde_json::Value;

use crate::model::{Delta, Hearing, Part, Stop, Usage, estimated_tokens};

/// Blocks in the order of their places.
#[derive(Debug)]
pub struct Answer {
    blocks: BTreeMap<usize, Block>,
    bytes: usize,
    bytes_max: usize,
    document_tool: Option<String>,
}

#[derive(Debug)]
enum Block {
    Text(String),
    /// The arguments of the tool that stands for the schema.
    Document(String),
    Call {
        id: String,
        name: String,
        arguments: String,
    },
}

impl Answer {
    /// Where `document_tool` is named, a call of it is no call: its arguments are the document that was asked for.
    pub fn new(bytes_max: usize, document_tool: Option<String>) -> Answer {
        Answer { blocks: BTreeMap::new(), bytes: 0, bytes_max, document_tool }
    }

    pub fn text(&mut self, place: usize, piece: &str, heard: Hearing<'_>) -> Result<(), PortError> {
        self.grow(piece)?;
        if piece.is_empty() {
            return Ok(());
        }
        if let Block::Text(text) = self.blocks.entry(place).or_insert_with(|| Block::Text(String::new())) {
            text.push_str(piece);
            heard(&Delta::Text(piece.to_owned()));
        }
        Ok(())
    }

    /// A call begins, or is named once more: some servers repeat the head with every piece.
    pub fn call(&mut self, place: usize, id: &str, name: &str, heard: Hearing<'_>) -> Result<(), PortError> {
        if self.blocks.contains_key(&place) {
            return Ok(());
        }
        self.grow(id)?;
        self.grow(name)?;
        if self.document_tool.as_deref() == Some(name) {
            self.blocks.insert(place, Block::Document(String::new()));
            return Ok(());
        }
        let id = if id.is_empty() { format!("call_{place}") } else { id.to_owned() };
        self.blocks.insert(place, Block::Call { id, name: name.to_owned(), arguments: String::new() });
        heard(&Delta::ToolCall(name.to_owned()));
        Ok(())
    }

    /// More of the arguments of the call at that place.
    pub fn arguments(&mut self, place: usize, piece: &str, heard: Hearing<'_>) -> Result<(), PortError> {
        self.grow(piece)?;
        match self.blocks.get_mut(&place) {
            _ if piece.is_empty() => {}
            Some(Block::Document(document)) => {
                document.push_str(piece);
                heard(&Delta::Text(piece.to_owned()));
            }
            Some(Block::Call { arguments, .. }) => {
                arguments.push_str(piece);
                heard(&Delta::ToolCall(piece.to_owned()));
            }
            Some(Block::Text(_)) | None => {
                return Err(PortError::transient("the answer is damaged: arguments of a tool call that never began"));
            }
        }
        Ok(())
    }

    fn grow(&mut self, piece: &str) -> Result<(), PortError> {
        self.bytes += piece.len();
        if self.bytes > self.bytes_max { Err(too_large(self.bytes_max)) } else { Ok(()) }
    }

    /// What was counted; and an estimate of what was not.
    pub fn usage(&self, asked_bytes: usize, input: Option<u64>, output: Option<u64>, cached: Option<u64>) -> Usage {
        Usage {
            input_tokens: input.unwrap_or_else(|| estimated_tokens(asked_bytes)),
            output_tokens: output.unwrap_or_else(|| estimated_tokens(self.bytes)),
            cached_tokens: cached.unwrap_or(0),
            estimated: input.is_none() || output.is_none(),
        }
    }

    /// The parts, and why it ended: not every server tells that it ended for a tool.
    pub fn finished(self, stop: Stop) -> Result<(Vec<Part>, Stop), PortError> {
        let has_document = self.blocks.values().any(|block| matches!(block, Block::Document(_)));
        let mut parts = vec![];
        for block in self.blocks.into_values() {
            match block {
                Block::Text(_) if has_document => {}
                Block::Text(text) | Block::Document(text) => parts.push(Part::Text { text }),
                Block::Call { id, name, arguments } => match whole(&arguments) {
                    Some(arguments) => parts.push(Part::ToolCall { id, name, arguments }),
                    None if stop == Stop::Truncated => {}
                    None => {
                        let why = format!("the answer calls {name:?} with arguments that are no JSON object");
                        return Err(PortError::transient(contract::bounded(why)));
                    }
                },
            }
        }
        let calls = parts.iter().any(|part| matches!(part, Part::ToolCall { .. }));
        let stop = match stop {
            Stop::End if calls => Stop::ToolCall,
            Stop::ToolCall if !calls => Stop::End,
            told => told,
        };
        Ok((parts, stop))
    }
}

/// No arguments at all are an empty object.
fn whole(arguments: &str) -> Option<Value> {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    serde_json::from_str(arguments).ok().filter(Value::is_object)
}

pub(crate) fn too_large(bytes_max: usize) -> PortError {
    PortError::permanent(format!(
        "the answer is larger than {bytes_max} bytes: lower the output cap of this model, or raise the size limit"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(_: &Delta) {}

    #[test]
    fn a_truncated_call_is_left_out_and_a_broken_one_is_asked_for_again() {
        let begun = || {
            let mut answer = Answer::new(100, None);
            answer.text(0, "looking", &mut quiet).unwrap();
            answer.call(1, "a", "search", &mut quiet).unwrap();
            answer.arguments(1, "{\"query\":\"pri", &mut quiet).unwrap();
            answer
        };
        let (parts, stop) = begun().finished(Stop::Truncated).unwrap();
        assert_eq!(parts, [Part::Text { text: "looking".into() }]);
        assert_eq!(stop, Stop::Truncated);
        assert!(matches!(begun().finished(Stop::ToolCall), Err(PortError::Transient { .. })));
    }

    #[test]
    fn the_arguments_of_the_tool_that_stands_for_the_schema_are_the_text() {
        let mut told = vec![];
        let mut heard = |delta: &Delta| told.push(delta.clone());
        let mut answer = Answer::new(100, Some("plan".into()));
        answer.text(0, "here it is", &mut heard).unwrap();
        answer.call(1, "a", "plan", &mut heard).unwrap();
        answer.arguments(1, "{\"n\":", &mut heard).unwrap();
        answer.arguments(1, "1}", &mut heard).unwrap();
        let (parts, stop) = answer.finished(Stop::ToolCall).unwrap();
        assert_eq!((parts, stop), (vec![Part::Text { text: "{\"n\":1}".into() }], Stop::End));
        assert_eq!(told, ["here it is", "{\"n\":", "1}"].map(|text| Delta::Text(text.into())));
    }

    #[test]
    fn an_answer_beyond_its_cap_is_refused_and_no_larger_than_the_cap() {
        let mut answer = Answer::new(10, None);
        assert!(answer.text(0, "0123456789", &mut quiet).is_ok());
        assert!(matches!(answer.text(0, "x", &mut quiet), Err(PortError::Permanent { .. })));
        assert!(answer.blocks.len() == 1 && matches!(&answer.blocks[&0], Block::Text(text) if text.len() == 10));
    }

    #[test]
    fn what_nobody_counted_is_estimated_and_says_so() {
        let mut answer = Answer::new(100, None);
        answer.text(0, "fourteen bytes", &mut quiet).unwrap();
        let usage = answer.usage(70, None, None, None);
        assert_eq!(usage, Usage { input_tokens: 20, output_tokens: 4, cached_tokens: 0, estimated: true });
        let counted = Usage { input_tokens: 5, output_tokens: 6, cached_tokens: 1, estimated: false };
        assert_eq!(answer.usage(70, Some(5), Some(6), Some(1)), counted);
    }
}
