//! Owns the rounds in which the server itself dies: SIGKILL under load, back at once or after it was away for a while.
//! Never loses what was answered: goals in flight come to their ends once it is back.
//! Next: `campaign` judges what is left.

use std::time::Duration;

use anyhow::ensure;
use contract::Tenant;
use processes::{Standin, Wish};
use runtime::ledger::{Attr, ItemKey};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::campaign::Campaign;
use super::field::{asked, clock, seeded, site};
use super::figures::Figures;
use super::operator::Operator;
use super::rookery::Rookery;
use super::words;
use crate::history::{Account, Disturbance, History, Recorder, Reply, Wished};

/// Goals that are sent in each round, right before the kill.
const GOALS: usize = 2;
/// Between the goals and the kill.
const INTO_MS: std::ops::Range<u64> = 0..600;
const AWAY_MS: std::ops::Range<u64> = 0..1_500;
/// Every so many rounds, the endpoint is away for longer than any retry lasts.
const LONG_EVERY: usize = 25;
const LONG_AWAY: Duration = Duration::from_secs(20);
const END_MAX: Duration = Duration::from_secs(120);
/// What was under way at the kill may end so much later.
const FELT_MAX: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(250);

/// Rounds `from..from + count` over one data directory.
pub(super) async fn batch(campaign: &Campaign, from: usize, count: usize, figures: &mut Figures) -> anyhow::Result<()> {
    let run = campaign.run_of(from);
    let history = rounds(campaign, run, from..from + count, figures).await;
    campaign.judged(history, run, figures)
}

async fn rounds(
    campaign: &Campaign,
    run: u64,
    numbers: std::ops::Range<usize>,
    figures: &mut Figures,
) -> anyhow::Result<History> {
    let data = TempDir::new()?;
    let mut standin = Standin::start(data.path()).await?;
    let layout = campaign.kind.layout();
    let (site, oracle, _models) = site(&standin.endpoint(), layout).await?;
    let ports = site.ports().await?;
    seeded(&ports).await?;
    let recorder = Recorder::start(&site).await?;
    let rookery = Rookery::start(site.environment().clone(), layout.replicas, clock()).await?;
    let operator = Operator::start(&ports, &site.choreography);
    let mut chance = fastrand::Rng::with_seed(run);
    let (mut wishes, mut wished, mut disturbances) = (vec![], vec![], vec![]);
    for n in numbers {
        for goal in 0..GOALS {
            let word = words::word(run, n * GOALS + goal);
            let wish = Wish::of(&word, &words::goal(&word));
            wish.send(&ports, &site.choreography).await?;
            wished.push(Wished {
                at: ports.clock.now(),
                by: "rounds".into(),
                tenant: Tenant::default(),
                key: word,
                words: wish.words.clone(),
                reply: Reply::Acknowledged,
                forked_from: None,
            });
            wishes.push(wish);
        }
        sleep(Duration::from_millis(chance.u64(INTO_MS))).await;
        let from = ports.clock.now();
        standin.kill().await?;
        let long = (n + 1).is_multiple_of(LONG_EVERY);
        sleep(if long { LONG_AWAY } else { Duration::from_millis(chance.u64(AWAY_MS)) }).await;
        standin.restart().await?;
        rookery.all_live().await?;
        // Whatever was under way may have happened without its answer.
        let until = ports.clock.now() + FELT_MAX;
        disturbances.push(Disturbance { what: "server killed".into(), from, until });
        figures.struck(if long { "server away for 20 s" } else { "server killed" });
    }
    let until = Instant::now() + END_MAX;
    for wish in &wishes {
        while !has_ended(&ports, wish).await {
            ensure!(Instant::now() < until, "{} has not ended: {}", wish.key, wish.story(&ports).await);
            sleep(POLL).await;
        }
    }
    // What was in flight at a kill is visible again after this, and deleted by whoever gets it.
    super::field::settled(&standin.endpoint(), &site).await?;
    rookery.drain(Duration::from_secs(layout.drain_grace_s + 2)).await?;
    let (acts, asked) = (operator.finish().await, asked(&oracle, &ports).await?);
    let account = Account { wishes: wished, acts, processes: rookery.account(), asked, disturbances };
    let seen = recorder.finish().await?;
    let history = History::gather(&site, account, seen).await?;
    standin.kill().await?;
    Ok(history)
}

async fn has_ended(ports: &runtime::ports::Ports, wish: &Wish) -> bool {
    let goal = ports.ledger.read(&ItemKey::goal(wish.id())).await.ok().flatten();
    goal.is_some_and(|goal| goal.has(&Attr::Ended))
}
