//! Owns one process on stage: its death, its SIGTERM, and what each of its calls meets.
//! Never the daemon inside: `Stage::start` runs it.
//! Next: `ports` and `parts` pass every call through `call`.

use std::future::Future;
use std::sync::{Arc, Mutex};

use contract::PortError;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::at::Fault;
use super::{Call, Outcome, Shared, locked};
use crate::place::Op;

#[derive(Debug)]
pub struct Process {
    pub name: String,
    pub(crate) stage: Arc<Shared>,
    pub(crate) stop: CancellationToken,
    pub(crate) ended: CancellationToken,
    dead: CancellationToken,
    abort: Mutex<Option<AbortHandle>>,
}

impl Process {
    pub(crate) fn new(stage: Arc<Shared>, name: String) -> Process {
        let token = CancellationToken::new;
        Process { name, stage, stop: token(), ended: token(), dead: token(), abort: Mutex::default() }
    }

    pub(crate) fn runs_as(&self, task: AbortHandle) {
        *locked(&self.abort) = Some(task);
    }

    /// Ends everything in this process where it stands, as SIGKILL would.
    pub fn crash(&self) {
        self.dead.cancel();
        if let Some(task) = &*locked(&self.abort) {
            task.abort();
        }
    }

    pub fn is_dead(&self) -> bool {
        self.dead.is_cancelled()
    }

    pub async fn died(&self) {
        self.dead.cancelled().await;
    }

    /// SIGTERM.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the daemon has returned, after a SIGTERM.
    pub async fn ended(&self) {
        let waited = tokio::time::timeout(super::PATIENCE, self.ended.cancelled()).await;
        assert!(waited.is_ok(), "{} never ended", self.name);
    }

    pub fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    async fn crash_here(&self) -> ! {
        self.crash();
        loop {
            std::future::pending::<()>().await;
        }
    }

    /// One call: what is scripted before it, the call, what is scripted after it. `apply` is told of the entries and
    /// states that are to fail, and says whether a condition was refused.
    pub(crate) async fn call<T, F>(
        &self,
        op: Op,
        about: String,
        apply: impl FnOnce(Partial) -> F,
    ) -> Result<T, PortError>
    where
        F: Future<Output = Result<(T, Outcome), PortError>>,
    {
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
        let faults: Vec<Fault> = {
            let mut rules = locked(&self.stage.rules);
            rules.iter_mut().filter_map(|rule| rule.strikes(op, &self.name, &about)).collect()
        };
        let mut partial = Partial::default();
        for fault in &faults {
            match fault {
                Fault::CrashBefore => self.crash_here().await,
                Fault::Hold(gate) => gate.pass().await,
                Fault::Stop => self.stop(),
                Fault::Fail(why) => {
                    self.log(op, about, Outcome::Failed);
                    return Err(why.clone());
                }
                Fault::Entries(entries) => partial.entries.clone_from(entries),
                Fault::Unprocessed => partial.unprocessed = true,
                Fault::LoseReply | Fault::HoldReply(_) | Fault::CrashAfter | Fault::StopAfter => {}
            }
        }
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
        let result = apply(partial).await;
        self.log(op, about, result.as_ref().map_or(Outcome::Failed, |(_, outcome)| *outcome));
        for fault in &faults {
            match fault {
                Fault::CrashAfter => self.crash_here().await,
                Fault::HoldReply(gate) => gate.pass().await,
                Fault::StopAfter => self.stop(),
                _ => {}
            }
        }
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
        if faults.iter().any(|fault| matches!(fault, Fault::LoseReply)) {
            return Err(PortError::transient("applied, and the reply lost"));
        }
        Ok(result?.0)
    }

    fn log(&self, op: Op, about: String, outcome: Outcome) {
        let at = self.stage.began.elapsed();
        locked(&self.stage.log).push(Call { process: self.name.clone(), op, about, outcome, at });
    }
}

/// What of one call is to fail although the call succeeds.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    pub(crate) entries: Vec<usize>,
    pub(crate) unprocessed: bool,
}

impl Partial {
    pub(crate) fn refused(&self, entries: usize) -> Vec<bool> {
        (0..entries).map(|entry| self.entries.contains(&entry)).collect()
    }
}
