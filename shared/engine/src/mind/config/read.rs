//! Owns what stands in a models file: which keys there are, their bounds, and what must fit together.
//! Never a key itself: the file names the variable that has it, and `keys` is asked for that.
//! Next: `Mind::of` keeps what its agent needs.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;
use toml::de::DeTable;

use super::problems::Problems;
use super::table::Table;
use super::{AgentSettings, CacheSettings, IfUnusable, ModelSettings, ModelsFile, Provider, Structured};
use crate::mind::prices::Price;

const PROVIDERS: [(&str, Provider); 3] =
    [("anthropic", Provider::Anthropic), ("openai", Provider::OpenAi), ("bedrock", Provider::Bedrock)];
const STRUCTURED: [(&str, Structured); 3] =
    [("native", Structured::Native), ("json", Structured::Json), ("prompt", Structured::Prompt)];
const IF_UNUSABLE: [(&str, IfUnusable); 2] = [("offline", IfUnusable::Offline), ("park", IfUnusable::Park)];

/// Reads a file's text. `keys`: what a variable of the environment is set to.
pub(in crate::mind) fn read(
    file: &str,
    text: &str,
    keys: &dyn Fn(&str) -> Option<String>,
) -> Result<ModelsFile, Problems> {
    let mut problems = Problems::of(file, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        problems.add(&error.span().unwrap_or(0..0), error.message().to_owned());
    }
    let mut top = Table::new(table.get_ref(), "", 0..0);
    let mut read = ModelsFile::default();
    for (name, table) in top.tables("models", &mut problems) {
        if let Some(settings) = model(&name, table, keys, &mut problems) {
            read.models.insert(name, settings);
        }
    }
    let named: Vec<_> = top.tables("models", &mut Problems::default()).into_iter().map(|(name, _)| name).collect();
    for (name, table) in top.tables("agents", &mut problems) {
        read.agents.insert(name, agent(table, &named, &read.models, &mut problems));
    }
    for (name, table) in top.tables("prices", &mut problems) {
        if let Some(price) = price(table, &mut problems) {
            read.prices.insert(name, price);
        }
    }
    read.cache = top.table("cache", &mut problems).and_then(|table| cache(table, &mut problems));
    top.end(&mut problems);
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

fn model(
    name: &str,
    mut table: Table<'_, '_>,
    keys: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Option<ModelSettings> {
    let provider = required(&mut table, "provider", "\"openai\"", problems, |table, problems| {
        table.one_of("provider", &PROVIDERS, problems)
    });
    let model = required(&mut table, "model", "\"the provider's name of it\"", problems, |table, problems| {
        table.text("model", "the provider's name of it", problems)
    });
    let base_url = base_url(&mut table, problems);
    let key = key(&mut table, keys, problems);
    let mut settings = ModelSettings::new(name, provider.unwrap_or(Provider::OpenAi), "");
    settings.azure_api_version = table.text("azure_api_version", "2024-10-21", problems);
    settings.region = table.text("region", "eu-central-1", problems);
    if let Some(span_s) = table.whole("first_token_s", 1..=3600, problems) {
        settings.first_token = Duration::from_secs(span_s);
    }
    if let Some(span_s) = table.whole("whole_s", 1..=3600, problems) {
        settings.whole = Duration::from_secs(span_s);
    }
    settings.requests_per_minute =
        table.whole("requests_per_minute", 1..=1_000_000u32, problems).and_then(NonZeroU32::new);
    settings.tokens_per_minute =
        table.whole("tokens_per_minute", 1..=1_000_000_000u32, problems).and_then(NonZeroU32::new);
    if let Some(tokens) = table.whole("context_tokens", 1_000..=100_000_000u32, problems) {
        settings.context_tokens = tokens;
    }
    settings.structured = table.one_of("structured", &STRUCTURED, problems).unwrap_or_default();
    fitting(provider, base_url.is_some(), &settings, &table, problems);
    table.end(problems);
    Some(ModelSettings { provider: provider?, model: model?, base_url, key, ..settings })
}

fn required<'t, 'i, T>(
    table: &mut Table<'t, 'i>,
    key: &str,
    example: &str,
    problems: &mut Problems,
    read: impl FnOnce(&mut Table<'t, 'i>, &mut Problems) -> Option<T>,
) -> Option<T> {
    if table.place(key) == table.at() {
        table.missing(key, example, problems);
    }
    read(table, problems)
}

fn base_url(table: &mut Table<'_, '_>, problems: &mut Problems) -> Option<url::Url> {
    const EXAMPLE: &str = "http://127.0.0.1:11434/v1";
    let at = table.place("base_url");
    let text = table.text("base_url", EXAMPLE, problems)?;
    let refuse = |why: &str| format!("base_url {why}: write an http:// or https:// address such as {EXAMPLE:?}");
    match url::Url::parse(&text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            problems.add(&at, refuse("has a name or a password in it, which belong into key_env's variable"));
            None
        }
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
        Ok(_) => {
            problems.add(&at, refuse("is no address of a web server"));
            None
        }
        Err(why) => {
            problems.add(&at, refuse(&format!("is no address ({why})")));
            None
        }
    }
}

fn key(
    table: &mut Table<'_, '_>,
    keys: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Option<SecretString> {
    let at = table.place("key_env");
    let name = table.text("key_env", "OPENAI_API_KEY", problems)?;
    if !name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') {
        // It may be the key itself, which must not be shown.
        problems.add(&at, "key_env must be the name of a variable, such as \"OPENAI_API_KEY\", never the key itself");
        return None;
    }
    match keys(&name).filter(|key| !key.trim().is_empty()) {
        Some(key) => Some(SecretString::from(key.trim().to_owned())),
        None => {
            problems.add(&at, format!("the variable {name} is not set: set it to the key, or take key_env out"));
            None
        }
    }
}

/// What one key says about another.
fn fitting(
    provider: Option<Provider>,
    has_url: bool,
    settings: &ModelSettings,
    table: &Table<'_, '_>,
    problems: &mut Problems,
) {
    let Some(provider) = provider else { return };
    if settings.azure_api_version.is_some() && (provider != Provider::OpenAi || !has_url) {
        let why = "azure_api_version needs provider = \"openai\" and the resource's address as base_url";
        problems.add(&table.place("azure_api_version"), why);
    }
    if settings.region.is_some() && provider != Provider::Bedrock {
        problems.add(&table.place("region"), "region is only for provider = \"bedrock\": take it out");
    }
    if provider == Provider::Bedrock {
        for key in ["base_url", "key_env"] {
            if table.place(key) != table.at() {
                let why =
                    format!("{key} is not for provider = \"bedrock\", which takes AWS's own credentials: take it out");
                problems.add(&table.place(key), why);
            }
        }
    } else if provider == Provider::Anthropic && !has_url && table.place("key_env") == table.at() {
        table.missing("key_env", "\"ANTHROPIC_API_KEY\"", problems);
    } else if provider == Provider::OpenAi && !has_url && table.place("key_env") == table.at() {
        table.missing("key_env", "\"OPENAI_API_KEY\", or a base_url of a server that needs none", problems);
    }
    if settings.first_token > settings.whole {
        problems.add(
            &table.place("first_token_s"),
            "first_token_s is longer than whole_s: the first is a part of the other",
        );
    }
}

fn agent(
    mut table: Table<'_, '_>,
    named: &[String],
    models: &BTreeMap<String, ModelSettings>,
    problems: &mut Problems,
) -> AgentSettings {
    let mut settings = AgentSettings::default();
    let example = named.first().map_or("fast", String::as_str).to_owned();
    if table.place("models") == table.at() {
        table.missing("models", &format!("[{example:?}], or [] for none"), problems);
    }
    for (name, at) in table.list("models", &example, problems).unwrap_or_default() {
        if !named.contains(&name) {
            let known =
                if named.is_empty() { "there are none".into() } else { format!("there are {}", named.join(", ")) };
            problems.add(&at, format!("{name:?} is no model of this file: {known}"));
        }
        settings.models.push(name);
    }
    settings.temperature = table.number("temperature", 0.0..=2.0, problems);
    settings.top_p = table.number("top_p", 0.0..=1.0, problems);
    let smallest = settings.models.iter().filter_map(|name| Some(models.get(name)?.context_tokens)).min();
    if let Some(tokens) = table.whole("output_tokens_max", 16..=1_000_000u32, problems) {
        settings.output_tokens_max = tokens;
    }
    if let Some(context) = smallest.filter(|context| settings.output_tokens_max > context / 2) {
        let why = format!(
            "output_tokens_max is {}, more than half of the context of one of the models ({context}): lower it to {}",
            settings.output_tokens_max,
            context / 2
        );
        problems.add(&table.place("output_tokens_max"), why);
    }
    settings.tools =
        table.list("tools", "search", problems).unwrap_or_default().into_iter().map(|(name, _)| name).collect();
    if let Some(rounds) = table.whole("tool_rounds_max", 1..=50, problems) {
        settings.tool_rounds_max = rounds;
    }
    if let Some(tries) = table.whole("tries_max", 1..=10, problems) {
        settings.tries_max = tries;
    }
    settings.if_unusable = table.one_of("if_unusable", &IF_UNUSABLE, problems).unwrap_or_default();
    table.end(problems);
    settings
}

pub(in crate::mind) fn price_table(file: &str, text: &str) -> Result<BTreeMap<String, Price>, Problems> {
    let mut problems = Problems::of(file, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        problems.add(&error.span().unwrap_or(0..0), error.message().to_owned());
    }
    let mut top = Table::new(table.get_ref(), "", 0..0);
    let _as_of = top.text("as_of", "2026-11-01", &mut problems);
    let mut prices = BTreeMap::new();
    for (name, table) in top.tables("prices", &mut problems) {
        if let Some(price) = price(table, &mut problems) {
            prices.insert(name, price);
        }
    }
    top.end(&mut problems);
    if problems.is_empty() { Ok(prices) } else { Err(problems) }
}

fn price(mut table: Table<'_, '_>, problems: &mut Problems) -> Option<Price> {
    for key in ["in", "out"] {
        if table.place(key) == table.at() {
            table.missing(key, "3.0 (US dollars per million tokens)", problems);
        }
    }
    let input = table.number("in", 0.0..=10_000.0, problems);
    let output = table.number("out", 0.0..=10_000.0, problems);
    let cached = table.number("cached", 0.0..=10_000.0, problems);
    table.end(problems);
    Some(Price { input: input?, output: output?, cached: cached.or(input)? })
}

fn cache(mut table: Table<'_, '_>, problems: &mut Problems) -> Option<CacheSettings> {
    if table.place("expires_s") == table.at() {
        table.missing("expires_s", "3600", problems);
    }
    let expires_s = table.whole("expires_s", 1..=2_592_000u64, problems);
    let bytes_max = table.whole("bytes_max", 1_000_000..=10_000_000_000u64, problems).unwrap_or(64_000_000);
    table.end(problems);
    Some(CacheSettings { expires: Duration::from_secs(expires_s?), bytes_max })
}
