//! Owns the AWS clients: one configuration from the environment, no retry of the SDK's own, a time limit for every call.
//! Never an endpoint, a region or a credential of ours: `aws-config` reads them where every AWS program does.
//! Next: `sqs`, `eventbridge`, `dynamodb` and `provision` call through these; `artifacts` takes what S3 needs of them.

use std::time::Duration;

use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder;
use aws_smithy_types::retry::RetryConfig;

/// Just over three seconds: the first two retransmissions of a lost packet fit in.
const CONNECT_MAX: Duration = Duration::from_millis(3_100);

/// How long calls may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connect: Duration,
    /// From the first byte of the request to the last of the answer.
    pub call: Duration,
    /// What a receive may take longer than it asked the server to wait.
    pub receive_beyond_wait: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connect: CONNECT_MAX, call: Duration::from_secs(10), receive_beyond_wait: Duration::from_secs(15) }
    }
}

/// Where clients are made from.
pub type Loader = ConfigLoader;

/// One client of each service, all on one connection pool and one credential cache.
#[derive(Clone, Debug)]
pub struct Clients {
    pub sqs: aws_sdk_sqs::Client,
    pub events: aws_sdk_eventbridge::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) config: SdkConfig,
    pub(crate) limits: Limits,
}

impl Limits {
    /// For calls that end within `call`.
    pub(crate) fn within(&self, call: Duration) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .operation_attempt_timeout(call)
            // There is one attempt; this one also counts what comes before it.
            .operation_timeout(call)
            .build()
    }
}

/// What the environment says, in the way of every AWS program.
pub fn environment() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
}

/// Only the server at this address, with the credentials that every stand-in takes: nothing of the environment is asked.
pub fn standin(endpoint: &str, region: &'static str) -> ConfigLoader {
    let loader = environment()
        .region(Region::new(region))
        .credentials_provider(Credentials::new("test", "test", None, None, "stand-in"))
        .endpoint_url(endpoint)
        // Either, said by the environment, would refuse an address of one's own.
        .use_fips(false)
        .use_dual_stack(false);
    // A proxy of the environment cannot reach what listens on this machine alone.
    if is_plain_and_here(endpoint) { loader.http_client(Builder::new().build_http()) } else { loader }
}

fn is_plain_and_here(endpoint: &str) -> bool {
    let here = |host: url::Host<&str>| match host {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    };
    url::Url::parse(endpoint).is_ok_and(|url| url.scheme() == "http" && url.host().is_some_and(here))
}

impl Clients {
    /// Reads what `loader` has not been told already.
    pub async fn load(loader: ConfigLoader, limits: Limits) -> Clients {
        let loaded = loader
            // `runtime::retry` repeats; two of them would multiply.
            .retry_config(RetryConfig::disabled())
            .timeout_config(limits.within(limits.call))
            // The time limit of the whole call holds already, and a long poll is silent for longer than this allows.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let config = loaded.load().await;
        Clients {
            sqs: aws_sdk_sqs::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            config,
            limits,
        }
    }

    pub fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }
}
