//! Owns the agent's `main`: which daemon, which handler, which servers.
//! Never an account, a key or an address: `aws::connect` finds them where every AWS program does.
//! Next: `runtime::Service` reads the environment, serves `/readyz`, and drains at SIGTERM.

use std::process::ExitCode;

use fact_check::{FactCheck, topology};
use runtime::Service;

fn main() -> ExitCode {
    Service::new("fact-check", topology()).run(|daemon, _| Ok(daemon.handles("fact-check", FactCheck)), aws::connect)
}
