//! Owns the recommendation agent's `main`: its handler, and the servers that its environment names.
//! Never an account, a key or an address: `aws::connect` finds them where every AWS program does.
//! Next: `config` reads what is this agent's own, `handler` does its row.

use std::process::ExitCode;

use contract::Topology;
use recommendation::{Config, Recommending, VARIABLES};
use runtime::Service;

fn main() -> ExitCode {
    Service::new("recommendation", Topology::murmuration()).variables(VARIABLES).run(
        |daemon, config| {
            Ok(daemon.handles("recommendation", Recommending::with(&Config::of(config, &aws::models::makers())?)))
        },
        aws::connect,
    )
}
