//! Owns planning and searching with a model: it proposes questions and words, and never an answer.
//! Never believed beyond that: what it proposes is only looked for.
//! Next: `plan` and `task` take what it proposes, or do without.

use engine::prompt::{Prompt, Untrusted};
use engine::{Ask, Sitting, Unanswered};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

const QUESTIONS_MAX: usize = 8;
const QUERIES_MAX: usize = 3;
const CHARS_MAX: usize = 300;

const PLAN: Prompt = Prompt { version: "plan.v1", text: include_str!("prompts/plan.v1.md") };
const QUERIES: Prompt = Prompt { version: "queries.v1", text: include_str!("prompts/queries.v1.md") };

#[derive(Deserialize, JsonSchema)]
struct Questions {
    questions: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Queries {
    queries: Vec<String>,
}

/// The questions of a goal.
pub(crate) async fn questions(
    sitting: &Sitting<'_>,
    goal: &str,
    context: Option<&str>,
) -> Result<Vec<String>, Unanswered> {
    let mut sources = vec![Untrusted { id: "goal".into(), text: goal.into() }];
    sources.extend(context.map(|text| Untrusted { id: "context".into(), text: text.into() }));
    let faults = |plan: &Questions| faults(&plan.questions, QUESTIONS_MAX);
    let values = json!({"questions_max": QUESTIONS_MAX});
    let plan = sitting.ask(Ask { prompt: PLAN, values, sources, faults: &faults }).await?;
    Ok(plan.questions)
}

/// Other words for a question.
pub(crate) async fn queries(sitting: &Sitting<'_>, question: &str) -> Result<Vec<String>, Unanswered> {
    let sources = vec![Untrusted { id: "question".into(), text: question.into() }];
    let faults = |plan: &Queries| faults(&plan.queries, QUERIES_MAX);
    let values = json!({"queries_max": QUERIES_MAX});
    let plan = sitting.ask(Ask { prompt: QUERIES, values, sources, faults: &faults }).await?;
    Ok(plan.queries)
}

fn faults(lines: &[String], most: usize) -> Vec<String> {
    let mut faults = vec![];
    if lines.is_empty() || lines.len() > most {
        faults.push(format!("{} lines where 1 to {most} are wanted", lines.len()));
    }
    faults.extend(lines.iter().filter(|line| line.trim().is_empty()).map(|_| "a line is empty".to_owned()));
    let long = lines.iter().filter(|line| line.chars().count() > CHARS_MAX);
    faults.extend(long.map(|line| format!("a line has more than {CHARS_MAX} characters: {line:.40}…")));
    faults
}
