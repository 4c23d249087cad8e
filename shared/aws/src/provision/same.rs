//! Owns whether two settings say the same, however they are spelled: JSON policies by value, texts by letter.
//! Never a rule of IAM's language beyond that a list of one is that one, and that order in a list means nothing.
//! Next: `queues` and `bus` change only what is not the same.

use serde_json::Value;

/// Policies and patterns are JSON texts; a server may reorder, or write a number as text.
pub(super) fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (parsed(a), parsed(b)) {
        (Some(a), Some(b)) => plain(a) == plain(b),
        _ => false,
    }
}

/// Objects only: `"60"` and `60` are texts of a number, which are compared as they are.
fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_object)
}

fn plain(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, value)| (name, plain(value))).collect()),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(plain).collect();
            if items.len() == 1 {
                return items.remove(0);
            }
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::Number(number) => Value::String(number.to_string()),
        Value::Bool(flag) => Value::String(flag.to_string()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_and_order_make_no_difference() {
        for (a, b) in [
            ("60", "60"),
            (r#"{"a":1,"b":2}"#, "{ \"b\": 2,\n \"a\": 1 }"),
            (r#"{"maxReceiveCount":5}"#, r#"{"maxReceiveCount":"5"}"#),
            (r#"{"arns":["x"]}"#, r#"{"arns":"x"}"#),
            (r#"{"arns":["x","y"]}"#, r#"{"arns":["y","x"]}"#),
        ] {
            assert!(same(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn what_differs_is_found() {
        for (a, b) in [
            ("60", "61"),
            ("", "{}"),
            (r#"{"a":1}"#, r#"{"a":2}"#),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
            (r#"{"arns":["x"]}"#, r#"{"arns":["x","y"]}"#),
            (r#"{"a":"#, r#"{"a":1}"#),
        ] {
            assert!(!same(a, b), "{a} and {b}");
        }
    }
}
