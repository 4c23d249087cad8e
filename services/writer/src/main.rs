//! Owns the writer agent's `main`: its handler, and the servers that its environment names.
//! Never an account, a key or an address: `aws::connect` finds them where every AWS program does.
//! Next: `config` reads what is this agent's own, `handler` does its row.

use std::process::ExitCode;

use contract::Topology;
use runtime::Service;
use writer::{Config, VARIABLES, Writer};

fn main() -> ExitCode {
    Service::new("writer", Topology::murmuration())
        .variables(VARIABLES)
        .run(|daemon, config| Ok(daemon.handles("writer", Writer::with(&Config::of(config)?))), aws::connect)
}
