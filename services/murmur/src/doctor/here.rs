//! Owns what `murmur doctor` looks at on this machine: programs, data directory, settings, and who runs.
//! Never a server.
//! Next: `there`.

use contract::Topology;
use runtime::config::Config;

use super::Finding;
use crate::kept::Kept;
use crate::reach::Where;
use crate::standin::beside;
use crate::surroundings;

pub(super) fn look(place: &Where) -> Vec<Finding> {
    let mut findings = vec![programs()];
    findings.push(settings());
    match place.house() {
        Err(why) => findings.push(Finding::fail("data directory", format!("{why:#}"), "name another with --data DIR")),
        Ok(house) => {
            let folder = house.folder().display().to_string();
            let kept = Kept::running(&house);
            findings.push(match (&kept, house.has_agents()) {
                (Some(kept), _) => {
                    Finding::ok("data directory", format!("{folder}, kept by process {}", kept.keeper.pid))
                }
                (None, Ok(true)) => Finding::ok("data directory", format!("{folder}, in use by another murmur")),
                (None, Ok(false)) => Finding::ok("data directory", folder),
                (None, Err(why)) => {
                    Finding::fail("data directory", format!("{folder}: {why}"), "name another with --data DIR")
                }
            });
            findings.push(versions(kept.as_ref()));
        }
    }
    findings
}

fn programs() -> Finding {
    let daemons = Topology::murmuration().daemons();
    let names = daemons.iter().map(|daemon| daemon.as_str()).chain(["embedded-cloud"]);
    let missing: Vec<&str> = names.filter(|name| beside(name).is_err()).collect();
    if missing.is_empty() {
        return Finding::ok("programs", format!("the stand-in and {} agents are beside murmur", daemons.len()));
    }
    Finding::fail(
        "programs",
        format!("not beside murmur: {}", missing.join(", ")),
        "make install puts all of them there",
    )
}

/// Of the environment, whatever server it is about.
fn settings() -> Finding {
    let choreography = match Topology::murmuration().check() {
        Ok(choreography) => choreography,
        Err(problems) => return Finding::fail("settings", format!("{problems:?}"), "set the topology right"),
    };
    match Config::from_env(&choreography, &surroundings::of_agents()) {
        Ok(_) => Finding::ok("settings", "every MURMUR_ variable is known and fits"),
        Err(why) => Finding::fail("settings", why.to_string(), "set or unset what is named"),
    }
}

/// Events carry the version of their schema, and agents of another murmur may speak of other ones.
fn versions(kept: Option<&Kept>) -> Finding {
    let topology = Topology::murmuration();
    let newest = topology.events.iter().map(|event| event.version).max().unwrap_or(0);
    let spoken = format!("{} event types, version {newest} at most", topology.events.len());
    match kept.filter(|kept| kept.version != env!("CARGO_PKG_VERSION")) {
        Some(kept) => {
            let found = format!(
                "{spoken}; the agents are of version {}, and this is {}",
                kept.version,
                env!("CARGO_PKG_VERSION")
            );
            Finding::warn("schemas", found, "murmur down, then murmur up")
        }
        None => Finding::ok("schemas", spoken),
    }
}
