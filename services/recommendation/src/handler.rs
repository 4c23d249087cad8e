//! Owns the recommendation step: an analysis in, advice out.
//! Never decides what is advised: the rules do, and a model may word and rank it.
//! Next: `recommendations.made`; the join "result" takes it into `goal.completed`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::documents::{self, Analysed};
use contract::events::{AnalysisCompleted, Recommendation, RecommendationsMade};
use engine::Mind;
use runtime::{Handled, Handler, Step, StepError};

use crate::offline::{self, Judged};
use crate::rules::Pack;
use crate::{Config, prompted};

/// What travels within the goal's result, beside the report's reference.
const MADE_BYTES_MAX: usize = 14 * 1024;

#[derive(Debug)]
pub struct Recommending {
    mind: Arc<Mind>,
    packs: Arc<Vec<Pack>>,
}

impl Recommending {
    pub fn with(config: &Config) -> Recommending {
        Recommending { mind: Arc::clone(&config.mind), packs: Arc::clone(&config.packs) }
    }
}

#[async_trait]
impl Handler for Recommending {
    type Input = AnalysisCompleted;

    async fn handle(&self, analysis: AnalysisCompleted, step: &Step) -> Result<Handled, StepError> {
        let analysed = match &analysis.details {
            Some(details) => documents::get(&*step.artifacts, details).await?,
            None => Analysed { goal: analysis.goal, ..Analysed::default() },
        };
        let (packs, facts) = (Arc::clone(&self.packs), analysed.clone());
        // Rules look through all rows and sentences, and the executor has other deliveries.
        let judged = tokio::task::spawn_blocking(move || offline::judged(&packs, facts)).await;
        let judged = judged.map_err(|died| StepError::permanent(format!("the rules broke off: {died}")))?;
        let judged = prompted::refined(&self.mind.at(step), judged, &analysed).await?;
        Ok(Handled::emit(&made(judged)))
    }
}

/// As much of it as may travel, the most important first.
fn made(judged: Judged) -> RecommendationsMade {
    let recommendations: Vec<Recommendation> = judged.advice.into_iter().map(|advice| advice.recommendation).collect();
    let mut made = RecommendationsMade { recommendations, notes: judged.notes };
    while serde_json::to_vec(&made).is_ok_and(|bytes| bytes.len() > MADE_BYTES_MAX)
        && made.recommendations.pop().is_some()
    {}
    made
}
