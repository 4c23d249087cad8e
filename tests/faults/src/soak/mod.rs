//! Owns the soak: goals under everything at once, kills, freezes, stops, calls that go wrong, an operator who redrives and
//! cancels.
//! Never a fault on calls of the run itself, and never all replicas of a daemon frozen.
//! Next: `faults::checker` judges each batch when it is at rest.

mod harm;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::rounds::{Campaign, Field, Figures, Layout, Wrong};

const REPLICAS: usize = 3;
/// Goals that are open together.
const AT_ONCE: usize = 24;
/// Of a goal under all of it: its own deadline, and the sweep after it.
const END_MAX: Duration = Duration::from_secs(180);
const CANCEL_MS: std::ops::Range<u64> = 0..4_000;

/// As many goals as the campaign has rounds.
pub async fn run(campaign: &Campaign) -> anyhow::Result<Figures> {
    let began = Instant::now();
    let mut figures = Figures { kind: "soak".into(), seed: campaign.seed, ..Figures::default() };
    let mut done = 0;
    while done < campaign.rounds && figures.is_clean() {
        let count = campaign.batch.min(campaign.rounds - done);
        Box::pin(batch(campaign, done, count, &mut figures)).await?;
        done += count;
        figures.took_s = began.elapsed().as_secs();
        figures.tell();
    }
    Ok(figures)
}

async fn batch(campaign: &Campaign, from: usize, count: usize, figures: &mut Figures) -> anyhow::Result<()> {
    let run = campaign.run_of(from);
    let field = Arc::new(Field::open(Layout::short_leases(REPLICAS), run).await?);
    harm::calls(&field);
    let over = Arc::new(AtomicBool::new(false));
    let mut harming = JoinSet::new();
    harming.spawn(harm::processes(Arc::clone(&field), run, Arc::clone(&over)));
    let mut noting = JoinSet::new();
    noting.spawn(harm::noted(Arc::clone(&field), Arc::clone(&over)));
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut goals = JoinSet::new();
    for n in from..from + count {
        let place = Arc::clone(&places).acquire_owned().await?;
        let (field, chance) = (Arc::clone(&field), fastrand::Rng::with_seed(run ^ ((n as u64) << 20)));
        goals.spawn(async move {
            let ended = goal(&field, n, chance).await;
            drop(place);
            ended
        });
        while let Some(ended) = goals.try_join_next() {
            counted(figures, ended?);
        }
    }
    while let Some(ended) = goals.join_next().await {
        counted(figures, ended?);
    }
    over.store(true, Ordering::Relaxed);
    while let Some(harmed) = harming.join_next().await {
        match harmed? {
            Ok(harmed) => {
                harmed.into_iter().for_each(|(what, times)| *figures.struck.entry(what).or_default() += times);
            }
            Err(why) => figures.broken.push(format!("{why:#}")),
        }
    }
    while noting.join_next().await.is_some() {}
    for (what, times) in harm::struck(&field) {
        *figures.struck.entry(what).or_default() += times;
    }
    let field = Arc::into_inner(field).context("a goal still holds the field")?;
    campaign.judged(field.close().await, run, figures)
}

fn counted(figures: &mut Figures, ended: anyhow::Result<()>) {
    match ended {
        Ok(()) => figures.rounds += 1,
        Err(why) => figures.broken.push(format!("{why:#}")),
    }
}

/// One goal: some are misled, some are cancelled, all must end.
async fn goal(field: &Field, n: usize, mut chance: fastrand::Rng) -> anyhow::Result<()> {
    let wish = field.wish(n);
    if chance.u8(..12) == 0 {
        let row = ["research", "research-tasks", "analysis", "writer", "recommendation"][chance.usize(..5)];
        let (wrong, answers) =
            if chance.bool() { (Wrong::Nonsense, 2) } else { (Wrong::Unavailable, chance.u32(1..=4)) };
        field.oracle.mislead(&wish.key, row, wrong, answers);
    }
    field.send(&wish).await?;
    if chance.u8(..20) == 0 {
        sleep(Duration::from_millis(chance.u64(CANCEL_MS))).await;
        field.cancel(&wish).await?;
    }
    field.ends(&wish, END_MAX).await
}
