//! Owns where a choreography's servers are: their addresses, the environment that daemons get, and ports of our own.
//! Never an account: the credentials are the ones that every emulator takes.
//! Next: `flock` starts daemons with `environment`, `wish` uses `ports`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use aws::clients::{Clients, Limits, environment};
use aws::provision::{Plan, Reporter, provision};
use aws_config::{ConfigLoader, Region};
use aws_credential_types::Credentials;
use contract::topology::Choreography;
use contract::{QueueName, Topology};
use runtime::config::Config;
use runtime::ports::Ports;
use tempfile::TempDir;

const REGION: &str = "us-east-1";

/// The servers of one test.
#[derive(Debug)]
pub struct Site {
    variables: BTreeMap<String, String>,
    pub choreography: Choreography,
    /// Those of them that only agents know.
    of_agents: BTreeSet<String>,
    outside: bool,
    _artifacts: TempDir,
}

impl Site {
    /// Everything at one address.
    pub fn at(endpoint: &str) -> anyhow::Result<Site> {
        Site::of(endpoint, Topology::murmuration())
    }

    /// Likewise, for a choreography that was extended.
    pub fn of(endpoint: &str, topology: Topology) -> anyhow::Result<Site> {
        Site::with([("AWS_ENDPOINT_URL".to_owned(), endpoint.to_owned())], topology)
    }

    /// Where this process's environment says; a test's target sets it.
    pub fn outside() -> anyhow::Result<Site> {
        let named = |(name, _): &(String, String)| name.starts_with("AWS_ENDPOINT_URL");
        let found: Vec<_> = std::env::vars().filter(named).collect();
        // One service's own address is not enough: all others would be looked for at AWS.
        anyhow::ensure!(
            found.iter().any(|(name, _)| name == "AWS_ENDPOINT_URL"),
            "AWS_ENDPOINT_URL is not set: run make test-localstack or make test-ministack"
        );
        Ok(Site { outside: true, ..Site::with(found, Topology::murmuration())? })
    }

    fn with(endpoints: impl IntoIterator<Item = (String, String)>, topology: Topology) -> anyhow::Result<Site> {
        let choreography = topology.check().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        let artifacts = TempDir::new()?;
        let place = format!("file://{}", artifacts.path().display());
        let mut variables: BTreeMap<_, _> = endpoints.into_iter().collect();
        for (name, value) in [
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("MURMUR_ARTIFACTS", &place),
            // A test waits for what a person would not notice.
            ("MURMUR_SWEEP_EVERY_S", "1"),
            ("MURMUR_RECEIVE_WAIT_S", "1"),
        ] {
            variables.insert(name.into(), value.into());
        }
        Ok(Site { variables, of_agents: BTreeSet::new(), choreography, outside: false, _artifacts: artifacts })
    }

    /// With this variable too, for daemons and for us.
    #[must_use]
    pub fn and(mut self, name: &str, value: &str) -> Site {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// With this variable for agents, which the runtime alone does not know.
    #[must_use]
    pub fn and_agents(mut self, name: &str, value: &str) -> Site {
        self.of_agents.insert(name.into());
        self.and(name, value)
    }

    /// What a daemon of this site finds in its environment.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    pub fn config(&self) -> anyhow::Result<Config> {
        let ours = self.variables.iter();
        let ours = ours.filter(|(name, _)| name.starts_with("MURMUR_") && !self.of_agents.contains(*name));
        let ours = ours.map(|(name, value)| (name.clone(), value.clone()));
        Config::from_vars(ours, &self.choreography).map_err(|why| anyhow::anyhow!("{why}"))
    }

    /// Queues, bus, rules, targets and table, as `make provision` makes them.
    pub async fn provision(&self) -> anyhow::Result<()> {
        let clients = Clients::load(self.loader(), Limits::default()).await;
        let config = self.config()?;
        Ok(Box::pin(provision(&clients, &Plan::of(&config), &mut Reporter::silent())).await?)
    }

    /// Ports of our own, beside those that the daemons have.
    pub async fn ports(&self) -> anyhow::Result<Ports> {
        self.ports_within(Limits::default()).await
    }

    /// Likewise, with other time limits.
    pub async fn ports_within(&self, limits: Limits) -> anyhow::Result<Ports> {
        Ok(Box::pin(aws::connect_with(self.loader(), limits, &self.config()?)).await?)
    }

    /// Messages of this queue that somebody has received and neither deleted nor given back, as far as SQS counts them.
    pub async fn in_flight(&self, queue: &QueueName) -> anyhow::Result<u64> {
        const COUNTED: &str = "ApproximateNumberOfMessagesNotVisible";
        let sqs = Clients::load(self.loader(), Limits::default()).await.sqs;
        let found = sqs.get_queue_url().queue_name(queue.as_str()).send().await?;
        let told = sqs.get_queue_attributes().set_queue_url(found.queue_url).attribute_names(COUNTED.into());
        let told = told.send().await?.attributes.context("a queue without attributes")?;
        Ok(told.get(&COUNTED.into()).context(COUNTED)?.parse()?)
    }

    /// What daemons read from their environment, said by hand.
    fn loader(&self) -> ConfigLoader {
        let loader = environment().region(Region::new(REGION));
        let loader = loader.credentials_provider(Credentials::new("test", "test", None, None, "site"));
        match self.variables.get("AWS_ENDPOINT_URL") {
            // The environment of this process says the rest: a server outside may have its tables elsewhere.
            Some(_) if self.outside => loader,
            Some(endpoint) => loader.endpoint_url(endpoint),
            None => loader,
        }
    }
}
