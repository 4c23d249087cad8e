//! Owns `murmur dlq show`: one letter, whole, with what the ledger knows and what can be done.
//! Never changes anything.
//! Next: `verdict` says what a redrive would do.

use contract::PortError;
use serde_json::{Value, json};

use super::choice::{self, Narrow};
use super::letter::Letter;
use super::verdict::{self, Known, Verdict};
use super::{desk, groups};
use crate::exit::Exit;
use crate::reach::{Reach, Where};
use crate::screen::{Screen, harmless};

/// Show one dead letter: its cause, its goal, its body, and what a redrive would do
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  murmur dlq show 3f9a1c2e")]
pub(crate) struct Asked {
    /// The beginning of its id, as murmur dlq list shows it
    #[arg(value_name = "LETTER")]
    id: String,
    #[command(flatten)]
    narrow: Narrow,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach_to_read().await?;
    let found = desk::look(&reach, &asked.narrow, &|letter| choice::is_called(letter, &asked.id)).await?;
    let unseen = choice::unseen(&found);
    found.desk.close().await?;
    let fits: Vec<&Letter> = found.letters.iter().filter(|letter| asked.narrow.fits(letter)).collect();
    let chosen = choice::matching(&fits, &asked.id, &reach.flags)
        .inspect_err(|_| unseen.iter().for_each(|said| screen.progress(said)))?;
    let letter = choice::only(&chosen)?;
    let whole = letter.clone().restored(&*reach.ports.artifacts, &reach.config.choreography).await;
    let (letter, gone) = match whole {
        Ok(whole) => (whole, None),
        Err(why) => (letter.clone().with_its_event(&reach.config.choreography), Some(why)),
    };
    let verdict = verdict::of(&letter, &reach).await?;
    let known = ledger(&letter, &reach).await?;
    if screen.json {
        let mut told = letter.told();
        told["group"] = groups::id_of(&letter).into();
        told["body"] = letter.body.clone().into();
        told["attributes"] = json!(letter.attributes.0);
        told["ledger"] = known;
        told["redrive"] = of_verdict(&verdict);
        told["unread"] = json!(gone);
        screen.document(&told)?;
    } else {
        screen.prose(&text(&letter, &known, &verdict, gone.as_deref(), &reach))?;
        screen.text(&body(&letter))?;
    }
    Ok(Exit::Done)
}

/// What it has of goal and step.
async fn ledger(letter: &Letter, reach: &Reach) -> Result<Value, PortError> {
    let (Some(row), Some(goal), Some(event)) = (letter.destination.row(), letter.goal(), letter.event_id()) else {
        return Ok(Value::Null);
    };
    let known = Known::of(reach, goal, row, event).await?;
    let step = known.step.as_ref().map(|step| {
        let state = format!("{:?}", step.state).to_lowercase();
        json!({"state": state, "attempts": step.attempts, "parks": step.parks, "rounds": step.rounds})
    });
    let goal = known.goal.as_ref().map(|goal| {
        let state = if known.over(reach) { "ended" } else { "open" };
        json!({"state": state, "deadline": goal.deadline, "words": goal.words()})
    });
    Ok(json!({"goal": goal, "step": step}))
}

pub(super) fn of_verdict(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Useful(does) => json!({"useful": true, "does": does}),
        Verdict::Refused { why, instead } => json!({"useful": false, "why": why, "instead": instead}),
    }
}

fn text(letter: &Letter, known: &Value, verdict: &Verdict, gone: Option<&str>, reach: &Reach) -> String {
    let mut lines = vec![
        format!("letter    {}", letter.id),
        format!("group     {}", groups::id_of(letter)),
        format!("lies in   {} since {}", letter.place.queue, letter.at),
        format!("for       {}", letter.destination.name()),
        format!("cause     {}: {}", letter.why.kind, letter.why.detail),
    ];
    if let Some(note) = &letter.note {
        // A message that was rejected has no step.
        let which = if note.n > 0 { format!(" (dead letter {} of its step)", note.n) } else { String::new() };
        lines.push(format!("attempts  {}{which}", note.attempts));
    }
    match &letter.event {
        Ok(event) => {
            lines.push(format!("event     {} {}", event.kind, event.id));
            lines.push(format!("trace     {}", event.trace.trace));
        }
        Err(cause) => lines.push(format!("no event  {}", cause.detail)),
    }
    if let Some(goal) = letter.goal() {
        let state = known["goal"]["state"].as_str().unwrap_or("unknown to the ledger");
        lines.push(format!("goal      {goal} ({state})"));
    }
    if let Some(state) = known["step"]["state"].as_str() {
        lines.push(format!("step      {state}, {} rounds of redriving", known["step"]["rounds"]));
    }
    match verdict {
        Verdict::Useful(does) => {
            let redrive = verdict::command("redrive", letter, reach);
            lines.push(format!("redrive   {does}: {redrive}"));
        }
        Verdict::Refused { why, instead } => lines.push(format!("redrive   no: {why}\ninstead   {instead}")),
    }
    lines.extend(gone.map(|why| format!("unread    {why}")));
    for (name, value) in &letter.attributes.0 {
        lines.push(format!("attribute {name} = {value}"));
    }
    lines.iter().map(|line| harmless(line)).collect::<Vec<_>>().join("\n")
}

/// As a program would read it: its lines end where it ends them.
fn body(letter: &Letter) -> String {
    let pretty = serde_json::from_str::<Value>(&letter.body).and_then(|body| serde_json::to_string_pretty(&body));
    harmless(&format!("\n{}", pretty.unwrap_or_else(|_| letter.body.clone())))
}
