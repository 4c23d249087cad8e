//! Owns one scripted agent as a process: with `SCRIPTED_AGENT=research` it is the research daemon.
//! Never anything that a real agent's `main` does not do: same `Service`, same ports, same environment.
//! Next: `processes::Flock` starts it.

use std::process::ExitCode;

use contract::Topology;
use processes::agents;
use runtime::Service;

#[expect(clippy::disallowed_methods, reason = "which of the four it is, and no configuration")]
fn main() -> ExitCode {
    let wanted = std::env::var("SCRIPTED_AGENT").unwrap_or_default();
    let Some(name) = agents::NAMES.into_iter().find(|name| *name == wanted) else { return usage() };
    Service::new(name, Topology::murmuration()).run(|daemon, _| Ok(agents::hatch(name, daemon)), aws::connect)
}

#[expect(clippy::print_stderr, reason = "a person who started it by hand reads this")]
fn usage() -> ExitCode {
    eprintln!("scripted-agent: set SCRIPTED_AGENT to {}", agents::NAMES.join("|"));
    ExitCode::from(2)
}
