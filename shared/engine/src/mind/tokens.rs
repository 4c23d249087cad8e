//! Owns the rough count of tokens: what fits into a model's context, and what is reserved before it is asked.
//! Never exact: rather too many than too few, as what is reserved is a bound.
//! Next: `asking` packs by it, `calling` reserves by it and settles what was really used.

use crate::model::{Part, Request};

/// What a message costs beside its words.
const EACH_PART: u64 = 8;

/// A run of letters and digits that is longer than this, and mixes them as no word does, is encoded data, or an id.
const WORD_BYTES_MAX: usize = 10;

/// Of prose about a fifth too many; signs cost more than letters, digits a token each (many tokenizers know no longer
/// numbers), other scripts more than Latin, and encoded data, of which tokenizers know no pieces, more than any words.
pub(super) fn of(text: &str) -> u64 {
    let of_words = |run: &str| -> u64 {
        run.chars()
            .map(|c| match c {
                'a'..='z' | 'A'..='Z' => 2,
                ' ' => 1,
                '0'..='9' => 6,
                c if c.is_ascii() => 5,
                _ => 9,
            })
            .sum()
    };
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-'));
    let sixths: u64 = text
        .split_inclusive(is_end)
        .map(|run| if is_encoded(run) { run.chars().count() as u64 * 5 } else { of_words(run) })
        .sum();
    sixths.div_ceil(6)
}

/// Other letters begin every few characters: in a name, they begin with each word.
fn is_encoded(run: &str) -> bool {
    let kind = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        _ => 2,
    };
    // What stands between the words of a name is no change.
    let kinds: Vec<u8> = run.bytes().filter(u8::is_ascii_alphanumeric).map(kind).collect();
    // A capital before small letters belongs to them.
    let begun = kinds.windows(2).filter(|pair| pair[0] != pair[1] && !matches!(pair, [1, 0])).count();
    run.len() > WORD_BYTES_MAX && begun * 4 > kinds.len()
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
        // Nine digits and three commas: a token each by many tokenizers.
        assert!((9..=13).contains(&of("49,59,79,149")));
        assert_eq!(of(""), 0);
    }

    #[test]
    fn encoded_data_is_counted_by_the_letter_and_long_names_are_not() {
        // Most tokenizers take two or fewer letters of it for one token.
        let base64 = "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZyBhbmQgc28gb24=";
        assert!((48..=72).contains(&of(base64)), "{}", of(base64));
        let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        assert!((40..=64).contains(&of(hash)), "{}", of(hash));
        assert!(of("p-3f9a8c12ab34cd56") >= 14, "{}", of("p-3f9a8c12ab34cd56"));
        for name in ["an_identifier_that_is_quite_long_for_a_name", "AnotherOneThatIsWrittenWithLargeLetters"] {
            assert!(of(name) <= 24, "{name}");
        }
    }
}
