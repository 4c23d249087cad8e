//! Owns the writer's step: an analysis in, a proved report out.
//! Never publishes what the checker refuses.
//! Next: `report.written`; the join "result" takes it into `goal.completed`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::events::{AnalysisCompleted, ReportWritten};
use engine::Mind;
use runtime::{Handled, Handler, Step, StepError};

use crate::Config;

#[derive(Debug)]
pub struct Writer {
    #[allow(dead_code, reason = "asked when there are models")]
    mind: Arc<Mind>,
}

impl Writer {
    pub fn with(config: &Config) -> Writer {
        Writer { mind: Arc::clone(&config.mind) }
    }
}

#[async_trait]
impl Handler for Writer {
    type Input = AnalysisCompleted;

    async fn handle(&self, analysis: AnalysisCompleted, step: &Step) -> Result<Handled, StepError> {
        let text = format!("# {}\n\n{}\n", analysis.goal, analysis.summary);
        let report = step.artifacts.put(text.as_bytes(), "text/markdown; charset=utf-8").await?;
        let (title, summary) = (analysis.goal, analysis.summary);
        Ok(Handled::emit(&ReportWritten { title, summary, report, attachments: vec![] }))
    }
}
