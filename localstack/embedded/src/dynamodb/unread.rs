//! Owns what is said of a DynamoDB request that cannot be read: which of AWS's two errors it is, and in which words.
//! Never dynoxide's marks: its readers say by a prefix which error they mean, and that prefix is for us.
//! Next: `dynamodb::read`.

use crate::ApiError;

const VALIDATION: &str = "com.amazon.coral.validate#ValidationException";
const SERIALIZATION: &str = "com.amazon.coral.service#SerializationException";
/// Longest first where one begins like another.
const MARKS: [(&str, &str); 5] = [
    ("SERIALIZATION_AS_READ:", SERIALIZATION),
    ("VALIDATION_AS_READ:", VALIDATION),
    ("VALIDATION_REQUEST:", VALIDATION),
    ("SERIALIZATION:", SERIALIZATION),
    ("VALIDATION:", VALIDATION),
];
/// What AWS calls invalid rather than unreadable: something that is not there, or none of what may stand there.
const INVALID: [&str; 4] = ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];

pub(super) fn said(why: &serde_json::Error) -> ApiError {
    let words = why.to_string();
    for (mark, code) in MARKS {
        if let Some(rest) = words.strip_prefix(mark) {
            let rest = if mark.ends_with("AS_READ:") { rest } else { without_position(rest) };
            return ApiError::refused(code, rest.trim_start());
        }
    }
    let code = if INVALID.iter().any(|part| words.contains(part)) { VALIDATION } else { SERIALIZATION };
    ApiError::refused(code, words)
}

/// serde_json tells where it stood; that is no part of AWS's sentence.
fn without_position(words: &str) -> &str {
    words.rfind(" at line ").map_or(words, |at| &words[..at])
}

#[cfg(test)]
mod tests {
    use serde::de::Error as _;

    use super::*;

    fn of(words: &str) -> (String, String) {
        let said = said(&serde_json::Error::custom(words));
        (said.code.rsplit('#').next().unwrap_or_default().to_owned(), said.message)
    }

    #[test]
    fn a_mark_decides_which_error_it_is_and_is_not_told() {
        let invalid = |words: &str| ("ValidationException".to_owned(), words.to_owned());
        assert_eq!(of("VALIDATION:One or more parameter values were invalid at line 1 column 9"), {
            invalid("One or more parameter values were invalid")
        });
        assert_eq!(of("VALIDATION_REQUEST:too long"), invalid("too long"));
        assert_eq!(of("SERIALIZATION:not a number"), ("SerializationException".to_owned(), "not a number".to_owned()));
    }

    #[test]
    fn what_is_missing_is_invalid_and_what_has_the_wrong_type_is_unreadable() {
        assert_eq!(of("missing field `TableName`").0, "ValidationException");
        assert_eq!(of("invalid type: integer `1`, expected a string").0, "SerializationException");
    }
}
