//! Owns `murmur dlq edit`: a letter's body in a person's own editor, until it is right or given up.
//! Never sends what an agent would refuse, and never loses what was typed.
//! Next: `draft` is the file, `edited` judges it, `redrive` sends what comes of it.

use std::path::PathBuf;

use anyhow::bail;
use serde_json::json;

use super::choice::{self, Narrow};
use super::confirm;
use super::desk::{self, Desk};
use super::draft::Draft;
use super::edited::{self, Edited};
use super::letter::Letter;
use super::redrive::{self, Outcome};
use super::verdict;
use crate::exit::Exit;
use crate::reach::{Reach, Where, quoted};
use crate::screen::{Screen, harmless};

/// Edit a dead letter in $VISUAL or $EDITOR, and send it again
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  EDITOR=nano murmur dlq edit 3f9a1c2e\n  murmur dlq edit 3f9a1c2e --file mended.json"
)]
pub(crate) struct Asked {
    /// The beginning of its id, as murmur dlq list shows it
    #[arg(value_name = "LETTER")]
    id: String,
    /// Take the edited text from this file, and open no editor
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    narrow: Narrow,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach().await?;
    let found = desk::look(&reach, &asked.narrow, &|letter| choice::is_called(letter, &asked.id)).await?;
    choice::unseen(&found).iter().for_each(|said| screen.progress(said));
    let chosen: Vec<&Letter> = found.letters.iter().filter(|letter| asked.narrow.fits(letter)).collect();
    let letter = choice::only(&choice::matching(&chosen, &asked.id, &reach.flags)?)?;
    found.desk.keep_only(std::slice::from_ref(letter)).await?;
    let whole = letter.clone().restored(&*reach.ports.artifacts, &reach.config.choreography).await;
    let letter = whole.map_err(|why| anyhow::anyhow!("{why}"))?;
    if let Err(no) = edited::possible(&letter, &reach).await? {
        refuse(no)?;
    }
    let draft = match &asked.file {
        Some(file) => Draft::given(file),
        None => Draft::new(place, letter.short(), &edited::text_of(&letter))?,
    };
    let (composed, event, instead_of) =
        found.desk.while_held(until_right(&draft, &letter, &reach, &found.desk, asked)).await?;
    let does = match instead_of {
        Some(old) => format!("as event {event}, caused by {old}"),
        None => format!("as event {event}"),
    };
    let outcome = redrive::send(&letter, &composed, &found.desk, &does).await;
    let sent = matches!(outcome, Outcome::Sent { .. });
    if sent {
        draft.sent();
    }
    found.desk.close().await?;
    if screen.json {
        let mut told = redrive::document(&letter, &outcome);
        told["event"] = json!(event);
        told["instead_of"] = json!(instead_of);
        screen.document(&told)?;
    } else {
        screen.prose(&redrive::said(&letter, &outcome))?;
    }
    Ok(if sent { Exit::Done } else { Exit::Failed })
}

type Right = (Box<super::compose::Composed>, contract::EventId, Option<contract::EventId>);

/// The editor, as often as the person wants it.
async fn until_right(
    draft: &Draft,
    letter: &Letter,
    reach: &Reach,
    desk: &Desk,
    asked: &Asked,
) -> anyhow::Result<Right> {
    loop {
        if asked.file.is_none() {
            draft.open().await?;
            if draft.is_unchanged() {
                let redrive = verdict::command("redrive", letter, reach);
                bail!("nothing was changed, and nothing was sent: {redrive} sends it as it is");
            }
        }
        let problems = match edited::read(letter, &draft.text()?, reach).await? {
            Edited::Message { composed, event, instead_of } => return Ok((composed, event, instead_of)),
            Edited::Problems(problems) => problems,
            no @ Edited::Hopeless { .. } => {
                refuse(no)?;
                vec![]
            }
        };
        let list: String = problems.iter().map(|problem| format!("\n  - {}", harmless(problem))).collect();
        if asked.file.is_some() || !confirm::can_ask() {
            let file = draft.path().display().to_string();
            let again = verdict::command("edit", letter, reach);
            bail!("{} cannot be sent so:{list}\nedit {file}, then: {again} --file {}", letter.short(), quoted(&file));
        }
        let question = format!("It cannot be sent so:{list}\nEdit again? [Y/n] ");
        // A closed terminal has nobody who would edit.
        if !confirm::answer(&question).await?.is_some_and(|said| matches!(said.as_str(), "" | "y" | "yes")) {
            bail!("given up: nothing was sent, and the letter stays where it is");
        }
        desk.still_ours(letter).await.map_err(|why| anyhow::anyhow!("the hold on the letter is over: {why}"))?;
    }
}

fn refuse(no: Edited) -> anyhow::Result<()> {
    match no {
        Edited::Hopeless { why, instead } => bail!("{}; instead: {}", harmless(&why), harmless(&instead)),
        _ => Ok(()),
    }
}
