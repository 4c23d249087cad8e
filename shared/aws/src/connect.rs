//! Owns the way from a configuration to ports: clients from the environment, and a look at whether all is there.
//! Never an endpoint of its own, and never a resource made here: `provision` makes them.
//! Next: `main` hands the ports to the daemon; until AWS answers, this waits and says so.

use std::sync::Arc;
use std::time::Duration;

use aws_config::ConfigLoader;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use contract::topology::resources::LISTED_INDEX;
use contract::{PortError, QueueName};
use runtime::config::Config;
use runtime::ports::{Ports, SystemClock};
use runtime::{Chance, Waits};
use tokio::time::timeout;

use crate::artifacts::{ArtifactStore, ArtifactsError, Place};
use crate::clients::{Clients, Limits, environment};
use crate::dynamodb::DynamoLedger;
use crate::errors::{self, ACCESS_DENIED, NO_SUCH_QUEUE};
use crate::eventbridge::EventBridgeBus;
use crate::sqs::SqsQueue;

/// A chain of providers asks several places, some of them over the network.
const CREDENTIALS_MAX: Duration = Duration::from_secs(30);
const NOT_FOUND: &[&str] = &["ResourceNotFoundException"];
/// What a query of an index is told that is not there, or is still being built.
const NO_INDEX: &[&str] = &["ResourceNotFoundException", "ValidationException"];
/// An endpoint may be away for as long as it likes; whoever waits is told.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("no AWS region is named: set AWS_REGION, or a region in the profile")]
    NoRegion,
    #[error(
        "no AWS credentials were found ({0}): set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; against a stand-in any will do"
    )]
    NoCredentials(String),
    #[error("{} in {region}: run `make provision`, or set MURMUR_BUS and MURMUR_TABLE to what is there", missing(.what))]
    Missing { what: Vec<String>, region: String },
    #[error("AWS refuses: {0}")]
    Refused(String),
    #[error(transparent)]
    Artifacts(#[from] ArtifactsError),
}

fn missing(what: &[String]) -> String {
    let verb = if what.len() == 1 { "does" } else { "do" };
    format!("{} {verb} not exist", what.join(", "))
}

/// Ports over AWS, or over whatever the environment says is AWS.
pub async fn connect(config: &Config) -> Result<Ports, ConnectError> {
    connect_with(environment(), Limits::default(), config).await
}

/// The same, from what `loader` has been told already.
pub async fn connect_with(loader: ConfigLoader, limits: Limits, config: &Config) -> Result<Ports, ConnectError> {
    let clients = Clients::load(loader, limits).await;
    let region = clients.region().ok_or(ConnectError::NoRegion)?.to_owned();
    credentials(&clients).await?;
    let what = absent(&clients, config).await?;
    if !what.is_empty() {
        return Err(ConnectError::Missing { what, region });
    }
    let artifacts = ArtifactStore::open(Place::of(config.artifacts.as_ref())?, &clients).await?;
    Ok(Ports {
        queue: Arc::new(SqsQueue::new(&clients)),
        bus: Arc::new(EventBridgeBus::new(&clients, &config.bus)),
        ledger: Arc::new(DynamoLedger::new(&clients, &config.table)),
        artifacts: Arc::new(artifacts),
        clock: Arc::new(SystemClock),
    })
}

/// Asked for once at the start: whoever has none should hear of that, not of a call that failed.
async fn credentials(clients: &Clients) -> Result<(), ConnectError> {
    let Some(provider) = clients.config.credentials_provider() else {
        return Err(ConnectError::NoCredentials("none are configured".into()));
    };
    let provider = &provider;
    let given = answered("credentials", || async move {
        match timeout(CREDENTIALS_MAX, provider.provide_credentials()).await {
            Ok(Ok(_)) => Ok(None),
            Ok(Err(why @ (CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_)))) => {
                Ok(Some(errors::line(&why)))
            }
            Ok(Err(why)) => Err(PortError::transient(errors::chain(&why))),
            Err(_) => Err(PortError::transient(format!("none within {} s", CREDENTIALS_MAX.as_secs()))),
        }
    });
    given.await?.map_or(Ok(()), |why| Err(ConnectError::NoCredentials(why)))
}

/// What this daemon needs and nobody has made, by name.
async fn absent(clients: &Clients, config: &Config) -> Result<Vec<String>, ConnectError> {
    let mut what = vec![];
    for queue in queues(config) {
        let call = || clients.sqs.get_queue_url().queue_name(queue.as_str()).send();
        if !is_there("SQS GetQueueUrl", NO_SUCH_QUEUE, call).await? {
            what.push(format!("queue {queue}"));
        }
    }
    // The cheapest call that a daemon's policy allows.
    let nobody = || AttributeValue::S("connect".into());
    let call = || {
        let get = clients.dynamodb.get_item().table_name(&config.table);
        get.key("goal", nobody()).key("item", nobody()).send()
    };
    if !is_there("DynamoDB GetItem", NOT_FOUND, call).await? {
        what.push(format!("table {}", config.table));
    } else if config.daemon.is_none() && !listing(clients, config).await? {
        what.push(format!("index {LISTED_INDEX} of table {}", config.table));
    }
    let call = || clients.events.describe_event_bus().name(&config.bus).send();
    if !is_there("EventBridge DescribeEventBus", NOT_FOUND, call).await? {
        what.push(format!("bus {}", config.bus));
    }
    Ok(what)
}

/// Whether goals can be listed: a tool does that, no daemon does. A table from before there was that index lacks it.
async fn listing(clients: &Clients, config: &Config) -> Result<bool, ConnectError> {
    let call = || {
        let query = clients.dynamodb.query().table_name(&config.table).index_name(LISTED_INDEX).limit(1);
        let query = query.key_condition_expression("#shelf = :shelf").expression_attribute_names("#shelf", "listed");
        query.expression_attribute_values(":shelf", AttributeValue::S("connect".into())).send()
    };
    is_there("DynamoDB Query", NO_INDEX, call).await
}

/// Those that it reads, and where it sends what it gives up on.
fn queues(config: &Config) -> Vec<QueueName> {
    let hosted = |row: &&contract::topology::Row| config.daemon.as_ref().is_none_or(|daemon| row.daemon == *daemon);
    let rows = config.choreography.rows.iter().filter(hosted);
    rows.flat_map(|row| [row.queue.clone(), row.queue.dead_letters()]).collect()
}

/// A daemon may use what it may not describe: a refusal of the look says nothing about what it looked for.
async fn is_there<T, E, Asked>(
    operation: &str,
    not_there: &[&str],
    call: impl Fn() -> Asked,
) -> Result<bool, ConnectError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    Asked: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
{
    let once = || async {
        match call().await {
            Ok(_) => Ok(true),
            Err(why) if errors::says(&why, ACCESS_DENIED) => Ok(true),
            Err(why) if errors::says(&why, not_there) => Ok(false),
            Err(why) => Err(errors::of_call(operation, &why)),
        }
    };
    answered(operation, once).await
}

/// Asks until there is an answer; tells each time that there was none.
async fn answered<T, Asked>(what: &str, ask: impl Fn() -> Asked) -> Result<T, ConnectError>
where
    Asked: Future<Output = Result<T, PortError>>,
{
    let chance = Chance::fresh();
    let mut waits = Waits::within(FOR_EVER, &chance);
    loop {
        let why = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(why) => why,
        };
        let Some(wait) = waits.next(&why) else { return Err(ConnectError::Refused(why.to_string())) };
        tracing::warn!(waiting_for = what, %why, again_in_ms = wait.as_millis() as u64, "AWS is not reached yet");
        tokio::time::sleep(wait).await;
    }
}
