//! Owns the analysis step: evidence in, findings out, the whole of it as an artifact.
//! Never decides what the evidence means: `offline` does by computing, `prompted` by asking a model.
//! Next: `analysis.completed`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::documents::{self, Gathered};
use contract::events::{AnalysisCompleted, ArrivalStatus, Evidence, Finding, ResearchCompleted};
use contract::{Artifacts, PortError};
use engine::Mind;
use runtime::{Handled, Handler, Step, StepError};

use crate::{Config, offline};

#[derive(Debug)]
pub struct Analysis {
    #[allow(dead_code, reason = "asked when there are models")]
    mind: Arc<Mind>,
}

impl Analysis {
    pub fn with(config: &Config) -> Analysis {
        Analysis { mind: Arc::clone(&config.mind) }
    }
}

#[async_trait]
impl Handler for Analysis {
    type Input = ResearchCompleted;

    async fn handle(&self, research: ResearchCompleted, step: &Step) -> Result<Handled, StepError> {
        let gathered = gathered(&research, &*step.artifacts).await?;
        let analysed = offline::analysed(&research.head, gathered);
        let findings = analysed.findings.iter().map(|found| Finding {
            statement: found.statement.clone(),
            confidence: found.confidence,
            reason: found.reason.clone(),
            supporting: found.supporting.iter().map(|support| support.passage.to_string()).collect(),
            contradicting: found.contradicting.iter().map(|support| support.passage.to_string()).collect(),
        });
        Ok(Handled::emit(&AnalysisCompleted {
            goal: analysed.goal.clone(),
            summary: analysed.summary.clone(),
            findings: findings.collect(),
            details: Some(documents::put(&*step.artifacts, &analysed).await?),
        }))
    }
}

/// What every task brought, in the order of the arrivals.
async fn gathered(research: &ResearchCompleted, artifacts: &dyn Artifacts) -> Result<Vec<Gathered>, PortError> {
    let mut all = vec![];
    for arrived in research.arrived.iter().filter(|arrived| arrived.status == ArrivalStatus::Ok) {
        let Some(data) = arrived.data.clone() else { continue };
        let evidence: Evidence = serde_json::from_value(data).map_err(|why| PortError::permanent(why.to_string()))?;
        if let Some(passages) = evidence.passages {
            all.push(documents::get(artifacts, &passages).await?);
        }
    }
    Ok(all)
}
