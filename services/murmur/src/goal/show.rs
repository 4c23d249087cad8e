//! Owns `murmur goal show`: what was asked, within which limits, what is spent, and where it stands.
//! Never the course of it: `murmur explain` tells that.
//! Next: `explain` has the story that this is the beginning of.

use contract::RunStory;
use contract::events::OnDeadLetter;
use contract::story::{GoalTold, Purse, Standing, Trouble};
use runtime::story::{money, span};
use serde::Serialize;

use crate::exit::Exit;
use crate::explain::{self, Ink, lines, money_of, tokens_of};
use crate::goal::named;
use crate::reach::Where;
use crate::screen::Screen;

/// Show one goal: what was asked, what it spent, where it stands
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  murmur goal show 7c3f1a")]
pub(crate) struct Asked {
    /// The goal: its id, or at least six characters of its beginning
    goal: String,
}

#[derive(Debug, Serialize)]
struct Told<'a> {
    goal: &'a GoalTold,
    standing: Standing,
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<&'a Trouble>,
    next: &'a [String],
    took_ms: u64,
    spent: Purse,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach_to_read().await?;
    let id = named::find(&reach, &asked.goal).await?;
    let story = explain::story(&reach, id).await?;
    if screen.json {
        let RunStory { goal, standing, summary, trouble, next, took_ms, spent, .. } = &story;
        let (standing, took_ms, spent) = (*standing, *took_ms, *spent);
        screen.document(&Told { goal, standing, summary, trouble: trouble.as_ref(), next, took_ms, spent })?;
    } else {
        screen.text(&told(&story, Ink::new(screen.colour), screen.columns))?;
    }
    Ok(Exit::Done)
}

const LABEL: usize = 13;

fn told(story: &RunStory, ink: Ink, columns: usize) -> String {
    let columns = columns.saturating_sub(1).clamp(24, 120);
    let mut all: Vec<String> = lines(&story.summary, columns).iter().map(|line| ink.strong(line)).collect();
    all.push(String::new());
    for (label, text) in facts(story) {
        for (at, line) in lines(&text, columns.saturating_sub(LABEL)).iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            all.push(format!("{}{line}", ink.soft(&format!("{label:<LABEL$}"))));
        }
    }
    for command in &story.next {
        all.push(format!("{}{}", ink.soft(&format!("{:<LABEL$}", "next")), ink.strong(command)));
    }
    all.join("\n")
}

fn facts(story: &RunStory) -> Vec<(&'static str, String)> {
    let (goal, purse) = (&story.goal, &story.spent);
    let mut facts = vec![("goal", goal.words.clone()), ("id", goal.id.to_string())];
    facts.extend(goal.key.clone().map(|key| ("key", key)));
    facts.push(("tenant", goal.tenant.to_string()));
    facts.push(("standing", story.standing.as_str().to_owned()));
    if !goal.collections.is_empty() {
        facts.push(("collections", goal.collections.join(", ")));
    }
    facts.extend(goal.sources.iter().map(|source| ("source", source.clone())));
    facts.extend(goal.context.clone().map(|context| ("context", context)));
    facts.extend(goal.model.clone().map(|model| ("model", model)));
    facts.extend(goal.forked_from.as_ref().map(|from| ("fork of", format!("{} from {}", from.goal, from.row))));
    facts.push(("requested", goal.requested_at.to_string()));
    facts.extend(goal.deadline.map(|deadline| ("deadline", deadline.to_string())));
    facts.push(("took", span(story.took_ms)));
    let policy = match goal.on_dead_letter {
        OnDeadLetter::Hold => "hold: the goal stays open for a redrive",
        OnDeadLetter::Fail => "fail: the goal ends at once",
    };
    facts.push(("dead letter", policy.to_owned()));
    facts.push(("tokens", format!("{} spent of {}", explain::grouped(purse.spent.tokens), tokens_of(purse.allowed))));
    facts.push(("cost", format!("{} spent of {}", money_of(purse.spent), money_of(purse.allowed))));
    if purse.reserved.tokens + purse.reserved.micros > 0 {
        facts.push(("held back", format!("{}, {}", tokens_of(purse.reserved), money(purse.reserved.micros))));
    }
    facts.push(("trace", goal.trace.clone()));
    facts
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    #[test]
    fn what_was_asked_spent_and_allowed_is_shown_within_the_terminals_width() {
        let mut story = RunStory::example();
        story.goal.words = "競合他社の価格を調べて報告書にまとめる ".repeat(5);
        for columns in [40, 80] {
            let text = told(&story, Ink::new(false), columns);
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains("1,640 spent of 200,000 tokens"), "{text}");
            let wide = |line: &&str| !line.contains("murmur ") && line.width() >= columns;
            assert_eq!(text.lines().find(wide), None, "{text}");
        }
    }
}
