//! Messages that kill whoever handles them, as real processes: parked by the ledger's count, or moved by SQS itself.
//! Never a message that is lost for it: redriven, its goal comes to its end.
//! Next: `faults::checker` judges what is left.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws::clients::{Clients, Limits, standin};
use embedded_cloud::Release;
use faults::checker::judge;
use faults::points::all;
use faults::rounds::{Field, Layout};
use processes::Wish;
use runtime::ledger::Attr;
use serde_json::json;
use tokio::time::Instant;

const NINE_MAX: Duration = Duration::from_secs(90);
const WHOLE: Duration = Duration::from_secs(120);
const ANALYSIS: &str = "analysis";

async fn closed_clean(field: Field) -> anyhow::Result<usize> {
    let history = field.close().await?;
    let verdict = judge(&history);
    ensure!(verdict.is_clean(), "{verdict}");
    Ok(history.account.acts.len())
}

/// Kills whoever asks the model about this, until its step has parked. How many died.
async fn deaths_until_parked(field: &Field, poison: &Wish) -> anyhow::Result<usize> {
    let until = Instant::now() + WHOLE;
    let mut deaths = 0;
    loop {
        field.oracle.keep_back(&poison.key, ANALYSIS);
        let key = tokio::select! {
            key = field.oracle.asked_by(&poison.key, ANALYSIS) => Some(key),
            () = tokio::time::sleep(Duration::from_millis(200)) => None,
        };
        let step = field.step(poison.id(), ANALYSIS).await?;
        if step.is_some_and(|step| step.number(&Attr::Parks).unwrap_or(0) > 0) {
            field.oracle.let_go(&poison.key, ANALYSIS);
            return Ok(deaths);
        }
        if let Some(key) = key {
            deaths += usize::from(field.rookery.kill(&key).await?);
            field.oracle.let_go(&poison.key, ANALYSIS);
        }
        ensure!(Instant::now() < until, "{deaths} deaths, and no park: {}", poison.story(&field.ports).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_kills_its_daemon_again_and_again_parks_and_the_nine_beside_it_are_done() -> anyhow::Result<()> {
    let field = Field::open(Layout::short_leases(1), 26).await?;
    let wishes: Vec<Wish> = (0..10).map(|n| field.wish(n)).collect();
    field.oracle.keep_back(&wishes[0].key, ANALYSIS);
    for wish in &wishes {
        field.send(wish).await?;
    }
    let deaths = deaths_until_parked(&field, &wishes[0]).await?;
    // Two beside others, two alone.
    ensure!(deaths == 4, "{deaths} daemons died of it");
    for wish in &wishes {
        field.ends(wish, NINE_MAX).await?;
    }
    let redriven = Box::pin(closed_clean(field)).await?;
    ensure!(redriven > 0, "nobody redrove the dead letter");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_sqs_itself_gave_up_goes_on_when_it_is_redriven() -> anyhow::Result<()> {
    let field = Field::open(Layout::short_leases(1), 60).await?;
    let clients = Clients::load(standin(field.cloud.endpoint(), "us-east-1"), Limits::default()).await;
    let queue = clients.sqs.get_queue_url().queue_name("murmur-analysis").send().await?.queue_url;
    let letters = "arn:aws:sqs:us-east-1:000000000000:murmur-analysis-dlq";
    let policy = json!({"deadLetterTargetArn": letters, "maxReceiveCount": 2}).to_string();
    let set = clients.sqs.set_queue_attributes().set_queue_url(queue);
    set.attributes("RedrivePolicy".into(), policy).send().await?;
    let points = all();
    let claim = points.iter().find(|point| point.title() == "analysis: claim, held").context("no such point")?;
    let wish = field.wish(0);
    for death in 0..2 {
        let label = format!("death-{death}");
        let fault = claim.fault(&label, wish.id(), &field.site.choreography).context("a call")?;
        field.cloud.faults().add(fault);
        if death == 0 {
            field.send(&wish).await?;
        }
        let held = tokio::time::timeout(NINE_MAX, field.cloud.faults().held(&label)).await?;
        ensure!(field.rookery.kill(&held.caller.context("a caller")?).await?, "nobody was there to be killed");
        field.cloud.faults().release(&label, Release::Cut);
    }
    field.ends(&wish, NINE_MAX).await?;
    let redriven = Box::pin(closed_clean(field)).await?;
    ensure!(redriven == 1, "{redriven} letters were redriven");
    Ok(())
}
