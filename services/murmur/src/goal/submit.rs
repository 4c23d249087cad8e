//! Owns `murmur goal submit`: what a person asks for, as one goal, however often it is asked with one key.
//! Never an answer before the goal is safe in its queue, or known to be in the ledger.
//! Next: `sending` judges and sends it; `watch` follows it.

use std::time::Duration;

use anyhow::bail;
use contract::events::{Budget, OnDeadLetter};
use contract::{Tenant, UnixMs};
use runtime::Chance;
use runtime::ledger::Standing;
use runtime::ledger::goal::Goal;
use serde_json::json;

use super::following::Patience;
use super::sending::{Before, Letter, Until, Wish};
use super::{command, watch};
use crate::exit::Exit;
use crate::ingest::collection;
use crate::reach::Where;
use crate::screen::Screen;

const HELP: &str = "\
Example:\n\
\x20 murmur goal submit \"Compare prices of hosted brokers\" \\\n\
\x20   --key brokers-2026 --deadline 2h --usd 0.50 --watch\n\
\n\
A key makes it one goal however often it is sent: the second time, the first\n\
goal is told, and nothing is sent. Where the goal differs from the first, it\n\
is refused.";

/// Send a goal to the agents
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Asked {
    /// What you want, in your own words
    goal: String,
    /// A page or document on the web that may be used; may be repeated
    #[arg(long, value_name = "URL")]
    sources: Vec<String>,
    /// A collection that murmur ingest has filled; may be repeated
    #[arg(long, value_name = "NAME", value_parser = collection)]
    collections: Vec<String>,
    /// What else the agents should know
    #[arg(long, value_name = "TEXT")]
    context: Option<String>,
    /// Whose goal it is
    #[arg(long, value_name = "NAME", default_value_t)]
    tenant: Tenant,
    /// Your own name for this goal; without it, a fresh one is made
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Tokens that all agents together may use
    #[arg(long, value_name = "N")]
    tokens: Option<u64>,
    /// US dollars that all agents together may spend
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    usd: Option<f64>,
    /// When it fails if it has not ended: a span such as 2h, or a time such as 2026-11-20T18:00:00Z
    #[arg(long, value_name = "TIME", value_parser = until)]
    deadline: Option<Until>,
    /// What a step that gives up does: hold, the goal waits for a redrive; fail, it ends
    #[arg(long, value_name = "hold|fail", default_value = "hold", value_parser = on_dead_letter)]
    on_dead_letter: OnDeadLetter,
    /// Follow it until it ends
    #[arg(long)]
    watch: bool,
    /// Stop watching after so long, as in 90s, 10m or 2h: exit code 1, and the goal goes on
    #[arg(long, visible_alias = "timeout", value_name = "TIME", value_parser = humantime::parse_duration, requires = "watch")]
    within: Option<Duration>,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach().await?;
    let (now, settings) = (reach.ports.clock.now(), &reach.config.settings);
    let letter = asked.wish().letter(&reach.choreography, settings, now, &Chance::fresh())?;
    match letter.before(&reach.ports).await? {
        Before::Nothing => {
            letter.send(&reach.ports).await?;
            told(&letter, None, asked.watch, place, screen)?;
        }
        Before::Same(first) => told(&letter, Some(&first), asked.watch, place, screen)?,
        Before::Other(first, differs) => bail!(
            "the key {:?} was used before, for goal {}, {}, which differs in: {}. Nothing was sent: use another --key for \
             another goal, or see {}",
            letter.key,
            first.request.goal,
            first.standing().as_str(),
            differs.join(", "),
            command(place, &format!("goal show {}", first.request.goal)),
        ),
    }
    if !asked.watch {
        return Ok(Exit::Done);
    }
    let patience = Patience { within: asked.within, until_taken: None };
    watch::until_end(&reach, letter.event.goal, patience, place, screen).await
}

impl Asked {
    fn wish(&self) -> Wish {
        let budget = Budget { tokens: self.tokens, usd: self.usd };
        Wish {
            goal: self.goal.clone(),
            sources: self.sources.clone(),
            collections: self.collections.clone(),
            context: self.context.clone(),
            tenant: self.tenant.clone(),
            key: self.key.clone(),
            budget: (budget.tokens.is_some() || budget.usd.is_some()).then_some(budget),
            until: self.deadline,
            on_dead_letter: self.on_dead_letter,
        }
    }
}

/// Where the goal is, and what to do next.
fn told(letter: &Letter, first: Option<&Goal>, watched: bool, place: &Where, screen: Screen) -> anyhow::Result<()> {
    let event = first.map_or(&letter.event, |first| &first.request);
    let (goal, trace) = (event.goal, event.trace.trace);
    if screen.json {
        let state = first.map_or("sent", |first| first.standing().as_str());
        let told = json!({
            "goal": goal, "key": letter.key, "tenant": event.tenant, "trace": trace.to_string(), "deadline": event.deadline,
            "sent": first.is_none(), "state": state,
        });
        // What follows is one line for each change: this is the first of them.
        return if watched { screen.record(&told) } else { screen.document(&told) };
    }
    let what = match first {
        None => format!("goal {goal} was sent"),
        Some(first) => {
            let state = first.standing().as_str();
            format!("goal {goal} was sent before with this key, at {}, and is {state}; nothing was sent", event.time)
        }
    };
    screen.prose(&format!("{what}\n  key    {}\n  tenant {}\n  trace  {trace}", letter.key, event.tenant))?;
    if watched {
        return Ok(());
    }
    // Nobody watches or cancels what is over.
    let open: &[&str] = &["goal watch", "explain", "goal cancel"];
    let words = if first.is_some_and(|first| first.standing() != Standing::Open) { &open[1..2] } else { open };
    let next: Vec<_> = words.iter().map(|words| command(place, &format!("{words} {goal}"))).collect();
    screen.text(&format!("\nnext:\n  {}", next.join("\n  ")))
}

fn until(text: &str) -> Result<Until, String> {
    if let Ok(span) = humantime::parse_duration(text) {
        return Ok(Until::In(span));
    }
    let at: Result<UnixMs, _> = text.parse();
    at.map(Until::At).map_err(|_| "a span such as 90s, 30m, 2h or 1d, or a time such as 2026-11-20T18:00:00Z".into())
}

fn on_dead_letter(text: &str) -> Result<OnDeadLetter, String> {
    match text {
        "hold" => Ok(OnDeadLetter::Hold),
        "fail" => Ok(OnDeadLetter::Fail),
        _ => Err("hold or fail".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_a_span_or_a_time() {
        assert_eq!(until("2h"), Ok(Until::In(Duration::from_secs(7_200))));
        assert_eq!(until("2026-11-20T18:00:00Z"), Ok(Until::At(UnixMs(1_795_197_600_000))));
        for text in ["", "tomorrow", "-2h", "2026-11-20"] {
            assert!(until(text).is_err(), "{text}");
        }
    }
}
