//! Owns what is proved of the models file: all problems at once, each with its place; keys only from their variables.
//! Never a model that is asked: only what would be made of the file.
//! Next: `docs/models.md` describes the file, `docs/models.example.toml` is one.
#![allow(clippy::unwrap_used, reason = "what a test cannot make is a test that fails")]

use std::collections::BTreeMap;

use contract::PortError;
use engine::Mind;
use engine::mind::config::Provider;
use engine::mind::{Make, MakeOne};
use engine::model::{Hearing, Model, Reply, Request};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/models.example.toml");

#[derive(Debug)]
struct Made(String);

#[async_trait::async_trait]
impl Model for Made {
    fn name(&self) -> &str {
        &self.0
    }
    async fn reply(&self, _: &Request, _: Hearing<'_>) -> Result<Reply, PortError> {
        Err(PortError::permanent("never asked here"))
    }
}

/// Makes of every setting a model that is never asked.
fn made(agent: &str, path: &str) -> Result<Mind, String> {
    let make: &MakeOne =
        &|settings| Ok(std::sync::Arc::new(Made(format!("{}/{}", settings.provider.name(), settings.model))));
    let makers = [Provider::Anthropic, Provider::OpenAi, Provider::Bedrock].map(|provider| Make { provider, make });
    Mind::of_with(agent, &BTreeMap::from([("MURMUR_MODELS", path.to_owned())]), &makers)
}

fn of_text(text: &str) -> Result<Mind, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("models.toml");
    std::fs::write(&path, text).unwrap();
    made("analysis", path.to_str().unwrap()).map_err(|why| why.replace(path.to_str().unwrap(), "models.toml"))
}

#[test]
fn without_the_variable_an_agent_is_offline() {
    assert!(Mind::of("analysis", &BTreeMap::new()).unwrap().is_offline());
}

#[test]
fn a_file_that_is_not_there_is_named_with_what_to_do() {
    let why = made("analysis", "/nowhere/models.toml").unwrap_err();
    assert!(why.contains("/nowhere/models.toml") && why.contains("docs/models.example.toml"), "{why}");
}

#[test]
fn all_problems_are_listed_at_once_each_with_its_place_and_what_would_do() {
    let why = of_text(
        r#"
[models.fast]
provider = "opnai"
modle = "gpt-5-mini"
base_url = "https://me:secret@host.example/v1"
key_env = "sk-this-is-a-key-and-not-a-name"
whole_s = 0
structured = "yes"

[models.strong]
provider = "anthropic"
model = "claude-sonnet-4-5"
key_env = "MURMUR_TEST_NO_SUCH_VARIABLE"
first_token_s = 400

[agents.analysis]
models = ["strong", "slow"]
temperature = 3
if_unusable = "panic"

[prices."x/y"]
in = "free"

[agent.writer]
"#,
    )
    .unwrap_err();
    for part in [
        "15 problems",
        "models.toml:3:12: models.fast.provider is \"opnai\": it must be \"anthropic\" or \"openai\" or \"bedrock\"",
        "models.toml:4:1: models.fast: \"modle\" is unknown: is model meant?",
        "models.toml:2:9: models.fast has no model: write model = ",
        "base_url has a name or a password in it",
        "key_env must be the name of a variable",
        "models.fast.whole_s is 0: it must be a whole number from 1 to 3600",
        "models.fast.structured is \"yes\": it must be \"native\" or \"json\" or \"prompt\"",
        "the variable MURMUR_TEST_NO_SUCH_VARIABLE is not set",
        "first_token_s is longer than whole_s",
        "\"slow\" is no model of this file: there are fast, strong",
        "agents.analysis.temperature is 3: it must be a number from 0 to 2",
        "agents.analysis.if_unusable is \"panic\": it must be \"offline\" or \"park\"",
        "prices.x/y.in is \"free\"",
        "prices.x/y has no out",
        "models.toml:24:2: \"agent\" is unknown: is agents meant?",
    ] {
        assert!(why.contains(part), "{part}\nis not in\n{why}");
    }
    assert!(!why.contains("secret@") && !why.contains("sk-this"), "{why}");
}

#[test]
fn broken_toml_is_a_problem_with_a_place() {
    let why = of_text("[models.fast]\nprovider = \n").unwrap_err();
    assert!(why.contains("models.toml:2:"), "{why}");
}

#[test]
fn what_fits_nowhere_else_is_refused_too() {
    for (text, part) in [
        ("[models.a]\nprovider=\"bedrock\"\nmodel=\"m\"\nkey_env=\"PATH\"", "takes AWS's own credentials"),
        ("[models.a]\nprovider=\"openai\"\nmodel=\"m\"", "has no key_env"),
        ("[models.a]\nprovider=\"anthropic\"\nmodel=\"m\"", "ANTHROPIC_API_KEY"),
        ("[models.a]\nprovider=\"openai\"\nmodel=\"m\"\nkey_env=\"PATH\"\nregion=\"x\"", "only for provider"),
        ("[models.a]\nprovider=\"openai\"\nmodel=\"m\"\nkey_env=\"PATH\"\nazure_api_version=\"x\"", "as base_url"),
        ("models = 1", "it must be tables"),
        ("[models]\na = 1", "write [models.a]"),
        ("[agents.analysis]\ntemperature = 1.0", "has no models"),
        ("[cache]\nexpires_s = 1.5", "whole number"),
        (
            "[models.a]\nprovider=\"openai\"\nmodel=\"m\"\nkey_env=\"PATH\"\ncontext_tokens=4000\n\
             [agents.analysis]\nmodels=[\"a\"]\noutput_tokens_max=3000",
            "lower it to 2000",
        ),
    ] {
        let why = of_text(text).unwrap_err();
        assert!(why.contains(part), "{part}\nis not in\n{why}");
    }
}

#[test]
fn the_example_is_a_file_that_works_once_its_keys_are_set() {
    let text = std::fs::read_to_string(EXAMPLE).unwrap();
    let text =
        text.replace("ANTHROPIC_API_KEY", "PATH").replace("OPENAI_API_KEY", "PATH").replace("AZURE_OPENAI_KEY", "PATH");
    assert!(!of_text(&text).unwrap().is_offline());
}

#[test]
fn an_agent_that_the_file_does_not_name_or_gives_no_models_is_offline() {
    let model = "[models.a]\nprovider=\"openai\"\nmodel=\"gpt-5\"\nbase_url=\"http://127.0.0.1:1/v1\"\n";
    for agents in ["", "[agents.writer]\nmodels=[\"a\"]", "[agents.analysis]\nmodels=[]"] {
        assert!(of_text(&format!("{model}{agents}")).unwrap().is_offline(), "{agents}");
    }
    assert!(!of_text(&format!("{model}[agents.analysis]\nmodels=[\"a\"]")).unwrap().is_offline());
}
