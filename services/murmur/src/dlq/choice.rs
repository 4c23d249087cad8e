//! Owns which letters a command acts upon: one by the beginning of its id, a group, or all.
//! Never more than was said: two letters with one beginning are a question, not a choice.
//! Next: `redrive`, `edit` and `discard` act upon what was chosen.

use std::collections::BTreeSet;

use clap::builder::PossibleValuesParser;

use super::desk::{self, Desk, Found};
use super::letter::{self, Letter};
use super::{groups, room};
use crate::exit::Misused;
use crate::reach::Reach;
use crate::screen::{Screen, bytes, harmless};

pub(super) const MAX: usize = 1_000;

/// Where to look.
#[derive(Debug, clap::Args)]
pub(super) struct Narrow {
    /// Only this queue
    #[arg(long, value_name = "QUEUE")]
    pub(super) queue: Option<String>,
    /// Only letters of this goal; the beginning of its id will do
    #[arg(long, value_name = "GOAL")]
    pub(super) goal: Option<String>,
    /// Only letters with this kind of cause
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(letter::kinds()))]
    pub(super) cause: Option<String>,
    /// Look at so many letters of a queue
    #[arg(long, value_name = "COUNT", default_value_t = MAX, value_parser = some)]
    pub(super) max: usize,
}

/// Which of them.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Letters by the beginning of their ids, or groups, as murmur dlq list shows them
    #[arg(value_name = "LETTER|GROUP", required_unless_present = "all", conflicts_with = "all")]
    pub(super) ids: Vec<String>,
    /// All of them
    #[arg(long)]
    pub(super) all: bool,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) narrow: Narrow,
}

fn some(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a number from 1 on is wanted".into()),
        Ok(count) => Ok(count),
    }
}

impl Narrow {
    pub(super) fn fits(&self, letter: &Letter) -> bool {
        let of_goal = |start: &String| letter.goal().is_some_and(|goal| goal.to_string().starts_with(start.as_str()));
        self.goal.as_ref().is_none_or(of_goal) && self.cause.as_ref().is_none_or(|kind| letter.why.kind == *kind)
    }
}

/// What a command acts upon, held for as long as it works.
pub(super) struct Held {
    pub(super) desk: Desk,
    /// Whole, in the order of the list.
    pub(super) letters: Vec<Letter>,
    /// Letters that were meant too, and found no room: they were given back.
    pub(super) left: usize,
}

impl Which {
    /// Looks, keeps what is meant, and gives everything else back.
    pub(super) async fn hold(&self, reach: &Reach, screen: Screen) -> anyhow::Result<Held> {
        let wanted =
            |letter: &Letter| self.narrow.fits(letter) && (self.all || self.ids.iter().any(|id| is_called(letter, id)));
        let found = desk::look(reach, &self.narrow, &wanted).await?;
        unseen(&found).iter().for_each(|said| screen.progress(said));
        let chosen = self.of(&found.letters, &reach.flags)?;
        let ids: BTreeSet<String> = chosen.iter().map(|letter| letter.id.clone()).collect();
        let Found { desk, mut letters, .. } = found;
        letters.retain(|letter| letter.is_whole && ids.contains(&letter.id));
        desk.keep_only(&letters).await?;
        let left = ids.len() - letters.len();
        if left > 0 {
            let most = bytes(room::BYTES_MAX as u64);
            screen.progress(&format!("{left} more stay where they are: {most} are held at once; do the same again"));
        }
        Ok(Held { desk, letters, left })
    }

    /// In the order of the list, each once.
    fn of<'l>(&self, letters: &'l [Letter], flags: &str) -> Result<Vec<&'l Letter>, Misused> {
        let narrowed: Vec<&Letter> = letters.iter().filter(|letter| self.narrow.fits(letter)).collect();
        if self.all {
            return Ok(narrowed);
        }
        let mut chosen: Vec<&Letter> = vec![];
        for id in &self.ids {
            let more = matching(&narrowed, id, flags)?;
            chosen.extend(
                more.into_iter().filter(|letter| !chosen.iter().any(|had| had.id == letter.id)).collect::<Vec<_>>(),
            );
        }
        Ok(chosen)
    }
}

/// For a command that acts upon a single letter.
pub(super) fn only<'l>(chosen: &[&'l Letter]) -> Result<&'l Letter, Misused> {
    match chosen {
        [letter] => Ok(letter),
        several => Err(Misused(format!("{} letters are meant: name one of them", several.len()))),
    }
}

/// No letter's id begins with the `g` of a group's.
pub(super) fn is_called(letter: &Letter, id: &str) -> bool {
    if id.starts_with('g') { groups::id_of(letter) == id } else { !id.is_empty() && letter.id.starts_with(id) }
}

/// The letter that begins so, or the letters of the group of that name.
pub(super) fn matching<'l>(letters: &[&'l Letter], id: &str, flags: &str) -> Result<Vec<&'l Letter>, Misused> {
    let none = |what: &str| {
        let id = harmless(id);
        Err(Misused(format!(
            "{what} {id:?}; murmur dlq list{flags} shows what there is, and says what others hold just now"
        )))
    };
    let found: Vec<&Letter> = letters.iter().filter(|letter| is_called(letter, id)).copied().collect();
    if id.starts_with('g') {
        return if found.is_empty() { none("no group is called") } else { Ok(found) };
    }
    match found.len() {
        _ if id.is_empty() => none("no letter is called"),
        0 => none("no letter's id begins with"),
        1 => Ok(found),
        _ => {
            let ids: Vec<&str> = found.iter().map(|letter| letter.id.as_str()).collect();
            Err(Misused(format!(
                "{id:?} begins the ids of {} letters: {}; type more of one",
                found.len(),
                ids.join(", ")
            )))
        }
    }
}

/// As a question names them.
pub(super) fn counted(letters: usize) -> String {
    if letters == 1 { "1 dead letter".into() } else { format!("{letters} dead letters") }
}

/// What could not be seen, for whoever wonders where a letter is.
pub(super) fn unseen(found: &Found) -> Vec<String> {
    let mut said = vec![];
    if found.elsewhere > 0 {
        said.push(format!(
            "{} more are held by somebody who looks at them just now: they show again when that is over, within a minute",
            found.elsewhere
        ));
    }
    if found.more {
        said.push("there are more than were looked at: narrow it with --queue, or raise --max".into());
    }
    said
}
