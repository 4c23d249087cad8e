//! Owns the research agent's `main`: its handlers, and the servers that its environment names.
//! Never an account, a key or an address: `aws::connect` finds them where every AWS program does.
//! Next: `config` reads what is this agent's own, `plan` and `task` do its two rows.

use std::process::ExitCode;

use contract::Topology;
use research::{Config, Plan, Task, VARIABLES};
use runtime::Service;

fn main() -> ExitCode {
    Service::new("research", Topology::murmuration()).variables(VARIABLES).run(
        |daemon, config| {
            let own = Config::of(config, &aws::models::makers())?;
            Ok(daemon.handles("research", Plan::with(&own)).handles("research-tasks", Task::with(&own)))
        },
        aws::connect,
    )
}
