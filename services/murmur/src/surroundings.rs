//! Owns the environment that murmur and its agents work in: what a person has set, and what the chosen server needs.
//! Never a credential or an endpoint that lies around, unless AWS itself was asked for.
//! Next: `reach` reads murmur's own configuration from it, `flock` starts each agent in it.

use std::collections::BTreeMap;

use url::Url;

use crate::reach::{REGION, Server, Where};

/// `services/recommendation` reads it.
const RULES: &str = "MURMUR_RULES";
/// Who alone knows which variables; the others would refuse them.
const OF_ONE: [(&str, &[&str]); 2] = [("research", engine::tools::VARIABLES), ("recommendation", &[RULES])];

/// For murmur, and for whatever agent.
pub(crate) fn of(place: &Where, server: &Server) -> anyhow::Result<BTreeMap<String, String>> {
    let theirs = std::env::vars_os();
    let mut all: BTreeMap<String, String> =
        theirs.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
    let endpoint = match server {
        Server::Aws => return Ok(all),
        Server::Standin(standin) => standin.endpoint(),
        Server::Endpoint { url, .. } => url.clone(),
    };
    all.retain(|name, _| !name.starts_with("AWS_"));
    for (name, value) in [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        // A person's own files would name endpoints and accounts again.
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ] {
        all.insert(name.into(), value.into());
    }
    // A proxy cannot reach what listens on this machine alone, and should not hear of it.
    for name in ["NO_PROXY", "no_proxy"] {
        let others = all.get(name).filter(|others| !others.is_empty()).map(|others| format!("{others},"));
        all.insert(name.into(), format!("{}127.0.0.1,localhost,::1", others.unwrap_or_default()));
    }
    // The stand-in has no S3, and whoever runs two of them wants two places.
    if matches!(server, Server::Standin(_)) || !all.contains_key("MURMUR_ARTIFACTS") {
        let folder = match place.house_there()? {
            Some(house) => house.artifacts(),
            None => place.folder()?.join("artifacts"),
        };
        let url = Url::from_file_path(&folder).map_err(|()| anyhow::anyhow!("{} is no address", folder.display()))?;
        all.insert("MURMUR_ARTIFACTS".into(), url.into());
    }
    // A person waits for what comes of it, and nobody pays for a poll.
    for (name, value) in [("MURMUR_SWEEP_EVERY_S", "1"), ("MURMUR_RECEIVE_WAIT_S", "1")] {
        all.entry(name.into()).or_insert_with(|| value.into());
    }
    Ok(all)
}

/// Without what only another agent knows.
pub(crate) fn for_agent(agent: &str, mut all: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for (owner, variables) in OF_ONE {
        if owner != agent {
            all.retain(|name, _| !variables.contains(&name.as_str()));
        }
    }
    // `bird` knows by the line that says so that an agent has come up, whatever else is to be logged.
    if let Some(levels) = all.get_mut("MURMUR_LOG").filter(|levels| !levels.trim().is_empty()) {
        levels.push_str(",runtime::daemon=info");
    }
    // Several cannot listen at one port.
    if let Some(pages) = all.get_mut("MURMUR_HTTP")
        && let Ok(mut address) = pages.parse::<std::net::SocketAddr>()
    {
        address.set_port(0);
        *pages = address.to_string();
    }
    all
}

/// What only agents know.
pub(crate) fn of_agents() -> Vec<&'static str> {
    OF_ONE.iter().flat_map(|(_, variables)| *variables).chain(engine::mind::VARIABLES).copied().collect()
}
