//! Owns the proof that the variables of the web are read whole, and refused whole.
//! Never sets a variable of this process.
//! Next: docs/web.md lists them.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::tools::{self, Toolbox, fetch, web};
use secrecy::ExposeSecret;

fn own(pairs: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
    assert!(pairs.iter().all(|(name, _)| tools::VARIABLES.contains(name)));
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

#[test]
fn without_a_variable_there_is_fetching_and_no_search() -> anyhow::Result<()> {
    let tools = Toolbox::of_the_web(&own(&[])).map_err(anyhow::Error::msg)?;
    assert!(tools.has("fetch") && !tools.has("search_web"));
    let settings = fetch::Settings::of(&own(&[])).map_err(|all| anyhow::anyhow!(all.join("; ")))?;
    assert_eq!(
        (settings.bytes_max, settings.whole, settings.fresh),
        (5_000_000, Duration::from_secs(20), Duration::from_secs(86_400))
    );
    assert!(settings.allow.is_empty() && settings.ports.is_empty() && settings.proxy.is_none());
    Ok(())
}

#[test]
fn every_variable_is_heeded() -> anyhow::Result<()> {
    let own = own(&[
        ("MURMUR_FETCH_ALLOW", "wiki.corp:8443, 127.0.0.1:80,[fd00::7]:443"),
        ("MURMUR_FETCH_BYTES_MAX", "2000"),
        ("MURMUR_FETCH_CACHE_S", "0"),
        ("MURMUR_FETCH_EVERY_MS", "250"),
        ("MURMUR_FETCH_PORTS", "8080,8443"),
        ("MURMUR_FETCH_PROXY", "http://user:word@proxy.corp:3128"),
        ("MURMUR_FETCH_TIMEOUT_S", "7"),
        ("MURMUR_SEARCH", "brave"),
        ("MURMUR_SEARCH_EVERY_MS", "50"),
        ("MURMUR_SEARCH_KEY", "key-of-a-test"),
        ("MURMUR_SEARCH_RESULTS", "3"),
        ("MURMUR_SEARCH_URL", "http://127.0.0.1:1/x"),
    ]);
    assert_eq!(own.len(), tools::VARIABLES.len());
    let settings = fetch::Settings::of(&own).map_err(|all| anyhow::anyhow!(all.join("; ")))?;
    assert_eq!((settings.allow.len(), settings.ports.as_slice(), settings.bytes_max), (3, &[8080, 8443][..], 2000));
    assert_eq!(
        (settings.whole, settings.every, settings.fresh),
        (Duration::from_secs(7), Duration::from_millis(250), Duration::ZERO)
    );
    assert!(!format!("{settings:?}").contains("word"));
    let search = web::Settings::of(&own).map_err(|all| anyhow::anyhow!(all.join("; ")))?;
    let Some(search) = search else { anyhow::bail!("no search") };
    assert_eq!(
        (search.provider, search.results_max, search.every),
        (web::Provider::Brave, 3, Duration::from_millis(50))
    );
    assert_eq!(search.key.as_ref().map(ExposeSecret::expose_secret), Some("key-of-a-test"));
    assert!(!format!("{search:?}").contains("key-of-a-test"));
    let tools = Toolbox::of_the_web(&own).map_err(anyhow::Error::msg)?;
    assert!(tools.has("fetch") && tools.has("search_web"));
    Ok(())
}

#[test]
fn all_problems_are_named_at_once() -> anyhow::Result<()> {
    let wrong = own(&[
        ("MURMUR_FETCH_ALLOW", "wiki.corp,ok.corp:80,bad:99999"),
        ("MURMUR_FETCH_BYTES_MAX", "many"),
        ("MURMUR_FETCH_PORTS", "80,0"),
        ("MURMUR_FETCH_PROXY", "user:word@proxy"),
        ("MURMUR_FETCH_TIMEOUT_S", "0"),
        ("MURMUR_SEARCH", "altavista"),
        ("MURMUR_SEARCH_RESULTS", "21"),
    ]);
    let Err(problems) = Toolbox::of_the_web(&wrong) else { anyhow::bail!("accepted") };
    assert_eq!(problems.lines().count(), 8, "{problems}");
    for name in wrong.keys() {
        assert!(problems.contains(name), "{name} is missing in {problems}");
    }
    assert!(!problems.contains("word@"), "{problems}");
    Ok(())
}

#[test]
fn a_provider_wants_its_address_or_its_key() {
    for (pairs, about) in [
        (&[("MURMUR_SEARCH", "searxng")][..], "MURMUR_SEARCH_URL"),
        (&[("MURMUR_SEARCH", "brave")], "MURMUR_SEARCH_KEY"),
        (&[("MURMUR_SEARCH", "tavily"), ("MURMUR_SEARCH_KEY", " ")], "MURMUR_SEARCH_KEY"),
        (&[("MURMUR_SEARCH_KEY", "key-of-a-test")], "MURMUR_SEARCH is not set"),
    ] {
        let problems = web::Settings::of(&own(pairs)).err().unwrap_or_default();
        assert!(problems.len() == 1 && problems[0].contains(about), "{pairs:?}: {problems:?}");
    }
}
