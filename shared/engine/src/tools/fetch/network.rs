//! Owns the way out: a name is resolved, each of its addresses judged, and the connection made to just those.
//! Never connects to an address that was not judged in that very resolution, and keeps no connection for the next page:
//! a name that resolves otherwise a moment later is judged again.
//! Next: `visit` asks through the clients that are made here.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Proxy};
use secrecy::ExposeSecret;

use super::address;
use super::settings::Settings;
use super::target::{Refusal, Target};

/// Who comes to a site says who it is; robots.txt knows us by this name.
pub const AGENT: &str = "murmuration";
const ADDRESSES_MAX: usize = 8;
/// Of HTTP/2; what HTTP/1 brings is counted when it is there.
pub(super) const HEADER_BYTES_MAX: u32 = 64 * 1024;
const HEADERS_MAX: usize = 128;

/// How names are resolved. A port, because a test must say what a name resolves to, and when to something else.
#[async_trait]
pub trait Network: Send + Sync + fmt::Debug {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
    /// Where the connection to an address that was judged really goes: there. A port of 0 is the URL's own.
    fn towards(&self, judged: SocketAddr) -> SocketAddr {
        judged
    }
}

/// The system's own resolver, with its hosts file.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

#[async_trait]
impl Network for System {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Resolves for one of the clients, and lets nothing through that may not be reached.
struct Gate {
    network: Arc<dyn Network>,
    trusted: bool,
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let (network, trusted) = (Arc::clone(&self.network), self.trusted);
        Box::pin(async move {
            let host = name.as_str();
            let found = network.addresses(host).await?;
            if found.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address")).into());
            }
            let judge = if trusted { address::metadata } else { address::forbidden };
            for ip in &found {
                if let Some(what) = judge(*ip) {
                    let why =
                        format!("{host} is refused: it resolves to {ip}, {what}, and only public ones are fetched");
                    return Err(Refusal(why).into());
                }
            }
            let judged = found.into_iter().take(ADDRESSES_MAX).map(move |ip| network.towards(SocketAddr::new(ip, 0)));
            Ok(Box::new(judged) as Addrs)
        })
    }
}

/// One client for all the world, one for the hosts that may lie anywhere. Made when first needed: roots take time.
#[derive(Debug)]
pub(super) struct Doors {
    network: Arc<dyn Network>,
    public: OnceLock<Result<Client, String>>,
    trusted: OnceLock<Result<Client, String>>,
}

impl Doors {
    pub(super) fn over(network: Arc<dyn Network>) -> Doors {
        Doors { network, public: OnceLock::new(), trusted: OnceLock::new() }
    }

    pub(super) fn to(&self, target: &Target, settings: &Settings) -> Result<&Client, String> {
        let door = if target.trusted { &self.trusted } else { &self.public };
        let made = door.get_or_init(|| self.client(target.trusted, settings).map_err(|why| why.to_string()));
        made.as_ref().map_err(Clone::clone)
    }

    fn client(&self, trusted: bool, settings: &Settings) -> reqwest::Result<Client> {
        let builder = Client::builder()
            .user_agent(AGENT)
            .redirect(Policy::none())
            .referer(false)
            .pool_max_idle_per_host(0)
            .connect_timeout(settings.connect)
            .http1_max_headers(HEADERS_MAX)
            .http2_max_header_list_size(HEADER_BYTES_MAX)
            .no_proxy();
        match &settings.proxy {
            // A proxy resolves for us; what we can judge then are the words of the URL.
            Some(proxy) if !trusted => builder.proxy(Proxy::all(proxy.expose_secret())?).build(),
            _ => builder.dns_resolver(Gate { network: Arc::clone(&self.network), trusted }).build(),
        }
    }
}
