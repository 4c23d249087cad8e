//! Owns one question: what the sources say about it, word for word.
//! Never a summary that no quote stands behind.
//! Next: the join "evidence" takes what it brings into `research.completed`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::documents::{self, Gathered};
use contract::events::{Evidence, ResearchTaskRequested};
use engine::Mind;
use engine::corpus::Library;
use runtime::{Handled, Handler, Step, StepError};

use crate::Config;

#[derive(Debug)]
pub struct Task {
    #[allow(dead_code, reason = "asked when there are models")]
    mind: Arc<Mind>,
    #[allow(dead_code, reason = "asked when there are sources")]
    library: Arc<Library>,
}

impl Task {
    pub fn with(config: &Config) -> Task {
        Task { mind: Arc::clone(&config.mind), library: Arc::new(Library::new()) }
    }
}

#[async_trait]
impl Handler for Task {
    type Input = ResearchTaskRequested;

    async fn handle(&self, task: ResearchTaskRequested, step: &Step) -> Result<Handled, StepError> {
        let gathered = Gathered { question: task.question.clone(), ..Gathered::default() };
        let passages = Some(documents::put(&*step.artifacts, &gathered).await?);
        let summary = format!("no evidence found for {:?}", task.question);
        Ok(Handled::nothing().arriving(&Evidence { question: task.question, summary, passages }))
    }
}
