//! Owns what happens to daemons and their calls during a soak: seeded, without an end of its own.
//! Never two things to one process at once: it is frozen, or told to stop, or killed.
//! Next: `soak` counts it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use embedded_cloud::{Fault, What, When};
use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::rounds::{DAEMONS, Field};

const BETWEEN_MS: std::ops::Range<u64> = 200..1_500;
const NOTED_EVERY: Duration = Duration::from_secs(1);
/// Past the lease, or not.
const FROZEN_MS: std::ops::Range<u64> = 500..8_000;

/// What goes wrong with how many calls of a hundred.
fn wrong() -> Vec<(&'static str, &'static str, What, f64)> {
    let partly = || What::FailEntries { entries: 1, code: "InternalFailure".into() };
    let fails = What::Fail { code: "InternalFailure".into(), status: 500 };
    vec![
        ("calls whose reply was lost", "*", What::LoseReply, 0.01),
        ("calls that were cut", "*", What::Cut, 0.01),
        ("calls that were throttled", "*", What::Throttle, 0.01),
        ("calls that failed", "*", fails, 0.005),
        ("calls that were late", "*", What::DelayMs(400), 0.02),
        ("publishes that failed in part", "PutEvents", partly(), 0.03),
        ("deletes that failed in part", "DeleteMessageBatch", partly(), 0.03),
        ("goal states that came back in part", "BatchGetItem", partly(), 0.03),
        ("receives whose messages came twice", "ReceiveMessage", What::DeliverTwice, 0.02),
        ("receives out of order", "ReceiveMessage", What::OutOfOrder, 0.2),
    ]
}

fn faults() -> impl Iterator<Item = (&'static str, Fault)> {
    wrong().into_iter().flat_map(|(name, operation, what, often)| {
        DAEMONS.map(|daemon| {
            let fault = Fault::on(operation, what.clone()).by(&format!("{daemon}-")).when(When::Probability(often));
            (name, fault)
        })
    })
}

/// From now on, calls of daemons go wrong.
pub(super) fn calls(field: &Field) {
    faults().for_each(|(_, fault)| field.cloud.faults().add(fault));
}

/// How many did; from now on none do.
pub(super) fn struck(field: &Field) -> BTreeMap<String, usize> {
    let mut struck = BTreeMap::new();
    for (name, fault) in faults() {
        let times = usize::try_from(field.cloud.faults().remove(&fault)).unwrap_or(usize::MAX);
        *struck.entry(name.to_owned()).or_default() += times;
    }
    struck
}

/// Until it is over: somebody is killed, frozen or told to stop.
pub(super) async fn processes(
    field: Arc<Field>,
    run: u64,
    over: Arc<AtomicBool>,
) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut chance = fastrand::Rng::with_seed(run);
    let mut harmed = BTreeMap::new();
    while !over.load(Ordering::Relaxed) {
        sleep(Duration::from_millis(chance.u64(BETWEEN_MS))).await;
        let keys = field.rookery.keys().await;
        let Some(key) = chance.choice(&keys) else { continue };
        let since = field.ports.clock.now();
        let what = match chance.u8(..10) {
            0..6 => {
                field.rookery.kill(key).await?;
                "daemons killed"
            }
            6..8 => {
                field.rookery.signal(key, Signal::SIGSTOP).await?;
                sleep(Duration::from_millis(chance.u64(FROZEN_MS))).await;
                field.rookery.signal(key, Signal::SIGCONT).await?;
                "daemons frozen"
            }
            _ => {
                if let Some(leaving) = field.rookery.term(key).await? {
                    field.rookery.left(leaving, field.drain_max()).await?;
                }
                "daemons told to stop"
            }
        };
        field.disturb(what, since, 1);
        *harmed.entry(what.to_owned()).or_default() += 1;
    }
    Ok(harmed)
}

/// Until it is over: writes down when calls went wrong, so that the checker knows who had reason to repeat something.
pub(super) async fn noted(field: Arc<Field>, over: Arc<AtomicBool>) {
    let mut known = vec![0; faults().count()];
    while !over.load(Ordering::Relaxed) {
        let since = field.ports.clock.now();
        sleep(NOTED_EVERY).await;
        for ((name, fault), known) in faults().zip(&mut known) {
            let struck = field.cloud.faults().struck(&fault);
            field.disturb(name, since, struck.saturating_sub(*known));
            *known = struck;
        }
    }
}
