//! Owns `murmur subscribe`: a durable subscription for another application, and the program that reads it.
//! Never touches what somebody else made: `aws::subscriptions` refuses such a name.
//! Next: `snippets` are the programs; `unsubscribe` removes it all again.

mod snippets;

use aws::provision::{Plan, Reporter, summary};
use aws::subscriptions::{self, Name, Subscription, Wanted};
use contract::events::{GoalCancelled, GoalCompleted, GoalFailed};
use contract::topology::Topology;
use contract::{EventData as _, EventType, Tenant};
use serde_json::json;

use crate::exit::{Exit, Misused};
use crate::reach::{Reach, Server, Where};
use crate::screen::{Screen, harmless};
use snippets::Language;

/// As a row's queue: four days, over a weekend.
const RETENTION_S: u32 = 4 * 24 * 3600;
const GOAL_CHARS_MIN: usize = 4;

/// Create a durable subscription for another application, and print a program that reads it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  murmur subscribe billing --types goal.completed,goal.failed\n  \
                  murmur subscribe billing --snippet python > read.py\n  murmur subscribe --list\n\n\
                  Doing it again changes nothing, and prints the same; other --types, or none, replace the \
                  earlier ones.\nWith --snippet alone, a subscription that is there stays as it is.")]
pub(crate) struct Asked {
    /// 1 to 50 of a to z, 0 to 9 and -
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// Types of events; without it, the three ends of a goal
    #[arg(long, value_name = "TYPE,…", value_delimiter = ',')]
    types: Vec<String>,
    /// Only of this goal; the beginning of its id will do; may be repeated
    #[arg(long = "goal", value_name = "GOAL")]
    goals: Vec<String>,
    /// Only of this tenant
    #[arg(long)]
    tenant: Option<Tenant>,
    /// Print one program alone
    #[arg(long, value_name = "LANGUAGE")]
    snippet: Option<Language>,
    /// List the subscriptions that there are
    #[arg(long, conflicts_with_all = ["name", "types", "goals", "tenant", "snippet"])]
    list: bool,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let Some(name) = &asked.name else { return list(place, screen).await };
    let name = Name::new(name).map_err(|why| Misused(why.to_string()))?;
    let reach = place.reach().await?;
    if let Some(language) = asked.snippet
        && asked.types.is_empty()
        && asked.goals.is_empty()
        && asked.tenant.is_none()
    {
        // Whoever asks for a program alone does not ask for other events.
        let all = subscriptions::list(&reach.clients, &plan(&reach).topology).await?;
        if let Some(known) = all.iter().find(|one| one.name == name.as_str() && !one.types.is_empty()) {
            screen.text(&language.snippet(&known.url))?;
            return Ok(Exit::Done);
        }
    }
    let ends = [GoalCompleted::TYPE, GoalFailed::TYPE, GoalCancelled::TYPE];
    let wanted = Wanted {
        types: known_types(&asked.types, &reach.config.choreography, &ends)?,
        goals: known_goals(&asked.goals)?,
        tenant: asked.tenant.as_ref().map(ToString::to_string),
        retention_s: RETENTION_S,
    };
    let mut reporter = Reporter::silent();
    let url = subscriptions::subscribe(&reach.clients, &plan(&reach), &name, &wanted, None, &mut reporter).await?;
    if let Server::Standin(standin) = &reach.server {
        let (at, why) = (standin.endpoint(), "and has another address after each start: subscribing again prints it");
        screen.progress(&format!("the stand-in at {at} runs while murmur up, or another command, does, {why}"));
    }
    if let Some(language) = asked.snippet {
        screen.progress(&summary(reporter.steps()));
        screen.text(&language.snippet(&url))?;
        return Ok(Exit::Done);
    }
    if screen.json {
        let snippets: serde_json::Map<String, serde_json::Value> =
            Language::ALL.iter().map(|language| (language.name().into(), language.snippet(&url).into())).collect();
        screen.document(&json!({
            "name": name.as_str(), "url": url, "types": wanted.types, "goals": wanted.goals, "tenant": wanted.tenant,
            "done": reporter.steps(), "snippets": snippets,
        }))?;
        return Ok(Exit::Done);
    }
    screen.text(&text(&name, &url, &wanted, &summary(reporter.steps()), &reach))?;
    Ok(Exit::Done)
}

fn text(name: &Name, url: &str, wanted: &Wanted, done: &str, reach: &Reach) -> String {
    let types: Vec<&str> = wanted.types.iter().map(EventType::as_str).collect();
    let mut all = format!("subscription {name}: {done}\ntypes {}\n\n{url}\n", types.join(", "));
    let endpoint = match &reach.server {
        Server::Standin(standin) => Some(standin.endpoint()),
        Server::Endpoint { url, .. } => Some(url.clone()),
        Server::Aws => None,
    };
    if let Some(endpoint) = endpoint {
        // Every AWS SDK reads these; the server takes any credentials.
        all += &format!(
            "\nexport AWS_ENDPOINT_URL={endpoint} AWS_REGION={} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n",
            crate::reach::REGION
        );
    }
    for language in Language::ALL {
        all += &format!("\n--- {} ---\n\n{}", language.name(), language.snippet(url));
    }
    all += &format!("\nmurmur unsubscribe {name}{} removes it, with every event that waits in it", reach.flags);
    all
}

async fn list(place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let all = match place.has_nothing()? {
        true => vec![],
        false => {
            let reach = place.reach_to_read().await?;
            subscriptions::list(&reach.clients, &plan(&reach).topology).await?
        }
    };
    if screen.json {
        screen.document(&json!({"subscriptions": all}))?;
        return Ok(Exit::Done);
    }
    let line = |one: &Subscription| {
        let types = if one.types.is_empty() { "half-made: subscribe again".into() } else { one.types.join(", ") };
        harmless(&format!("{}\n  {types}\n  {}", one.name, one.url))
    };
    let lines: Vec<String> = all.iter().map(line).collect();
    screen.text(if lines.is_empty() { "no subscriptions".into() } else { lines.join("\n") }.as_str())?;
    Ok(Exit::Done)
}

/// What provisioning would make of this configuration: its bus is where the rule goes.
pub(crate) fn plan(reach: &Reach) -> Plan {
    Plan::of(&reach.config)
}

/// All problems of what was typed, with what there is.
pub(crate) fn known_types(
    typed: &[String],
    topology: &Topology,
    otherwise: &[EventType],
) -> Result<Vec<EventType>, Misused> {
    if typed.is_empty() {
        return Ok(otherwise.to_vec());
    }
    let known: Vec<&EventType> = topology.events.iter().map(|spec| &spec.kind).collect();
    let unknown: Vec<&str> =
        typed.iter().map(String::as_str).filter(|kind| !known.iter().any(|spec| spec.as_str() == *kind)).collect();
    if !unknown.is_empty() {
        let known: Vec<&str> = known.iter().map(|kind| kind.as_str()).collect();
        let why = format!("no event is called {}; there are {}", harmless(&unknown.join(", ")), known.join(", "));
        return Err(Misused(why));
    }
    let mut types: Vec<EventType> = typed.iter().map(|kind| EventType::from(kind.clone())).collect();
    types.sort();
    types.dedup();
    Ok(types)
}

/// The beginnings of ids.
pub(crate) fn known_goals(typed: &[String]) -> Result<Vec<String>, Misused> {
    let good = |start: &&String| {
        (GOAL_CHARS_MIN..=36).contains(&start.len())
            && start.chars().all(|c| c == '-' || (c.is_ascii_hexdigit() && !c.is_ascii_uppercase()))
    };
    match typed.iter().find(|start| !good(start)) {
        Some(bad) => Err(Misused(format!(
            "{:?} is no goal's id: name {GOAL_CHARS_MIN} of its characters at least",
            harmless(bad)
        ))),
        None => Ok(typed.to_vec()),
    }
}
