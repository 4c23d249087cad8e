//! Owns tools: what an agent may use beside its models, by name, from its own list.
//! Never a tool that is not on the list, whoever asks for it.
//! Next: `fetch` reads pages, `web` searches them; research uses both.

pub mod fetch;
pub mod web;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use contract::{Partner, PortError, Spend, Workplace};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use crate::exchange::{Costing, Exchanges, Question};
use crate::model::ToolSpec;

/// The `MURMUR_*` variables of an agent that reads the web.
pub const VARIABLES: &[&str] = &[
    "MURMUR_FETCH_ALLOW",
    "MURMUR_FETCH_BYTES_MAX",
    "MURMUR_FETCH_CACHE_S",
    "MURMUR_FETCH_EVERY_MS",
    "MURMUR_FETCH_PORTS",
    "MURMUR_FETCH_PROXY",
    "MURMUR_FETCH_TIMEOUT_S",
    "MURMUR_SEARCH",
    "MURMUR_SEARCH_EVERY_MS",
    "MURMUR_SEARCH_KEY",
    "MURMUR_SEARCH_RESULTS",
    "MURMUR_SEARCH_URL",
];

/// What these variables say that nobody may read: a key, and the passwords of addresses.
pub fn secrets(own: &BTreeMap<&'static str, String>) -> Vec<SecretString> {
    let password = |name| Url::parse(own.get(name)?).ok()?.password().map(str::to_owned);
    let addresses = ["MURMUR_SEARCH_URL", "MURMUR_FETCH_PROXY"].into_iter().filter_map(password);
    own.get("MURMUR_SEARCH_KEY").cloned().into_iter().chain(addresses).map(SecretString::from).collect()
}

/// Something that is asked by name, with arguments that fit its schema.
#[async_trait]
pub trait Tool: Send + Sync + fmt::Debug {
    fn spec(&self) -> ToolSpec;
    /// A tool with effects of its own takes the place's key, which is the same in every attempt of a step.
    async fn call(&self, arguments: Value, place: &dyn Workplace) -> Result<Value, PortError>;
}

/// The tools of one agent.
#[derive(Debug, Default)]
pub struct Toolbox(Vec<Box<dyn Tool>>);

impl Toolbox {
    pub fn of(tools: Vec<Box<dyn Tool>>) -> Toolbox {
        Toolbox(tools)
    }

    /// Fetching, and searching if a provider is named, as the variables say; all problems at once.
    pub fn of_the_web(own: &BTreeMap<&'static str, String>) -> Result<Toolbox, String> {
        let (fetch, search) = (fetch::Settings::of(own), web::Settings::of(own));
        match (fetch, search) {
            (Ok(fetch), Ok(search)) => {
                let mut tools: Vec<Box<dyn Tool>> = vec![Box::new(fetch::Fetch::of(fetch))];
                tools.extend(search.map(|settings| Box::new(web::WebSearch::of(settings)) as Box<dyn Tool>));
                Ok(Toolbox(tools))
            }
            (fetch, search) => {
                let problems = fetch.err().into_iter().chain(search.err()).flatten();
                Err(problems.collect::<Vec<_>>().join("\n"))
            }
        }
    }

    /// Whether there is a tool of that name.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|tool| tool.spec().name == name)
    }

    pub fn specs(&self) -> Vec<ToolSpec> {
        self.0.iter().map(|tool| tool.spec()).collect()
    }

    /// Uses a tool of this list, through the step's exchanges.
    pub async fn call(&self, exchanges: &Exchanges<'_>, name: &str, arguments: Value) -> Result<Value, PortError> {
        let Some(tool) = self.0.iter().find(|tool| tool.spec().name == name) else {
            return Err(PortError::permanent(format!("{name:?} is not among this agent's tools")));
        };
        let question =
            Question { with: Partner::Tool, name: name.to_owned(), request: arguments.clone(), prompt: None };
        let live = async || {
            let answer = tool.call(arguments, exchanges.place).await?;
            Ok(Costing { answer, cost: Spend::default() })
        };
        exchanges.made(question, live).await
    }
}
