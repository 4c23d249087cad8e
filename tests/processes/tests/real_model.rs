//! The whole choreography with a real model behind a server that nobody here wrote: the sample, thought about by all four.
//! Never judges what a model of 135 million parameters says: what it says badly must be repaired, replaced or left out.
//! Next: `make test-real-model` starts the server (`tests/real-model/serve.sh`).

#![allow(clippy::print_stdout, reason = "a person reads what was asked and spent")]

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use contract::{AttemptRecord, Partner, Spend, documents};
use embedded_cloud::{EmbeddedCloud, Options};
use processes::sample::{self, Outcome};
use processes::{Flock, Site, Wish};
use runtime::ledger::step::Over;
use runtime::ledger::{Attr, ItemKey, ItemKind};
use runtime::ports::Ports;
use tempfile::TempDir;

const MODEL: &str = "smollm2-135m";
/// Two cores read and write a few hundred tokens a second, and four agents ask.
const GOAL_MAX: Duration = Duration::from_secs(1_500);

/// One model for all four. It knows no tool, and its server a schema only inside of its JSON mode.
fn models(url: &str) -> String {
    let agents = ["research", "analysis", "writer", "recommendation"].map(|agent| {
        format!("[agents.{agent}]\nmodels = [\"small\"]\ntemperature = 0.0\noutput_tokens_max = 300\ntries_max = 3\n")
    });
    let model = format!(
        "[models.small]\nprovider = \"openai\"\nmodel = \"{MODEL}\"\nbase_url = \"{url}\"\ncontext_tokens = 8000\n\
         first_token_s = 240\nwhole_s = 280\n"
    );
    let price = format!("[prices.\"openai-compatible/{MODEL}\"]\nin = 0.05\nout = 0.2\n");
    format!("{model}\n{}\n{price}", agents.join("\n"))
}

#[expect(clippy::disallowed_methods, reason = "its target says where the model is")]
fn url() -> anyhow::Result<String> {
    std::env::var("MURMUR_TEST_MODEL_URL").context("MURMUR_TEST_MODEL_URL: run `make test-real-model`")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_written_by_four_agents_that_ask_a_real_model() -> anyhow::Result<()> {
    let url = url()?;
    let folder = TempDir::new()?;
    let file = folder.path().join("models.toml");
    fs::write(&file, models(&url))?;
    let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
    let site = Site::at(cloud.endpoint())?.and_agents("MURMUR_MODELS", file.to_str().context("a path")?);
    site.provision().await?;
    let ports = site.ports().await?;
    sample::ingest(&ports).await?;
    let flock = Flock::start_agents(&site).await?;
    let wish = Wish::of("a real model", sample::GOAL);
    wish.send(&ports, &site.choreography).await?;
    let outcome = Outcome::within(&wish, &ports, GOAL_MAX).await?;
    assert!(outcome.report.contains("## References"), "{}", outcome.report);
    let asked = asked(&wish, &ports).await?;
    println!("asked by row: {asked:?}");
    let goal = ports.ledger.read(&ItemKey::goal(wish.id())).await?.context("no goal")?;
    let spent = |attr| u64::try_from(goal.number(&attr).unwrap_or(0)).unwrap_or(0);
    let recorded = asked.values().fold(Spend::default(), |sum, (_, cost)| sum + *cost);
    println!("spent: {} tokens, {} micros", spent(Attr::TokensSpent), spent(Attr::MicrosSpent));
    for row in ["research", "analysis", "writer", "recommendation"] {
        assert!(asked.get(row).is_some_and(|(count, _)| *count > 0), "{row} asked nobody: {asked:?}");
    }
    assert!(recorded.tokens > 0, "a server that answers uses tokens");
    assert_eq!(Spend { tokens: spent(Attr::TokensSpent), micros: spent(Attr::MicrosSpent) }, recorded);
    flock.drain().await?;
    cloud.stop().await;
    Ok(())
}

/// How often each row asked the model, and what that cost, as the records of its steps have it.
async fn asked(wish: &Wish, ports: &Ports) -> anyhow::Result<BTreeMap<String, (usize, Spend)>> {
    let mut all = BTreeMap::<String, (usize, Spend)>::new();
    for item in ports.ledger.story(wish.id()).await? {
        let ItemKind::Step { row, .. } = &item.key.kind else { continue };
        for attr in item.attrs.keys().filter(|attr| matches!(attr, Attr::Over(_))) {
            let over: Over = serde_json::from_str(item.text(attr).context("text")?)?;
            let Some(at) = over.record else { continue };
            let record: AttemptRecord = documents::get(&*ports.artifacts, &at).await?;
            for exchange in record.exchanges.iter().filter(|exchange| exchange.with == Partner::Model) {
                let (count, cost) = all.entry(row.to_string()).or_default();
                *count += 1;
                *cost = *cost + exchange.cost;
            }
        }
    }
    Ok(all)
}
