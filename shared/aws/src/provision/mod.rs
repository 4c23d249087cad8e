//! Owns how everything that a topology needs comes to be in AWS, and goes again: one walk over `Resources` each way.
//! Never twice the same work: what is there is compared, and changed only where it differs; what was done is told.
//! Next: `queues`, `bus`, `table` and `bucket` ensure and remove one kind each; `report` says what came of it.

pub(crate) mod account;
mod bucket;
pub(crate) mod bus;
pub(crate) mod queues;
mod report;
mod same;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use contract::topology::iam;
use contract::topology::resources::resources;
use contract::{DaemonName, PortError, Topology};
use runtime::config::Config;
use runtime::{Chance, retried};
use serde_json::Value;

use crate::artifacts;
use crate::clients::Clients;
use crate::errors;

pub use account::{Identity, Unidentified, identity};
pub use report::{Outcome, ProvisionError, Reporter, Resource, Step, Trouble, summary};
pub use table::ensure as ensure_table;

/// How long one call may be repeated: long enough for throttles and a server that is just coming up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// SQS gives a deleted queue's name back after a minute: a removal followed by a provision must live through it.
pub(crate) const PATIENCE_FOR_A_NAME: Duration = Duration::from_secs(90);

/// The account of every emulator, and of nobody at AWS.
const EMULATED: &str = "000000000000";

/// What is to be there.
#[derive(Clone, Debug)]
pub struct Plan {
    /// With the bus that the configuration names.
    pub topology: Topology,
    pub table: String,
    /// Its bucket is made, where it names one.
    pub artifacts: Option<artifacts::Place>,
}

impl Plan {
    pub fn of(config: &Config) -> Plan {
        let topology: &Topology = &config.choreography;
        Plan {
            topology: Topology { bus: config.bus.clone(), ..topology.clone() },
            table: config.table.clone(),
            artifacts: artifacts::Place::of(config.artifacts.as_ref()).ok(),
        }
    }

    fn bucket(&self) -> Option<&str> {
        match &self.artifacts {
            Some(artifacts::Place::Bucket { bucket, .. }) => Some(bucket),
            _ => None,
        }
    }
}

/// Makes what is missing and sets right what differs. A second run changes nothing; with a dry reporter, not even the
/// first one does.
pub async fn provision(clients: &Clients, plan: &Plan, reporter: &mut Reporter) -> Result<(), ProvisionError> {
    let made = async {
        let place = match account::find(clients, plan, reporter).await {
            Err(_) if reporter.is_dry() => account::as_told(clients, plan).await?,
            found => found?,
        };
        let all = resources(&plan.topology, &place);
        for queue in all.dead_letter_queues.iter().chain(&all.queues) {
            let ensured = queues::ensure(clients, queue, reporter).await;
            reporter.settle(ensured)?;
        }
        let ensured = bus::ensure(clients, &all.bus, reporter).await;
        reporter.settle(ensured)?;
        for rule in &all.rules {
            let ensured = bus::ensure_rule(clients, &all.bus, rule, reporter).await;
            reporter.settle(ensured)?;
        }
        let ensured = table::ensure(clients, &all.table, reporter).await;
        reporter.settle(ensured)?;
        if let Some(bucket) = plan.bucket() {
            let ensured = bucket::ensure(clients, bucket, reporter).await;
            reporter.settle(ensured)?;
        }
        Ok(())
    };
    let made: Result<(), Trouble> = made.await;
    made.map_err(|trouble| reporter.failed(trouble))
}

/// The least that each daemon, a user and an operator must be allowed, by name: for the roles that they run under. None are made here.
pub async fn policies(clients: &Clients, plan: &Plan) -> Result<BTreeMap<String, Value>, Trouble> {
    let place = account::look_up(clients, plan).await?;
    let daemons = plan.topology.rows.iter().map(|row| &row.daemon);
    let of = |daemon: &DaemonName| (daemon.to_string(), iam::policy_of(&plan.topology, daemon, &place));
    let mut all: BTreeMap<_, _> = daemons.map(of).collect();
    all.insert("user".into(), iam::policy_of_user(&plan.topology, &place));
    all.insert("operator".into(), iam::policy_of_operator(&plan.topology, &place));
    Ok(all)
}

/// Whether all of it may be removed: the records of a real account go only where somebody named that account.
pub async fn may_remove(clients: &Clients, plan: &Plan, named: Option<&str>) -> Result<(), Trouble> {
    match account::of_what_is_there(clients, plan).await? {
        Some(account) if account != EMULATED && named != Some(account.as_str()) => {
            Err(Trouble::Unnamed { account, bus: plan.topology.bus.clone(), table: plan.table.clone() })
        }
        _ => Ok(()),
    }
}

/// Removes all of it with all that is in it, in the reverse order; the bucket only where it is empty.
pub async fn remove(clients: &Clients, plan: &Plan, reporter: &mut Reporter) -> Result<(), ProvisionError> {
    let gone = async {
        // Names are all that a removal needs: whose account it is does not matter.
        let all = resources(&plan.topology, &account::nowhere(plan));
        if let Some(bucket) = plan.bucket() {
            bucket::remove(clients, bucket, reporter).await?;
        }
        table::remove(clients, &all.table.name, reporter).await?;
        for rule in all.rules.iter().rev() {
            bus::remove_rule(clients, &all.bus, &rule.name, reporter).await?;
        }
        bus::remove(clients, &all.bus, reporter).await?;
        for queue in all.queues.iter().rev().chain(all.dead_letter_queues.iter().rev()) {
            queues::remove(clients, &queue.name, reporter).await?;
        }
        Ok(())
    };
    let gone: Result<(), Trouble> = gone.await;
    gone.map_err(|trouble| reporter.failed(trouble))
}

/// Calls until there is an answer, or a refusal for good; `None` where the server says one of the codes `absent`.
pub(crate) async fn ask<T, E, Asked>(
    operation: &str,
    absent: &[&str],
    call: impl Fn() -> Asked,
) -> Result<Option<T>, PortError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    Asked: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
{
    let once = || async {
        match call().await {
            Ok(answer) => Ok(Some(answer)),
            Err(why) if errors::says(&why, absent) => Ok(None),
            Err(why) => Err(errors::of_call(operation, &why)),
        }
    };
    retried(PATIENCE, &Chance::fresh(), once).await
}

/// The same where every refusal is one.
pub(crate) async fn tell<T, E, Asked>(operation: &str, call: impl Fn() -> Asked) -> Result<T, PortError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    Asked: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
{
    tell_within(PATIENCE, operation, call).await
}

pub(crate) async fn tell_within<T, E, Asked>(
    patience: Duration,
    operation: &str,
    call: impl Fn() -> Asked,
) -> Result<T, PortError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    Asked: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
{
    let once = || async { call().await.map_err(|why| errors::of_call(operation, &why)) };
    retried(patience, &Chance::fresh(), once).await
}
