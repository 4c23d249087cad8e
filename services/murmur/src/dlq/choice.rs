//! Owns which letters a command acts upon: one by the beginning of its id, a group, or all.
//! Never more than was said: two letters with one beginning are a question, not a choice.
//! Next: `redrive`, `edit` and `discard` act upon what was chosen.

use super::desk::Found;
use super::groups;
use super::letter::Letter;
use crate::exit::Misused;
use crate::screen::harmless;

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
    /// Only letters with this kind of cause, such as attempts-exhausted
    #[arg(long, value_name = "KIND")]
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

impl Which {
    /// In the order of the list, each once.
    pub(super) fn of<'l>(&self, letters: &'l [Letter]) -> Result<Vec<&'l Letter>, Misused> {
        let narrowed: Vec<&Letter> = letters.iter().filter(|letter| self.narrow.fits(letter)).collect();
        if self.all {
            return Ok(narrowed);
        }
        let mut chosen: Vec<&Letter> = vec![];
        for id in &self.ids {
            let more = matching(&narrowed, id)?;
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

/// The letter that begins so, or the letters of the group of that name.
pub(super) fn matching<'l>(letters: &[&'l Letter], id: &str) -> Result<Vec<&'l Letter>, Misused> {
    let none = |what: &str| {
        let id = harmless(id);
        Err(Misused(format!("{what} {id:?}; murmur dlq list shows what there is, and says what others hold just now")))
    };
    if id.starts_with('g') {
        let group: Vec<&Letter> = letters.iter().filter(|letter| groups::id_of(letter) == id).copied().collect();
        return if group.is_empty() { none("no group is called") } else { Ok(group) };
    }
    let found: Vec<&Letter> = letters.iter().filter(|letter| letter.id.starts_with(id)).copied().collect();
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
