//! Owns in which partition, region and account everything is: what the ARN of a queue of ours says.
//! Never a guess from a region's name, and no other service asked.
//! Next: `contract::topology::resources` makes every other ARN with it.

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use contract::PortError;
use contract::topology::Place;
use contract::topology::resources::{resources, undelivered};

use super::report::{Reporter, Resource, Trouble};
use super::{Plan, queues, table};
use crate::clients::Clients;
use crate::errors;

const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "RequestExpired"];

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub account: String,
    pub arn: String,
}

/// Why nobody can say whose account it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    #[error("no AWS credentials were found ({0}): set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")]
    NoCredentials(String),
    #[error("these AWS credentials have expired: sign in again, as with aws sso login")]
    Expired,
    #[error("AWS does not take these credentials ({0}): set AWS_PROFILE, or sign in again")]
    Refused(String),
    #[error("no answer from AWS in region {region} ({why}): is that a region, and is there a network?")]
    Unreached { region: String, why: String },
}

/// As STS says, once; it needs no permission.
pub async fn identity(clients: &Clients) -> Result<Identity, Unidentified> {
    if let Some(provider) = clients.config.credentials_provider()
        && let Err(why) = provider.provide_credentials().await
    {
        return Err(Unidentified::NoCredentials(errors::line(&why)));
    }
    let sts = aws_sdk_sts::Client::new(&clients.config);
    let told = sts.get_caller_identity().send().await.map_err(|why| unidentified(clients, &why))?;
    Ok(Identity { account: told.account.unwrap_or_default(), arn: told.arn.unwrap_or_default() })
}

fn unidentified<E>(clients: &Clients, why: &SdkError<E, HttpResponse>) -> Unidentified
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if errors::says(why, EXPIRED) {
        return Unidentified::Expired;
    }
    match errors::of_call("STS GetCallerIdentity", why) {
        PortError::Permanent { reason } => Unidentified::Refused(reason),
        PortError::Transient { why, .. } => {
            Unidentified::Unreached { region: clients.region().unwrap_or_default().to_owned(), why }
        }
    }
}

/// From the queue for what the bus cannot deliver, which is made for it if it is not there yet: it names no other
/// resource but the rules, whose ARNs are what is looked for.
pub(super) async fn find(clients: &Clients, plan: &Plan, reporter: &mut Reporter) -> Result<Place, Trouble> {
    let name = undelivered(&plan.topology);
    let url = match queues::url(clients, &name).await? {
        Some(url) => url,
        None if reporter.is_dry() => return as_told(clients, plan).await,
        None => queues::create(clients, &name, [], reporter).await?,
    };
    place_at(clients, plan, &url).await
}

/// Where nothing is made yet, and nothing may be: whoever asks is in the account.
pub(super) async fn as_told(clients: &Clients, plan: &Plan) -> Result<Place, Trouble> {
    let resource = Resource::Queue(undelivered(&plan.topology).to_string());
    let identity = identity(clients).await.map_err(|why| resource.refused()(PortError::permanent(why.to_string())))?;
    // `arn:aws:iam::123456789012:user/name`
    let partition = identity.arn.split(':').nth(1).unwrap_or("aws").to_owned();
    let region = clients.region().unwrap_or_default().to_owned();
    Ok(Place { partition, region, account: identity.account, ..nowhere(plan) })
}

/// Likewise, of what was made already.
pub(crate) async fn look_up(clients: &Clients, plan: &Plan) -> Result<Place, Trouble> {
    let name = undelivered(&plan.topology);
    let Some(url) = queues::url(clients, &name).await? else {
        let why = PortError::permanent("it does not exist; provision first");
        return Err(Resource::Queue(name.to_string()).refused()(why));
    };
    place_at(clients, plan, &url).await
}

async fn place_at(clients: &Clients, plan: &Plan, url: &str) -> Result<Place, Trouble> {
    let resource = Resource::Queue(undelivered(&plan.topology).to_string());
    let arn = arn(clients, url).await.map_err(resource.refused())?;
    let place = place_of(&arn, plan);
    place.ok_or_else(|| resource.refused()(PortError::permanent(format!("{arn:?} is no ARN of a queue"))))
}

async fn arn(clients: &Clients, url: &str) -> Result<String, PortError> {
    let mut told = queues::attributes(clients, url, &QueueAttributeName::QueueArn).await?;
    Ok(told.remove(&QueueAttributeName::QueueArn).unwrap_or_default())
}

/// Whose account a removal would reach: as the first queue that is there says, or the table; nobody's where neither is.
pub(super) async fn of_what_is_there(clients: &Clients, plan: &Plan) -> Result<Option<String>, Trouble> {
    let all = resources(&plan.topology, &nowhere(plan));
    for queue in all.queues.iter().chain(&all.dead_letter_queues) {
        if let Some(url) = queues::url(clients, &queue.name).await? {
            let arn = arn(clients, &url).await.map_err(Resource::Queue(queue.name.to_string()).refused())?;
            return Ok(account_in(&arn));
        }
    }
    let table = Resource::Table(plan.table.clone());
    Ok(table::arn(clients, &plan.table).await.map_err(table.refused())?.and_then(|arn| account_in(&arn)))
}

fn account_in(arn: &str) -> Option<String> {
    arn.split(':').nth(4).map(str::to_owned)
}

/// `arn:aws:sqs:us-east-1:123456789012:name`
fn place_of(arn: &str, plan: &Plan) -> Option<Place> {
    let mut parts = arn.split(':');
    let (arn, partition, sqs) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account) = (parts.next()?, parts.next()?);
    (arn == "arn" && sqs == "sqs").then(|| Place {
        partition: partition.into(),
        region: region.into(),
        account: account.into(),
        ..nowhere(plan)
    })
}

/// Names without ARNs.
pub(super) fn nowhere(plan: &Plan) -> Place {
    Place {
        partition: String::new(),
        region: String::new(),
        account: String::new(),
        table: plan.table.clone(),
        bucket: plan.bucket().unwrap_or_default().into(),
    }
}
