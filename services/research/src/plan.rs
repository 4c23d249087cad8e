//! Owns the plan: which questions a goal falls into, each a task of its own on any replica.
//! Never answers one.
//! Next: `task`; the join "evidence" waits for all of them.

use std::sync::Arc;

use async_trait::async_trait;
use contract::events::{GoalRequested, ResearchHead, ResearchTaskRequested};
use engine::Mind;
use runtime::{Handled, Handler, Open, Step, StepError};

use crate::Config;

#[derive(Debug)]
pub struct Plan {
    #[allow(dead_code, reason = "asked when there are models")]
    mind: Arc<Mind>,
}

impl Plan {
    pub fn with(config: &Config) -> Plan {
        Plan { mind: Arc::clone(&config.mind) }
    }
}

#[async_trait]
impl Handler for Plan {
    type Input = GoalRequested;

    async fn handle(&self, goal: GoalRequested, _: &Step) -> Result<Handled, StepError> {
        let questions = vec![goal.goal.clone()];
        let mut handled = Handled::nothing();
        for question in &questions {
            let (collections, sources) = (goal.collections.clone(), goal.sources.clone());
            handled = handled.and_emit(&ResearchTaskRequested { question: question.clone(), collections, sources });
        }
        Ok(handled.opening(Open::join("evidence", &ResearchHead { goal: goal.goal, questions })))
    }
}
