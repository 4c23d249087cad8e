//! Some rounds of each kind that only real processes can show: killed, frozen and told to stop at points of a delivery.
//! Never a verdict of a test's own: every run is judged by the checker, and nothing but a clean one passes.
//! Next: `make faults` runs thousands of them.

use faults::rounds::{Campaign, Figures, Kind};
use tempfile::TempDir;

/// So many rounds at the points whose titles have this: all of them clean, and most of them struck.
async fn clean(kind: Kind, only: &str, rounds: usize) -> anyhow::Result<()> {
    let out = TempDir::new()?;
    let campaign = Campaign { kind, rounds, seed: 7, batch: rounds, out: out.path().to_owned(), only: only.to_owned() };
    let figures: Figures = Box::pin(campaign.run()).await?;
    anyhow::ensure!(figures.is_clean(), "{figures}\n{}", figures.broken.join("\n"));
    anyhow::ensure!(figures.rounds * 2 > rounds, "most rounds did not strike: {:?}", figures.missed_by);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_before_its_claim_leaves_its_message_to_another() -> anyhow::Result<()> {
    clean(Kind::Kill, "claim, held", 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_after_its_claim_is_taken_over_when_its_lease_ends() -> anyhow::Result<()> {
    clean(Kind::Kill, "claim, reply held", 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_while_its_model_is_asked_is_taken_over_and_the_work_done_again() -> anyhow::Result<()>
{
    clean(Kind::Kill, "model asked", 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_before_its_commit_has_told_nobody_anything() -> anyhow::Result<()> {
    clean(Kind::Kill, "commit, held", 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_after_its_commit_is_published_for_without_asking_the_model_again() -> anyhow::Result<()>
{
    clean(Kind::Kill, "commit, reply held", 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_after_its_publish_is_told_for_with_the_same_ids() -> anyhow::Result<()> {
    clean(Kind::Kill, "publish, reply held", 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_between_two_effects_of_a_park_leaves_one_dead_letter_that_can_be_redriven()
-> anyhow::Result<()> {
    clean(Kind::Kill, "dead letter", 10).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_thaws_with_its_commit_under_way_changes_nothing_after_a_takeover() -> anyhow::Result<()> {
    clean(Kind::Freeze, "commit, held", 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_thaws_and_gives_up_does_not_touch_the_record_of_whoever_took_over() -> anyhow::Result<()> {
    clean(Kind::Freeze, "park, held", 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_told_to_stop_in_any_phase_is_gone_within_its_grace_and_leaves_nothing_invisible()
-> anyhow::Result<()> {
    clean(Kind::Term, "", 40).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_and_comes_back_costs_no_goal() -> anyhow::Result<()> {
    clean(Kind::Standin, "", 6).await
}
