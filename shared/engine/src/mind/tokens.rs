//! Owns the rough count of tokens: what fits into a model's context, and what is reserved before it is asked.
//! Never exact: rather too many than too few, as what is reserved is a bound.
//! Next: `asking` packs by it, `calling` reserves by it and settles what was really used.

use crate::model::{Part, Request};

/// What a message costs beside its words.
const EACH_PART: u64 = 8;

/// Of prose about a fifth too many; digits and signs cost more than letters, other scripts more than Latin.
pub(super) fn of(text: &str) -> u64 {
    let sixths: u64 = text
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' => 2,
            ' ' => 1,
            c if c.is_ascii() => 3,
            _ => 9,
        })
        .sum();
    sixths.div_ceil(6)
}

/// Of everything that is sent.
pub(super) fn of_request(request: &Request) -> u64 {
    let parts = request.messages.iter().flat_map(|message| &message.parts).map(|part| {
        EACH_PART
            + match part {
                Part::Text { text } => of(text),
                Part::ToolCall { name, arguments, .. } => of(name) + of(&arguments.to_string()),
                Part::ToolResult { content, .. } => of(content),
            }
    });
    let tools = request
        .tools
        .iter()
        .map(|tool| EACH_PART + of(&tool.name) + of(&tool.description) + of(&tool.arguments.to_string()));
    let schema = request.schema.iter().map(|schema| EACH_PART + of(&schema.schema.to_string()));
    EACH_PART + of(&request.system) + parts.chain(tools).chain(schema).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn prose_is_counted_a_little_too_high_and_other_scripts_are_not_forgotten() {
        // 9 tokens by most tokenizers.
        let prose = of("The quick brown fox jumps over the lazy dog");
        assert!((9..=18).contains(&prose), "{prose}");
        assert!(of("価格を比較する") >= 7);
        assert!(of("49,59,79,149") >= 5);
        assert_eq!(of(""), 0);
    }
}
