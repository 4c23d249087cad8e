//! Owns which AWS a command talks to: the data directory's stand-in, `--endpoint`, or, only with `--aws`, AWS itself.
//! Never AWS by accident: without `--aws` no credential and no endpoint of the environment is looked at.
//! Next: `standin` starts one where none runs; every command that asks a server anything begins here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use aws::ConnectError;
use aws::clients::{Clients, Limits, environment, standin};
use aws::provision::{Plan, Reporter, provision};
use contract::Topology;
use contract::topology::Choreography;
use runtime::config::Config;
use runtime::ports::Ports;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use crate::exit::{Misconfigured, Misused};
use crate::house::House;
use crate::screen::Screen;
use crate::standin::Standin;
use crate::surroundings;

pub(crate) const REGION: &str = "us-east-1";
const LISTENS_MAX: Duration = Duration::from_secs(5);
/// A server that is just coming up, or a chain of credentials over the network.
const CONNECT_MAX: Duration = Duration::from_secs(30);

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
    /// Keeps the stand-in running for as long as this lives.
    pub(crate) server: Server,
    /// As the next command must say them to reach the same.
    pub(crate) flags: String,
    /// Where artifacts would be, if there were any.
    _empty: Option<TempDir>,
}

/// What for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    Read,
    Use,
    /// What is missing at `--endpoint` is made.
    Make,
}

/// Who answers.
pub(crate) enum Server {
    Standin(Box<Standin>),
    Endpoint {
        url: String,
        /// Where that is a murmur's stand-in, it is not stopped meanwhile.
        _in_use: Option<Box<Standin>>,
    },
    Aws,
}

impl Where {
    pub(crate) async fn reach(&self) -> anyhow::Result<Reach> {
        // On the heap: otherwise every command's own future would be as large.
        Box::pin(self.reached(Intent::Use)).await
    }

    /// Likewise, for a command that only reads: where nothing is yet, it makes nothing, and says so.
    pub(crate) async fn reach_to_read(&self) -> anyhow::Result<Reach> {
        if self.has_nothing()? {
            let folder = self.folder()?;
            anyhow::bail!(
                "nothing has run in {} yet: murmur up or murmur run begins there; --data, --endpoint and --aws name \
                 another place",
                folder.display()
            );
        }
        Box::pin(self.reached(Intent::Read)).await
    }

    /// Likewise; what is missing at `--endpoint` is made. At AWS nothing is made unasked.
    pub(crate) async fn reach_made(&self) -> anyhow::Result<Reach> {
        Box::pin(self.reached(Intent::Make)).await
    }

    async fn reached(&self, intent: Intent) -> anyhow::Result<Reach> {
        let mut server = self.server().await?;
        let artifacts = self.artifacts(&server, intent)?;
        let (choreography, mut config) = self.config(&server)?;
        if let Some(empty) = &artifacts {
            config.artifacts = Url::from_file_path(empty.path()).ok();
        }
        let clients = server.clients().await;
        match &mut server {
            Server::Standin(standin) => make(standin, &clients, &config).await?,
            Server::Endpoint { .. } if intent == Intent::Make => {
                provision(&clients, &Plan::of(&config), &mut Reporter::silent()).await?;
            }
            Server::Endpoint { .. } | Server::Aws => {}
        }
        let ports = server.ports(&config).await?;
        Ok(Reach { choreography, config, clients, ports, server, flags: self.flags(), _empty: artifacts })
    }

    /// Artifacts of whoever else's server are in the data directory, unless they are said to be elsewhere. Whoever reads
    /// where there is none finds an empty folder, and whoever writes makes it.
    fn artifacts(&self, server: &Server, intent: Intent) -> anyhow::Result<Option<TempDir>> {
        if !matches!(server, Server::Endpoint { .. }) || std::env::var_os("MURMUR_ARTIFACTS").is_some() {
            return Ok(None);
        }
        match intent {
            Intent::Read if self.house_there()?.is_none() => Ok(Some(TempDir::new()?)),
            Intent::Read => Ok(None),
            Intent::Use | Intent::Make => self.house().map(|_| None),
        }
    }

    /// As they must be said again to mean the same place.
    pub(crate) fn flags(&self) -> String {
        let data = self.data.as_ref().map(|data| format!(" --data {}", quoted(&data.display().to_string())));
        let endpoint = self.endpoint.as_ref().map(|endpoint| format!(" --endpoint {}", quoted(endpoint)));
        [data, endpoint, self.aws.then(|| " --aws".to_owned())].into_iter().flatten().collect()
    }

    pub(crate) fn house(&self) -> anyhow::Result<House> {
        House::open(self.data.as_deref())
    }

    /// The data directory, where there is one already.
    pub(crate) fn house_there(&self) -> anyhow::Result<Option<House>> {
        House::find(self.data.as_deref())
    }

    /// Where the data directory is, or would be.
    pub(crate) fn folder(&self) -> anyhow::Result<PathBuf> {
        House::place(self.data.as_deref())
    }

    /// It is about a data directory that nobody has made yet.
    pub(crate) fn has_nothing(&self) -> anyhow::Result<bool> {
        Ok(!self.aws && self.endpoint.is_none() && self.house_there()?.is_none())
    }

    /// The one that was asked for, answering. Nothing is made in it.
    pub(crate) async fn server(&self) -> anyhow::Result<Server> {
        if self.aws {
            show_account().await?;
            return Ok(Server::Aws);
        }
        match &self.endpoint {
            Some(endpoint) => {
                let found = listens(&of_somebody(endpoint)?).await?;
                let standin = if found.ip().is_loopback() { Standin::at(&found.to_string()).await } else { None };
                let url = endpoint.trim_end_matches('/').to_owned();
                Ok(Server::Endpoint { url, _in_use: standin.map(Box::new) })
            }
            None => Ok(Server::Standin(Box::new(Standin::find_or_start(&self.house()?).await?))),
        }
    }

    /// Likewise; in a stand-in everything is made, as for every command.
    pub(crate) async fn server_made(&self) -> anyhow::Result<Server> {
        let mut server = self.server().await?;
        let (_, config) = self.config(&server)?;
        let clients = server.clients().await;
        if let Server::Standin(standin) = &mut server {
            make(standin, &clients, &config).await?;
        }
        Ok(server)
    }

    /// What the environment says, and for the stand-in what belongs to it.
    pub(crate) fn config(&self, server: &Server) -> anyhow::Result<(Choreography, Config)> {
        let choreography = Topology::murmuration().check().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        let vars = surroundings::of(self, server)?.into_iter().map(|(name, value)| (name.into(), value.into()));
        let config = Config::from_os_vars(vars, &choreography, &surroundings::of_agents());
        Ok((choreography, config.map_err(|why| Misconfigured(why.to_string()))?))
    }
}

impl Server {
    pub(crate) async fn clients(&self) -> Clients {
        Clients::load(self.loader(), Limits::default()).await
    }

    fn loader(&self) -> aws::clients::Loader {
        match self {
            Server::Standin(running) => standin(&running.endpoint(), REGION),
            Server::Endpoint { url, .. } => standin(url, REGION),
            Server::Aws => environment(),
        }
    }

    async fn ports(&self, config: &Config) -> anyhow::Result<Ports> {
        let connecting = aws::connect_with(self.loader(), Limits::default(), config);
        let within = CONNECT_MAX.as_secs();
        let silent = || {
            format!("{} gave no usable answer within {within} s: murmur doctor{} says why", self.name(), self.flag())
        };
        let connected = timeout(CONNECT_MAX, connecting).await.with_context(silent)?;
        connected.map_err(|why| match why {
            ConnectError::Missing { what, region } => anyhow::anyhow!(
                "{} not at {} in region {region}: murmur provision{} makes what is missing, or is the region another one?",
                what.join(", "),
                self.name(),
                self.flag()
            ),
            why => anyhow::anyhow!(why).context(self.name()),
        })
    }

    /// What other programs set `AWS_ENDPOINT_URL` to.
    pub(crate) fn endpoint(&self) -> Option<String> {
        match self {
            Server::Standin(running) => Some(running.endpoint()),
            Server::Endpoint { url, .. } => Some(url.clone()),
            Server::Aws => None,
        }
    }

    pub(crate) fn flag(&self) -> String {
        match self {
            Server::Standin(_) => String::new(),
            Server::Endpoint { url, .. } => format!(" --endpoint {url}"),
            Server::Aws => " --aws".into(),
        }
    }

    /// For a person.
    pub(crate) fn name(&self) -> String {
        match self {
            Server::Standin(running) => running.name(),
            Server::Endpoint { url, .. } => url.clone(),
            Server::Aws => "AWS".into(),
        }
    }
}

/// As a shell takes it for one word.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/.:_-".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Queues, bus, rules and table of a stand-in, once.
async fn make(standin: &mut Standin, clients: &Clients, config: &Config) -> anyhow::Result<()> {
    let what = format!("{} {} {}", env!("CARGO_PKG_VERSION"), config.bus, config.table);
    if !standin.is_provisioned_for(&what) {
        provision(clients, &Plan::of(config), &mut Reporter::silent()).await?;
        standin.provisioned_for(&what)?;
    }
    Ok(())
}

/// Before anything is asked of it: whose money and data this is about.
async fn show_account() -> anyhow::Result<()> {
    let clients = Clients::load(environment(), Limits::default()).await;
    let Some(region) = clients.region().map(str::to_owned) else {
        return Err(Misconfigured("no AWS region is named: set AWS_REGION, or a region in the profile".into()).into());
    };
    let asked = timeout(CONNECT_MAX, aws::provision::identity(&clients)).await;
    let identity = asked.with_context(|| format!("no answer from AWS in region {region}: is that a region?"))??;
    let told = format!("AWS account {}, region {region}, as {}", identity.account, identity.arn);
    Screen::new(false).progress(&told);
    Ok(())
}

/// AWS's own addresses need `--aws`: there the account is shown first.
fn of_somebody(endpoint: &str) -> anyhow::Result<Url> {
    let misused = |why: &str| Misused(format!("--endpoint {endpoint}: {why}"));
    let url = Url::parse(endpoint).map_err(|_| misused("write an address, such as http://127.0.0.1:4566"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(misused("the address must begin with http:// or https://").into());
    }
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let of_aws = ["amazonaws.com", "amazonaws.com.cn", "api.aws", "aws.dev", "amazonaws.eu"];
    if of_aws.iter().any(|domain| host == *domain || host.ends_with(&format!(".{domain}"))) {
        return Err(misused("that is AWS itself, which takes --aws and no --endpoint").into());
    }
    Ok(url)
}

/// Where somebody does.
async fn listens(url: &Url) -> anyhow::Result<SocketAddr> {
    let wrong = |why: &dyn std::fmt::Display| {
        anyhow::anyhow!(
            "nothing answers at {url} ({why}): start the server, or leave --endpoint out to use the stand-in"
        )
    };
    let addresses = url.socket_addrs(|| None).map_err(|why| wrong(&why))?;
    match timeout(LISTENS_MAX, TcpStream::connect(&*addresses)).await {
        Ok(Ok(stream)) => stream.peer_addr().map_err(|why| wrong(&why)),
        Ok(Err(why)) => Err(wrong(&why)),
        Err(_) => Err(wrong(&format_args!("silent for {} s", LISTENS_MAX.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_aws_is_no_endpoint() {
        for of_aws in
            ["https://sqs.us-east-1.amazonaws.com", "https://SQS.eu-west-1.api.aws./x", "http://amazonaws.com"]
        {
            assert!(of_somebody(of_aws).is_err(), "{of_aws}");
        }
        for somebody in ["http://127.0.0.1:4566", "https://localhost.localstack.cloud:4566/", "http://my-amazonaws.com"]
        {
            assert!(of_somebody(somebody).is_ok(), "{somebody}");
        }
        assert!(of_somebody("localhost:4566").is_err());
    }
}
