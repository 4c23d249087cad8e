//! Owns one scripted agent as a process: `scripted-agent research` is the research daemon.
//! Never anything that a real agent's `main` does not do: same `Service`, same ports, same environment.
//! Next: `processes::Flock` starts it.

use std::process::ExitCode;

use contract::Topology;
use processes::agents;
use runtime::Service;

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let Some(name) = agents::NAMES.into_iter().find(|name| *name == wanted) else { return usage() };
    Service::new(name, Topology::murmuration()).run(async |config| {
        let ports = aws::connect(config).await;
        ports.map(|ports| (agents::daemon(name, config.choreography.clone()), ports))
    })
}

#[expect(clippy::print_stderr, reason = "a person who started it by hand reads this")]
fn usage() -> ExitCode {
    eprintln!("usage: scripted-agent {}", agents::NAMES.join("|"));
    ExitCode::from(2)
}
