//! Owns a daemon: its rows at work, its sweep, and how it stops.
//! Never knows what its handlers do, nor which servers its ports reach.
//! Next: `consumer` runs each row, `sweep` what is due; `main` of each service builds one of these.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use contract::{Choreography, DaemonName, RowName};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::consumer::consume;
use crate::context::{Context, Surroundings};
use crate::handler::{AnyHandler, Erased, Handler};
use crate::http::Health;
use crate::lane::{Drain, Lane};
use crate::sweep::sweep;

/// A daemon before it runs: which rows it hosts, and who handles them.
pub struct Daemon {
    name: DaemonName,
    choreography: Choreography,
    handlers: BTreeMap<RowName, Arc<dyn AnyHandler>>,
    health: Arc<Health>,
}

/// Why a daemon does not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DaemonError {
    /// It is refused, with every reason.
    #[error("{}", .0.join("; "))]
    Refused(Vec<String>),
    /// A part of it that runs for ever has ended: better to stop, and be started again, than to live on half dead.
    #[error("{0} ended by itself, which is a defect of the runtime")]
    Died(&'static str),
}

impl fmt::Debug for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daemon").field("name", &self.name).field("handlers", &self.handlers).finish()
    }
}

impl Daemon {
    pub fn new(name: impl Into<DaemonName>, choreography: Choreography) -> Daemon {
        Daemon { name: name.into(), choreography, handlers: BTreeMap::new(), health: Health::new() }
    }

    /// Who handles a row's events.
    pub fn handles<H: Handler>(mut self, row: &'static str, handler: H) -> Daemon {
        self.handlers.insert(RowName::new(row), Arc::new(Erased(handler)));
        self
    }

    pub(crate) fn handler(&self, row: &RowName) -> Option<&Arc<dyn AnyHandler>> {
        self.handlers.get(row)
    }

    /// Where it tells how it is, for `/readyz`.
    pub fn reporting_to(mut self, health: Arc<Health>) -> Daemon {
        self.health = health;
        self
    }

    /// Whether every row that this daemon hosts has its handler, and no handler is without a row.
    pub fn check(&self) -> Result<(), DaemonError> {
        let rows = self.choreography.rows.iter().filter(|row| row.daemon == self.name);
        let hosted: Vec<&RowName> = rows.map(|row| &row.name).collect();
        let mut reasons = vec![];
        if hosted.is_empty() {
            reasons.push(format!("the topology has no row for daemon {}", self.name));
        }
        let unhandled = hosted.iter().filter(|row| !self.handlers.contains_key(**row));
        reasons.extend(unhandled.map(|row| format!("row {row} has no handler")));
        let unhosted = self.handlers.keys().filter(|row| !hosted.contains(row));
        reasons.extend(unhosted.map(|row| format!("daemon {} does not host row {row}", self.name)));
        if reasons.is_empty() { Ok(()) } else { Err(DaemonError::Refused(reasons)) }
    }

    /// Runs until `stop`; then receives no more, ends what is at work or gives it back, and returns.
    pub async fn run(self, with: Surroundings, stop: CancellationToken) -> Result<(), DaemonError> {
        self.check()?;
        let grace = with.settings.drain_grace;
        let health = self.health;
        let context = Arc::new(Context::new(self.choreography, &self.name, Arc::clone(&health), with));
        let drain = Drain::default();
        let mut lanes = JoinSet::new();
        for row in context.choreography.rows.iter().filter(|row| row.daemon == self.name) {
            if let Some(handler) = self.handlers.get(&row.name) {
                let lane = Lane::new(Arc::clone(&context), row.clone(), Arc::clone(handler), drain.clone());
                lanes.spawn(consume(Arc::new(lane)));
            }
        }
        let mut sweeping = JoinSet::new();
        sweeping.spawn(sweep(Arc::clone(&context)));
        health.set_ready(true);
        tracing::info!(daemon = %self.name, "receiving");
        let died = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            _ = lanes.join_next() => Some("a row's receiving"),
            _ = sweeping.join_next() => Some("the sweep"),
        };
        health.draining();
        tracing::info!(daemon = %self.name, "draining: no more receives; what is at work is ended or given back");
        drain.receives.cancel();
        sweeping.abort_all();
        // What is not done after four fifths of the grace is given back in the last one.
        let ended = async { while lanes.join_next().await.is_some() {} };
        let ended = std::pin::pin!(ended);
        let mut ended = ended;
        if tokio::time::timeout(grace * 4 / 5, &mut ended).await.is_err() {
            drain.work.cancel();
            let _ = tokio::time::timeout(grace / 5, &mut ended).await;
        }
        health.set_ready(false);
        tracing::info!(daemon = %self.name, "drained");
        died.map_or(Ok(()), |part| Err(DaemonError::Died(part)))
    }
}
