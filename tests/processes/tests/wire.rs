//! The faults of single calls over the wire: real daemons, the AWS SDK, real connections, and a server that goes wrong.
//! Never a sleep: goals must end well, and the server's log says that the fault struck.
//! Next: `processes::Stage` checks after each what must hold of every run.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use contract::RowName;
use embedded_cloud::{Ending, Fault, Operation, What, When};
use processes::run::{GOAL_MAX, completed};
use processes::{Stage, Wish};
use runtime::ledger::Attr;
use tokio::time::Instant;

const GOALS: usize = 5;

fn lost(ending: &Ending) -> bool {
    *ending == Ending::ReplyLost
}

fn refused(ending: &Ending) -> bool {
    matches!(ending, Ending::Refused { .. })
}

fn answered(ending: &Ending) -> bool {
    *ending == Ending::Answered
}

fn often(operation: &str, what: What) -> Fault {
    Fault::on(operation, what).when(When::Probability(0.25))
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_whose_replies_are_lost_are_recognised_as_ones_own() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    for operation in ["PutItem", "UpdateItem"] {
        stage.cloud.faults().add(often(operation, What::LoseReply));
    }
    let wishes = stage.goals_complete(GOALS).await?;
    ensure!(stage.calls("UpdateItem", lost) > GOALS, "no commit lost its reply");
    stage.close(&wishes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_reply_is_lost_waits_for_no_lease() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    stage.cloud.faults().add(Fault::on("PutItem", What::LoseReply).when(When::First(3)));
    let wishes = stage.goals_complete(1).await?;
    ensure!(stage.calls("PutItem", lost) == 3);
    stage.nobody_took_over(&wishes).await?;
    stage.close(&wishes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_whose_reply_is_lost_goes_out_again_under_the_same_ids() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    stage.cloud.faults().add(often("PutEvents", What::LoseReply));
    let wishes = stage.goals_complete(GOALS).await?;
    ensure!(stage.calls("PutEvents", lost) > 0, "no publish lost its reply");
    stage.close(&wishes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_of_which_entries_fail_sends_those_again_before_anything_is_deleted() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let what = What::FailEntries { entries: 2, code: "InternalFailure".into() };
    // The first ones: they strike for certain.
    stage.cloud.faults().add(Fault::on("PutEvents", what).when(When::First(5)));
    let wishes = stage.goals_complete(GOALS).await?;
    ensure!(stage.calls("PutEvents", answered) > 5, "nothing was published again");
    stage.nobody_took_over(&wishes).await?;
    stage.close(&wishes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_one_entry_spoils_goes_out_entry_by_entry() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let what = What::Fail { code: "ValidationException".into(), status: 400 };
    // The first publish is the plan's: its tasks, in one batch.
    stage.cloud.faults().add(Fault::on("PutEvents", what).when(When::Nth(1)));
    let wishes = stage.goals_complete(1).await?;
    ensure!(stage.calls("PutEvents", refused) == 1);
    stage.close(&wishes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_of_which_entries_fail_deletes_those_again() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let what = What::FailEntries { entries: 1, code: "InternalError".into() };
    stage.cloud.faults().add(Fault::on("DeleteMessageBatch", what).when(When::First(5)));
    let wishes = stage.goals_complete(GOALS).await?;
    stage.nothing_stays_in_flight().await?;
    ensure!(stage.calls("DeleteMessageBatch", answered) > 5, "nothing was deleted again");
    stage.close(&wishes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_come_twice_and_out_of_order_have_one_effect() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    stage.cloud.faults().add(Fault::on("ReceiveMessage", What::DeliverTwice).when(When::First(40)));
    stage.cloud.faults().add(Fault::on("ReceiveMessage", What::OutOfOrder));
    let wishes = stage.goals_complete(GOALS).await?;
    // The second copy of a message finds its step claimed.
    ensure!(stage.calls("PutItem", refused) > 0, "nothing came twice");
    stage.close(&wishes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_costs_waits_and_no_goal() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    for operation in ["PutItem", "UpdateItem", "BatchGetItem", "PutEvents", "DeleteMessageBatch"] {
        stage.cloud.faults().add(often(operation, What::Throttle));
    }
    let wishes = stage.goals_complete(GOALS).await?;
    ensure!(stage.calls("UpdateItem", refused) > 0 && stage.calls("PutEvents", refused) > 0);
    stage.close(&wishes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_over_its_limit_and_connections_that_break_cost_waits_and_no_goal() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let over = What::Fail { code: "com.amazonaws.sqs#OverLimit".into(), status: 403 };
    stage.cloud.faults().add(Fault::on("ReceiveMessage", over).when(When::First(8)));
    stage.cloud.faults().add(Fault::on("*", What::Cut).when(When::Probability(0.05)));
    stage.cloud.faults().add(Fault::on("*", What::DelayMs(30)).when(When::Probability(0.2)));
    let wishes = stage.goals_complete(GOALS).await?;
    // Some of the first eight were cut instead.
    ensure!(stage.calls("ReceiveMessage", refused) > 0);
    stage.close(&wishes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn goal_states_that_come_back_partly_are_asked_for_again() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let what = What::FailEntries { entries: 1, code: "Unprocessed".into() };
    stage.cloud.faults().add(Fault::on("BatchGetItem", what).when(When::First(5)));
    let wishes = stage.goals_complete(GOALS).await?;
    ensure!(stage.calls("BatchGetItem", answered) > 5, "no goal was asked for again");
    stage.close(&wishes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_ends_in_its_time_limit_and_goes_again() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let what = What::DelayMs(u64::try_from(Duration::from_secs(3600).as_millis())?);
    // The first publish is the plan's, and goes again only once it was given up: nobody else publishes before.
    stage.cloud.faults().add(Fault::on("PutEvents", what).when(When::Nth(1)));
    let began = Instant::now();
    let wishes = stage.goals_complete(1).await?;
    ensure!(began.elapsed() >= stage.call_max(), "the call did not hang");
    stage.close(&wishes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn work_whose_heartbeats_are_throttled_is_given_up_and_done_by_the_next_holder() -> anyhow::Result<()> {
    let stage = Stage::open_with(&[
        ("MURMUR_ANALYSIS_LEASE_S", "4"),
        ("MURMUR_ANALYSIS_STEP_DEADLINE_S", "30"),
        ("MURMUR_SKEW_MARGIN_S", "1"),
        ("MURMUR_RETRY_ELAPSED_MAX_S", "2"),
    ])
    .await?;
    let wish = Wish::slowly("slow");
    wish.send(&stage.ports, &stage.site.choreography).await?;
    // The analysis has its message: what it writes from now on are heartbeats.
    let queue = stage.queue_of(&RowName::new("analysis"))?;
    let publish = |call: &Operation| call.operation == "PutEvents";
    let tasks = stage.cloud.wait_for(0, publish).await.context("no publish")?;
    let joined = stage.cloud.wait_for(tasks.number, publish).await.context("no second publish")?;
    let claims = |call: &Operation| call.operation == "PutItem";
    let claim = stage.cloud.wait_for(joined.number, claims).await.context("no claim")?;
    stage.cloud.faults().add(Fault::on("UpdateItem", What::Throttle));
    let polls = |call: &Operation| call.operation == "BatchGetItem";
    stage.cloud.wait_for(claim.number, polls).await.with_context(|| format!("{queue} was not received again"))?;
    ensure!(stage.calls("UpdateItem", refused) > 0, "no heartbeat was throttled");
    stage.cloud.faults().clear();
    completed(&wish, &wish.end(&stage.ports, GOAL_MAX).await?)?;
    let analysis = stage.steps(&wish).await?.into_iter().find(|step| step.key.sort().starts_with("step#analysis#"));
    let epoch = analysis.context("no analysis")?.number(&Attr::Epoch);
    ensure!(epoch >= Some(2), "the first holder went on, with epoch {epoch:?}");
    stage.close(&[wish]).await
}
