//! Owns `murmur goal fork`: a new goal that goes on from a step of another one.
//! Never touches the other one: what is done is copied, what is not is sent under the new id.
//! Next: `runtime::fork` does it; agents take it from there.

use runtime::fork::{self, ForkError, Forked, Means, Wanted};
use runtime::{Chance, history::History};
use serde::Serialize;

use super::command;
use crate::exit::{Exit, Misused};
use crate::reach::Where;
use crate::replay::past;
use crate::screen::{Screen, harmless};

/// Go on from a step of a goal under a new id
///
/// Steps that do not depend on the one that is named are copied with what they brought; it, and all that comes after
/// it, is done again, with a budget and a deadline of its own. The goal that is forked may be open, failed or completed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  murmur goal fork 7c3f1a52-0c1f-5b7e-9f0a-3f2d7f0f4a11 --from analysis --model large"
)]
pub(crate) struct Asked {
    /// The goal: its id, or at least six characters of its beginning
    goal: String,
    /// The step to do again: a row, or a row and the beginning of an event's id (research-tasks#3f2a)
    #[arg(long, value_name = "STEP")]
    from: String,
    /// The model that agents ask first, by its name in the file that MURMUR_MODELS names
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The new goal's key: the same key again leads to the same fork
    #[arg(long)]
    key: Option<String>,
}

#[derive(Debug, Serialize)]
struct Told<'a> {
    goal: String,
    key: &'a str,
    forkedfrom: String,
    step: &'a str,
    deadline: String,
    copied: &'a [String],
    sent: &'a [String],
    left: &'a [String],
    /// The same key has led to this fork before, and it has ended.
    ended: bool,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach().await?;
    let history = past::history(&reach, &asked.goal).await?;
    let from = history.step(&asked.from)?;
    let chance = Chance::fresh();
    let key = asked.key.clone().unwrap_or_else(|| chance.token().to_string());
    let means = Means {
        ports: &reach.ports,
        choreography: &reach.choreography,
        settings: &reach.config.settings,
        chance: &chance,
    };
    let wanted = Wanted { key, model: asked.model.clone() };
    let forked = fork::fork(means, &history, from, &wanted).await.map_err(|why| match why {
        ForkError::BadKey(_) => anyhow::Error::from(Misused(why.to_string())),
        why => anyhow::Error::from(why),
    })?;
    let step = history.label(from);
    if screen.json {
        screen.document(&told(&forked, &history, &step))?;
    } else {
        screen.text(&shown(&forked, &step, place))?;
    }
    Ok(Exit::Done)
}

fn told<'a>(forked: &'a Forked, history: &History, step: &'a str) -> Told<'a> {
    Told {
        goal: forked.goal.to_string(),
        key: &forked.key,
        forkedfrom: history.goal.request.goal.to_string(),
        step,
        deadline: forked.deadline.to_string(),
        copied: &forked.copied,
        sent: &forked.sent,
        left: &forked.left,
        ended: forked.ended,
    }
}

fn shown(forked: &Forked, step: &str, place: &Where) -> String {
    let mut text = format!("goal {}\nkey  {}\n", forked.goal, forked.key);
    if forked.ended {
        text.push_str("This key has led to this fork before, and it has ended.\n");
    } else {
        let list = |what: &str, steps: &[String]| match steps {
            [] => String::new(),
            steps => format!("{what}\n{}", steps.iter().map(|step| format!("  {step}\n")).collect::<String>()),
        };
        text.push_str(&list("copied:", &forked.copied));
        text.push_str(&list("done again, with all that follows:", &forked.sent));
        text.push_str(&list("left out, since their input is not on record:", &forked.left));
        text.push_str(&format!("forked from {step}; it ends by {} at the latest\n", forked.deadline));
    }
    text.push_str(&format!("next: {}\n", command(place, &format!("goal watch {}", forked.goal))));
    harmless(&text)
}
