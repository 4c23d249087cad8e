//! Owns the analysis agent's `main`: its handler, and the servers that its environment names.
//! Never an account, a key or an address: `aws::connect` finds them where every AWS program does.
//! Next: `engine::mind` reads which models it thinks with, `handler` does its row.

use std::process::ExitCode;

use analysis::Analysis;
use contract::Topology;
use engine::mind::{Mind, VARIABLES};
use runtime::Service;

fn main() -> ExitCode {
    Service::new("analysis", Topology::murmuration()).variables(VARIABLES).run(
        |daemon, config| {
            Ok(daemon
                .handles("analysis", Analysis::with(Mind::of_with("analysis", &config.own, &aws::models::makers())?)))
        },
        aws::connect,
    )
}
