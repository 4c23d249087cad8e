//! Owns what an operator may say of fetching: which hosts and ports beside the public ones, and every bound.
//! Never stops at the first problem of a configuration.
//! Next: `target` and `network` obey the lists, `visit`, `robots` and `cache` the bounds.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

#[derive(Clone, Debug)]
pub struct Settings {
    /// Hosts that may lie anywhere but at a cloud's metadata.
    pub allow: Vec<Allowed>,
    /// Ports of public hosts, beside 80 and 443.
    pub ports: Vec<u16>,
    /// Resolves for us, if there is one.
    pub proxy: Option<SecretString>,
    /// Of a page as it is read: after decompression.
    pub bytes_max: usize,
    pub redirects_max: usize,
    pub connect: Duration,
    /// A page with its redirects, robots.txt and waits.
    pub whole: Duration,
    /// One robots.txt.
    pub robots: Duration,
    pub robots_fresh: Duration,
    /// How long a robots.txt that cannot be had keeps everybody away.
    pub robots_away: Duration,
    /// At most so much of what a site asks for by `Crawl-delay`.
    pub crawl_delay_max: Duration,
    pub every: Duration,
    pub burst: NonZeroU32,
    /// How long one's turn is waited for.
    pub patience: Duration,
    /// How long a page is as good as fetched now.
    pub fresh: Duration,
}

/// One host and port of `MURMUR_FETCH_ALLOW`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    host: Host<String>,
    port: u16,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            allow: Vec::new(),
            ports: Vec::new(),
            proxy: None,
            bytes_max: 5_000_000,
            redirects_max: 5,
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(20),
            robots: Duration::from_secs(8),
            robots_fresh: Duration::from_secs(86_400),
            robots_away: Duration::from_secs(300),
            crawl_delay_max: Duration::from_secs(10),
            every: Duration::from_secs(1),
            burst: NonZeroU32::MIN.saturating_add(2),
            patience: Duration::from_secs(8),
            fresh: Duration::from_secs(86_400),
        }
    }
}

impl Settings {
    /// As the variables say; all problems at once.
    pub fn of(own: &BTreeMap<&'static str, String>) -> Result<Settings, Vec<String>> {
        let mut said = Said { own, problems: Vec::new() };
        let standard = Settings::default();
        let bytes_max = said.number("MURMUR_FETCH_BYTES_MAX", 1_000, 100_000_000, 5_000_000);
        let seconds = Duration::from_secs;
        let settings = Settings {
            allow: said.list("MURMUR_FETCH_ALLOW", "wiki.corp.example:8443,[fd00::7]:80", Allowed::of),
            ports: said.list("MURMUR_FETCH_PORTS", "8080,8443", |port| port.parse().ok().filter(|port| *port > 0)),
            proxy: said.proxy(),
            bytes_max: usize::try_from(bytes_max).unwrap_or(standard.bytes_max),
            whole: seconds(said.number("MURMUR_FETCH_TIMEOUT_S", 1, 300, 20)),
            every: Duration::from_millis(said.number("MURMUR_FETCH_EVERY_MS", 0, 60_000, 1_000)),
            fresh: seconds(said.number("MURMUR_FETCH_CACHE_S", 0, 2_592_000, 86_400)),
            ..standard
        };
        if said.problems.is_empty() { Ok(settings) } else { Err(said.problems) }
    }
}

impl Allowed {
    /// `host:port`, as in a URL.
    pub fn of(text: &str) -> Option<Allowed> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port > 0)?;
        Some(Allowed { host: Host::parse(host).ok()?, port })
    }

    pub(super) fn is(&self, host: &Host<&str>, port: u16) -> bool {
        self.port == port && self.host == *host
    }
}

/// The variables as they were set, and what is wrong with them.
pub(crate) struct Said<'a> {
    pub(crate) own: &'a BTreeMap<&'static str, String>,
    pub(crate) problems: Vec<String>,
}

impl Said<'_> {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.own.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    pub(crate) fn number(&mut self, name: &str, least: u64, most: u64, standard: u64) -> u64 {
        let Some(text) = self.text(name) else { return standard };
        if let Some(number) = text.parse().ok().filter(|number| (least..=most).contains(number)) {
            return number;
        }
        let problem = format!("{name} is {text:?}: a whole number from {least} to {most} would do, such as {standard}");
        self.problems.push(problem);
        standard
    }

    fn list<T>(&mut self, name: &str, example: &str, one: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let text = self.text(name).unwrap_or_default().to_owned();
        let mut all = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match one(part) {
                Some(found) => all.push(found),
                None => self.problems.push(format!("{name} has {part:?} in it: such as {example} would do")),
            }
        }
        all
    }

    /// An http or https URL; it is not shown where it is wrong, for it may hold a password.
    pub(crate) fn url(&mut self, name: &str, example: &str) -> Option<Url> {
        let found = self.text(name).map(Url::parse)?;
        match found {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
            _ => {
                self.problems.push(format!("{name} is no http or https address: such as {example} would do"));
                None
            }
        }
    }

    fn proxy(&mut self) -> Option<SecretString> {
        let url = self.url("MURMUR_FETCH_PROXY", "http://proxy.corp.example:3128")?;
        Some(SecretString::from(url.to_string()))
    }
}
