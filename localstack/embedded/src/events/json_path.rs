//! Owns paths into JSON text: which are understood, and the text that one points at, byte for byte.
//! Never a wildcard or a filter: a path with one is refused by name.
//! Next: `transform` and `target` use it.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::names::validation;
use crate::ApiError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
}

impl JsonPath {
    /// `$`, `$.a.b`, `$['a']`, `$.a[0]`.
    pub(super) fn parse(text: &str) -> Result<JsonPath, ApiError> {
        let invalid = || validation(format!("Parameter {text} is not valid. Reason: it is not a JSON path."));
        let unknown = || ApiError::not_implemented(&format!("EventBridge input path {text}"));
        let mut rest = text.strip_prefix('$').ok_or_else(invalid)?;
        let mut steps = vec![];
        while !rest.is_empty() {
            if let Some(member) = rest.strip_prefix('.') {
                let end = member.find(['.', '[']).unwrap_or(member.len());
                let (name, after) = member.split_at(end);
                match name {
                    "" if after.starts_with('.') => return Err(unknown()),
                    "" => return Err(invalid()),
                    "*" => return Err(unknown()),
                    name => steps.push(Step::Member(name.to_owned())),
                }
                rest = after;
                continue;
            }
            let (inner, after) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')).ok_or_else(invalid)?;
            let quoted = ['\'', '"'].iter().find_map(|quote| inner.strip_prefix(*quote)?.strip_suffix(*quote));
            match (quoted, inner.parse()) {
                (Some(name), _) => steps.push(Step::Member(name.to_owned())),
                (None, Ok(element)) => steps.push(Step::Element(element)),
                (None, Err(_)) if inner.is_empty() => return Err(invalid()),
                (None, Err(_)) => return Err(unknown()),
            }
            rest = after;
        }
        Ok(JsonPath(steps))
    }

    pub(super) fn select<'a>(&self, json: &'a str) -> Option<&'a str> {
        let mut json = json;
        for step in &self.0 {
            let value: &RawValue = match step {
                Step::Member(name) => serde_json::from_str::<HashMap<String, &RawValue>>(json).ok()?.get(name)?,
                Step::Element(element) => serde_json::from_str::<Vec<&RawValue>>(json).ok()?.get(*element)?,
            };
            json = value.get();
        }
        Some(json)
    }
}

#[cfg(test)]
mod tests {
    use super::JsonPath;

    #[test]
    fn a_path_selects_the_very_bytes() {
        let json = r#"{"detail-type": "t", "detail": {"b" : [1.50, {"c d": {"z":1,"a":2}}], "e.f": null}}"#;
        for (path, selected) in [
            ("$", Some(json)),
            ("$.detail-type", Some("\"t\"")),
            ("$.detail.b[0]", Some("1.50")),
            ("$.detail.b[1]['c d']", Some(r#"{"z":1,"a":2}"#)),
            (r#"$["detail"]['e.f']"#, Some("null")),
            ("$.detail.b[2]", None),
            ("$.detail.b.x", None),
            ("$.none", None),
        ] {
            assert_eq!(JsonPath::parse(path).unwrap().select(json), selected, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused_and_what_is_too_much_is_named() {
        for path in ["", "detail", "$detail", "$.", "$.a.", "$.a[", "$.a[]"] {
            assert_eq!(JsonPath::parse(path).unwrap_err().status, 400, "{path}");
        }
        for path in ["$..a", "$.*", "$.a[*]", "$.a[?(@.b)]", "$.a[-1]", "$.a[0:1]"] {
            let refusal = JsonPath::parse(path).unwrap_err();
            assert_eq!(refusal.status, 501, "{path}");
            assert!(refusal.message.contains(path), "{refusal}");
        }
    }
}
