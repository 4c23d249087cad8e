//! Owns what goals of these runs say, and answers to the agents' prompts that fit them and rest on what they show.
//! Never more than the tiny source says: an answer with a number of its own would be refused, and its step parked.
//! Next: `oracle` answers with these; the source is ingested once for each run.

use serde_json::{Value, json};

/// What begins the one word that only this goal has.
const MARK: &str = "hv";

/// The source: short, so that reading it costs nothing.
pub(super) const SOURCE: &str = "# Kestrel plans\n\nIn every case the Kestrel plans cost 9 USD a month. \
    Kestrel plans include support in every case.\n";

/// The word of the n-th goal of a run.
pub(super) fn word(run: u64, n: usize) -> String {
    format!("{MARK}{run}x{n}")
}

/// What the goal of that word asks.
pub(super) fn goal(word: &str) -> String {
    format!("Compare Kestrel plans in case {word}")
}

pub(super) fn word_of(text: &str) -> Option<String> {
    let is_mark =
        |word: &&str| word.strip_prefix(MARK).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    text.split(|c: char| !c.is_alphanumeric()).find(is_mark).map(str::to_owned)
}

/// Everything that a request says.
pub(super) fn of_request(request: &Value) -> String {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    messages.iter().filter_map(|message| message["content"].as_str()).collect::<Vec<_>>().join("\n\n")
}

/// Who asks: the model's name says which agent, and the prompt's first words which of research's two rows.
pub(super) fn row_of(request: &Value, text: &str) -> Option<&'static str> {
    match request["model"].as_str()? {
        "research" if text.starts_with("You plan research") => Some("research"),
        "research" => Some("research-tasks"),
        "analysis" => Some("analysis"),
        "writer" => Some("writer"),
        "recommendation" => Some("recommendation"),
        _ => None,
    }
}

/// What fits.
pub(super) fn answer(row: &str, word: &str, text: &str) -> Value {
    match row {
        "research" => json!({"questions": [format!("What do Kestrel plans cost in case {word}?")]}),
        "research-tasks" => json!({"queries": ["Kestrel plans"]}),
        "analysis" => json!({"findings": []}),
        "writer" => match finding(text) {
            Some((id, citation)) => {
                let paragraph = json!({"text": "The sources answer this.", "findings": [id], "citations": [citation]});
                json!({"summary": [paragraph], "sections": []})
            }
            None => json!({"summary": [], "sections": []}),
        },
        _ => json!({"ranked": advice(text).map(|id| json!({"id": id})).collect::<Vec<_>>(), "suggested": []}),
    }
}

/// The first finding of the writer's prompt that cites something: `- f-1 (…) …`, and below it `References: 1, 2`.
fn finding(text: &str) -> Option<(&str, u32)> {
    let mut id = None;
    for line in text.lines().map(str::trim_start) {
        if let Some(rest) = line.strip_prefix("- ") {
            id = rest.split(' ').next();
        }
        let cited = line.strip_prefix("References: ").and_then(|all| all.split([',', ';']).next());
        if let (Some(id), Some(citation)) = (id, cited.and_then(|first| first.trim().parse().ok())) {
            return Some((id, citation));
        }
    }
    None
}

/// Ids of the advice that the prompt gives: `- id (priority): …`.
fn advice(text: &str) -> impl Iterator<Item = &str> {
    let given = text.split_once("Advice that rules gave:").map_or("", |(_, after)| after);
    let lines = given.lines().take_while(|line| !line.starts_with("</"));
    lines.filter_map(|line| line.strip_prefix("- ")?.split(' ').next())
}

#[cfg(test)]
mod tests {
    use super::{advice, finding, goal, word, word_of};

    #[test]
    fn a_goals_word_is_found_in_whatever_quotes_the_goal() {
        let one = word(7, 12);
        assert_eq!(word_of(&format!("<source>\n{}.\n</source>", goal(&one))), Some(one));
        assert_eq!(word_of("a shv7x12 and an hv of no number"), None);
    }

    #[test]
    fn the_first_finding_that_cites_and_every_advice_are_read_from_their_prompts() {
        let prompt = "- none (low confidence: no (really)) It is so.\n- f-1 (high confidence: seen) It costs 9 USD.\n  References: 3, 4; against it: 5\n";
        assert_eq!(finding(prompt), Some(("f-1", 3)));
        let made = "Findings:\n- f-1 (high): x\nAdvice that rules gave:\n- a-1 (high): Do — it\n- a-2 (low): Or not — so\n</source-1>\n- b-1";
        assert_eq!(advice(made).collect::<Vec<_>>(), ["a-1", "a-2"]);
    }
}
