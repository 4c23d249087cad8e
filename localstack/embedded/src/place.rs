//! Owns where this cloud claims to be: region, account, and the address that queue URLs carry.
//! Never a real account: the id is the one that every emulator uses.
//! Next: `sqs` and `events` make URLs and ARNs of it.

/// Made once, when the port is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub region: String,
    pub account: String,
    /// `http://127.0.0.1:4566`, without a slash at its end.
    pub endpoint: String,
}

impl Place {
    pub fn queue_arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{name}", self.region, self.account)
    }

    pub fn queue_url(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.endpoint, self.account)
    }

    /// `kind` is `event-bus`, `rule`, `archive` or `replay`.
    pub fn events_arn(&self, kind: &str, name: &str) -> String {
        format!("arn:aws:events:{}:{}:{kind}/{name}", self.region, self.account)
    }
}
