//! Owns which AWS a command talks to: the data directory's stand-in, `--endpoint`, or, only with `--aws`, AWS itself.
//! Never AWS by accident: without `--aws` no credential and no endpoint of the environment is looked at.
//! Next: `standin` starts one where none runs; every command that asks a server anything begins here.

use std::path::PathBuf;

use aws::clients::{Clients, Limits, standin};
use contract::Topology;
use contract::topology::Choreography;
use runtime::config::Config;
use runtime::ports::Ports;

use crate::exit::Misconfigured;

pub(crate) const REGION: &str = "us-east-1";

/// Which AWS.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Where {
    /// Where the stand-in, the agents and their logs live; without it, under your data home
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// The AWS of this address, such as LocalStack's, in place of the stand-in
    #[arg(long, value_name = "URL", global = true, conflicts_with = "aws")]
    pub(crate) endpoint: Option<String>,
    /// AWS itself, with the credentials and the region of your environment
    #[arg(long, global = true)]
    pub(crate) aws: bool,
}

/// A server that answers, and everything that is needed to ask it.
pub(crate) struct Reach {
    pub(crate) choreography: Choreography,
    pub(crate) config: Config,
    pub(crate) clients: Clients,
    pub(crate) ports: Ports,
}

impl Where {
    pub(crate) async fn reach(&self) -> anyhow::Result<Reach> {
        let choreography = Topology::murmuration().check().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        let config = Config::from_env(&choreography, &[]).map_err(|why| Misconfigured(why.to_string()))?;
        let Some(endpoint) = &self.endpoint else { anyhow::bail!("name the --endpoint") };
        let clients = Clients::load(standin(endpoint, REGION), Limits::default()).await;
        let ports = aws::connect_with(standin(endpoint, REGION), Limits::default(), &config).await?;
        Ok(Reach { choreography, config, clients, ports })
    }
}
