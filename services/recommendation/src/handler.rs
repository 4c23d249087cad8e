//! Owns the recommendation step: an analysis in, advice out.
//! Never decides what is advised: the rules do, and a model may word and rank it.
//! Next: `recommendations.made`; the join "result" takes it into `goal.completed`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::events::{AnalysisCompleted, RecommendationsMade};
use engine::Mind;
use runtime::{Handled, Handler, Step, StepError};

use crate::Config;

#[derive(Debug)]
pub struct Recommending {
    #[allow(dead_code, reason = "asked when there are models")]
    mind: Arc<Mind>,
}

impl Recommending {
    pub fn with(config: &Config) -> Recommending {
        Recommending { mind: Arc::clone(&config.mind) }
    }
}

#[async_trait]
impl Handler for Recommending {
    type Input = AnalysisCompleted;

    async fn handle(&self, _: AnalysisCompleted, _: &Step) -> Result<Handled, StepError> {
        Ok(Handled::emit(&RecommendationsMade { recommendations: vec![] }))
    }
}
