//! Owns a fifth agent, whole: it reads every analysis, and says which findings are worth a second look.
//! Never touches the other four: their topology is extended here, and none of them hears of it.
//! Next: `main.rs` starts it; `tests/world.rs` tries it beside the four; docs/authors.md explains.

use async_trait::async_trait;
use contract::events::{AnalysisCompleted, Finding};
use contract::topology::{Row, Topology};
use contract::{EventData, EventType};
use runtime::{Handled, Handler, Step, StepError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which findings of an analysis a person should look at again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FactsChecked {
    pub findings: usize,
    /// Statements that nothing supports, or that something contradicts.
    pub doubtful: Vec<String>,
}

impl EventData for FactsChecked {
    const TYPE: EventType = EventType::new("facts.checked");

    fn example() -> FactsChecked {
        FactsChecked { findings: 7, doubtful: vec!["Nobody charges for messages.".into()] }
    }
}

/// The four agents' choreography, and one row more.
pub fn topology() -> Topology {
    Topology::murmuration()
        .with_result::<FactsChecked>()
        .with_row(Row::new("fact-check").consumes::<AnalysisCompleted>().emits::<FactsChecked>())
}

#[derive(Debug)]
pub struct FactCheck;

#[async_trait]
impl Handler for FactCheck {
    type Input = AnalysisCompleted;

    async fn handle(&self, analysis: AnalysisCompleted, _: &Step) -> Result<Handled, StepError> {
        let in_doubt = |finding: &&Finding| finding.supporting.is_empty() || !finding.contradicting.is_empty();
        let doubtful = analysis.findings.iter().filter(in_doubt).map(|finding| finding.statement.clone()).collect();
        Ok(Handled::emit(&FactsChecked { findings: analysis.findings.len(), doubtful }))
    }
}
