//! Owns `murmur provision`: what the choreography needs is made at the chosen server, or only told with `--dry-run`.
//! Never removes anything: the program `provision` does that, and wants the account named.
//! Next: `aws::provision` does it.

use aws::provision::{Outcome, Plan, Reporter, Step, provision, summary};
use serde_json::json;

use crate::exit::Exit;
use crate::reach::Where;
use crate::screen::Screen;

/// Make the queues, bus, rules and table that the choreography needs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  murmur provision --endpoint http://127.0.0.1:4566\n  murmur provision --aws --dry-run"
)]
pub(crate) struct Asked {
    /// Say what would be made or changed, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let server = place.server().await?;
    let (_, config) = place.config(&server)?;
    let clients = server.clients().await;
    let reporter = match screen.json {
        true => Reporter::silent(),
        // Whoever stops reading does not stop the work.
        false => Reporter::telling(move |step: &Step| drop(screen.text(&step.to_string()))),
    };
    let mut reporter = if asked.dry_run { reporter.dry() } else { reporter };
    let done = provision(&clients, &Plan::of(&config), &mut reporter).await;
    let steps = reporter.steps();
    if screen.json {
        let error = done.as_ref().err().map(|why| why.trouble.to_string());
        screen.document(&json!({
            "server": server.name(), "dry_run": asked.dry_run, "steps": steps, "error": error,
        }))?;
        return Ok(if error.is_none() && !unclear(steps) { Exit::Done } else { Exit::Failed });
    }
    done?;
    screen.text(&format!("{}: {}", server.name(), summary(steps)))?;
    Ok(if unclear(steps) { Exit::Failed } else { Exit::Done })
}

fn unclear(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step.outcome, Outcome::Unclear { .. }))
}
