//! Owns a simulated process: its clock, its death, its freezing, and what happens to it at each await point.
//! Never the daemon inside: `mod` starts one in each process, and another when it has died.
//! Next: `ports` asks a process before and after each call.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runtime::ledger::ItemKey;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::point::{Fault, Op, Side};

/// One process of a simulated world. A handler may kill it.
#[derive(Debug)]
pub struct Process {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: String,
    pub(crate) skew_ms: i64,
    pub(crate) stop: CancellationToken,
    dead: AtomicBool,
    frozen_until: Mutex<Instant>,
    abort: Mutex<Option<AbortHandle>>,
    /// Steps whose handlers are at work here, and whether each is to be alone.
    at_work: Mutex<BTreeSet<(ItemKey, bool)>>,
}

impl Process {
    pub(crate) fn new(shared: Arc<Shared>, name: String, skew_ms: i64) -> Process {
        Process {
            shared,
            name,
            skew_ms,
            stop: CancellationToken::new(),
            dead: AtomicBool::new(false),
            frozen_until: Mutex::new(Instant::now()),
            abort: Mutex::new(None),
            at_work: Mutex::default(),
        }
    }

    pub(crate) fn runs_as(&self, task: AbortHandle) {
        *self.abort.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Ends everything in this process at its present await point, as SIGKILL would.
    pub fn crash(&self) {
        if self.dead.swap(true, Ordering::Relaxed) {
            return;
        }
        self.shared.log(&self.name, "DIES", "");
        if let Some(task) = &*self.abort.lock().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }

    /// Whoever kills its process: never returns.
    pub async fn crash_here(&self) -> ! {
        self.crash();
        loop {
            std::future::pending::<()>().await;
        }
    }

    /// One await point: time passes, and anything may happen.
    pub(crate) async fn point(&self, op: Op, side: Side) {
        let shared = &self.shared;
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
        shared.hits().pass(op, side);
        let idle = matches!(op, Op::Receive | Op::Due);
        if shared.faults_on() {
            let odds = &shared.odds;
            let crash = if op == odds.crash_at { 0.08 } else { odds.crash };
            let crash = if idle { crash / 20.0 } else { crash };
            if shared.chance(crash) {
                shared.hits().crash(op, side);
                self.crash();
                std::future::pending::<()>().await;
            }
            if !idle && shared.chance(odds.freeze) {
                shared.hits().fault(Fault::Freeze);
                let until = Instant::now() + Duration::from_millis(shared.up_to(120_000));
                shared.log(&self.name, "FREEZES", "");
                *self.frozen_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
            }
            if !idle && shared.chance(odds.stall) {
                shared.hits().fault(Fault::Stall);
                tokio::time::sleep(Duration::from_millis(shared.up_to(100_000))).await;
            }
        }
        let latency_ms = shared.up_to(12);
        if latency_ms > 3 {
            tokio::time::sleep(Duration::from_millis(latency_ms)).await;
        }
        self.thawed().await;
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    async fn thawed(&self) {
        loop {
            let until = *self.frozen_until.lock().unwrap_or_else(PoisonError::into_inner);
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// A handler begins; it ends when the guard is dropped.
    pub(crate) fn begins(self: &Arc<Process>, key: ItemKey, alone: bool) -> AtWork {
        let mut at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        let beside_alone = at_work.iter().any(|(_, alone)| *alone);
        if beside_alone || alone && !at_work.is_empty() {
            self.shared.violated("not-alone", || format!("{} beside {at_work:?}", key.sort()));
        }
        at_work.insert((key.clone(), alone));
        AtWork { process: Arc::clone(self), key, alone }
    }

    pub(crate) fn at_work(&self) -> Vec<ItemKey> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(key, _)| key.clone()).collect()
    }
}

pub(crate) struct AtWork {
    process: Arc<Process>,
    key: ItemKey,
    alone: bool,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut at_work = self.process.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        at_work.remove(&(self.key.clone(), self.alone));
    }
}
