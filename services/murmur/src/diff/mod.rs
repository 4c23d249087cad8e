//! Owns `murmur diff`: two goals beside each other, step by step: what went in, what came out, what it cost, how long.
//! Never a difference of names: ids of one goal are other ids in the next, and that is no difference.
//! Next: `difference` finds where two values differ; `pairs` finds which step stands where in both goals.

pub(crate) mod difference;
mod pairs;

use contract::{GoalId, Spend};
use runtime::ledger::step::State;
use serde::Serialize;

use crate::exit::Exit;
use crate::reach::Where;
use crate::replay::past;
use crate::screen::{Screen, harmless};
use difference::Difference;
use pairs::Side;

/// Compare two goals, step by step
///
/// What each step was given and brought, what it cost and how long it took; and the first place where the two differ.
/// Exit code 0 if inputs and outputs are the same, 1 otherwise.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  murmur diff 7c3f1a52-0c1f-5b7e-9f0a-3f2d7f0f4a11 0b9d2c7e-5a41-5f0e-8d3c-6e1f7a2b9c44"
)]
pub(crate) struct Asked {
    /// The one goal: its id, or at least six characters of its beginning
    one: String,
    /// The other goal, likewise
    other: String,
}

#[derive(Debug, Serialize)]
struct Told {
    one: GoalId,
    other: GoalId,
    same: bool,
    steps: Vec<Compared>,
}

/// One step of both goals.
#[derive(Debug, Serialize)]
struct Compared {
    step: String,
    /// Nothing where a side has not got so far.
    one: Option<Took>,
    other: Option<Took>,
    input: Vec<Difference>,
    output: Vec<Difference>,
}

/// What it took.
#[derive(Clone, Copy, Debug, Serialize)]
struct Took {
    /// From the claim to the commit, or to the giving up; nothing of one that is not done.
    work_ms: Option<i64>,
    attempts: usize,
    #[serde(flatten)]
    cost: Spend,
    /// Done for another goal, from which it was copied.
    copied: bool,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach_to_read().await?;
    let one = past::history(&reach, &asked.one).await?;
    let other = past::history(&reach, &asked.other).await?;
    let store = &*reach.ports.artifacts;
    let (a, b) = (Side::of(&one), Side::of(&other));
    let mut steps = vec![];
    for (step, left, right) in pairs::of(&one, &other) {
        let input = pairs::between(left.map(|step| a.input(step)), right.map(|step| b.input(step)), store).await?;
        let (left_out, right_out) = (a.output(left, store).await?, b.output(right, store).await?);
        let output = pairs::between(left_out, right_out, store).await?;
        steps.push(Compared { step, one: left.map(Took::by), other: right.map(Took::by), input, output });
    }
    let same = steps.iter().all(|step| step.input.is_empty() && step.output.is_empty());
    let told = Told { one: one.goal.request.goal, other: other.goal.request.goal, same, steps };
    if screen.json {
        screen.document(&told)?;
    } else {
        screen.text(&shown(&told, screen))?;
    }
    Ok(if same { Exit::Done } else { Exit::Failed })
}

impl Took {
    fn by(step: &runtime::history::PastStep) -> Took {
        let last = step.last();
        let is_done = matches!(step.step.state, State::Committed | State::Parked);
        let from = last.and_then(|last| Some(last.held.as_ref()?.from.0));
        let until = last.and_then(|last| Some(last.over.as_ref()?.at.0));
        Took {
            work_ms: from.zip(until).filter(|_| is_done).map(|(from, until)| until - from),
            attempts: step.attempts.len(),
            cost: step.cost,
            copied: step.copied_from.is_some(),
        }
    }
}

fn shown(told: &Told, screen: Screen) -> String {
    let mut text = String::new();
    for step in &told.steps {
        let word = match (step.input.is_empty(), step.output.is_empty()) {
            (true, true) => "same",
            (false, true) => "given other",
            (true, false) => "brought other",
            (false, false) => "both other",
        };
        text.push_str(&harmless(&format!("{word:<13} {}\n", step.step)));
        let (one, other) = (took(step.one.as_ref()), took(step.other.as_ref()));
        text.push_str(&format!("{:<14}{one}\n{:<14}{other}\n", "", ""));
    }
    let first = told.steps.iter().find(|step| !step.input.is_empty() || !step.output.is_empty());
    if let Some(step) = first {
        let (what, differences) =
            if step.input.is_empty() { ("brought", &step.output) } else { ("was given", &step.input) };
        text.push_str(&harmless(&format!("\nWhat {} {what} differs first; one (-) and other (+):\n", step.step)));
        text.push_str(&difference::shown(differences, screen));
    }
    text
}

fn took(took: Option<&Took>) -> String {
    let Some(Took { work_ms, attempts, cost, copied }) = took else { return "not there".into() };
    if *copied {
        return "copied".into();
    }
    let dollars = cost.micros as f64 / 1e6;
    let tries = if *attempts == 1 { String::new() } else { format!(", {attempts} holders") };
    let worked = work_ms.map_or_else(|| "—".to_owned(), |ms| format!("{:.3} s", ms as f64 / 1e3));
    format!("{worked}, {} tokens, ${dollars:.4}{tries}", cost.tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_step_that_is_not_done_is_a_dash() {
        let took_of = |work_ms| {
            let cost = Spend { tokens: 7, micros: 70 };
            took(Some(&Took { work_ms, attempts: 1, cost, copied: false }))
        };
        assert_eq!(took_of(None), "—, 7 tokens, $0.0001");
        assert_eq!(took_of(Some(0)), "0.000 s, 7 tokens, $0.0001");
    }
}
