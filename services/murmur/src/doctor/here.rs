//! Owns what `murmur doctor` looks at on this machine: programs, data directory, settings, and who runs.
//! Never a server.
//! Next: `there`.

use std::path::Path;

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
    match place.house_there() {
        Err(why) => findings.push(Finding::fail("data directory", format!("{why:#}"), "name another with --data DIR")),
        Ok(None) => {
            let folder = place.folder().map_or_else(|why| why.to_string(), |folder| folder.display().to_string());
            findings.push(match place.folder().is_ok_and(|folder| can_be_made(&folder)) {
                true => Finding::ok("data directory", format!("{folder}, not made yet: murmur up makes it")),
                false => {
                    let found = format!("{folder} cannot be made");
                    Finding::fail("data directory", found, "name another with --data DIR")
                }
            });
            findings.push(versions(None, &place.flags()));
        }
        Ok(Some(house)) => {
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
            findings.push(versions(kept.as_ref(), &place.flags()));
        }
    }
    findings
}

/// The folder that it would lie in is one, and nobody forbids it to be written.
fn can_be_made(folder: &Path) -> bool {
    let above = folder.ancestors().find_map(|above| std::fs::metadata(above).ok());
    above.is_some_and(|above| above.is_dir() && !above.permissions().readonly())
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
fn versions(kept: Option<&Kept>, flags: &str) -> Finding {
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
            Finding::warn("schemas", found, format!("murmur down{flags}, then murmur up{flags}"))
        }
        None => Finding::ok("schemas", spoken),
    }
}
