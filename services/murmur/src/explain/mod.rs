//! Owns `murmur explain`: the story of one goal, told in the form that was asked for.
//! Never finds anything out itself: `runtime::story` tells it, from the ledger and the records of attempts.
//! Next: `timeline` for a terminal, `mermaid` for a document, `page` for a browser; `sight` is what they share.

mod ink;
mod mermaid;
mod page;
mod sight;
mod timeline;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum;
use contract::{GoalId, RunStory};
use runtime::story::{Records, tell};

use crate::exit::Exit;
use crate::goal::named;
use crate::reach::{Reach, Where};
use crate::screen::Screen;

pub(crate) use ink::{Ink, grouped, lines, money_of, tokens_of};
pub(crate) use page::page;

/// Tell what happened to a goal: every hop, every attempt, who held it, and why it failed
///
/// Everything is read from the ledger and the artifacts; no tracing backend is needed. The first lines say where the
/// goal stands, and the next command to type.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  murmur explain 7c3f1a
  murmur explain 7c3f1a --format html --out run.html
  murmur explain 7c3f1a --format mermaid
  murmur explain 7c3f1a --json | jq .trouble")]
pub(crate) struct Asked {
    /// The goal: its id, or at least six characters of its beginning
    goal: String,
    /// In which form
    #[arg(long, value_enum, default_value_t = Form::Timeline)]
    format: Form,
    /// Write it to a file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Lines for a terminal
    Timeline,
    /// A sequence diagram in Mermaid's language
    Mermaid,
    /// One page that needs nothing else
    Html,
    /// The document that all the others are made from: schemas/run-story.v1.json
    Json,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach_to_read().await?;
    let id = named::find(&reach, &asked.goal).await?;
    let story = story(&reach, id).await?;
    let text = match asked.format {
        Form::Json => serde_json::to_string_pretty(&story)?,
        _ if screen.json => serde_json::to_string_pretty(&story)?,
        Form::Mermaid => mermaid::diagram(&story),
        Form::Html => page(&story),
        Form::Timeline => {
            let colour = screen.colour && asked.out.is_none();
            timeline::told(&story, Ink::new(colour), screen.columns)
        }
    };
    match &asked.out {
        None => screen.text(&text)?,
        Some(file) => {
            let text = format!("{}\n", text.trim_end());
            std::fs::write(file, text).with_context(|| format!("{} is not written", file.display()))?;
            screen.progress(&file.display().to_string());
        }
    }
    Ok(Exit::Done)
}

/// What the records say of a goal.
pub(crate) async fn story(reach: &Reach, id: GoalId) -> anyhow::Result<RunStory> {
    let items = reach.ports.ledger.story(id).await.context("the ledger does not answer")?;
    let records = Records::fetch(&items, &*reach.ports.artifacts).await;
    let mut told = tell(&items, &records, &reach.config.choreography, reach.ports.clock.now()).with_context(|| {
        format!(
            "there is no goal {id}: murmur goal list{} shows those that there are (a goal just sent appears once the \
             research agent took it; records go {} days after a goal's deadline)",
            reach.flags,
            reach.config.settings.record_retention.as_secs() / 86_400
        )
    })?;
    // Whoever types them should reach the same place.
    told.next.iter_mut().for_each(|next| next.push_str(&reach.flags));
    Ok(told)
}
