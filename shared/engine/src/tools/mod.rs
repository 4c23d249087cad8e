//! Owns tools: what an agent may use beside its models, by name, from its own list.
//! Never a tool that is not on the list, whoever asks for it.
//! Next: `fetch` reads pages, `web` searches them; research uses both.

use std::fmt;

use async_trait::async_trait;
use contract::{Partner, PortError, Spend};
use serde_json::Value;

use crate::exchange::{Costing, Exchanges, Question};
use crate::model::ToolSpec;

/// Something that is asked by name, with arguments that fit its schema.
#[async_trait]
pub trait Tool: Send + Sync + fmt::Debug {
    fn spec(&self) -> ToolSpec;
    /// `key`: the same in every attempt of a step, for tools with effects of their own.
    async fn call(&self, arguments: Value, key: &str) -> Result<Value, PortError>;
}

/// The tools of one agent.
#[derive(Debug, Default)]
pub struct Toolbox(Vec<Box<dyn Tool>>);

impl Toolbox {
    pub fn of(tools: Vec<Box<dyn Tool>>) -> Toolbox {
        Toolbox(tools)
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
        let key = exchanges.place.key();
        let live = async || {
            let answer = tool.call(arguments, key).await?;
            Ok(Costing { answer, cost: Spend::default() })
        };
        exchanges.made(question, live).await
    }
}
