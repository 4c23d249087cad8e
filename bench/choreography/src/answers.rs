//! Owns what the model that only waits says: for each question of the four agents an answer that passes their checks.
//! Never a word about the matter: it quotes what it was shown and cites what it was given.
//! Next: `model` serves it.

use serde_json::{Value, json};

const QUESTIONS: [&str; 3] =
    ["What do the plans cost per month?", "How do prices change over time?", "Which prices do customers accept?"];
/// Long enough to prove something, short enough to stand in one line.
const QUOTE_CHARS: std::ops::RangeInclusive<usize> = 12..=60;

/// The answer to a question, where it is one of the agents'.
pub(crate) fn of(asked: &Value) -> Option<String> {
    let fields = asked["response_format"]["json_schema"]["schema"]["properties"].as_object()?;
    let shown = words(asked);
    let answer = if fields.contains_key("questions") {
        json!({ "questions": QUESTIONS })
    } else if fields.contains_key("queries") {
        json!({ "queries": ["monthly price per seat"] })
    } else if fields.contains_key("findings") {
        finding(&shown)?
    } else if fields.contains_key("ranked") {
        let ids: Vec<Value> = advice(&shown).map(|id| json!({ "id": id, "title": null, "rationale": null })).collect();
        json!({ "ranked": ids, "suggested": [] })
    } else if fields.contains_key("summary") {
        summary(&shown)?
    } else {
        return None;
    };
    Some(answer.to_string())
}

/// All that was said to the model, one after the other.
pub(crate) fn words(asked: &Value) -> String {
    let contents = asked["messages"].as_array().into_iter().flatten().map(|message| match &message["content"] {
        Value::String(text) => text.clone(),
        parts => parts.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect(),
    });
    contents.collect::<Vec<_>>().join("\n")
}

/// One finding that quotes a passage.
fn finding(shown: &str) -> Option<Value> {
    let (passage, quote) = passages(shown).find_map(|(id, text)| Some((id, quotable(text)?)))?;
    Some(json!({ "findings": [{
        "question": null,
        "statement": "A source speaks of this.",
        "confidence": "low",
        "reason": "It is one voice.",
        "supporting": [{ "passage": passage, "quote": quote }],
        "contradicting": [],
        "metrics": [],
    }] }))
}

/// What stands between fences, by id.
fn passages(shown: &str) -> impl Iterator<Item = (&str, &str)> {
    shown.split("<source-").skip(1).filter_map(|rest| {
        let (mark, rest) = rest.split_once(" id=\"")?;
        let (id, rest) = rest.split_once("\">\n")?;
        let (text, _) = rest.split_once(&format!("\n</source-{mark}>"))?;
        id.starts_with("p-").then_some((id, text))
    })
}

/// Words of one line, as plain as can be: nothing that a fence could have changed.
fn quotable(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphabetic() || c == ' ';
    let runs = text.split(|c| !plain(c)).map(str::trim);
    let run = runs.filter(|run| run.len() >= *QUOTE_CHARS.start()).max_by_key(|run| run.len())?;
    Some(run.chars().take(*QUOTE_CHARS.end()).collect::<String>().trim().to_owned())
}

/// One paragraph on the first finding that has a reference.
fn summary(shown: &str) -> Option<Value> {
    let mut finding = None;
    for line in shown.lines() {
        if let Some(rest) = line.strip_prefix("- f-") {
            finding = rest.split_once(' ').map(|(number, _)| format!("f-{number}"));
        }
        let cited = line.trim().strip_prefix("References: ").and_then(|rest| rest.split([',', ';']).next());
        if let (Some(finding), Some(Ok(citation))) = (&finding, cited.map(|cited| cited.trim().parse::<u32>())) {
            let paragraph = json!({
                "text": "The sources speak of this, and the findings say how.",
                "findings": [finding],
                "citations": [citation],
            });
            return Some(json!({ "summary": [paragraph], "sections": [] }));
        }
    }
    None
}

fn advice(shown: &str) -> impl Iterator<Item = &str> {
    let given = shown.split_once("Advice that rules gave:\n").map_or("", |(_, rest)| rest);
    let lines = given.lines().take_while(|line| !line.starts_with("</source-"));
    lines.filter_map(|line| line.strip_prefix("- ")?.split_once(" (").map(|(id, _)| id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(field: &str, text: &str) -> Value {
        json!({
            "messages": [{ "role": "user", "content": text }],
            "response_format": { "json_schema": { "schema": { "properties": { field: {} } } } },
        })
    }

    #[test]
    fn a_finding_quotes_the_passage_that_it_was_shown() {
        let text = "<source-ab id=\"numbers\">\n- m-1: 4\n</source-ab>\n\n<source-ab id=\"p-1\">\n$49. All plans are billed \
            monthly.\n</source-ab>";
        let answer: Value = serde_json::from_str(&of(&asked("findings", text)).unwrap()).unwrap();
        let cited = &answer["findings"][0]["supporting"][0];
        assert_eq!((&cited["passage"], &cited["quote"]), (&json!("p-1"), &json!("All plans are billed monthly")));
    }

    #[test]
    fn a_summary_rests_on_a_finding_with_its_reference_and_all_advice_is_ranked() {
        let text = "- f-2 (low confidence: x) y\n  References: 3, 4; against it: 5\n";
        let answer: Value = serde_json::from_str(&of(&asked("summary", text)).unwrap()).unwrap();
        assert_eq!(answer["summary"][0]["findings"], json!(["f-2"]));
        assert_eq!(answer["summary"][0]["citations"], json!([3]));
        let text = "Advice that rules gave:\n- price (high): A — b\n- cap (low): C — d\n</source-ab>\n- no (x)";
        assert_eq!(advice(text).collect::<Vec<_>>(), ["price", "cap"]);
    }

    #[test]
    fn what_no_agent_asks_has_no_answer() {
        assert_eq!(of(&asked("riddle", "?")), None);
        assert_eq!(of(&asked("summary", "nothing found")), None);
    }
}
