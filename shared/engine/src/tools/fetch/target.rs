//! Owns what may be aimed at, as far as the words of a URL tell: scheme, port, name, address and how they are spelled.
//! Never resolves a name: what a name resolves to is judged by `network`, at the moment of connecting.
//! Next: `visit` goes there, and brings each redirect here again.

use std::net::{IpAddr, Ipv6Addr};

use contract::{PortError, bounded};
use url::{Host, Url};

use super::address;
use super::settings::Settings;

const URL_BYTES_MAX: usize = 4096;
/// Names that lead into somebody's own network, with whatever stands before them.
const INWARD: &[&str] = &[
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "svc",
    "arpa",
    "onion",
];

/// Refused before a byte was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl From<Refusal> for PortError {
    fn from(refusal: Refusal) -> PortError {
        PortError::permanent(refusal.0)
    }
}

/// A URL whose words are in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Without its fragment.
    pub url: Url,
    /// Its host and port are on the list of those that may lie anywhere.
    pub trusted: bool,
}

impl Target {
    /// `base`: the page that redirected to `text`.
    pub fn of(text: &str, base: Option<&Url>, settings: &Settings) -> Result<Target, Refusal> {
        Target::judged(text.trim(), base, settings)
            .map_err(|why| Refusal(format!("{:?} is refused: {why}", bounded(text.trim()))))
    }

    fn judged(text: &str, base: Option<&Url>, settings: &Settings) -> Result<Target, String> {
        if text.len() > URL_BYTES_MAX {
            return Err(format!("it is longer than {URL_BYTES_MAX} bytes"));
        }
        if text.contains(|c: char| c.is_ascii_control() || c == '\\') {
            return Err("it has a backslash or a control character in it".into());
        }
        let parsed = base.map_or_else(|| Url::parse(text), |base| base.join(text));
        let mut url = parsed.map_err(|why| format!("it is no URL ({why})"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("only http and https are fetched, not {}", url.scheme()));
        }
        url.set_fragment(None);
        spelling(text, &url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it carries a user name or a password".into());
        }
        let host = url.host().ok_or("it names no host")?;
        let port = url.port_or_known_default().ok_or("it names no port")?;
        let trusted = settings.allow.iter().any(|allowed| allowed.is(&host, port));
        let address = match host {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        };
        let judge = if trusted { address::metadata } else { address::forbidden };
        if let Some(what) = address.and_then(judge) {
            return Err(format!("{host} is {what}, and only public ones are fetched"));
        }
        if !trusted {
            if let Host::Domain(name) = host {
                outward(name)?;
            }
            if url.port().is_some_and(|port| !settings.ports.contains(&port)) {
                return Err(format!("port {port} is not {}'s own", url.scheme()));
            }
        }
        Ok(Target { url, trusted })
    }

    /// Whom a limit of requests, or a robots.txt, is about.
    pub fn site(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

fn outward(name: &str) -> Result<(), String> {
    if name.ends_with('.') {
        return Err(format!("{name} ends with a dot"));
    }
    if !name.contains('.') {
        return Err(format!("{name} is a name of a local network"));
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    if INWARD.contains(&last) {
        return Err(format!("names under .{last} do not lie on the public internet"));
    }
    Ok(())
}

/// Refuses an authority that a person would not read as the machine does.
fn spelling(text: &str, url: &Url) -> Result<(), String> {
    let lower = text.to_ascii_lowercase();
    let rest = ["http://", "https://", "//"].iter().find_map(|start| lower.strip_prefix(start));
    let Some(rest) = rest else {
        // A reference within the page's own site has no authority; `http:host` has one without the slashes.
        let relative = Url::parse(text) == Err(url::ParseError::RelativeUrlWithoutBase);
        return if relative { Ok(()) } else { Err("it is oddly spelled".into()) };
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("it carries a user name or a password".into());
    }
    let written = match authority.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let plain = match url.host() {
        Some(Host::Ipv4(address)) => written == address.to_string(),
        Some(Host::Ipv6(address)) => written.parse::<Ipv6Addr>() == Ok(address),
        Some(Host::Domain(_)) => !written.contains('%'),
        None => false,
    };
    if plain {
        Ok(())
    } else {
        Err(format!("{written:?} is an odd spelling of {}", url.host_str().unwrap_or_default()))
    }
}
