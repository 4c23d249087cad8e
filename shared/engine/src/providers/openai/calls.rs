//! Owns which tool call a piece belongs to: by its index, by its id, or to the last one, as each server has it.
//! Never two calls in one place: a new id where another stood is another call.
//! Next: `stream` puts what belongs together at one place of the `Answer`.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(super) struct CallPiece {
    index: Option<usize>,
    id: Option<String>,
    pub function: Option<Function>,
}

#[derive(Default, Deserialize)]
pub(super) struct Function {
    pub name: Option<String>,
    arguments: Option<Value>,
}

/// The calls of one answer, in the order in which they began.
#[derive(Default)]
pub(super) struct Calls(Vec<Begun>);

struct Begun {
    index: Option<usize>,
    id: String,
}

impl Calls {
    /// The number of the call that this is a piece of.
    pub(super) fn number(&mut self, piece: &CallPiece) -> usize {
        let id = piece.id.as_deref().unwrap_or_default();
        let same = |begun: &Begun| id.is_empty() || begun.id.is_empty() || begun.id == id;
        let found = match piece.index {
            Some(index) => self.0.iter().rposition(|begun| begun.index == Some(index) && same(begun)),
            None if id.is_empty() => self.0.len().checked_sub(1).filter(|_| !piece.begins()),
            None => self.0.iter().rposition(|begun| begun.id == id),
        };
        found.unwrap_or_else(|| {
            self.0.push(Begun { index: piece.index, id: id.to_owned() });
            self.0.len() - 1
        })
    }
}

impl CallPiece {
    pub(super) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    fn begins(&self) -> bool {
        self.function.as_ref().and_then(|function| function.name.as_ref()).is_some_and(|name| !name.is_empty())
    }
}

impl Function {
    /// A piece of text, or with some servers the whole as an object.
    pub(super) fn arguments(&self) -> String {
        match &self.arguments {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(whole) => whole.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn numbers(pieces: &[Value]) -> Vec<usize> {
        let mut calls = Calls::default();
        pieces.iter().map(|piece| calls.number(&serde_json::from_value(piece.clone()).unwrap())).collect()
    }

    #[test]
    fn a_piece_finds_its_call_as_each_server_has_it() {
        let head = |name: &str| json!({ "name": name, "arguments": "" });
        let more = json!({ "arguments": "{" });
        let openai = [
            json!({ "index": 0, "id": "a", "function": head("x") }),
            json!({ "index": 0, "function": more }),
            json!({ "index": 1, "id": "b", "function": head("x") }),
            json!({ "index": 0, "function": more }),
        ];
        assert_eq!(numbers(&openai), [0, 0, 1, 0]);
        let id_each_time = [
            json!({ "index": 0, "id": "a", "function": head("x") }),
            json!({ "index": 0, "id": "a", "function": more }),
            json!({ "index": 0, "id": "b", "function": head("y") }),
        ];
        assert_eq!(numbers(&id_each_time), [0, 0, 1]);
        let without_index = [
            json!({ "id": "a", "function": head("x") }),
            json!({ "function": more }),
            json!({ "id": "b", "function": head("y") }),
            json!({ "id": "a", "function": more }),
        ];
        assert_eq!(numbers(&without_index), [0, 0, 1, 0]);
        let nothing_at_all =
            [json!({ "function": head("x") }), json!({ "function": more }), json!({ "function": head("y") })];
        assert_eq!(numbers(&nothing_at_all), [0, 0, 1]);
    }
}
