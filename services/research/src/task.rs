//! Owns one task: what the sources say about its question, word for word; or what one address says.
//! Never a summary that no quote stands behind.
//! Next: `gather` does the looking; the join "evidence" takes what it brings into `research.completed`.

use async_trait::async_trait;
use contract::documents::{self, Gathered};
use contract::events::{Evidence, ResearchTaskRequested};
use runtime::{Handled, Handler, Step, StepError};

use crate::{Config, gather};

#[derive(Debug)]
pub struct Task {
    config: Config,
}

impl Task {
    pub fn with(config: &Config) -> Task {
        Task { config: config.clone() }
    }
}

#[async_trait]
impl Handler for Task {
    type Input = ResearchTaskRequested;

    async fn handle(&self, task: ResearchTaskRequested, step: &Step) -> Result<Handled, StepError> {
        let gathered = gather::gathered(&self.config, &task, step).await?;
        let summary = summary(&gathered);
        let passages = Some(documents::put(&*step.artifacts, &gathered).await?);
        Ok(Handled::nothing().arriving(&Evidence { question: task.question, summary, passages }))
    }
}

fn summary(found: &Gathered) -> String {
    let (passages, tables) = (found.passages.len(), found.tables.len());
    if passages + tables == 0 {
        return format!("no evidence found for {:?}", found.question);
    }
    format!("{passages} passages and {tables} tables of {} sources", found.sources.len())
}
