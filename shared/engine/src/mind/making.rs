//! Owns making a mind of a configuration file: the file read, keys taken, models made, prices looked up.
//! Never a model that is not asked for: an agent gets those that its own section names.
//! Next: `Mind::of` is called once, at a daemon's start.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::config::{self, ModelSettings, Provider, Structured};
use super::prices::Prices;
use super::{Mind, Price, Thinker, exposed};
use crate::exchange::Secrets;
use crate::model::Model;
use crate::providers::{Anthropic, Limits, OpenAi, anthropic, openai};

/// A model of these settings, or what is wrong with them.
pub type MakeOne = dyn Fn(&ModelSettings) -> Result<Arc<dyn Model>, String>;

/// Somebody who makes models of one provider that the engine does not know itself.
pub struct Make<'a> {
    pub provider: Provider,
    pub make: &'a MakeOne,
}

impl std::fmt::Debug for Make<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Make").field("provider", &self.provider).finish_non_exhaustive()
    }
}

pub(super) fn mind(
    agent: &str,
    path: &str,
    own: &BTreeMap<&'static str, String>,
    makers: &[Make<'_>],
) -> Result<Mind, String> {
    let text = std::fs::read_to_string(path).map_err(|why| {
        format!("MURMUR_MODELS={path}: {why}; name a file such as docs/models.example.toml, or unset it to go without")
    })?;
    let file = config::read(path, &text, &variable).map_err(|problems| problems.to_string())?;
    let Some(settings) = file.agents.get(agent).filter(|settings| !settings.models.is_empty()).cloned() else {
        return Ok(offline(own));
    };
    let prices = Prices::with(&file.prices).map_err(|problems| problems.to_string())?;
    let keys = file.models.values().filter_map(exposed);
    let secrets = Secrets::of(keys.chain(of_tools(own)).chain(named_like_secrets()));
    let (mut thinkers, mut problems) = (vec![], vec![]);
    for name in &settings.models {
        let Some(model) = file.models.get(name) else { continue };
        match made(model, makers) {
            Ok(made) => {
                let price = priced(agent, made.name(), &prices);
                thinkers.push(Thinker::new(made, model.clone(), price));
            }
            Err(why) => problems.push(format!("\n  - models.{name}: {why}")),
        }
    }
    if !problems.is_empty() {
        return Err(format!("MURMUR_MODELS: {path} has {} problems:{}", problems.len(), problems.concat()));
    }
    // A goal may prefer any model of the file; one that cannot be made here is as one that is not there.
    let others = file.models.values().filter(|model| !settings.models.contains(&model.name));
    let spare = others.filter_map(|model| {
        let made = made(model, makers).ok()?;
        let price = prices.of(made.name()).unwrap_or(Price::UNKNOWN);
        Some(Thinker::new(made, model.clone(), price))
    });
    let spare = spare.collect();
    Ok(Mind::with(settings, thinkers, secrets, file.cache).sparing(spare))
}

/// Without a model there are still tools, whose answers are noted.
pub(super) fn offline(own: &BTreeMap<&'static str, String>) -> Mind {
    Mind { secrets: Secrets::of(of_tools(own).chain(named_like_secrets())), ..Mind::default() }
}

/// What the agent's tools are let in with, whatever it looks like: nobody is asked to make a key long.
fn of_tools(own: &BTreeMap<&'static str, String>) -> impl Iterator<Item = String> {
    crate::tools::secrets(own).into_iter().map(|secret| secret.expose_secret().to_owned())
}

fn priced(agent: &str, name: &str, prices: &Prices) -> Price {
    prices.of(name).unwrap_or_else(|| {
        let Price { input, output, .. } = Price::UNKNOWN;
        // Before telemetry has started: a closed pipe is no reason not to.
        let _ = writeln!(
            std::io::stderr(),
            "{agent}: no price is known of {name}: it is counted at {input} and {output} US dollars per million tokens \
             in and out; write [prices.{name:?}] into the file that MURMUR_MODELS names"
        );
        Price::UNKNOWN
    })
}

fn made(settings: &ModelSettings, makers: &[Make<'_>]) -> Result<Arc<dyn Model>, String> {
    if let Some(maker) = makers.iter().find(|maker| maker.provider == settings.provider) {
        return (maker.make)(settings);
    }
    match settings.provider {
        Provider::Anthropic => Ok(Arc::new(Anthropic::new(anthropic(settings)?)?)),
        Provider::OpenAi => Ok(Arc::new(OpenAi::new(openai(settings)?)?)),
        Provider::Bedrock => Err("this program was built without Bedrock: build it with the feature bedrock".into()),
    }
}

fn anthropic(settings: &ModelSettings) -> Result<anthropic::Settings, String> {
    let key = settings.key.clone().unwrap_or_else(|| SecretString::from(String::new()));
    let url = address(settings, anthropic::BASE_URL)?;
    let mut made = anthropic::Settings::new(settings.model.clone(), key, url);
    made.limits = limits(settings);
    if settings.structured != Structured::Native {
        made.ways.structured = anthropic::Structured::Tool;
    }
    Ok(made)
}

fn openai(settings: &ModelSettings) -> Result<openai::Settings, String> {
    let url = address(settings, openai::BASE_URL)?;
    let (model, key) = (settings.model.clone(), settings.key.clone());
    let mut made = match &settings.azure_api_version {
        Some(version) => {
            let azure = openai::Settings::of(openai::Server::Azure, model, key, url);
            openai::Settings { api_version: version.clone(), ..azure }
        }
        None => openai::Settings::new(model, key, url),
    };
    made.limits = limits(settings);
    made.ways.structured = match settings.structured {
        Structured::Native => made.ways.structured,
        Structured::Json => openai::Structured::JsonObject,
        Structured::Prompt => openai::Structured::Prompt,
    };
    Ok(made)
}

fn address(settings: &ModelSettings, usual: &str) -> Result<Url, String> {
    match &settings.base_url {
        Some(url) => Ok(url.clone()),
        None => Url::parse(usual).map_err(|why| format!("{usual}: {why}")),
    }
}

fn limits(settings: &ModelSettings) -> Limits {
    let ModelSettings { first_token, whole, .. } = *settings;
    Limits { first_token, whole, ..Limits::default() }
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads keys")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The values of variables that are named like secrets, and look like some. No model and no tool is ever given one; if
/// one of them came back in an answer all the same, it would not get far.
fn named_like_secrets() -> impl Iterator<Item = String> {
    const ENDS: [&str; 5] = ["_KEY", "_KEY_ID", "_TOKEN", "_SECRET", "_PASSWORD"];
    std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let (letter, digit) = (|c: char| c.is_ascii_alphabetic(), |c: char| c.is_ascii_digit());
        let is_secret = value.len() >= 16 && value.contains(letter) && value.contains(digit);
        (is_secret && ENDS.iter().any(|end| name.ends_with(end))).then_some(value)
    })
}
