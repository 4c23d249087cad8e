//! Owns `murmur dlq list`: all dead letters at once, grouped by cause, newest first.
//! Never changes anything: what was looked at is given back before a line is printed.
//! Next: `groups` says what belongs together.

use serde_json::json;

use super::choice::{self, Narrow};
use super::desk;
use super::groups::{self, Group};
use super::letter::Letter;
use crate::exit::Exit;
use crate::reach::Where;
use crate::screen::{Screen, harmless};

/// So many letters of a group are shown without --each.
const SHOWN: usize = 3;

/// List dead letters, grouped by cause, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  murmur dlq list --cause attempts-exhausted\n  murmur dlq list --json")]
pub(crate) struct Asked {
    #[command(flatten)]
    narrow: Narrow,
    /// Show every letter of a group
    #[arg(long)]
    each: bool,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    if place.has_nothing()? {
        return none(screen);
    }
    let reach = place.reach_to_read().await?;
    let found = desk::look(&reach, &asked.narrow, &|_| false).await?;
    let unseen = choice::unseen(&found);
    let (elsewhere, more) = (found.elsewhere, found.more);
    found.desk.close().await?;
    let letters: Vec<Letter> = found.letters.into_iter().filter(|letter| asked.narrow.fits(letter)).collect();
    let groups = groups::of(&letters);
    if screen.json {
        let groups: Vec<_> = groups.iter().map(Group::told).collect();
        screen.document(&json!({
            "letters": letters.len(), "groups": groups, "held_by_others": elsewhere, "more": more,
        }))?;
        return Ok(Exit::Done);
    }
    if letters.is_empty() {
        screen.text("no dead letters")?;
    } else {
        screen.prose(&text(&groups, asked.each, screen.columns, &reach.flags))?;
    }
    unseen.iter().for_each(|said| screen.progress(said));
    Ok(Exit::Done)
}

/// Where nothing has ever run, nothing is made for the look.
fn none(screen: Screen) -> anyhow::Result<Exit> {
    match screen.json {
        true => screen.document(&json!({"letters": 0, "groups": [], "held_by_others": 0, "more": false}))?,
        false => screen.text("no dead letters")?,
    }
    Ok(Exit::Done)
}

fn text(groups: &[Group<'_>], each: bool, columns: usize, flags: &str) -> String {
    let mut lines = vec![];
    for group in groups {
        let count = group.letters.len();
        let noun = if count == 1 { "letter" } else { "letters" };
        lines.push(cut(&format!("{}  {}  for {}  {count} {noun}", group.id, group.kind, group.to), columns));
        lines.push(cut(&format!("  {}", harmless(&group.detail).replace('\n', " ")), columns));
        let shown = if each { count } else { SHOWN.min(count) };
        for letter in group.letters.iter().take(shown) {
            let goal = letter.goal().map_or_else(String::new, |goal| format!("  goal {goal}"));
            lines.push(cut(&format!("    {}  {}{goal}", letter.short(), second(letter)), columns));
        }
        if shown < count {
            lines.push(format!("    and {} more: --each shows them", count - shown));
        }
        lines.push(String::new());
    }
    lines.push(format!("more: murmur dlq show LETTER{flags}"));
    lines.push(format!("send back: murmur dlq redrive LETTER|GROUP{flags}"));
    lines.join("\n")
}

/// To the second: a person compares times, not milliseconds.
fn second(letter: &Letter) -> String {
    let text = letter.at.to_string();
    text.split('.').next().map_or_else(|| text.clone(), |whole| format!("{whole}Z"))
}

/// To so many columns of a terminal; wide characters take two.
pub(super) fn cut(line: &str, columns: usize) -> String {
    use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};
    if line.width() <= columns {
        return line.into();
    }
    let mut left = columns.saturating_sub(1);
    let fits = |c: &char| match left.checked_sub(c.width().unwrap_or(0)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    line.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_line_is_cut_by_the_columns_that_it_takes_not_by_its_characters() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("木星の衛星", 6), "木星…");
    }
}
