//! Owns how the events of the Converse API become a reply.
//! Never takes an end for whole that gave no reason: such an answer broke off.
//! Next: `Bedrock` brings the events; the engine's `Answer` gathers what they hold.

use aws_sdk_bedrockruntime::types::{
    ContentBlockDelta, ContentBlockStart, ConverseStreamOutput as Event, ReasoningContentBlockDelta, StopReason,
    TokenUsage,
};
use contract::PortError;
use engine::model::{Delta, Hearing, Reply, Stop};
use engine::providers::Answer;

pub(super) struct Listening<'a> {
    answer: Answer,
    heard: Hearing<'a>,
    stop: Option<Stop>,
    counted: Option<TokenUsage>,
}

impl<'a> Listening<'a> {
    pub(super) fn new(answer: Answer, heard: Hearing<'a>) -> Listening<'a> {
        Listening { answer, heard, stop: None, counted: None }
    }

    /// Whether it was a piece of the answer.
    pub(super) fn take(&mut self, event: Event) -> Result<bool, PortError> {
        match event {
            Event::MessageStart(_) => {
                // From here on it is at work.
                (self.heard)(&Delta::Thought(String::new()));
                Ok(false)
            }
            Event::ContentBlockStart(begun) => {
                if let Some(ContentBlockStart::ToolUse(call)) = begun.start {
                    let place = place(begun.content_block_index)?;
                    self.answer.call(place, &call.tool_use_id, &call.name, self.heard)?;
                }
                Ok(true)
            }
            Event::ContentBlockDelta(more) => {
                let place = place(more.content_block_index)?;
                match more.delta {
                    Some(ContentBlockDelta::Text(text)) => self.answer.text(place, &text, self.heard)?,
                    Some(ContentBlockDelta::ToolUse(call)) => self.answer.arguments(place, &call.input, self.heard)?,
                    Some(ContentBlockDelta::ReasoningContent(ReasoningContentBlockDelta::Text(thought))) => {
                        (self.heard)(&Delta::Thought(thought));
                    }
                    // Signatures of thoughts, citations, and whatever is new.
                    _ => {}
                }
                Ok(true)
            }
            Event::MessageStop(stopped) => {
                self.stop = Some(meant(&stopped.stop_reason)?);
                Ok(true)
            }
            Event::Metadata(told) => {
                self.counted = told.usage.or(self.counted.take());
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    pub(super) fn reply(self, asked_bytes: usize, model: &str) -> Result<Reply, PortError> {
        let Some(stop) = self.stop else {
            return Err(PortError::transient("the answer broke off before it gave a reason to end"));
        };
        let count = |tokens: i32| u64::try_from(tokens).unwrap_or(0);
        let cached = self.counted.as_ref().and_then(|usage| usage.cache_read_input_tokens).map_or(0, count);
        let written = self.counted.as_ref().and_then(|usage| usage.cache_write_input_tokens).map_or(0, count);
        let input = self.counted.as_ref().map(|usage| count(usage.input_tokens) + cached + written);
        let output = self.counted.as_ref().map(|usage| count(usage.output_tokens));
        let usage = self.answer.usage(asked_bytes, input, output, Some(cached));
        let (parts, stop) = self.answer.finished(stop)?;
        Ok(Reply { parts, stop, usage, model: model.to_owned() })
    }
}

fn place(index: i32) -> Result<usize, PortError> {
    usize::try_from(index).map_err(|_| PortError::transient("the answer is damaged: a block before the first"))
}

/// A reason that nobody knows yet is not taken for a good end.
fn meant(reason: &StopReason) -> Result<Stop, PortError> {
    Ok(match reason {
        StopReason::EndTurn | StopReason::StopSequence => Stop::End,
        StopReason::ToolUse => Stop::ToolCall,
        StopReason::ContentFiltered | StopReason::GuardrailIntervened => Stop::Refused,
        StopReason::MalformedModelOutput | StopReason::MalformedToolUse => {
            return Err(PortError::transient(format!("the model wrote nonsense ({})", reason.as_str())));
        }
        other if other.as_str() == "refusal" => Stop::Refused,
        _ => Stop::Truncated,
    })
}
