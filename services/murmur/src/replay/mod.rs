//! Owns `murmur replay`: a goal's recorded steps through today's handlers, and whether they bring the same.
//! Never pays a model, never publishes, never changes the ledger: every agent runs its own steps, with nobody to ask.
//! Next: `recorded` makes of a past step what an agent can run, `child` runs it, `outputs` compares.

mod child;
pub(crate) mod outputs;
pub(crate) mod past;
mod recorded;

use std::collections::BTreeMap;

use contract::GoalId;
use contract::topology::Choreography;
use runtime::history::{History, PastStep};
use serde::Serialize;
use serde_json::Value;

use crate::diff::difference::{Contents, Difference, How, differences};
use crate::exit::Exit;
use crate::reach::{Reach, Where};
use crate::screen::{Screen, harmless};
use crate::surroundings;

/// Run a goal's recorded steps through today's handlers, asking nobody
///
/// Each agent runs its own steps with what was recorded: no model is paid, no event is published. Says of each step
/// whether it brings the same as then, and where the first one differs. Agents must be set up as they were: the same
/// MURMUR_MODELS and MURMUR_RULES. Exit code 0 if all bring the same, 1 if one differs or cannot be replayed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  murmur replay 7c3f1a52-0c1f-5b7e-9f0a-3f2d7f0f4a11 --from analysis")]
pub(crate) struct Asked {
    /// The goal: its id, or at least six characters of its beginning
    goal: String,
    /// Begin at this step: a row, or a row and the beginning of an event's id (research-tasks#3f2a)
    #[arg(long, value_name = "STEP")]
    from: Option<String>,
}

#[derive(Debug, Serialize)]
struct Told {
    goal: GoalId,
    same: bool,
    /// The first step that brings something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    steps: Vec<Replay>,
}

/// One step, and what came of running it again.
#[derive(Debug, Serialize)]
struct Replay {
    step: String,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Verdict {
    Same,
    Differs {
        differences: Vec<Difference>,
    },
    CannotBeReplayed {
        why: String,
    },
    /// By a fork: its work was done for another goal, where it can be replayed.
    Copied {
        from: GoalId,
    },
    /// It brought nothing, so there is nothing to compare.
    NotCommitted,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach_to_read().await?;
    let history = past::history(&reach, &asked.goal).await?;
    let first = match &asked.from {
        Some(name) => history.step(name)?.place.clone(),
        None => String::new(),
    };
    let begin = history.steps.iter().position(|step| step.place == first).unwrap_or(0);
    let surroundings = surroundings::of(place, &reach.server)?;
    let mut steps = vec![];
    for step in &history.steps[begin..] {
        let label = history.label(step);
        screen.progress(&format!("replaying {label}"));
        steps.push(Replay { step: label, verdict: replayed(&reach, &history, step, &surroundings).await? });
    }
    let is_well =
        |replay: &&Replay| !matches!(replay.verdict, Verdict::Differs { .. } | Verdict::CannotBeReplayed { .. });
    let differs = |replay: &&Replay| matches!(replay.verdict, Verdict::Differs { .. });
    let told = Told {
        goal: history.goal.request.goal,
        same: steps.iter().filter(is_well).count() == steps.len(),
        first: steps.iter().find(differs).map(|replay| replay.step.clone()),
        steps,
    };
    if screen.json {
        screen.document(&told)?;
    } else {
        screen.text(&shown(&told, screen))?;
    }
    Ok(if told.same { Exit::Done } else { Exit::Failed })
}

async fn replayed(
    reach: &Reach,
    history: &History,
    step: &PastStep,
    surroundings: &BTreeMap<String, String>,
) -> anyhow::Result<Verdict> {
    if let Some(from) = step.copied_from {
        return Ok(Verdict::Copied { from });
    }
    if !step.is_committed() {
        return Ok(Verdict::NotCommitted);
    }
    let recorded = match recorded::of(reach, history, step).await? {
        Ok(recorded) => recorded,
        Err(why) => return Ok(Verdict::CannotBeReplayed { why }),
    };
    let daemon = daemon_of(&reach.choreography, step);
    let now = match child::replayed(daemon, &recorded, surroundings.clone()).await {
        Ok(now) => now,
        Err(why) => return Ok(Verdict::CannotBeReplayed { why: format!("{why:#}") }),
    };
    if let Some(error) = &now.error {
        let how = How::Values { then: Value::Null, now: error.clone().into() };
        return Ok(Verdict::Differs { differences: vec![Difference { path: "error".into(), how }] });
    }
    let store = &*reach.ports.artifacts;
    let then = match outputs::then(step, store).await? {
        Ok(then) => then,
        Err(why) => return Ok(Verdict::CannotBeReplayed { why }),
    };
    let arrives = reach.choreography.row(&step.row).is_some_and(|row| row.arrives.is_some());
    let contents = Contents { store, beside: &now.artifacts };
    let differences = differences(&then, &outputs::now(&now, arrives), &contents).await?;
    Ok(if differences.is_empty() { Verdict::Same } else { Verdict::Differs { differences } })
}

/// The program that has the row's handler.
fn daemon_of<'a>(choreography: &'a Choreography, step: &'a PastStep) -> &'a str {
    choreography.row(&step.row).map_or(step.row.as_str(), |row| row.daemon.as_str())
}

fn shown(told: &Told, screen: Screen) -> String {
    let mut text = String::new();
    for replay in &told.steps {
        let (word, why) = match &replay.verdict {
            Verdict::Same => ("same", String::new()),
            Verdict::Differs { .. } => ("differs", String::new()),
            Verdict::CannotBeReplayed { why } => ("cannot be replayed", format!(": {why}")),
            Verdict::Copied { from } => ("copied", format!(" from {from}: replay it there")),
            Verdict::NotCommitted => ("not committed", String::new()),
        };
        text.push_str(&harmless(&format!("{word:<8} {}{why}\n", replay.step)));
    }
    let first = told.steps.iter().find_map(|replay| match &replay.verdict {
        Verdict::Differs { differences } => Some((&replay.step, differences)),
        _ => None,
    });
    if let Some((step, differences)) = first {
        match differences.as_slice() {
            // Whole: it says what to do.
            [Difference { path, how: How::Values { now: Value::String(why), .. } }] if path == "error" => {
                text.push_str(&harmless(&format!("\n{step} fails now: {why}\n")));
            }
            _ => {
                text.push_str(&format!("\n{step} differs; then (-) and now (+):\n"));
                text.push_str(&crate::diff::difference::shown(differences, screen));
            }
        }
    }
    text
}
