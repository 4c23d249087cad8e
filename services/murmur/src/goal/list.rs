//! Owns `murmur goal list`: pages of goals, as a table that fits or as one JSON document.
//! Never the whole ledger at once: a page ends after so many goals or looks, and says how to go on.
//! Next: `listing` gathers, `table` lays out.

use clap::builder::RangedU64ValueParser;
use contract::{Clock as _, Tenant};
use runtime::ledger::Mark;
use runtime::ports::SystemClock;
use serde_json::json;

use super::command;
use super::listing::{Listing, Question, State, list};
use super::table::table;
use crate::exit::Exit;
use crate::reach::Where;
use crate::screen::Screen;

const HELP: &str = "\
Example:\n\
\x20 murmur goal list --state stalled --limit 50\n\
\n\
A page ends after --limit goals, or after 4,000 were looked at (200, where\n\
their steps must be read to know what is stalled). Where there is more, the\n\
last line says how to go on. Goals are listed until their records expire.";

/// List goals, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Asked {
    /// Only goals that stand so
    #[arg(long, value_enum, value_name = "STATE")]
    state: Option<State>,
    /// Only this tenant's goals
    #[arg(long, value_name = "NAME")]
    tenant: Option<Tenant>,
    /// Goals on the page
    #[arg(long, value_name = "N", default_value = "20", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000))]
    limit: usize,
    /// Go on behind this place, as the page before told it
    #[arg(long, value_name = "CURSOR")]
    after: Option<Mark>,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let question =
        Question { state: asked.state, tenant: asked.tenant.clone(), after: asked.after, limit: asked.limit };
    let listing = match place.has_nothing()? {
        // Nothing was ever sent, and nothing is made for the look.
        true => Listing::default(),
        false => list(&place.reach_to_read().await?, &question).await?,
    };
    let Listing { rows, next, looked } = &listing;
    if screen.json {
        let next = next.map(|next| next.to_string());
        screen.document(&json!({"goals": rows, "next": next, "looked_at": looked}))?;
        return Ok(Exit::Done);
    }
    if !rows.is_empty() {
        screen.text(&table(rows, SystemClock.now(), screen))?;
    } else if next.is_none() {
        screen.prose(&none(asked, place))?;
    }
    if let Some(next) = next {
        let more = if rows.len() < asked.limit { format!("looked at {looked} goals; ") } else { String::new() };
        screen.prose(&format!("\n{more}more: {}", command(place, &again(asked, *next))))?;
    }
    Ok(Exit::Done)
}

fn none(asked: &Asked, place: &Where) -> String {
    if asked.state.is_some() || asked.tenant.is_some() || asked.after.is_some() {
        return "no such goals".into();
    }
    format!("no goals yet; send one: {}", command(place, "goal submit \"…\""))
}

/// The same list, from there on.
fn again(asked: &Asked, next: Mark) -> String {
    let state = asked.state.map(|state| format!(" --state {}", state.as_str())).unwrap_or_default();
    let tenant = asked.tenant.as_ref().map(|tenant| format!(" --tenant {tenant}")).unwrap_or_default();
    let limit = if asked.limit == 20 { String::new() } else { format!(" --limit {}", asked.limit) };
    format!("goal list{state}{tenant}{limit} --after {next}")
}
