//! Owns `murmur unsubscribe`: a subscription's rule, queue and dead letters go, with all that waits in them.
//! Never somebody else's, and never a failure where nothing is there.
//! Next: `aws::subscriptions` removes them in the reverse order of their making.

use aws::provision::{Reporter, Step, summary};
use aws::subscriptions::{self, Name};
use serde_json::json;

use crate::exit::{Exit, Misused};
use crate::reach::Where;
use crate::screen::Screen;
use crate::subscribe::plan;

/// Remove a subscription, with every event that waits in it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  murmur unsubscribe billing")]
pub(crate) struct Asked {
    /// As murmur subscribe --list shows it
    name: String,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let name = Name::new(&asked.name).map_err(|why| Misused(why.to_string()))?;
    let reach = place.reach().await?;
    let mut reporter = Reporter::silent();
    subscriptions::unsubscribe(&reach.clients, &plan(&reach), &name, &mut reporter).await?;
    if screen.json {
        screen.document(&json!({"name": name.as_str(), "done": reporter.steps()}))?;
    } else {
        let lines: Vec<String> = reporter.steps().iter().map(Step::to_string).collect();
        screen.text(&format!("{}\nsubscription {name}: {}", lines.join("\n"), summary(reporter.steps())))?;
    }
    Ok(Exit::Done)
}
