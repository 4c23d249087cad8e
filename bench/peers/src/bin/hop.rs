//! Owns the daemon of the bench: the runtime, the AWS adapters, and a handler that does nothing.
//! Never anything that an agent's `main` has not: what it costs is what every agent pays.
//! Next: `runtime::Service`; `peers-bench` starts it.

use std::process::ExitCode;

use peers::hop::{FAILING, Hop, ROW, topology};
use runtime::Service;

fn main() -> ExitCode {
    let service = Service::new(ROW, topology()).variables(&[FAILING]);
    service
        .run(|daemon, config| Ok(daemon.handles(ROW, Hop { failing: config.own.contains_key(FAILING) })), aws::connect)
}
