//! Owns the one line that an event says to a person.
//! Never the whole of it: --json prints that.
//! Next: `follow` prints a line for each event.

use contract::Event;
use serde_json::Value;

use crate::screen::harmless;

/// What the data of our events call their own words, the most telling first.
const WORDS: [&str; 6] = ["summary", "question", "reason", "goal", "title", "statement"];

/// Time, type, goal and words.
pub(super) fn line(event: &Event) -> String {
    let time = event.time.to_string();
    let time = time.split('T').nth(1).unwrap_or(&time);
    let goal = event.goal.to_string();
    let goal = goal.get(..8).unwrap_or(&goal);
    harmless(&format!("{time}  {:<25}  {goal}  {}", event.kind.as_str(), words(&event.data))).replace('\n', " ")
}

fn words(data: &Value) -> String {
    if let Some(cause) = data.get("cause") {
        let row = data["row"].as_str().or_else(|| cause["row"].as_str()).unwrap_or_default();
        let inner = cause.get("cause").unwrap_or(cause);
        let kind = inner["kind"].as_str().unwrap_or_default();
        let detail = inner["detail"].as_str().map(str::to_owned).unwrap_or_else(|| listed(inner.get("missing")));
        let parts: Vec<&str> = [row, kind, &detail].into_iter().filter(|part| !part.is_empty()).collect();
        return parts.join(": ");
    }
    if let Some(all) = data.get("recommendations").and_then(Value::as_array) {
        return format!("{} recommendations", all.len());
    }
    if let Some(all) = data.get("arrived").and_then(Value::as_array) {
        let missing = listed(data.get("missing"));
        let missing = if missing.is_empty() { missing } else { format!(", without {missing}") };
        return format!("{} arrived{missing}: {}", all.len(), data["goal"].as_str().unwrap_or_default());
    }
    WORDS.iter().find_map(|name| data[name].as_str()).unwrap_or_default().to_owned()
}

fn listed(all: Option<&Value>) -> String {
    let all = all.and_then(Value::as_array).cloned().unwrap_or_default();
    all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_event_says_something_in_one_line() {
        for spec in contract::Topology::murmuration().events {
            let said = words(&(spec.example)());
            assert!(!said.is_empty() && !said.contains('\n'), "{}: {said:?}", spec.kind);
        }
    }
}
