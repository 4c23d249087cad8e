//! Owns what `murmur doctor` looks at on the server: endpoint, credentials, region, clock, permissions, every resource.
//! Never a write: what provisioning would do is what is wrong.
//! Next: `aws::provision`, dry.

use std::time::Duration;

use aws::clients::{Clients, Limits, environment};
use aws::depths::depths;
use aws::provision::{Outcome, Plan, Reporter, Resource, Step, identity, provision};
use contract::Clock as _;
use contract::topology::Choreography;
use runtime::config::Config;
use runtime::ports::SystemClock;

use super::{Finding, Verdict};
use crate::reach::{REGION, Server, Where};

const ANSWER_MAX: Duration = Duration::from_secs(5);
/// The header says whole seconds.
const HEADER_STEP: Duration = Duration::from_secs(1);
/// What keeps events from arriving, or messages from being parked.
const VITAL: [&str; 5] = ["Policy", "RedrivePolicy", "pattern", "target", "state"];

pub(super) async fn look(place: &Where) -> Vec<Finding> {
    let mut findings = vec![];
    if place.aws {
        let (seen, goes_on) = account().await;
        findings.extend(seen);
        if !goes_on {
            return findings;
        }
    }
    if place.has_nothing().unwrap_or(false) {
        // Whoever only looks makes none.
        findings.push(Finding::ok("endpoint", "a stand-in of the data directory, which murmur up starts"));
        return findings;
    }
    let server = match place.server_made().await {
        Ok(server) => server,
        Err(why) => {
            findings.push(Finding::fail(
                "endpoint",
                format!("{why:#}"),
                "mend that, or name another server with --endpoint",
            ));
            return findings;
        }
    };
    findings.push(Finding::ok("endpoint", server.name()));
    if !place.aws {
        findings.push(Finding::ok("credentials", "any will do there; yours are not used"));
        findings.push(Finding::ok("region", REGION));
    }
    let (choreography, config) = match place.config(&server) {
        Ok(config) => config,
        // Told already, among what is here.
        Err(_) => return findings,
    };
    let clients = server.clients().await;
    findings.push(clock(&server, &clients, &config).await);
    findings.extend(resources(&clients, &config, &server, &place.flags()).await);
    findings.extend(dead_letters(&clients, &choreography, &place.flags()).await);
    findings
}

/// Whether it makes sense to ask AWS more.
async fn account() -> (Vec<Finding>, bool) {
    let clients = Clients::load(environment(), Limits::default()).await;
    let Some(region) = clients.region() else {
        let finding = Finding::fail("region", "none is named", "set AWS_REGION, or a region in the profile");
        return (vec![finding], false);
    };
    let region = Finding::ok("region", region);
    match tokio::time::timeout(ANSWER_MAX * 2, identity(&clients)).await {
        Ok(Ok(identity)) => {
            let found = format!("account {}, as {}", identity.account, identity.arn);
            (vec![region, Finding::ok("credentials", found)], true)
        }
        Ok(Err(why)) => {
            (vec![region, Finding::fail("credentials", why.to_string(), "mend that, or leave --aws out")], false)
        }
        Err(_) => {
            let found = "no answer from AWS: is that a region, and is there a network?";
            (vec![region, Finding::fail("credentials", found, "set AWS_REGION to one that exists")], false)
        }
    }
}

/// Leases and deadlines are judged by each machine's own clock.
async fn clock(server: &Server, clients: &Clients, config: &Config) -> Finding {
    let margin = config.settings.skew_margin;
    let url = match server.endpoint() {
        Some(endpoint) => endpoint,
        None => format!("https://sqs.{}.amazonaws.com", clients.region().unwrap_or(REGION)),
    };
    match skew(&url).await {
        Err(why) => Finding::warn("clock", format!("the server does not say its time ({why})"), "compare it by hand"),
        Ok(skew) if skew <= margin => {
            Finding::ok("clock", format!("{} s from the server's, {} s may be", skew.as_secs(), margin.as_secs()))
        }
        Ok(skew) => {
            let found = format!("{} s from the server's, and only {} s may be", skew.as_secs(), margin.as_secs());
            Finding::fail("clock", found, "set the clock right (NTP), or raise MURMUR_SKEW_MARGIN_S everywhere")
        }
    }
}

async fn skew(url: &str) -> anyhow::Result<Duration> {
    let client = reqwest::Client::builder().timeout(ANSWER_MAX);
    // A proxy would hide a server of this machine.
    let client = if url.starts_with("http://") { client.no_proxy() } else { client };
    let before_ms = SystemClock.now().0;
    let answer = client.build()?.get(url).send().await?;
    let now_ms = (before_ms + SystemClock.now().0) / 2;
    let told = answer.headers().get("date").and_then(|date| date.to_str().ok());
    let told = httpdate::parse_http_date(told.ok_or_else(|| anyhow::anyhow!("no Date header"))?)?;
    let told_ms = i64::try_from(told.duration_since(std::time::UNIX_EPOCH)?.as_millis())?;
    let apart = Duration::from_millis(now_ms.abs_diff(told_ms));
    Ok(if apart <= HEADER_STEP { Duration::ZERO } else { apart })
}

/// What provisioning would do.
async fn resources(clients: &Clients, config: &Config, server: &Server, flags: &str) -> Vec<Finding> {
    let mut reporter = Reporter::silent().dry();
    let looked = provision(clients, &Plan::of(config), &mut reporter).await;
    let make = format!("murmur provision{flags}");
    let mut findings = vec![];
    for check in ["queues", "bus", "rules", "table", "bucket"] {
        let steps: Vec<&Step> = reporter.steps().iter().filter(|step| kind(&step.resource) == check).collect();
        let wrong: Vec<Finding> = steps.iter().filter_map(|step| judged(check, step, &make)).collect();
        if wrong.is_empty() && !steps.is_empty() {
            findings.push(Finding::ok(check, format!("{} as they should be", steps.len())));
        }
        findings.extend(wrong);
    }
    let wrong = |check: &str| {
        findings.iter().any(|finding: &Finding| finding.check == check && finding.verdict == Verdict::Fail)
    };
    if looked.is_ok() && !wrong("policies") && !wrong("queues") {
        findings.push(Finding::ok("policies", "the bus may send to every queue"));
    }
    if !findings.iter().any(|finding| finding.check == "permissions") {
        findings.push(match server {
            Server::Aws => Finding::ok(
                "permissions",
                "all of it may be looked at; murmur topology --format iam says what each agent needs",
            ),
            _ => Finding::ok("permissions", "this server checks none"),
        });
    }
    if let Err(why) = looked {
        findings.push(Finding::fail("resources", why.trouble.to_string(), make));
    }
    findings
}

fn kind(resource: &Resource) -> &'static str {
    match resource {
        Resource::Queue(_) => "queues",
        Resource::Bus(_) => "bus",
        Resource::Rule(_) => "rules",
        Resource::Table(_) => "table",
        Resource::Bucket(_) => "bucket",
    }
}

fn judged(check: &'static str, step: &Step, make: &str) -> Option<Finding> {
    let at = &step.resource;
    match &step.outcome {
        Outcome::Missing => Some(Finding::fail(check, format!("{at} does not exist"), make)),
        Outcome::Differs { what } => {
            let found = format!("{at} differs in {}", what.join(", "));
            let check = if what.iter().any(|what| what == "Policy") { "policies" } else { check };
            let vital = what.iter().any(|what| VITAL.contains(&what.as_str()));
            Some(if vital { Finding::fail(check, found, make) } else { Finding::warn(check, found, make) })
        }
        Outcome::Unclear { why } if why.contains("AccessDenied") || why.contains("not authorized") => {
            let advice = "ask for the rights that murmur topology --format iam prints";
            Some(Finding::fail("permissions", format!("{at} may not be looked at: {why}"), advice))
        }
        Outcome::Unclear { why } => Some(Finding::fail(check, format!("{at}: {why}"), make)),
        _ => None,
    }
}

async fn dead_letters(clients: &Clients, choreography: &Choreography, flags: &str) -> Option<Finding> {
    let queues: Vec<_> = choreography.rows.iter().map(|row| (row.queue.clone(), row.queue.dead_letters())).collect();
    let counted = depths(clients, &queues).await.ok()?;
    let count: u64 = counted.iter().filter_map(|depth| depth.dead_letters).sum();
    Some(match count {
        0 => Finding::ok("dead letters", "none"),
        count => Finding::warn("dead letters", count.to_string(), format!("murmur dlq list{flags} says why")),
    })
}
