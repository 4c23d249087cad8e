//! Owns the agent's `main`: which daemon, which handler, which servers.
//! Never an account or a key: until `shared/aws` exists it lives in a cloud of its own, in memory, and waits there.
//! Next: `runtime::Service` reads the environment, serves `/readyz`, and drains at SIGTERM.

use std::process::ExitCode;

use fact_check::{FactCheck, topology};
use runtime::{Daemon, Service};
use testkit::memory;

fn main() -> ExitCode {
    Service::new("fact-check", topology()).run(async |config| {
        let daemon = Daemon::new("fact-check", config.choreography.clone()).handles("fact-check", FactCheck);
        memory::connect(config).map(|ports| (daemon, ports))
    })
}
