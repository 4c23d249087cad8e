//! Owns what everything in one daemon shares: choreography, ports, settings, chance, the gate, the batchers.
//! Never a decision: it lends its parts, and wraps the ledger's calls in `retry`.
//! Next: `delivery`, `effects`, `join` and `sweep` are given one.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use contract::{Choreography, DaemonName, Event, GoalId, PortError, RowName, UnixMs};

use crate::batcher::{Batcher, Batching};
use crate::batches::Fill;
use crate::chance::{Chance, Token};
use crate::gate::Gate;
use crate::http::Health;
use crate::ledger::{self, Item, ItemKey, Write};
use crate::ports::{Ports, Written};
use crate::retry::retried;
use crate::settings::Settings;
use crate::telemetry::Telemetry;
use crate::{batches, retry};

/// What a daemon runs with.
#[derive(Debug)]
pub struct Surroundings {
    pub ports: Ports,
    pub settings: Settings,
    pub chance: Chance,
    pub telemetry: Telemetry,
    /// Who this process is, in the ledger's records: host and process.
    pub instance: String,
}

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) choreography: Choreography,
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) chance: Arc<Chance>,
    pub(crate) telemetry: Telemetry,
    pub(crate) gate: Gate,
    pub(crate) health: Arc<Health>,
    /// Who we are, in the ledger's records: daemon, host and process.
    pub(crate) holder: String,
    /// The longest that any step of this process may work: all its rows share the gate.
    pub(crate) longest_step: Duration,
    /// Deliveries at work in this process.
    pub(crate) at_work: Arc<AtomicUsize>,
    /// Those, and the ones whose delete is not confirmed yet.
    pub(crate) unsettled: Arc<AtomicUsize>,
    emits: Batcher<Event, ()>,
    goals: Batcher<GoalId, Option<Item>>,
}

impl Context {
    pub(crate) fn new(
        choreography: Choreography,
        daemon: &DaemonName,
        health: Arc<Health>,
        with: Surroundings,
    ) -> Context {
        let Surroundings { ports, settings, chance, telemetry, instance } = with;
        let (chance, at_work) = (Arc::new(chance), Arc::new(AtomicUsize::new(0)));
        let fill = Fill { telemetry: telemetry.clone(), of: RowName::from(daemon.to_string()) };
        let batching = Batching {
            entries_max: contract::limits::SQS_BATCH_MAX,
            linger: settings.linger,
            retry_budget: settings.retry_elapsed_max,
            at_work: Arc::clone(&at_work),
            chance: Arc::clone(&chance),
        };
        let own = choreography.rows.iter().filter(|row| row.daemon == *daemon);
        let deadline_s = own.map(|row| settings.limits.get(&row.name).unwrap_or(&row.limits).step_deadline_s).max();
        Context {
            longest_step: Duration::from_secs(deadline_s.unwrap_or(0)),
            emits: batches::emits(batching.clone(), Arc::clone(&ports.bus), fill.clone()),
            goals: batches::goals(batching, Arc::clone(&ports.ledger), fill),
            gate: Gate::default(),
            health,
            holder: format!("{daemon}@{instance}"),
            choreography,
            ports,
            settings,
            chance,
            telemetry,
            at_work,
            unsettled: Arc::default(),
        }
    }

    /// For what ends a delivery. With `patience`, a batch waits that much longer to fill.
    pub(crate) fn settling(&self, patience: u32) -> Batching {
        Batching {
            entries_max: contract::limits::SQS_BATCH_MAX,
            linger: self.settings.linger * patience,
            retry_budget: self.settings.retry_elapsed_max,
            at_work: Arc::clone(&self.unsettled),
            chance: Arc::clone(&self.chance),
        }
    }

    pub(crate) fn now(&self) -> UnixMs {
        self.ports.clock.now()
    }

    /// One conditional write. Repeating it is safe: whoever sends it recognises what it finds.
    pub(crate) async fn write(&self, write: &Write) -> Result<Written, PortError> {
        self.retried(|| self.ports.ledger.write(write)).await
    }

    pub(crate) async fn read(&self, key: &ItemKey) -> Result<Option<Item>, PortError> {
        let item = self.retried(|| self.ports.ledger.read(key)).await?;
        Ok(ledger::unexpired(item, self.now()))
    }

    /// A goal's state, read together with those that others ask for at the same time.
    pub(crate) async fn goal(&self, goal: GoalId) -> Result<Option<Item>, PortError> {
        Ok(ledger::unexpired(self.goals.one(goal).await?, self.now()))
    }

    /// Until every one of them is confirmed.
    pub(crate) async fn emit(&self, events: Vec<Event>) -> Result<(), PortError> {
        futures_util::future::try_join_all(events.into_iter().map(|event| self.emits.one(event))).await?;
        Ok(())
    }

    pub(crate) async fn retried<T, F>(&self, call: impl FnMut() -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, PortError>>,
    {
        retried(self.settings.retry_elapsed_max, &self.chance, call).await
    }

    pub(crate) fn token(&self) -> Token {
        self.chance.token()
    }

    pub(crate) fn step_backoff(&self, attempts: u32, asked: Option<Duration>) -> Duration {
        retry::step_backoff(attempts, asked, &self.chance)
    }
}
