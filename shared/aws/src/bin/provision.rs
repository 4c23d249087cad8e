//! Owns the program `provision`: what the topology needs is made, or removed; one line for each resource.
//! Never a setting of its own: `MURMUR_*` says what, and the AWS SDK's variables say where.
//! Next: `aws::provision` does it; exit codes are 0 done, 1 failed, 2 usage, 64 bad configuration.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use aws::clients::{Clients, Limits, environment};
use aws::provision::{self, Outcome, Plan, Reporter, Step};
use clap::Parser;
use contract::Topology;
use runtime::config::{Config, EXIT_BAD_CONFIGURATION};

/// Makes the queues, the bus, its rules and the table that the choreography needs. A second run changes nothing.
#[derive(Parser)]
#[command(name = "provision")]
struct Arguments {
    /// Remove all of it again, with every message and record in it
    #[arg(long)]
    remove: bool,
    /// The account that is meant by --remove; an emulator's need not be named
    #[arg(long, value_name = "TWELVE DIGITS", requires = "remove")]
    account: Option<String>,
    /// Say what would be made or changed, and change nothing
    #[arg(long, conflicts_with_all = ["remove", "policies"])]
    dry_run: bool,
    /// Print the IAM policy that each daemon and a user needs, as one JSON object, and change nothing
    #[arg(long, conflicts_with = "remove")]
    policies: bool,
    /// One JSON object a line instead of words
    #[arg(long)]
    json: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let choreography = match Topology::murmuration().check() {
        Ok(choreography) => choreography,
        Err(problems) => {
            let list: String = problems.iter().map(|problem| format!("\n  - {problem}")).collect();
            complain(&format_args!("bad topology:{list}"));
            return ExitCode::from(EXIT_BAD_CONFIGURATION);
        }
    };
    let config = match Config::from_env(&choreography, &[]) {
        Ok(config) => config,
        Err(problems) => {
            complain(&problems);
            return ExitCode::from(EXIT_BAD_CONFIGURATION);
        }
    };
    let clients = Clients::load(environment(), Limits::default()).await;
    if clients.region().is_none() {
        complain(&"no AWS region is named: set AWS_REGION, or a region in the profile");
        return ExitCode::from(EXIT_BAD_CONFIGURATION);
    }
    let (plan, reporter) = (Plan::of(&config), reporter(arguments.json));
    let mut reporter = if arguments.dry_run { reporter.dry() } else { reporter };
    if arguments.remove
        && let Err(why) = provision::may_remove(&clients, &plan, arguments.account.as_deref()).await
    {
        complain(&format_args!("provision: {why}; nothing was removed"));
        return ExitCode::FAILURE;
    }
    if arguments.policies {
        return policies(&clients, &plan).await;
    }
    let done = if arguments.remove {
        provision::remove(&clients, &plan, &mut reporter).await
    } else {
        provision::provision(&clients, &plan, &mut reporter).await
    };
    match done {
        Ok(()) => {
            if !arguments.json {
                say(&format_args!("provision: {}", provision::summary(reporter.steps())));
            }
            let unclear = |step: &Step| matches!(step.outcome, Outcome::Unclear { .. });
            if reporter.steps().iter().any(unclear) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(why) => {
            complain(&format_args!("provision: {why}"));
            ExitCode::FAILURE
        }
    }
}

async fn policies(clients: &Clients, plan: &Plan) -> ExitCode {
    match provision::policies(clients, plan).await {
        Ok(policies) => {
            say(&format_args!("{:#}", serde_json::json!(policies)));
            ExitCode::SUCCESS
        }
        Err(why) => {
            complain(&format_args!("provision: {why}"));
            ExitCode::FAILURE
        }
    }
}

fn reporter(json: bool) -> Reporter {
    let tell = move |step: &Step| match serde_json::to_string(step) {
        Ok(line) if json => say(&line),
        _ => say(step),
    };
    Reporter::telling(tell)
}

/// Whoever stops reading does not stop the work.
fn say(what: &dyn fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{what}");
}

#[expect(clippy::print_stderr, reason = "a person reads this")]
fn complain(what: &dyn fmt::Display) {
    eprintln!("{what}");
}
