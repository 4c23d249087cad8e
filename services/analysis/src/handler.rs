//! Owns the analysis step: evidence in, findings out, the whole of it as an artifact.
//! Never decides what the evidence means: `offline` does by computing, `prompted` by asking a model.
//! Next: `analysis.completed`.

use async_trait::async_trait;
use contract::artifact::{ArtifactError, fetch};
use contract::documents;
use contract::events::{ArrivalStatus, Arrived, Evidence as Brought, ResearchCompleted};
use contract::{Artifacts, PortError};
use engine::Mind;
use runtime::{Handled, Handler, Step, StepError};

use crate::offline::{self, Evidence};
use crate::{event, prompted};

#[derive(Debug)]
pub struct Analysis {
    mind: Mind,
}

impl Analysis {
    /// What it thinks with is all that it has of the environment.
    pub fn with(mind: Mind) -> Analysis {
        Analysis { mind }
    }
}

#[async_trait]
impl Handler for Analysis {
    type Input = ResearchCompleted;

    async fn handle(&self, research: ResearchCompleted, step: &Step) -> Result<Handled, StepError> {
        let gathered = evidence(&research, &*step.artifacts).await?;
        let evidence = Evidence { now: step.event.time, ..gathered };
        let head = research.head;
        // Hundreds of sentences and rows are compared: the executor has other deliveries, and a lease to renew.
        let computed = tokio::task::spawn_blocking(move || offline::analysed(&head, evidence)).await;
        let computed = computed.map_err(|died| StepError::permanent(format!("computing broke off: {died}")))?;
        let analysed = prompted::refined(&self.mind.at(step), computed).await?;
        let details = documents::put(&*step.artifacts, &analysed).await?;
        Ok(Handled::emit(&event::event(&analysed, details)))
    }
}

/// What every task brought, in the order of the questions, and which questions are without an answer.
async fn evidence(research: &ResearchCompleted, artifacts: &dyn Artifacts) -> Result<Evidence, PortError> {
    let mut brought = vec![];
    for arrived in research.arrived.iter().filter(|arrived| arrived.status == ArrivalStatus::Ok) {
        brought.extend(read(arrived, artifacts).await?);
    }
    let questions = &research.head.questions;
    let turn = |question: &str| questions.iter().position(|asked| asked == question).unwrap_or(questions.len());
    brought.sort_by_key(|evidence| turn(&evidence.question));
    let mut all = Evidence::default();
    for evidence in &brought {
        if let Some(passages) = &evidence.passages {
            all.gathered.push(documents::get(artifacts, passages).await?);
        }
    }
    let came = |question: &String| {
        brought.iter().any(|evidence| evidence.question == *question && evidence.passages.is_some())
    };
    all.late = questions.iter().filter(|question| !came(question)).cloned().collect();
    Ok(all)
}

async fn read(arrived: &Arrived, artifacts: &dyn Artifacts) -> Result<Option<Brought>, PortError> {
    let read = |why: serde_json::Error| {
        PortError::permanent(format!("what task {} brought is no evidence: {why}", arrived.member))
    };
    match (&arrived.data, &arrived.reference) {
        (Some(data), _) => serde_json::from_value(data.clone()).map(Some).map_err(read),
        (None, Some(reference)) => {
            let bytes = fetch(artifacts, reference).await.map_err(|error| match error {
                ArtifactError::Port(error) => error,
                changed => PortError::permanent(changed.to_string()),
            })?;
            serde_json::from_slice(&bytes).map(Some).map_err(read)
        }
        (None, None) => Ok(None),
    }
}
