//! Owns `murmur topology`: the choreography as a diagram, as AsyncAPI, as IAM policies, or as it is.
//! Never a server asked: all of it follows from the table in `contract::topology`.
//! Next: `contract::topology` makes each form.

use std::collections::BTreeMap;

use clap::ValueEnum;
use contract::Topology;
use contract::topology::{Place, asyncapi, iam, mermaid};
use serde_json::{Value, json};

use crate::exit::{Exit, Misconfigured};
use crate::reach::REGION;
use crate::screen::Screen;

/// Print the choreography
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  murmur topology\n  murmur topology --format iam --account 123456789012 --region eu-west-1"
)]
pub(crate) struct Asked {
    /// A diagram, the AsyncAPI document, the IAM policies of each agent, a user and an operator, or the table itself
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
    /// Whose ARNs the policies name
    #[arg(long, value_name = "TWELVE DIGITS", default_value = "000000000000", value_parser = account)]
    account: String,
    /// Where the policies are for
    #[arg(long, value_name = "NAME", default_value = REGION)]
    region: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Mermaid,
    Asyncapi,
    Iam,
    Json,
}

fn account(text: &str) -> Result<String, String> {
    let good = text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit());
    good.then(|| text.to_owned()).ok_or_else(|| "must be twelve digits".into())
}

pub(crate) fn run(asked: &Asked, screen: Screen) -> anyhow::Result<Exit> {
    let choreography = Topology::murmuration().check().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let own = crate::surroundings::of_agents();
    let config = runtime::config::Config::from_env(&choreography, &own);
    let config = config.map_err(|why| Misconfigured(why.to_string()))?;
    let topology = Topology { bus: config.bus.clone(), ..(*config.choreography).clone() };
    match asked.format {
        Format::Mermaid if !screen.json => screen.text(&mermaid::flowchart(&topology))?,
        Format::Asyncapi => screen.document(&asyncapi::document(&topology, env!("CARGO_PKG_VERSION")))?,
        Format::Iam => screen.document(&policies(asked, &topology, config.table))?,
        Format::Json | Format::Mermaid => screen.document(&table(&topology))?,
    }
    Ok(Exit::Done)
}

fn policies(asked: &Asked, topology: &Topology, table: String) -> BTreeMap<String, Value> {
    let partition = match asked.region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if asked.region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let place = Place {
        partition: partition.into(),
        region: asked.region.clone(),
        account: asked.account.clone(),
        table,
        bucket: String::new(),
    };
    let daemons = topology.rows.iter().map(|row| &row.daemon);
    let mut all: BTreeMap<String, Value> =
        daemons.map(|daemon| (daemon.to_string(), iam::policy_of(topology, daemon, &place))).collect();
    all.insert("user".into(), iam::policy_of_user(topology, &place));
    all.insert("operator".into(), iam::policy_of_operator(topology, &place));
    all
}

fn table(topology: &Topology) -> Value {
    let rows: Vec<Value> = topology
        .rows
        .iter()
        .map(|row| {
            json!({
                "row": row.name, "agent": row.daemon, "queue": row.queue, "dead_letters": row.queue.dead_letters(),
                "consumes": row.consumes, "says": topology.said_by(row).collect::<Vec<_>>(),
                "accepts_goals": row.accepts_goals,
            })
        })
        .collect();
    let events: Vec<Value> =
        topology.events.iter().map(|event| json!({"type": event.kind, "version": event.version})).collect();
    json!({
        "bus": topology.bus, "rows": rows, "events": events,
        "entrances": topology.entrances, "results": topology.results,
    })
}
